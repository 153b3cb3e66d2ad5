"""Owns the journal of a site's tests: what is to be written is written at once, by the calling thread."""

from collections.abc import Callable
from functools import partial
from typing import Any

from chat.limits import UNKNOWN_ADDRESS
from chat.storage.journal import Journal
from chat.storage.waiting import Record, Settle


class DirectJournal(Journal):
    """Needs no loop and no thread, and takes writes from any thread: the database lets them in one by one."""

    @property
    def is_here(self) -> bool:
        return True

    def append(self, record: Record, settle: Settle, address: str = UNKNOWN_ADDRESS) -> None:
        """Store a record, and settle it before returning."""
        self._end([settle], self._commit([record], [settle]))

    def write_later(self, settle: Settle, function: Callable[..., Any], *args: Any) -> None:
        """Call the function, and settle it before returning."""
        self._end([settle], self._write(partial(function, *args)))

    def _go_on(self) -> None:
        """Nothing waits."""
