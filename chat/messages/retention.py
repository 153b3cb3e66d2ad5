"""Owns how long messages are kept: old ones are erased a slice at a time, beside everything else.

How a message is erased is left to the storage.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from chat.errors import Busy, Unavailable
from chat.storage.storage import Storage

BEGIN_SECONDS = 10  # after the start, when much else is to do
AGAIN_SECONDS = 600  # between two walks through all conversations
DAY_MS = 24 * 3600 * 1000


@dataclass(eq=False)
class MessageRetention:
    """Erases the old messages of one chat. Lives on the event loop."""

    _storage: Storage
    _days: int  # how long a message is kept; 0: for ever
    _spawn: Callable[[Callable[[], None]], None]
    pause: Callable[[], None] = lambda: None  # between two slices, for others' turns
    is_stopping: Callable[[], bool] = lambda: False
    clock: Callable[[], float] = time.time  # Unix time in seconds

    def __post_init__(self) -> None:
        self._due = time.monotonic() + BEGIN_SECONDS
        self._is_walking = False

    def sweep(self) -> None:
        """Begin a walk, if it is time. Never blocks; called once a second."""
        if self._days and not self._is_walking and time.monotonic() >= self._due:
            self._is_walking = True
            self._spawn(self.walk)

    def walk(self) -> None:
        """Erase what is old in all conversations. Blocks; what fails is tried again by the next walk."""
        before_ms = int(self.clock() * 1000) - self._days * DAY_MS
        erasure, storage = self._storage.erasure, self._storage
        place: int | None = 0
        try:
            while place is not None and not self.is_stopping():
                found, place = storage.in_thread(erasure.old, place, before_ms)
                for conversation in found:
                    while not self.is_stopping() and storage.write(erasure.erase, conversation, before_ms):
                        self.pause()
                    self.pause()
        except (Busy, Unavailable):
            pass
        finally:
            self._is_walking = False
            self._due = time.monotonic() + AGAIN_SECONDS
