"""How long a message waits while everyone is notified: `python -m bench.latency [FOLDER]`.

The server of FOLDER, this checkout by default, knows ten thousand users. Some of them write at a fixed rate,
whatever comes back; what is measured is the time from when a message was due to its `ack`: first in quiet, and
then while one batch brings a notification to everyone. Only HTTP and WebSocket are spoken, so that two
versions can be compared: `git worktree add`, and one run for each, in turn.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from http.client import HTTPConnection
from pathlib import Path
from statistics import median, quantiles

from websockets.asyncio.client import ClientConnection, connect

from bench import machine, servers

USERS = 10_000
WRITERS = 10
RATE = 200  # messages a second, of all writers together
SETTLE_SECONDS = 10.0  # after the users were made: what they were written is indexed then
QUIET_SECONDS = 5.0
AT_MOST_SECONDS = 120.0  # that a batch may take
SECRET = {"CHAT_TOKEN_SECRET": "a secret for the benchmark alone"}
TEXT = "The quick brown fox jumps over the lazy dog."


def main() -> None:
    """Print the figures of one run."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    core, own_core = machine.two_cores()
    [ours] = servers.find(["ours"])
    ours = dataclasses.replace(ours, cwd=folder, environment=SECRET)
    token = _service_token(folder)
    with servers.running(ours, core) as target:
        os.sched_setaffinity(0, {own_core})
        quiet, busy, seconds = asyncio.run(_measure(target.port, token))
    print(f"\nMilliseconds from when a message was due to its ack, {RATE} messages a second")
    for name, times in (("in quiet", quiet), ("while everyone is notified", busy)):
        p99 = quantiles(times, n=100)[98]
        print(f"  {name:<28} median {median(times):6.1f}  p99 {p99:6.1f}  longest {max(times):6.1f}  of {len(times)}")
    print(f"  {USERS:,} notifications were stored and sent in {seconds:.1f} s")


async def _measure(port: int, token: str) -> tuple[list[float], list[float], float]:
    url = f"ws://127.0.0.1:{port}/ws"
    await _make_users(url)
    await asyncio.sleep(SETTLE_SECONDS)
    writers = [_Writer(await connect(url, max_size=None), f"writer{n}") for n in range(WRITERS)]
    for writer in writers:
        await writer.begin()
    quiet = await _write_until(writers, asyncio.create_task(asyncio.sleep(QUIET_SECONDS)))
    began = time.perf_counter()
    batch = asyncio.create_task(asyncio.to_thread(_notify_everyone, port, token))
    busy = await _write_until(writers, batch)
    seconds = time.perf_counter() - began
    for writer in writers:
        await writer.end()
    return quiet, busy, seconds


async def _make_users(url: str) -> None:
    """Write a message to each: whom somebody has written to is a part of everyone."""
    async with connect(url, max_size=None) as socket:
        await socket.send(json.dumps({"type": "init", "userId": "maker"}))
        for first in range(0, USERS, 1_000):
            for number in range(first, first + 1_000):
                event = {"type": "chat", "toUserId": f"user{number}", "message": TEXT, "ref": number}
                await socket.send(json.dumps(event))
            waited_for = 1_000
            while waited_for:
                answer = json.loads(await socket.recv())
                if answer["type"] == "error":
                    raise servers.Failed(f"a user could not be made: {answer}")
                waited_for -= answer["type"] == "ack"


class _Writer:
    """A user whose messages are timed; `times`: milliseconds of each that was acknowledged."""

    def __init__(self, socket: ClientConnection, user_id: str) -> None:
        self._socket = socket
        self._user_id = user_id
        self._due: dict[int, float] = {}  # ref -> when it was to be sent
        self._sent = 0
        self._reader: asyncio.Task[None] | None = None
        self.times: list[float] = []

    async def begin(self) -> None:
        await self._socket.send(json.dumps({"type": "init", "userId": self._user_id}))
        self._reader = asyncio.create_task(self._read())

    async def write(self, to: str, due: float) -> None:
        self._sent += 1
        self._due[self._sent] = due
        event = {"type": "chat", "toUserId": to, "message": TEXT, "ref": self._sent}
        await self._socket.send(json.dumps(event))

    async def all_acknowledged(self) -> None:
        until = time.perf_counter() + servers.START_SECONDS
        while self._due:
            if time.perf_counter() > until:
                raise servers.Failed(f"{len(self._due)} messages were never acknowledged")
            await asyncio.sleep(0.01)

    async def end(self) -> None:
        assert self._reader is not None
        self._reader.cancel()
        await self._socket.close()

    async def _read(self) -> None:
        async for text in self._socket:
            event = json.loads(text)
            if event["type"] == "ack" and event.get("ref") in self._due:
                self.times.append((time.perf_counter() - self._due.pop(event["ref"])) * 1000)


async def _write_until(writers: Sequence[_Writer], done: asyncio.Task[None]) -> list[float]:
    """Have them write in turn, at RATE, until `done`; return how long each ack took."""
    for writer in writers:
        writer.times = []
    began, number = time.perf_counter(), 0
    while not done.done():
        due = began + number / RATE
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        writer = writers[number % WRITERS]
        await writer.write(f"writer{(number + 1) % WRITERS}", due)
        number += 1
    await done
    for writer in writers:
        await writer.all_acknowledged()
    return [ms for writer in writers for ms in writer.times]


def _notify_everyone(port: int, token: str) -> None:
    """Blocks until the batch is finished."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    body = json.dumps({"everyone": True, "message": TEXT})
    connection.request("POST", "/api/notifications", body, headers)
    made = json.load(connection.getresponse())
    until = time.monotonic() + AT_MOST_SECONDS
    while time.monotonic() < until:
        connection.request("GET", f"/api/notifications/batches/{made['batchId']}", headers=headers)
        batch = json.load(connection.getresponse())
        if batch["finished"]:
            if batch["total"] < USERS:
                raise servers.Failed(f"only {batch['total']} users were notified")
            return
        time.sleep(0.05)
    raise servers.Failed("the batch took too long")


def _service_token(folder: Path) -> str:
    with tempfile.TemporaryDirectory() as kept:  # the server's own database is not made yet
        made = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "app", "chat", "token", "--service", "bench"],
            cwd=folder, env={**os.environ, **SECRET, "CHAT_DATABASE_URL": f"sqlite:///{kept}/chat.db"},
            capture_output=True, text=True,
        )  # fmt: skip
    if made.returncode:
        raise servers.Failed(made.stderr)
    return made.stdout.split()[-1]


if __name__ == "__main__":
    main()
