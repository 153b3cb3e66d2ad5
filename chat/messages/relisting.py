"""Owns the looking for conversations that an older program has written to beside this one, and not listed as they should be.

While a new version comes in without a gap, workers of both serve for a while. How a list is kept is left to the storage.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from chat.errors import Busy, Unavailable
from chat.storage.storage import Storage

BEGIN_SECONDS = 15  # after the start, when much else is to do
AGAIN_SECONDS = 600  # until the next walk: the last worker of before may have been here still


@dataclass(eq=False)
class Relisting:
    """Walks through all conversations of one chat. Lives on the event loop."""

    _storage: Storage
    _spawn: Callable[[Callable[[], None]], None]
    pause: Callable[[], None] = lambda: None  # between two conversations, for others' turns
    is_stopping: Callable[[], bool] = lambda: False

    def __post_init__(self) -> None:
        self._due = time.monotonic() + BEGIN_SECONDS
        self._is_walking = False

    def sweep(self) -> None:
        """Begin a walk, if it is time. Never blocks; called once a second."""
        if not self._is_walking and time.monotonic() >= self._due:
            self._is_walking = True
            self._spawn(self.walk)

    def walk(self) -> None:
        """List what is not listed as it should be. Blocks; what fails is tried again by the next walk."""
        listings, storage = self._storage.listings, self._storage
        place: int | None = 0
        try:
            while place is not None and not self.is_stopping():
                found, place = storage.in_thread(listings.left_behind, storage.database, place)
                for conversation in found:
                    storage.write(listings.mend, storage.database, conversation)
                    self.pause()
        except (Busy, Unavailable):
            pass
        finally:
            self._is_walking = False
            self._due = time.monotonic() + AGAIN_SECONDS
