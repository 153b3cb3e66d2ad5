"""Owns this process's clock, which is set by the database server's where it is far off: what it stores others compare."""

from collections.abc import Callable

OFF_MS = 1_000  # by which it may be off: a round trip takes some of it


class OwnClock:
    """Unix time in milliseconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock`: Unix time in seconds, of this machine."""
        self._clock = clock
        self._behind_ms = 0  # this machine, of the database server

    def now_ms(self) -> int:
        return int(self._clock() * 1000) + self._behind_ms

    def note(self, server_ms: int) -> None:
        """The database server says that it is so late now."""
        behind = server_ms - int(self._clock() * 1000)
        if abs(behind - self._behind_ms) >= OFF_MS:
            self._behind_ms = behind
