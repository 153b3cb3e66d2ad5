"""Owns how large the database is, as it was a moment ago: whoever asks never waits."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from chat.errors import Unavailable
from chat.storage.database import Database

ASK_SECONDS = 60.0  # PostgreSQL looks at each file of the database


class Sizes:
    """The sizes of one database and of its log."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._asked_at = float("-inf")
        self._bytes = 0

    def database(self) -> int:
        """Return the bytes of the database; 0: not known."""
        return _size(str(self._database.engine.url.database)) if self._database.is_sqlite else self._bytes

    def wal(self) -> int:
        """Return the bytes of SQLite's write-ahead log; PostgreSQL's is the whole server's, and not looked at."""
        return _size(f"{self._database.engine.url.database}-wal") if self._database.is_sqlite else 0

    def keep_up(self, in_thread: Callable[[Callable[[], Any]], Any]) -> None:
        """Ask PostgreSQL, once a minute. Blocks the greenlet."""
        if not self._database.is_sqlite and time.monotonic() >= self._asked_at + ASK_SECONDS:
            self._asked_at = time.monotonic()
            with suppress(Unavailable):
                self._bytes = in_thread(self.ask)

    def ask(self) -> int:
        """Return the bytes of a PostgreSQL database. Blocks."""
        with self._database.reading() as connection:
            return int(connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar() or 0)


def _size(path: str) -> int:
    with suppress(OSError):
        return Path(path).stat().st_size
    return 0
