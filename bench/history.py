"""How long it takes to open a long conversation: `python -m bench.history`, a part of `make bench`.

A hundred thousand messages of two people lie in a fresh SQLite file, among as many of others. The server
is asked for the newest page, and for one in the middle, over one kept connection: what is printed is the
time from the request to the whole answer.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Callable
from http.client import HTTPConnection
from statistics import median, quantiles

from bench import machine, servers
from chat.protocol.names import name_key
from chat.storage.records import Send
from chat.storage.storage import Storage

MESSAGES, BATCH, OTHERS = 100_000, 2_000, 50
REQUESTS = 300
TEXT = "The quick brown fox jumps over the lazy dog, and the dog does not mind."
GOAL_MS = 20.0  # of the newest page


def main() -> int:
    """Print the figures; 1 when opening takes longer than its goal."""
    core, own_core = machine.two_cores()
    [ours] = servers.find(["ours"])
    with servers.running(ours, core, prepare_database=_fill) as target:
        os.sched_setaffinity(0, {own_core})
        connection = HTTPConnection("127.0.0.1", target.port, timeout=20)
        token = _post(connection, "/api/session", {"userId": "alice"})["token"]

        def page(query: str) -> Callable[[], int]:
            path = f"/api/conversations/bob/messages?limit=50{query}"
            return lambda: _get(connection, path, token)

        opened = _milliseconds(page(""))
        middle = _milliseconds(page(f"&before={MESSAGES // 2}"))
    print(f"\nA conversation of {MESSAGES:,} messages, a page of 50: milliseconds for an answer")
    for name, times in (("newest page", opened), ("from the middle", middle)):
        p99 = quantiles(times, n=100)[98]
        print(f"  {name:<20} first {times[0]:6.1f}  median {median(times):6.1f}  p99 {p99:6.1f}")
    return int(times[0] > GOAL_MS or median(opened) > GOAL_MS)


def _fill(url: str) -> None:
    storage = Storage(url, name_key, logging.getLogger(__name__), journal_records=1)
    sends = []
    for number in range(MESSAGES):
        pair = ("alice", "bob") if number % 3 else ("bob", "alice")
        sends.append(Send(*pair, TEXT, f"{number:08}"))
        one, other = f"u{number % OTHERS}", f"v{number % OTHERS}"
        sends.append(Send(one, other, TEXT, f"{number:08}"))
        if len(sends) >= BATCH:
            storage.writer.commit(sends)
            sends = []
    storage.writer.commit(sends)
    storage.close()


def _milliseconds(ask: Callable[[], int]) -> list[float]:
    times = []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        if ask() != 50:
            raise servers.Failed("a page of 50 messages was asked for, and did not come")
        times.append((time.perf_counter() - began) * 1000)
    return times


def _get(connection: HTTPConnection, path: str, token: str) -> int:
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    return len(json.load(connection.getresponse())["messages"])


def _post(connection: HTTPConnection, path: str, body: dict[str, str]) -> dict[str, str]:
    headers = {"Content-Type": "application/json"}
    connection.request("POST", path, json.dumps(body), headers)
    answer: dict[str, str] = json.load(connection.getresponse())
    return answer


if __name__ == "__main__":
    sys.exit(main())
