"""What is done to several workers, their Redis and their database, each with the workload around it.

Each worker is a gunicorn of its own, as on a machine of its own: of each pair one person is at another worker than the
other.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.faults.databases import Database, SqliteFile
from tests.faults.proxy import Proxy
from tests.faults.scenarios import Outcome, Skipped, integrity_of, wait_for
from tests.faults.server import Mortal
from tests.faults.workload import Crowd
from tests.redis import Redis

DYING = "tests.faults.dying:app"
LATE = "tests.faults.wrong_clock:app"
HEARD_SECONDS = 45.0  # until what a dead worker did not publish is found by the others' look


class Cluster:
    """Several workers with one database and one Redis."""

    def __init__(self, servers: Sequence[Mortal], redis: Redis) -> None:
        self.servers = servers
        self.redis = redis

    def crowd(self, pairs: int) -> Crowd:
        """Pairs of people who are at different workers."""
        people = Crowd(self.servers[0], pairs)
        for place, member in enumerate(people.members):
            server = self.servers[(place + place // 2) % len(self.servers)]
            member.url, member._server = server.ws, server
        return people


@contextmanager
def cluster(
    folder: Path,
    workers: int,
    database: Database | None = None,
    redis: Redis | None = None,
    buses: Sequence[str] = (),
    application: str = "app:app",
    **env: str,
) -> Iterator[Cluster]:
    """So many workers that run. `buses`: where each finds its Redis, if not at the Redis itself.

    `application`: of the first worker.
    """
    if not Redis.is_installed():
        raise Skipped("Redis is not installed (Debian: apt-get install redis-server)")
    folder.mkdir(parents=True, exist_ok=True)
    database = database or SqliteFile(folder / "chat.db")
    redis = redis or Redis()
    with ExitStack() as stack:
        stack.callback(redis.stop)
        redis.start()
        servers = []
        for number in range(workers):
            own = folder / str(number)
            own.mkdir()
            bus = buses[number] if buses else redis.url
            servers.append(Mortal(own, database, CHAT_BUS_URL=bus, **env))
            servers[-1].application = application if number == 0 else "app:app"
            stack.callback(servers[-1].stop)
            servers[-1].start()
        yield Cluster(servers, redis)


def judged(
    name: str,
    folder: Path,
    do: Callable[[Cluster, Crowd], list[str]],
    acks: int,
    workers: int = 2,
    pairs: int = 4,
    database: Database | None = None,
    **how: Any,
) -> Outcome:
    """Do something to a cluster while people write, and at least `acks` messages are acknowledged; then judge."""
    with cluster(folder, workers, database, **how) as them:
        people = them.crowd(pairs)
        people.start()
        try:
            wrong = do(them, people)
            people.wait_acked(max(100, acks - people.acked), 120)
            verdict = people.settle(HEARD_SECONDS)
        finally:
            people.stop()
        wrong += integrity_of(them.servers[0])
        if people.never_came:
            wrong.append(f"{people.never_came} messages never came by themselves")
    where = "" if database is None else ", PostgreSQL"
    return Outcome(f"{name} ({workers} workers{where})", verdict, 0, [], wrong)


def nothing(folder: Path, acks: int, workers: int = 2, database: Database | None = None) -> Outcome:
    """Everybody writes, and nothing is done to anybody: two who write at once are told in one order."""
    return judged("nothing", folder, lambda _them, _people: [], acks, workers, database=database)


def worker_dies(folder: Path, acks: int, kills: int, workers: int = 4, database: Database | None = None) -> Outcome:
    """kill -9 of one of the workers."""

    def do(them: Cluster, people: Crowd) -> list[str]:
        dice = random.Random(kills)
        for number in range(kills):
            people.wait_acked(acks // (kills + 1))
            time.sleep(dice.random() * 0.02)
            them.servers[number % workers].kill_worker()
        return []

    return judged("kill -9 of a worker", folder, do, acks, workers, database=database)


def redis_dies(folder: Path, acks: int, seconds: float, database: Database | None = None) -> Outcome:
    """kill -9 of Redis, and none for so many seconds: everything is stored, acknowledged, and shown when it is back."""

    def do(them: Cluster, people: Crowd) -> list[str]:
        return _write_without_redis(people, acks, seconds, them.redis.kill, them.redis.start)

    return judged(f"no Redis for {seconds:g} s", folder, do, acks, database=database)


def redis_stops(folder: Path, acks: int, seconds: float) -> Outcome:
    """SIGSTOP of Redis: its connections are there, and nothing comes."""

    def do(them: Cluster, people: Crowd) -> list[str]:
        return _write_without_redis(people, acks, seconds, them.redis.pause, them.redis.go_on)

    return judged(f"SIGSTOP of Redis for {seconds:g} s", folder, do, acks)


def _write_without_redis(
    people: Crowd, acks: int, seconds: float, end: Callable[[], None], begin: Callable[[], None]
) -> list[str]:
    people.wait_acked(acks // 3)
    end()
    until = time.monotonic() + seconds
    people.wait_acked(acks // 3, 60)
    time.sleep(max(0.0, until - time.monotonic()))
    begin()
    return []


def worker_stops(folder: Path, acks: int, seconds: float) -> Outcome:
    """SIGSTOP of a worker, whose clients wait, until Redis cuts it off; then it goes on."""

    def do(them: Cluster, people: Crowd) -> list[str]:
        them.redis.ask(b'CONFIG SET client-output-buffer-limit "pubsub 65536 65536 1"')
        people.wait_acked(acks // 3)
        os.kill(them.servers[1].worker_pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(them.servers[1].worker_pid, signal.SIGCONT)
        return []

    return judged(f"SIGSTOP of a worker for {seconds:g} s", folder, do, acks, workers=3, pairs=6)


def dies_before_it_publishes(folder: Path, acks: int, database: Database | None = None) -> Outcome:
    """A worker dies between a commit and its publishing, again and again."""

    def do(them: Cluster, people: Crowd) -> list[str]:
        people.wait_acked(acks, 240)
        deaths = them.servers[0].log.count("Booting worker") - 1
        return [] if deaths else ["it never died"]

    return judged("death between commit and publish", folder, do, acks, application=DYING, database=database)


def clock_is_off(folder: Path, acks: int, database: Database | None = None) -> Outcome:
    """One worker's clock is an hour late, and Redis is gone for a while."""

    def do(them: Cluster, people: Crowd) -> list[str]:
        people.wait_acked(acks // 2)
        them.redis.kill()
        people.wait_acked(acks // 4)
        time.sleep(1)
        them.redis.start()
        return []

    return judged("a clock an hour off", folder, do, acks, application=LATE, database=database)


def one_conversation(folder: Path, sends: int, database: Database | None = None) -> Outcome:
    """Two write to each other, each at a worker, as fast as it goes."""
    return judged("one conversation", folder, lambda _them, _people: [], sends, pairs=1, database=database)


def worker_is_parted(folder: Path, acks: int, seconds: float) -> Outcome:
    """What Redis says to one worker is swallowed: TCP notices nothing."""
    redis = Redis()
    with Proxy(redis.port) as proxy:

        def do(them: Cluster, people: Crowd) -> list[str]:
            people.wait_acked(acks // 3)
            proxy.swallowing = True
            people.wait_acked(acks // 3, 60)
            wait_for(lambda: "the bus is lost" in them.servers[1].log, "a worker that thinks itself deaf", 20)
            time.sleep(seconds)
            proxy.cut()
            proxy.swallowing = False
            return []

        buses = redis.url, proxy.url.replace("ws://", "redis://")
        return judged(f"one worker is parted for {seconds:g} s", folder, do, acks, redis=redis, buses=buses)
