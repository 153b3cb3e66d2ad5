"""A notification for ten thousand users, two thousand of them online, delays nobody's ping."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.clients import Person
from tests.conftest import ROOT, Server, StartServer
from tests.notifications.helpers import finished, push
from tests.storage.conftest import open_storage

USERS = 10_000
ONLINE = 2_000
P99_SECONDS = 0.050
BATCHES = 3  # one after the other, for more pings
STARTS_SECONDS = 60


class Crowd:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def counted(self) -> dict[str, int]:
        """How many clients have got so many notifications."""
        assert self._process.stdin
        assert self._process.stdout
        print("how many?", file=self._process.stdin, flush=True)
        found: dict[str, int] = json.loads(self._process.stdout.readline())
        return found


@contextmanager
def crowd(server: Server, number: int, name: str) -> Iterator[Crowd]:
    command = [sys.executable, "-m", "tests.crowd", str(server.port), str(number), name]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdin
        assert process.stdout.readline() == "here\n"
        yield Crowd(process)
        process.stdin.close()


@pytest.mark.alone
def test_everyone_of_ten_thousand_is_notified_while_pings_go_on(start_server: StartServer, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/chat.db"
    storage = open_storage(url)
    storage.accounts.keep_names([f"user{n}" for n in range(USERS)])
    storage.close()
    server = start_server(CHAT_DATABASE_URL=url)
    with crowd(server, ONLINE, "user") as members, Person(server.ws, "user9999") as person:
        assert members.counted() == {"0": ONLINE}
        trips: list[float] = []
        for number in range(1, BATCHES + 1):
            batch_id = push(server, everyone=True, message=f"News {number}").json()["batchId"]
            until = time.monotonic() + 60
            shown = False
            while not shown:  # user9999 is among the last
                began = time.perf_counter()
                person.send(type="ping")
                while (kind := person.receive()["type"]) != "pong":
                    shown = shown or kind == "notification"
                trips.append(time.perf_counter() - began)
                assert time.monotonic() < until
                time.sleep(0.001)
            progress = finished(server, batch_id)
            assert (progress["total"], progress["sent"]) == (USERS, USERS)
            assert progress["sockets"] == ONLINE + 1
        until = time.monotonic() + 10
        while (counted := members.counted()) != {str(BATCHES): ONLINE}:
            assert time.monotonic() < until, f"each once, of each batch: {counted}"
    assert len(trips) > 100, "need many pings for this to mean anything"
    p99 = statistics.quantiles(trips, n=100)[-1]
    print(f"{len(trips)} pings, p50 {statistics.median(trips) * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms")
    assert p99 < P99_SECONDS
