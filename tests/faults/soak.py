"""A crowd that comes and goes for long: afterwards the server holds no more than after the first minute of it.

`python -m tests.faults.soak --seconds 3600 --clients 1000`, which is `make soak`; three minutes of it are in `make faults`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
import threading
import time
from pathlib import Path

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.faults.checker import Verdict
from tests.faults.many import Cluster, cluster
from tests.faults.scenarios import Outcome
from tests.faults.server import Mortal

COME_A_SECOND = 60  # what two workers take in beside the crowd's own work, on two cores
FRIENDS = 3
REST_SECONDS = 12.0  # until what is kept for who may come back is let go
# Of memory, since the first part: an allocator does not give back every page, and each connection to SQLite keeps up to
# 2 MiB of its pages, which fill as the database grows. Python's own memory was looked at with tracemalloc, and stands still.
MOST_GROWTH = 0.10
CACHES_KIB = 16_384
DESCRIPTORS = 10  # more than before: the database's readers


class Held(tuple[int, int]):
    """Memory in KiB, and descriptors, of a worker."""

    @classmethod
    def of(cls, server: Mortal) -> Held:
        folder = Path(f"/proc/{server.worker_pid}")
        status = (folder / "status").read_text()
        memory = int(status.partition("VmRSS:")[2].split()[0])
        return cls((memory, len(os.listdir(folder / "fd"))))


class Visitors:
    """So many clients at a time, each for a while, who write to each other."""

    def __init__(self, servers: list[Mortal], clients: int) -> None:
        self._servers = servers
        self._clients = clients
        self._stay = clients / COME_A_SECOND  # of a client, in seconds, on average
        self.acked = 0
        self.failed: list[str] = []

    def run(self, seconds: float) -> None:
        asyncio.run(self._run(time.monotonic() + seconds))

    async def _run(self, until: float) -> None:
        await asyncio.gather(*(self._visitor(number, until) for number in range(self._clients)))

    async def _visitor(self, number: int, until: float) -> None:
        dice = random.Random(number)
        await asyncio.sleep(dice.random() * self._stay)
        while (now := time.monotonic()) < until:
            server = dice.choice(self._servers)
            # A few friends, so that what is remembered of conversations is there after the first part.
            other = (number + 1 + dice.randrange(FRIENDS)) % self._clients
            stay = min(dice.expovariate(1 / self._stay), until - now)
            try:
                await self._visit(server, f"v{number}", f"v{other}", stay, dice)
            except (OSError, ConnectionClosed, InvalidHandshake, TimeoutError) as error:
                self.failed.append(f"{type(error).__name__}: {error}")

    async def _visit(self, server: Mortal, name: str, other: str, stay: float, dice: random.Random) -> None:
        async with connect(server.ws, proxy=None, compression=None, open_timeout=30) as socket:
            await socket.send(json.dumps({"type": "init", "userId": name, "sync": dice.random() < 0.5}))
            await socket.send(json.dumps({"type": "chat", "toUserId": other, "message": "hello " * 20, "ref": 1}))
            until = time.monotonic() + stay
            while (left := until - time.monotonic()) > 0:
                try:
                    async with asyncio.timeout(left):
                        event = str(await socket.recv())
                except TimeoutError:
                    break
                self.acked += event.startswith('{"type":"ack"')
            if dice.random() < 0.3:
                socket.transport.abort()


def soak(folder: Path, seconds: float, clients: int, workers: int = 2) -> Outcome:
    """Let the crowd come and go; judge what is held against what was after the first part."""
    with cluster(folder, workers) as them:
        first = _held_after(them, min(600.0, seconds / 3), clients)
        visitors = Visitors([*them.servers], clients)
        thread = threading.Thread(target=visitors.run, args=(seconds,))
        thread.start()
        thread.join()
        last = _held(them)
        wrong = [f"{len(visitors.failed)} visits failed: {visitors.failed[0]}"] if visitors.failed else []
        for number, (before, after) in enumerate(zip(first, last, strict=True)):
            print(
                f"worker {number}: {before[0] / 1024:.0f} -> {after[0] / 1024:.0f} MiB, {before[1]} -> {after[1]} descriptors"
            )
            if after[0] > before[0] * (1 + MOST_GROWTH) + CACHES_KIB:
                wrong.append(f"worker {number} grew from {before[0]} to {after[0]} KiB")
            if after[1] > before[1] + DESCRIPTORS:
                wrong.append(f"worker {number} has {after[1]} descriptors, and had {before[1]}")
        verdict = Verdict(acked=visitors.acked, stored=them.servers[0].count())
    return Outcome(f"{clients} come and go for {seconds:g} s", verdict, 0, [], wrong)


def _held_after(them: Cluster, seconds: float, clients: int) -> list[Held]:
    Visitors([*them.servers], clients).run(seconds)
    return _held(them)


def _held(them: Cluster) -> list[Held]:
    time.sleep(REST_SECONDS)
    return [Held.of(server) for server in them.servers]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--clients", type=int, default=1_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        outcome = soak(Path(folder), given.seconds, given.clients)
    print(
        f"{outcome.verdict.acked:,} acknowledged; {'; '.join(outcome.wrong) or 'nothing is held that was not before'}"
    )
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
