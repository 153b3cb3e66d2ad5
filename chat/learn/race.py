"""Owns the toy copy of the dict of sockets, on which a class sees an update lost. The real one is people/online.py."""

import time
from contextlib import nullcontext
from threading import Barrier, Lock, Thread
from typing import Any

TABS = 20  # that come at the same moment
YIELD_SECONDS = 0.001


class ToyOnline:
    """As `Online`, but with a yield where the real one has none: it makes visible what is else too rare to see."""

    def __init__(self, has_lock: bool) -> None:
        self._sockets: dict[str, tuple[int, ...]] = {}
        self._lock: Any = Lock() if has_lock else nullcontext()

    def add(self, user_id: str, socket: int) -> None:
        with self._lock:
            others = self._sockets.get(user_id, ())
            time.sleep(YIELD_SECONDS)  # the yield: another thread, or greenlet, has its turn
            self._sockets[user_id] = (*others, socket)

    def of(self, user_id: str) -> tuple[int, ...]:
        return self._sockets.get(user_id, ())


def race(has_lock: bool) -> tuple[int, ...]:
    """Let all tabs of one user come at once; return those that are in the dict afterwards."""
    online, gate = ToyOnline(has_lock), Barrier(TABS)

    def come(number: int) -> None:
        gate.wait()
        online.add("bob", number)

    tabs = [Thread(target=come, args=(number,)) for number in range(1, TABS + 1)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    return online.of("bob")
