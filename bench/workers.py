"""`python -m bench.workers`: what a second worker brings, and what the bus costs, in CPU time.

Two workers, Redis, PostgreSQL and the generator want more cores than the two that the benchmark asks for, so a rate
would measure the scheduler. CPU time does not: a worker can serve as many messages as fit into its core's seconds. One
worker's capacity is messages per second of its CPU time, two workers' is messages per CPU second of the busier one.
Half of the pairs lie on two workers, as chance would have it. All servers take turns within a round.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine

from bench import install, machine, servers
from bench.servers import Failed, Running
from chat.storage import migrate
from tests.postgres import Postgres
from tests.redis import Redis

ROUNDS, WARMUP_SECONDS, SECONDS = 5, 1.0, 4.0
RUN_SECONDS = 60
CHATS, ACKS = ("--clients", "100", "--window", "16"), ("--clients", "100", "--window", "16", "--ack")


@dataclass(frozen=True)
class Setup:
    """Which server, how many workers of it, whether with the bus, and how it is loaded."""

    key: str
    title: str
    server: str
    workers: int
    has_bus: bool
    arguments: tuple[str, ...] = CHATS


SETUPS = (
    Setup("relay", "relaying, one worker, no bus", "relaying", 1, False),
    Setup("relay-bus", "relaying, one worker, bus", "relaying", 1, True),
    Setup("relay-two", "relaying, two workers", "relaying", 2, True),
    Setup("store", "stored, one worker, no bus", "ours", 1, False, ACKS),
    Setup("store-bus", "stored, one worker, bus", "ours", 1, True, ACKS),
    Setup("store-two", "stored, two workers", "ours", 2, True, ACKS),
    Setup("socketio", "Socket.IO, one process", "socketio", 1, True),
    Setup("socketio-two", "Socket.IO, two processes", "socketio", 2, True),
)

# What is compared, of the same round: the first's capacity to the second's.
RATIOS = (
    ("two workers to one, relaying", "relay-two", "relay-bus"),
    ("two workers to one without a bus, relaying", "relay-two", "relay"),
    ("two workers to one, stored", "store-two", "store-bus"),
    ("the bus with one worker, relaying", "relay-bus", "relay"),
    ("the bus with one worker, stored", "store-bus", "store"),
    ("two workers to two Socket.IO, relaying", "relay-two", "socketio-two"),
    ("two Socket.IO to one", "socketio-two", "socketio"),
)


@dataclass(frozen=True)
class Others:
    """What stands beside the workers."""

    redis: Redis
    postgres: Postgres

    def environment(self, setup: Setup, database: str) -> dict[str, str]:
        bus = {"CHAT_BUS_URL": self.redis.url} if setup.has_bus else {}
        return {"CHAT_DATABASE_URL": database} | bus


def main() -> int:
    """Run; print each setup's figures and the ratios' medians."""
    parser = argparse.ArgumentParser(prog="bench.workers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--only", default=",".join(setup.key for setup in SETUPS), help="keys of setups")
    options = parser.parse_args()
    wanted = [setup for setup in SETUPS if setup.key in options.only.split(",")]
    try:
        _check_installed()
        install.compile_c("load")
        install.node_peers()
        capacities = _measure(wanted, options.rounds, machine.two_cores())
    except (install.Missing, Failed) as problem:
        print(f"bench.workers: {problem}", file=sys.stderr)
        return 1
    print()
    for title, one, other in RATIOS:
        if one in capacities and other in capacities:
            ratios = [a / b for a, b in zip(capacities[one], capacities[other], strict=True)]
            print(f"{title:<46} {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})")
    return 0


def _check_installed() -> None:
    install.check_machine()
    for tool, package in ((Redis, "redis-server"), (Postgres, "postgresql")):
        if not tool.is_installed():
            raise install.Missing(f"{package} is missing. On Debian: apt-get install {package}")


def _measure(setups: list[Setup], rounds: int, cores: tuple[int, int]) -> dict[str, list[float]]:
    """Return the capacities of each setup, one of each round."""
    found: dict[str, list[float]] = {setup.key: [] for setup in setups}
    with tempfile.TemporaryDirectory(prefix="bench-", dir=install.PEERS) as folder, _others(Path(folder)) as others:
        for number in range(rounds):
            for setup in setups:
                database = others.postgres.create_database(f"bench_{number}_{setup.key.replace('-', '_')}")
                _make_tables(database)
                with _running(setup, others.environment(setup, database), others.redis, cores) as targets:
                    result = _load(setup, targets)
                capacity = result["messages"] / max(result["server_cpu"], result["other_cpu"])
                found[setup.key].append(capacity)
                shares = [result[name] / result["messages"] * 1e6 for name in ("server_cpu", "other_cpu")]
                print(
                    f"round {number + 1}/{rounds}  {setup.title:<30} {capacity:>8,.0f} a CPU second of the busier worker; "
                    f"{shares[0]:.1f} + {shares[1]:.1f} us a message; {result['rate']:,.0f}/s here",
                    flush=True,
                )
    return found


@contextlib.contextmanager
def _others(folder: Path) -> Iterator[Others]:
    redis, postgres = Redis(), Postgres(folder, is_durable=True)
    redis.start()
    try:
        postgres.start()
        try:
            yield Others(redis, postgres)
        finally:
            postgres.stop()
    finally:
        redis.stop()


def _make_tables(url: str) -> None:
    engine = create_engine(url)
    try:
        migrate.upgrade(engine)
    finally:
        engine.dispose()


@contextlib.contextmanager
def _running(
    setup: Setup, environment: dict[str, str], redis: Redis, cores: tuple[int, int]
) -> Iterator[list[Running]]:
    """Start the workers, each a server of its own port on a core of its own."""
    if setup.server == "socketio":
        (server,) = servers.find(["socketio"])
        script = str(install.SOURCES / "node_socketio_redis.js")
        server = replace(server, command=lambda port: ["node", script, str(port), redis.url])
    else:
        (server,) = servers.find([setup.server])
        server = replace(server, environment=environment)
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(servers.running(server, core)) for core in cores[: setup.workers]]


def _load(setup: Setup, targets: list[Running]) -> dict[str, Any]:
    first, *rest = targets
    where = ["--port", str(first.port), "--pid", str(first.pid)]
    for other in rest:
        where += ["--other-port", str(other.port), "--other-pid", str(other.pid)]
    times = ["--warmup", str(WARMUP_SECONDS), "--seconds", str(SECONDS), "--sleep"]
    command = [str(install.PEERS / "load"), *where, *first.server.flags, *setup.arguments, *times]
    done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_SECONDS)
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    if not result["ok"]:
        raise Failed(f"{setup.title}: {result['problem']}")
    return result


if __name__ == "__main__":
    sys.exit(main())
