"""Owns how late the loop is: the sweep is due each second, and whatever holds the loop up delays it."""

import time
from collections.abc import Callable

from chat.figures.kinds import Histogram
from chat.transport.connections import SWEEP_SECONDS


class Lateness:
    """The lateness of one loop."""

    def __init__(self, seconds: Histogram, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._last: float | None = None  # when the sweep came

    def sweep(self) -> None:
        """Called once a second, as the first of all."""
        now = self._clock()
        if self._last is not None:
            self._seconds.observe(max(0.0, now - self._last - SWEEP_SECONDS))
        self._last = now
