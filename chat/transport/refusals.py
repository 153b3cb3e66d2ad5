"""Owns the count of refused upgrades and its log lines: a few of each kind a minute, the others as their sum.

With a line for each, whoever asks in a loop would fill the disk.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable

SUM_SECONDS = 60.0
LINES = 10  # of each kind within them


class Refusals:
    """The refused upgrades of one chat."""

    def __init__(self, log: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        self.counts: Counter[str] = Counter()  # code of an error -> how often since the start
        self._log = log
        self._clock = clock
        self._recent: Counter[str] = Counter()  # code of an error -> how often since the last sum
        self._since = clock()

    def add(self, code: str, status: int, address: str, origin: str) -> None:
        """Count a refusal; `origin`: of the page that asked."""
        self.counts[code] += 1
        if not self._recent:
            self._since = self._clock()
        self._recent[code] += 1
        if self._recent[code] <= LINES:
            self._log.warning("refused %s address=%s origin=%r: %s", status, address, origin, code)

    def log_sum(self) -> None:
        """Log what was not, once a minute. Called by the sweep."""
        if not self._recent or self._clock() < self._since + SUM_SECONDS:
            return
        others = {code: count - LINES for code, count in self._recent.most_common() if count > LINES}
        if others:
            sums = ", ".join(f"{count} {code}" for code, count in others.items())
            self._log.warning("refused upgrades, others within %d s: %s", SUM_SECONDS, sums)
        self._recent.clear()
