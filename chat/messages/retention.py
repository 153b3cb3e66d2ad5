"""Owns how long messages are kept: old ones are erased a slice at a time, beside everything else.

How a message is erased is left to the storage.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from chat.messages.walks import Walk

DAY_MS = 24 * 3600 * 1000


@dataclass(eq=False)
class MessageRetention(Walk):
    """Erases the old messages of one chat."""

    begin_seconds = 10

    days: int = 0  # how long a message is kept; 0: for ever
    clock: Callable[[], float] = time.time  # Unix time in seconds

    @property
    def is_wanted(self) -> bool:
        return self.days > 0

    def go_on(self, place: int) -> int | None:
        erasure, storage = self._storage.erasure, self._storage
        before_ms = int(self.clock() * 1000) - self.days * DAY_MS
        found, following = storage.in_thread(erasure.old, place, before_ms)
        for conversation in found:
            while not self.is_stopping() and storage.write(erasure.erase, conversation, before_ms):
                self.pause()
            self.pause()
        return following
