"""Owns the question which conversations got messages lately. Who has to hear of it is left to the caller."""

import time
from collections import deque

from sqlalchemy import Connection

from chat.storage.database import Database
from chat.storage.records import SEPARATOR

KEPT_PLACES = 1_000  # of SQLite: some hours of looks


class Recent:
    """What was stored lately in one database. Blocking; for one thread at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # SQLite has no index on times, and numbers its rows as they come: when the table had got to which row.
        self._places: deque[tuple[float, int]] = deque(maxlen=KEPT_PLACES)

    def changed(self, seconds: float) -> list[tuple[str, str, int, int]]:
        """Return conversations with messages of the last `seconds`: two users, first and last `seq` of those messages."""
        with self._database.reading() as connection:
            since = self._place_before(connection, seconds)
            rows = connection.exec_driver_sql(_BY_ROW if self._database.is_sqlite else _BY_TIME, (since,)).all()
        return [(*_both(key), first, last) for key, first, last in rows]

    def _place_before(self, connection: Connection, seconds: float) -> int:
        """Return the time, or on SQLite the row, behind which messages are of the last `seconds`."""
        if not self._database.is_sqlite:
            return self._database.now_ms() - int(seconds * 1000)
        now = time.monotonic()
        newest: int = connection.exec_driver_sql("SELECT coalesce(max(rowid), 0) FROM messages").scalar_one()
        self._places.append((now, newest))
        older = (row for at, row in reversed(self._places) if at <= now - seconds)
        return next(older, self._places[0][1])


def _both(key: str) -> tuple[str, str]:
    one, _, other = key.partition(SEPARATOR)
    return one, other


_CHANGED = """
SELECT c.key, min(m.seq), max(m.seq)
FROM messages AS m {} JOIN conversations AS c ON c.id = m.conversation_id
WHERE {} GROUP BY {}, c.key
"""
# CROSS and +: SQLite would begin with all conversations, or go over the whole index of messages.
_BY_ROW = _CHANGED.format("CROSS", "m.rowid > ?", "+c.id")
_BY_TIME = _CHANGED.format("", "m.sent_at >= %s", "c.id")
