"""Puts what messages say into SQLite's index of trigrams, behind the commits, and while nobody waits for one.

Within its commit a message would cost ten times as much. What is not indexed yet is searched without the
index (`search.py`). PostgreSQL keeps its index by itself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from sqlalchemy import Connection, bindparam, select, text, update

from chat.storage.database import Database
from chat.storage.schema import conversations, messages

log = logging.getLogger("chat")

STEP_ROWS = 100  # in one transaction, which holds SQLite's lock for some 10 ms
INSERT_ROWS = 50  # in one statement: FTS5 writes to its tables with each
SEQ_BITS = 32  # the index's row of a message is its conversation's id, and behind it its seq


def row_of(conversation: int, seq: int) -> int:
    """The index's row of a message: those of one conversation stand together, in their order."""
    return conversation << SEQ_BITS | seq


class Indexing:
    """Follows the writer of one database.

    Args:
        touched: takes out the ids of conversations that have grown since it was asked last.
    """

    def __init__(self, database: Database, touched: Callable[[], set[int]]) -> None:
        self._database = database
        self._touched = touched
        self._waiting: set[int] | None = None  # conversations; None: not looked for yet

    def step(self) -> bool:
        """Index some messages, in a transaction of its own. True if there is more to do. Blocks."""
        grown = self._touched()
        if self._database.engine.dialect.name != "sqlite":
            return False
        if self._waiting is None:
            self._waiting = self._left_from_before()
        self._waiting |= grown
        if not self._waiting:
            return False
        with (
            self._database.engine.connect().execution_options(writes=True) as connection,
            connection.begin(),
        ):
            done = self._index(connection, sorted(self._waiting))
        self._waiting -= done
        return bool(self._waiting)

    def _left_from_before(self) -> set[int]:
        with self._database.reading() as connection:
            if not has_index(connection):
                log.warning("this SQLite has no trigrams: only the newest messages are searched")
                return set()
            return set(connection.execute(_BEHIND).scalars())

    def _index(self, connection: Connection, waiting: list[int]) -> set[int]:
        """Returns the conversations that need no more."""
        done: set[int] = set()
        if not has_index(connection):
            return set(waiting)
        rows: list[tuple[int, str]] = []
        for conversation in waiting:
            left = STEP_ROWS - len(rows)
            if left <= 0:
                break
            found = connection.execute(_TO_DO, {"id": conversation, "limit": left}).all()
            rows += [(row_of(conversation, seq), body) for seq, body in found]
            if found:
                last = {"conversation": conversation, "seq": found[-1].seq}
                connection.execute(_SET_INDEXED, last)
            if len(found) < left:
                done.add(conversation)
        cursor = connection.connection.cursor()
        for start in range(0, len(rows), INSERT_ROWS):
            part = rows[start : start + INSERT_ROWS]
            places = ", ".join(["(?, ?)"] * len(part))
            values = [value for row in part for value in row]
            cursor.execute(f"INSERT INTO trigrams (rowid, body) VALUES {places}", values)
        return done


def has_index(connection: Connection) -> bool:
    """Whether the migration could make an index of trigrams."""
    question = (
        "SELECT name FROM sqlite_master WHERE name = 'trigrams'"
        if connection.dialect.name == "sqlite"
        else "SELECT to_regclass('trigrams')"
    )
    return connection.execute(text(question)).scalar() is not None


_BEHIND = select(conversations.c.id).where(conversations.c.last_seq > conversations.c.indexed_seq)
_TO_DO = (
    select(messages.c.seq, messages.c.body)
    .join_from(conversations, messages, messages.c.conversation_id == conversations.c.id)
    .where(conversations.c.id == bindparam("id"), messages.c.seq > conversations.c.indexed_seq)
    .order_by(messages.c.seq)
    .limit(bindparam("limit"))
)
_SET_INDEXED = (
    update(conversations)
    .values(indexed_seq=bindparam("seq"))
    .where(conversations.c.id == bindparam("conversation"))
)
