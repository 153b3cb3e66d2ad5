"""Owns the form of what the doctor finds: a line for each thing that was looked at."""

from typing import NamedTuple

OK, SKIP, WARN, FAIL = LEVELS = ("ok", "skip", "warn", "fail")  # the later, the worse
EXIT_CODES = {OK: 0, SKIP: 0, WARN: 1, FAIL: 2}  # as plugins of Nagios have it


class Finding(NamedTuple):
    """What was found of one thing."""

    level: str
    check: str
    said: str
    todo: str = ""  # a sentence; "": nothing, or `said` says it

    def __str__(self) -> str:
        return f"{self.level:<5} {self.check:<12} {' '.join(filter(None, (self.said, self.todo)))}"
