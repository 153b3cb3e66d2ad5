"""What a flood costs the others: `python -m bench.floods`, a part of `make bench`.

The server runs with its limits as they are out of the box. One attacker at a time floods it as fast as it can, and
comes back whenever it is closed: with small events, with empty texts, with pings, with `init` of a user who has a
thousand conversations, with upgrades, and with passwords, ten at once. Meanwhile
others, who were there before, send one `ping` event after the other: what is printed is how long their answers
take, without the flood and in it, and how much memory the worker gains.

The attacker shares its core with the others, at a lower priority: their times are a little too long, never too short.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing.synchronize import Event
from statistics import median, quantiles
from typing import Any

from websockets.sync.client import ClientConnection, connect

from bench import machine, servers

OTHERS = 10
SECONDS = 32.0  # of each flood
SETTLED_SECONDS = 24.0  # of them, until memory is expected to stand still: buffers grow with use
QUIET_SECONDS = 4.0  # without a flood, before it
PAUSE_SECONDS = 0.002  # between two pings of the others
GOAL_MS = 100.0  # of the others' 99th percentile
GOAL_BYTES = 2 * 1024 * 1024  # that memory may grow by, once it stands still
NICE = 10
CHUNK_BYTES = 65_536
MASK = b"\0\0\0\0"  # a frame of a client has one (RFC 6455, section 5.3); this one leaves the payload as it is

CONVERSATIONS = 1_000  # of the user whose init is said in a loop
EVENT, INIT = b'{"type":"ping"}', b'{"type":"init","userId":"busy","sync":true}'
FRAMES = {
    "events": bytes([0x81, 0x80 | len(EVENT)]) + MASK + EVENT,
    "empty texts": b"\x81\x80" + MASK,
    "pings": b"\x89\x80" + MASK,
    "inits": bytes([0x81, 0x80 | len(INIT)]) + MASK + INIT,
}
GUESSES = 10  # at once
GUESS = b'{"userId":"other1","password":"wrong one, this"}'
SIGN_IN = (
    b"POST /api/session HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(GUESS), GUESS)
)
UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def main() -> int:
    """Print the figures; 1 when others wait too long, or memory does not stand still."""
    core, own_core = machine.two_cores()
    os.sched_setaffinity(0, {own_core})
    [ours] = servers.find(["ours"])
    missed = False
    print(f"\nFloods for {SECONDS:.0f} s, limits as out of the box: ms that others wait for a pong")
    for name in (*FRAMES, *ATTACKS):
        with servers.running(ours, core, limits={}) as target, _others(target.port) as others:
            if name == "inits":
                _begin_conversations(target.port)
            quiet = _round_trips(others, QUIET_SECONDS)
            with _flood(name, target.port) as count:
                _round_trips(others, SETTLED_SECONDS)
                settled = target.rss_bytes()
                times = _round_trips(others, SECONDS - SETTLED_SECONDS)
                grown = target.rss_bytes() - settled
        p99 = quantiles(times, n=100)[98]
        missed |= p99 > GOAL_MS or grown > GOAL_BYTES or not count.value
        print(
            f"  {name:<12} without: median {median(quiet):5.1f}, p99 {quantiles(quiet, n=100)[98]:5.1f}"
            f"   in it: median {median(times):5.1f}, p99 {p99:5.1f}, longest {max(times):5.1f}"
            f"   memory {grown / 1024:+,.0f} KiB   ({count.value:,} connections)"
        )
    return int(missed)


@contextlib.contextmanager
def _others(port: int) -> Iterator[list[ClientConnection]]:
    with contextlib.ExitStack() as stack:
        others = []
        for number in range(OTHERS):
            other = stack.enter_context(connect(f"ws://127.0.0.1:{port}/ws", compression=None))
            other.send(f'{{"type":"init","userId":"other{number}","sync":true}}')
            other.recv(10)
            others.append(other)
        yield others


def _round_trips(others: list[ClientConnection], seconds: float) -> list[float]:
    """Milliseconds, of one `ping` after the other."""
    times = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        for other in others:
            began = time.perf_counter()
            other.send('{"type":"ping"}')
            while '"pong"' not in str(other.recv(30)):
                pass
            times.append((time.perf_counter() - began) * 1000)
            time.sleep(PAUSE_SECONDS)
    return times


@contextlib.contextmanager
def _flood(name: str, port: int) -> Iterator[Any]:
    """Run the attack in a process of its own; gives how many connections it has opened."""
    count = multiprocessing.Value("q", 0)
    over = multiprocessing.Event()
    attack = ATTACKS.get(name) or (lambda port: _send(port, FRAMES[name]))
    attacker = multiprocessing.Process(target=_attack, args=(attack, port, over, count))
    attacker.start()
    try:
        yield count
    finally:
        over.set()
        attacker.join(5)
        if attacker.is_alive():
            attacker.kill()
            attacker.join()


def _attack(attack: Callable[[int], None], port: int, over: Event, count: Any) -> None:
    os.nice(NICE)
    while not over.is_set():
        with contextlib.suppress(OSError):
            attack(port)
        with count.get_lock():
            count.value += 1


def _send(port: int, frame: bytes) -> None:
    """Until the server has had enough, or for a second. What it answers is read, or it would stop for that."""
    chunk = frame * (CHUNK_BYTES // len(frame))
    with socket.create_connection(("127.0.0.1", port), 5) as sock:
        sock.sendall(UPGRADE)
        sock.recv(CHUNK_BYTES)
        sock.setblocking(False)
        until = time.monotonic() + 1
        rest = b""
        while time.monotonic() < until:
            with contextlib.suppress(BlockingIOError):
                if not sock.recv(CHUNK_BYTES):
                    return
            try:
                rest = rest or chunk
                rest = rest[sock.send(rest) :]
            except BlockingIOError:
                time.sleep(0.001)


def _upgrade(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 5) as sock:
        sock.sendall(UPGRADE)
        sock.recv(CHUNK_BYTES)


def _guess(port: int) -> None:
    with contextlib.ExitStack() as stack:
        guesses = [stack.enter_context(socket.create_connection(("127.0.0.1", port), 5)) for _ in range(GUESSES)]
        for sock in guesses:
            sock.sendall(SIGN_IN)
        for sock in guesses:
            sock.recv(CHUNK_BYTES)


ATTACKS: dict[str, Callable[[int], None]] = {"upgrades": _upgrade, "guesses": _guess}


def _begin_conversations(port: int) -> None:
    with connect(f"ws://127.0.0.1:{port}/ws", compression=None) as busy:
        busy.send(INIT.decode())
        for number in range(CONVERSATIONS):
            busy.send(f'{{"type":"chat","toUserId":"friend{number}","message":"hi","ref":{number}}}')
            while '"ack"' not in str(answer := busy.recv(10)):
                if '"rate_limited"' in str(answer):
                    raise servers.Failed("the conversations began too fast")
            time.sleep(0.005)  # within the limit of events


if __name__ == "__main__":
    sys.exit(main())
