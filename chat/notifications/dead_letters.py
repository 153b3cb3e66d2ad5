"""Owns what is said of events that the webhook gave up: each counts, and the log tells each with its reason."""

import logging
import time
from collections import Counter as Tally

from chat.figures.kinds import Counter

QUIET_SECONDS = 60  # between two lines of the log with one reason; what comes meanwhile is told as a sum


class DeadLetters:
    """The events that one webhook gave up."""

    def __init__(self, given_up: Counter, log: logging.Logger) -> None:
        self._given_up = given_up
        self._log = log
        self._untold = Tally[str]()  # reason -> events
        self._quiet_until: dict[str, float] = {}  # reason -> time.monotonic() when it is next worth a line

    def add(self, reason: str, events: int = 1) -> None:
        """Count events, and tell the first of a reason at once."""
        self._given_up.add(events)
        self._untold[reason] += events
        self.tell()

    def tell(self, at_once: bool = False) -> None:
        """Tell what may be told now, or with `at_once` everything. Called once a second."""
        now = time.monotonic()
        for reason, events in [*self._untold.items()]:
            if at_once or self._quiet_until.get(reason, 0.0) <= now:
                self._quiet_until[reason] = now + QUIET_SECONDS
                del self._untold[reason]
                self._log.error("the webhook gave up %d events: %s", events, reason)
