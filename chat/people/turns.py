"""Owns the turns of those who want something dear: a few at a time, and of those who wait, each key in its turn."""

from collections import OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock

from chat.errors import RateLimited

WAITING = 100  # of one key; a class that signs in at once waits some two seconds
RETRY_SECONDS = 2


class Turns:
    """Lets `at_once` go on at a time, greenlets or threads. However many one key sends, it delays no other key."""

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        # self._waiting[key] = turns, oldest first, never empty; the first key is next. Guarded by self._lock.
        self._waiting: OrderedDict[str, deque[Event]] = OrderedDict()
        self._lock = Lock()

    @property
    def has_waiting(self) -> bool:
        return bool(self._waiting)

    @contextmanager
    def turn(self, key: str) -> Iterator[None]:
        """Wait until one of `key` may go on, and let the next one when it has. Raises RateLimited: too many wait."""
        self._wait(key)
        try:
            yield
        finally:
            self._next()

    def _wait(self, key: str) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            turns = self._waiting.setdefault(key, deque())
            if len(turns) >= WAITING:
                raise RateLimited(RETRY_SECONDS)
            turns.append(turn := Event())
        try:
            turn.wait()
        except BaseException:  # it is given up: its greenlet is killed, or out of time
            self._give_up(key, turn)
            raise

    def _give_up(self, key: str, turn: Event) -> None:
        with self._lock:
            if not turn.is_set():
                turns = self._waiting[key]
                turns.remove(turn)
                if not turns:
                    del self._waiting[key]
                return
        self._next()

    def _next(self) -> None:
        with self._lock:
            if not self._waiting:
                self._free += 1
                return
            key, turns = self._waiting.popitem(last=False)
            turn = turns.popleft()
            if turns:
                self._waiting[key] = turns  # behind the others
            turn.set()
