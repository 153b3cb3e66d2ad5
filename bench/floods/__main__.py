"""`python -m bench.floods [FLOOD ...]`: all floods, or those of these names; `--seconds 12` for a short try.

The server runs with its limits as they are out of the box. One attacker at a time floods it as fast as it can, and
comes back whenever it is closed. Meanwhile others, who were there before, send one `ping` event after the other: what
is printed is how long their answers take, without the flood and in it, how long somebody new waits for an answer over
HTTP, and how much memory the worker gains.

The attacker shares its core with the others, at a lower priority: their times are a little too long, never too short.
"""

from __future__ import annotations

import argparse
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
from bench.floods.attacks import ATTACKS, CHUNK_BYTES, Flood
from bench.floods.users import ATTACKS_BY_USERS

FLOODS = ATTACKS | ATTACKS_BY_USERS
OTHERS = 10
SECONDS = 32.0  # of each flood
SETTLED = 0.75  # of them, until memory is expected to stand still: buffers grow with use
QUIET_SECONDS = 4.0  # without a flood, before it
PAUSE_SECONDS = 0.002  # between two pings of the others
GOAL_MS = 100.0  # of the others' 99th percentile
GOAL_BYTES = 2 * 1024 * 1024  # that memory may grow by, once it stands still
NEW_SECONDS = 10  # that somebody new waits for an answer, at most
NICE = 10

ANYTHING = b"GET /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


def main() -> int:
    """Print the figures; 1 when others wait too long, or memory does not stand still."""
    parser = argparse.ArgumentParser(prog="bench.floods", description=__doc__.split("\n")[0])
    parser.add_argument("floods", nargs="*", metavar="FLOOD", help=", ".join(FLOODS))
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"of each flood ({SECONDS:.0f})")
    options = parser.parse_args()
    if unknown := {*options.floods} - {*FLOODS}:
        parser.error(f"there is no flood {min(unknown)!r}, but {', '.join(FLOODS)}")
    core, own_core = machine.two_cores()
    os.sched_setaffinity(0, {own_core})
    print(f"\nFloods for {options.seconds:.0f} s, limits as out of the box: ms that others wait for a pong")
    missed = [_measure(name, FLOODS[name], core, options.seconds) for name in options.floods or FLOODS]
    return int(any(missed))


def _measure(name: str, flood: Flood, core: int, seconds: float) -> bool:
    """Run one flood, and print its line. Return whether a goal is missed."""
    [ours] = servers.find(["ours"])
    with servers.running(ours, core, flood.fill, limits={}) as target, _others(target.port) as others:
        flood.prepare(target.port)
        quiet, _ = _round_trips(others, target.port, QUIET_SECONDS)
        with _flood(flood.attack, target.port) as count:
            before = target.rss_bytes()
            _, early = _round_trips(others, target.port, seconds * SETTLED)
            settled = target.rss_bytes()
            times, late = _round_trips(others, target.port, seconds * (1 - SETTLED))
            grown = target.rss_bytes() - settled
    p99 = quantiles(times, n=100)[98]
    new = max(early + late)
    print(
        f"  {name:<17} without: median {median(quiet):5.1f}, p99 {quantiles(quiet, n=100)[98]:5.1f}"
        f"   in it: median {median(times):5.1f}, p99 {p99:5.1f}, longest {max(times):5.1f}"
        f"   a new request: median {median(early + late):5.1f}, longest {new:5.1f}"
        f"   memory {(settled - before) / 1024:+,.0f} KiB, then {grown / 1024:+,.0f}   ({count.value:,} times)",
        flush=True,
    )
    return p99 > GOAL_MS or grown > GOAL_BYTES or new >= NEW_SECONDS * 1000 or not count.value


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


def _round_trips(others: list[ClientConnection], port: int, seconds: float) -> tuple[list[float], list[float]]:
    """Milliseconds: of one `ping` after the other, and of a new request after each ten of them."""
    times, new = [], []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        for other in others:
            began = time.perf_counter()
            other.send('{"type":"ping"}')
            while '"pong"' not in str(other.recv(30)):
                pass
            times.append((time.perf_counter() - began) * 1000)
            time.sleep(PAUSE_SECONDS)
        began = time.perf_counter()
        answer = _ask(port)
        new.append((time.perf_counter() - began if answer else NEW_SECONDS) * 1000)
    return times, new


def _ask(port: int) -> bytes:
    """Return the beginning of an answer; nothing: there was none."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), NEW_SECONDS) as sock:
        sock.sendall(ANYTHING)
        return sock.recv(CHUNK_BYTES)
    return b""


@contextlib.contextmanager
def _flood(attack: Callable[[int], None], port: int) -> Iterator[Any]:
    """Run the attack in a process of its own; gives how often it has come."""
    count = multiprocessing.Value("q", 0)
    over = multiprocessing.Event()
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


if __name__ == "__main__":
    sys.exit(main())
