"""Owns SQLite's index of trigrams: filled behind the commits, in small steps. Searching is left to others.

Within its commit a message would cost ten times as much. PostgreSQL keeps its index by itself.
"""

import logging
import time
from collections.abc import Callable, Sequence

from sqlalchemy import Connection, bindparam, select, text, update

from chat.storage.database import Database
from chat.storage.schema import conversations, messages

STEP_ROWS = 100  # in one transaction, which holds SQLite's lock for some 10 ms
INSERT_ROWS = 50  # in one statement: FTS5 writes to its tables with each
LOOK_SECONDS = 600  # each reads all conversations; what is not indexed is found all the same
SEQ_BITS = 32  # the index's row of a message is its conversation's id, and behind it its seq


def row_of(conversation: int, seq: int) -> int:
    """Return the index's row of a message: those of one conversation stand together, in their order."""
    return conversation << SEQ_BITS | seq


class SearchIndex:
    """The index of one database. Blocking."""

    def __init__(self, database: Database, grown: Callable[[], tuple[set[int], int]], log: logging.Logger) -> None:
        self.behind = 0  # messages that are not indexed yet, as far as is known
        self._database = database
        self._grown = grown  # returns the conversations that got messages since its last call, and how many messages
        self._log = log
        self._waiting: set[int] | None = None  # conversations; None: not looked for yet
        self._look_at = 0.0  # by time.monotonic(), for those that another worker has left behind when it died

    def step(self) -> bool:
        """Index some messages, in one transaction. Return True if there is more to do."""
        grown, messages = self._grown()
        if not self._database.is_sqlite:
            return False
        self.behind += messages
        if self._waiting is None or (not self._waiting and time.monotonic() >= self._look_at):
            self._waiting = self._left_from_before()
            self._look_at = time.monotonic() + LOOK_SECONDS
        self._waiting |= grown
        if not self._waiting:
            return False
        with self._database.transaction() as connection:
            done, count = self._index(connection, sorted(self._waiting))
        self._waiting -= done
        self.behind = max(0, self.behind - count) if self._waiting else 0
        return bool(self._waiting)

    def _left_from_before(self) -> set[int]:
        with self._database.reading() as connection:
            if not has_index(connection):
                self._log.warning("this SQLite has no trigrams: only the newest messages are searched")
                return set()
            left = {row.id: row.left for row in connection.execute(_BEHIND)}
        self.behind = sum(left.values())
        return {*left}

    def _index(self, connection: Connection, waiting: list[int]) -> tuple[set[int], int]:
        """Index STEP_ROWS messages; return the conversations that need no more, and how many messages it were."""
        if not has_index(connection):
            return set(waiting), 0
        looked_at = waiting[:STEP_ROWS]  # of more there is no room for a message each
        found = connection.execute(_TO_DO, {"ids": looked_at}).all()
        done = {*looked_at}
        if len(found) == STEP_ROWS:  # there may be more of the last one, and of those behind it
            done = {id_ for id_ in looked_at if id_ < found[-1].id}
        if ends := {row.id: row.seq for row in found}:
            connection.execute(_SET_INDEXED, [{"conversation": id_, "seq": seq} for id_, seq in ends.items()])
        rows = [(row_of(conversation, seq), body) for conversation, seq, body in found]
        for start in range(0, len(rows), INSERT_ROWS):
            part = rows[start : start + INSERT_ROWS]
            places = ", ".join(["(?, ?)"] * len(part))
            insert = f"INSERT INTO trigrams (rowid, body) VALUES {places}"
            connection.exec_driver_sql(insert, tuple(value for row in part for value in row))
        return done, len(rows)


def forget(connection: Connection, conversation: int, found: Sequence[tuple[int, str]]) -> None:
    """Take messages of one conversation, each with its `seq` and its text as it was indexed, out of the index."""
    if connection.dialect.name != "sqlite" or not found or not has_index(connection):
        return  # PostgreSQL does it by itself
    rows = [(row_of(conversation, seq), body) for seq, body in found]
    connection.exec_driver_sql("INSERT INTO trigrams (trigrams, rowid, body) VALUES ('delete', ?, ?)", rows)


def has_index(connection: Connection) -> bool:
    """Return whether the migration could make an index of trigrams."""
    in_sqlite = "SELECT name FROM sqlite_master WHERE name = 'trigrams'"
    in_postgres = "SELECT to_regclass('trigrams')"
    query = in_sqlite if connection.dialect.name == "sqlite" else in_postgres
    return connection.execute(text(query)).scalar() is not None


_BEHIND = select(conversations.c.id, (conversations.c.last_seq - conversations.c.indexed_seq).label("left")).where(
    conversations.c.last_seq > conversations.c.indexed_seq
)
_TO_DO = (
    select(conversations.c.id, messages.c.seq, messages.c.body)
    .join_from(conversations, messages, messages.c.conversation_id == conversations.c.id)
    .where(conversations.c.id.in_(bindparam("ids", expanding=True)), messages.c.seq > conversations.c.indexed_seq)
    .order_by(conversations.c.id, messages.c.seq)
    .limit(STEP_ROWS)
)
_SET_INDEXED = (
    update(conversations).values(indexed_seq=bindparam("seq")).where(conversations.c.id == bindparam("conversation"))
)
