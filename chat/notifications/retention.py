"""Owns how long notifications are kept: what is done with, and old, is deleted a little at a time."""

import time

from chat.errors import Busy, ChatError
from chat.storage.storage import Storage

BEGIN_SECONDS = 5  # after the start, when much else is to do
AGAIN_SECONDS = 600
AT_ONCE = 500  # notifications, so that a push does not wait long behind it
DAY_MS = 24 * 3600 * 1000


class Retention:
    """Deletes old notifications. Lives on the event loop."""

    def __init__(self, storage: Storage, days: int) -> None:
        """`days`: how long a notification is kept after it was made; 0: for ever."""
        self._storage = storage
        self._keep_ms = days * DAY_MS
        self._due = time.monotonic() + BEGIN_SECONDS

    def sweep(self) -> None:
        """Delete some, if it is time. Never blocks; called once a second."""
        if not self._keep_ms or time.monotonic() < self._due:
            return
        self._due = time.monotonic() + AGAIN_SECONDS
        before = int(time.time() * 1000) - self._keep_ms
        journal, storage = self._storage.journal, self._storage
        try:
            journal.write_later(self._go_on, storage.notifications.forget, before, AT_ONCE)
            # A failure was logged where it was met, and the next time is soon enough.
            journal.write_later(lambda _: None, storage.batches.forget, before)
        except Busy:
            pass

    def _go_on(self, forgotten: int | ChatError) -> None:
        if forgotten == AT_ONCE:
            self._due = 0.0  # there is more of it
