"""How much machine a chat of some size needs: `python -m bench.simulate --sockets 100000 --rate 1000`.

Arithmetic, no measurement: it multiplies what was measured once with what you say, and docs/scaling.md explains the
result. `--table` prints the table of that page.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass

# Measured on one slow core of a virtual machine; `make bench` shows yours. Microseconds are of a core.
STORED_US = 55.0  # a message from its frame to commit, delivery and ack: 18,000 a second with 2,000 clients
EVENT_US = 32.0  # any other event, to whoever it is for: 31,000 a second with 2,000 clients
PUBLISH_US, RECEIVE_US = 2.7, 0.74  # one frame to the bus, ten at a time, and from it
REDIS_US = 1.0  # Redis itself, for a publish and one delivery
ADMITTED = 1_000  # sockets a second that one worker takes in: chat/transport/goodbye.py
WORKER_BYTES = 58_000_000  # of a worker without sockets
SOCKET_BYTES = 1_400  # of a worker's memory for an idle socket
KERNEL_BYTES = 2_300  # of the kernel's, for each end of a connection
NGINX_BYTES = 14_200  # of nginx's memory for a socket over TLS
CHANNEL_BYTES = 220  # of Redis's memory, for each channel
MESSAGE_BYTES = 400  # in PostgreSQL, with all keys, of a text of 60 letters
PRIMARY_RATE = 10_000  # messages a second that one PostgreSQL commits, with fsync: 5,700 to 19,000 were measured
INIT_MS, CONVERSATION_MS = 2.0, 0.017  # of a core of the database for an `init`, and for each conversation in it

# Assumed, not measured.
NGINX_US = 10.0  # for a frame that passes through TLS
DATABASE_CORES = 16
HERE = 0.3  # of those whom one shares a conversation with, so many are here
STAY_SECONDS = 3_600.0  # somebody comes, and goes
BUSY = 0.5  # how much of its core a worker uses at most: the rest is for the peaks

MOST_SOCKETS = 15_000  # CHAT_MAX_SOCKETS
HEARTBEAT_SECONDS = 25.0
RECEIPTS = 2  # received, read
PUBLISHES = 3  # at most, a message: to its receiver, and its two receipts; nothing for who is only at this worker
FRAMES = 7  # a message: in, acknowledged, out; each receipt in and out
CONNECTIONS = 6  # of a worker to the database: four that read, the journal, one for the rest
PARTITIONS = 64
DAY, YEAR = 86_400, 86_400 * 365


@dataclass(frozen=True)
class Load:
    """What is asked of the servers. `rate`: messages a second, of all; `conversations`: of each user."""

    sockets: int
    rate: float
    conversations: int = 30


@dataclass(frozen=True)
class Needs:
    """What a load takes."""

    load: Load
    most_sockets: int = MOST_SOCKETS

    @property
    def workers(self) -> int:
        return max(1, math.ceil(self.load.sockets / self.most_sockets), math.ceil(self.worker_cores / BUSY))

    @property
    def worker_cores(self) -> float:
        """What all workers use of their cores."""
        message = STORED_US + RECEIPTS * EVENT_US + PUBLISHES * (PUBLISH_US + RECEIVE_US)
        heartbeats = self.load.sockets / HEARTBEAT_SECONDS
        return (self.load.rate * message + (heartbeats + self.presence) * EVENT_US) / 1e6

    @property
    def presence(self) -> float:
        """How many are told a second that somebody came or went."""
        return 2 * self.load.sockets / STAY_SECONDS * self.load.conversations * HERE

    @property
    def nginx_cores(self) -> float:
        frames = self.load.rate * FRAMES + 2 * self.load.sockets / HEARTBEAT_SECONDS + self.presence
        return frames * NGINX_US / 1e6

    @property
    def publishes(self) -> float:
        return self.load.rate * PUBLISHES + self.presence if self.workers > 1 else 0.0

    @property
    def bus_bytes(self) -> float:
        return 2 * CHANNEL_BYTES * self.load.sockets if self.workers > 1 else 0.0  # what comes, and whether one is here

    @property
    def worker_bytes(self) -> float:
        return self.workers * WORKER_BYTES + self.load.sockets * (SOCKET_BYTES + KERNEL_BYTES)

    @property
    def nginx_bytes(self) -> float:
        return self.load.sockets * (NGINX_BYTES + 2 * KERNEL_BYTES)

    @property
    def cores(self) -> int:
        """Of the machines of workers, nginx and Redis."""
        others = max(1, math.ceil(self.nginx_cores / BUSY)) + (1 if self.workers > 1 else 0)
        return self.workers + others

    @property
    def connections(self) -> int:
        return self.workers * CONNECTIONS

    @property
    def primary_share(self) -> float:
        return self.load.rate / PRIMARY_RATE

    @property
    def back_seconds(self) -> float:
        """Until all are back when all workers restart at once: the slower of the workers and the database."""
        reading = self.load.sockets * (INIT_MS + CONVERSATION_MS * self.load.conversations) / 1e3 / DATABASE_CORES
        return max(self.load.sockets / self.workers / ADMITTED, reading)

    @property
    def back_from_one_seconds(self) -> float:
        """The same where one worker restarts."""
        return self.load.sockets / self.workers / ADMITTED


ROWS: list[tuple[str, Callable[[Needs], str]]] = [
    ("sockets", lambda n: f"{n.load.sockets:,}"),
    ("messages a second", lambda n: f"{n.load.rate:,.0f}"),
    ("workers", lambda n: f"{n.workers:,}"),
    ("of their cores in use", lambda n: f"{n.worker_cores:,.1f}"),
    ("cores, with nginx and Redis", lambda n: f"{n.cores:,}"),
    ("RAM of the workers", lambda n: _bytes(n.worker_bytes)),
    ("RAM of nginx", lambda n: _bytes(n.nginx_bytes)),
    ("bus: publishes a second", lambda n: f"{n.publishes:,.0f}"),
    ("bus: of Redis's one core", lambda n: f"{n.publishes * REDIS_US / 1e6:.1%}"),
    ("bus: RAM of the channels", lambda n: _bytes(n.bus_bytes)),
    ("database: of what one primary commits", lambda n: f"{n.primary_share:.0%}"),
    ("database: connections", lambda n: f"{n.connections:,}"),
    ("database: a day", lambda n: _bytes(n.load.rate * DAY * MESSAGE_BYTES)),
    ("messages a year, in each of 64 parts", lambda n: f"{n.load.rate * YEAR / PARTITIONS / 1e6:,.0f} million"),
    ("all back after one worker's restart", lambda n: f"{n.back_from_one_seconds:,.0f} s"),
    ("all back after everybody's", lambda n: f"{n.back_seconds:,.0f} s"),
]

SIZES = {
    "a worker": Load(15_000, 150),
    "a machine": Load(75_000, 750),
    "ten machines": Load(600_000, 6_000),
    "a million": Load(1_000_000, 10_000),
}


def table(sizes: dict[str, Load]) -> str:
    """Return the needs of these loads, a column each, in Markdown."""
    needs = [Needs(load) for load in sizes.values()]
    lines = ["| | " + " | ".join(sizes) + " |", "|---" * (len(sizes) + 1) + "|"]
    lines += [f"| {name} | " + " | ".join(show(need) for need in needs) + " |" for name, show in ROWS]
    return "\n".join(lines)


def warnings(needs: Needs) -> list[str]:
    """Return what will not go well, a sentence each."""
    found = []
    if needs.primary_share > 1:
        found.append("One primary does not commit so many: see docs/scaling.md, Where it ends.")
    if needs.connections > 90:  # of PostgreSQL's 100, some are its administrator's
        found.append(f"{needs.connections} connections need pgbouncer, or a larger max_connections.")
    if needs.publishes * REDIS_US / 1e6 > BUSY:
        found.append("One Redis is too busy: shard its channels, as Redis Cluster does.")
    if needs.back_seconds > needs.back_from_one_seconds:
        found.append("The database takes longer than the workers when all come back: restart them one after the other.")
    return found


def main(arguments: list[str]) -> int:
    """Print what is needed."""
    parser = argparse.ArgumentParser(prog="python -m bench.simulate", description=__doc__)
    parser.add_argument("--sockets", type=int, default=15_000, help="that are open (%(default)s)")
    parser.add_argument("--rate", type=float, help="messages a second, of all; else one of each socket in 100 s")
    parser.add_argument("--conversations", type=int, default=30, help="of each user (%(default)s)")
    parser.add_argument(
        "--max-sockets", type=int, default=MOST_SOCKETS, help="of a worker: CHAT_MAX_SOCKETS (%(default)s)"
    )
    parser.add_argument("--table", action="store_true", help="print the table of docs/scaling.md")
    said = parser.parse_args(arguments)
    if said.table:
        print(table(SIZES))
        return 0
    if min(said.sockets, said.conversations, said.max_sockets) < 1 or (said.rate is not None and said.rate < 0):
        parser.error("--sockets, --conversations and --max-sockets are at least 1, and --rate is not negative")
    rate = said.sockets / 100 if said.rate is None else said.rate
    needs = Needs(Load(said.sockets, rate, said.conversations), said.max_sockets)
    for name, show in ROWS:
        print(f"{name:<40}{show(needs):>16}")
    for warning in warnings(needs):
        print(warning)
    return 0


def _bytes(number: float) -> str:
    for unit in ("", "kB", "MB", "GB"):
        if number < 1_000:
            return f"{number:,.0f} {unit}".strip()
        number /= 1_000
    return f"{number:,.1f} TB"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
