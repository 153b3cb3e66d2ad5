"""Owns walks through all conversations: a part at a time, beside everything else, and again after a while.

What is done with a conversation is left to each walk.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from chat.errors import Busy, Unavailable
from chat.storage.storage import Storage

AGAIN_SECONDS = 600  # between two walks


@dataclass(eq=False)
class Walk:
    """One kind of walk of one chat. Lives on the event loop."""

    begin_seconds: ClassVar[int]  # after the start, when much else is to do

    _storage: Storage
    _spawn: Callable[[Callable[[], None]], None]
    pause: Callable[[], None] = lambda: None  # between two parts, for others' turns
    is_stopping: Callable[[], bool] = lambda: False

    def __post_init__(self) -> None:
        self._due = time.monotonic() + self.begin_seconds
        self._is_walking = False

    @property
    def is_wanted(self) -> bool:
        """Whether there is anything to walk for."""
        return True

    def sweep(self) -> None:
        """Begin a walk, if it is time. Never blocks; called once a second."""
        if self.is_wanted and not self._is_walking and time.monotonic() >= self._due:
            self._is_walking = True
            self._spawn(self.walk)

    def walk(self) -> None:
        """Go through all conversations. Blocks; what fails is tried again by the next walk."""
        place: int | None = 0
        try:
            while place is not None and not self.is_stopping():
                place = self.go_on(place)
        except (Busy, Unavailable):
            pass
        finally:
            self._is_walking = False
            self._due = time.monotonic() + AGAIN_SECONDS

    def go_on(self, place: int) -> int | None:
        """Do a part: some conversations behind the id `place`. Return the id to go on from; None: it is done. Blocks."""
        raise NotImplementedError
