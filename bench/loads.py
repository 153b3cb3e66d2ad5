"""The loads: what is asked of each server, and how one run of load.c becomes figures."""

from __future__ import annotations

import json
import select
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench import conversations, install, machine
from bench.servers import Failed, Running

WARM_CLIENTS = 500  # that come and are dropped first, so that first-use costs do not count
MOST_SOCKETS = 20_000
RUN_SECONDS = 200  # load.c has bounds of its own on every phase; this is the bound around them
SETTLE_SECONDS = 6

# Below these shares of a core neither side was at its limit, so somebody else had the cores.
SERVER_BUSY, GENERATOR_BUSY, GENERATOR_CPU = 0.90, 0.95, 0.90


@dataclass(frozen=True)
class Load:
    """One question. `figure` is what its number means; `better` is "more" or "less". `baseline`: the load
    whose figure of the peers' it is compared with; None: this one."""

    key: str
    title: str
    figure: str
    unit: str
    better: str = "more"
    arguments: tuple[str, ...] = ()
    mode: str = "relay"  # of load.c
    rounds: int | None = None  # no more than so many, where the figure hardly scatters
    baseline: str | None = None
    half_of: str | None = None  # the load of which half the rate is sent, measured before in the round
    sockets: int = 0  # that are held at its end; 0: `arguments` say how many
    value: str = "rate"  # of load.c's figures, the one that is asked for
    fills_server: bool = True  # it has work all the time; False: it may wait for the disk, or for what comes
    fill: Callable[[str], object] = lambda url: None  # called with the URL of our server's database, before its start


CHATS = ("chats received per second", "/s")
ACKS = ("acks per second", "/s")
BACK = ("upgrades with init per second", "/s")
OTHERS = ("--others", "20", "--rate", "200", "--ack")
LOADS = (
    Load("1", "100 clients, 1 message in flight each", *CHATS,
         arguments=("--clients", "100", "--window", "1")),
    Load("16", "100 clients, 16 messages in flight each", *CHATS,
         arguments=("--clients", "100", "--window", "16")),
    Load("2000", "2,000 clients, 1 message in flight each", *CHATS,
         arguments=("--clients", "2000", "--window", "1")),
    Load("back", "Coming back, 50 at a time", *BACK,
         mode="back", sockets=4_000, arguments=("--concurrency", "50"), fill=conversations.fill),
    Load("storm", "Coming back, 10,000 at once", *BACK, fills_server=False,
         mode="back", sockets=10_000, arguments=("--concurrency", "10000"), fill=conversations.fill),
    Load("storm-others", "Meanwhile 20 others write, stored and acknowledged",
         "99th percentile of latency", "us", better="less", fills_server=False,
         mode="back", sockets=10_000, arguments=("--concurrency", "10000", *OTHERS), fill=conversations.fill,
         value="others_p99_us"),
    Load("idle", "10,000 idle clients", "memory per socket", "bytes", better="less",
         mode="idle", sockets=10_000, rounds=2),
    Load("idle-sync", "10,000 idle clients that say sync", "memory per socket", "bytes", better="less",
         mode="idle", sockets=10_000, rounds=2, arguments=("--sync",), baseline="idle"),
    Load("idle-20000", "20,000 idle clients", "memory per socket", "bytes", better="less",
         mode="idle", sockets=MOST_SOCKETS, rounds=1, baseline="idle"),
    Load("ack1", "Stored and acknowledged, 100 clients, 1 in flight each", *ACKS, baseline="1", fills_server=False,
         arguments=("--clients", "100", "--window", "1", "--ack")),
    Load("ack16", "Stored and acknowledged, 100 clients, 16 in flight each", *ACKS, baseline="16", fills_server=False,
         arguments=("--clients", "100", "--window", "16", "--ack")),
    Load("ack2000", "Stored and acknowledged, 2,000 clients, 1 in flight each", *ACKS, baseline="2000", fills_server=False,
         arguments=("--clients", "2000", "--window", "1", "--ack")),
    Load("half", "Stored and acknowledged, at half the rate of 1 in flight",
         "99th percentile of latency", "us", better="less", half_of="ack1",
         arguments=("--clients", "100", "--ack"), value="p99_us", fills_server=False),
)  # fmt: skip


def find(keys: list[str] | None) -> list[Load]:
    """The loads of those keys; all when None."""
    if keys is None:
        return list(LOADS)
    known = {load.key for load in LOADS}
    if unknown := set(keys) - known:
        raise Failed(f"no load {sorted(unknown)[0]!r}; there are {', '.join(sorted(known))}")
    return [load for load in LOADS if load.key in keys]


@dataclass(frozen=True)
class Generator:
    """load.c on its core, for so long a warm-up and window."""

    core: int
    warmup: float
    seconds: float
    share: float = 1.0  # of a load's sockets; a short try has fewer

    def measure(self, load: Load, target: Running, rate: float | None = None) -> dict[str, Any]:
        """Put the load on a server that runs; give load.c's figures and `value`, the one asked for.

        Args:
            rate: messages a second to send, whatever comes back; None: as fast as they are answered.

        Raises:
            Failed: load.c found something wrong: a lost message, an error event, a lost socket.
        """
        times = ["--warmup", str(self.warmup), "--seconds", str(self.seconds)]
        if load.sockets:
            sockets = machine.most_sockets(int(load.sockets * self.share))
            self._run(target, ["--mode", "back", "--clients", str(WARM_CLIENTS)])
            arguments = ["--mode", load.mode, *load.arguments, "--clients", str(sockets)]
            if load.mode == "idle":
                return self._idle(target, arguments, sockets)
            result = self._run(target, [*arguments, *times])
        else:
            pace = ["--rate", str(int(rate))] if rate else []
            result = self._run(target, [*load.arguments, *pace, *times])
        result["value"] = result[load.value]
        result["server_share"] = result["server_cpu"] / result["seconds"]
        result["generator_share"] = result["generator_busy"] / result["seconds"]
        result["per_cpu_second"] = result["messages"] / max(result["server_cpu"], 0.01)
        return result

    def _command(self, target: Running, arguments: list[str]) -> list[str]:
        program = ["taskset", "-c", str(self.core), str(install.PEERS / "load")]
        where = ["--port", str(target.port), "--pid", str(target.pid)]
        return [*program, *where, *target.server.flags, *arguments]

    def _run(self, target: Running, arguments: list[str]) -> dict[str, Any]:
        command = self._command(target, arguments)
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_SECONDS)
        except subprocess.TimeoutExpired:
            raise Failed(f"no end after {RUN_SECONDS} s") from None
        return _result(done.stdout, done.stderr)

    def _idle(self, target: Running, arguments: list[str], sockets: int) -> dict[str, Any]:
        before = _settled_rss(target)
        process = subprocess.Popen(
            self._command(target, arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            ready, _, _ = select.select([process.stdout], [], [], RUN_SECONDS)
            first = process.stdout.readline() if ready else ""
            grown = _settled_rss(target) - before if '"open"' in first else 0
            rest, errors = process.communicate(timeout=30)  # closes its input: it lets go
        finally:
            process.kill()
            process.wait()
        result = _result(rest or first, errors)
        return result | {"value": grown / sockets, "sockets": sockets, "rss_before": before, "rss_growth": grown}


def is_disturbed(load: Load, result: dict[str, Any]) -> bool:
    """Return whether others used the cores: seen in /proc/stat, or since neither side had a full one.

    The generator polls without sleeping, so CPU time that it did not get went to somebody else, perhaps to a guest of
    the host that /proc/stat does not know of.
    """
    if load.mode == "idle":  # memory is the same, however long it takes
        return False
    if result["steal"] > machine.STOLEN or result["others"] > machine.CALM_BUSY:
        return True
    robbed = bool(result["generator_cpu"] / result["seconds"] < GENERATOR_CPU)
    if not load.fills_server:
        return robbed
    limit = result["generator_share"] >= GENERATOR_BUSY
    return result["server_share"] < SERVER_BUSY and (robbed or not limit)


def _result(output: str, errors: str) -> dict[str, Any]:
    lines = output.strip().splitlines()
    if not lines:
        raise Failed(f"load.c said nothing: {errors.strip()[-200:]}")
    result: dict[str, Any] = json.loads(lines[-1])
    if not result["ok"]:
        raise Failed(result["problem"])
    return result


def _settled_rss(target: Running) -> int:
    """The memory once it stands still: within 0.2 % for a second, or after SETTLE_SECONDS."""
    last, still_since, end = 0, time.monotonic(), time.monotonic() + SETTLE_SECONDS
    while (now := time.monotonic()) < end and now - still_since < 1:
        rss = target.rss_bytes()
        if abs(rss - last) > rss * 0.002:
            last, still_since = rss, now
        time.sleep(0.1)
    return target.rss_bytes()
