"""Owns who has blocked whom, as it is stored. Who asks, and what follows, is left to others."""

from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, select

from chat.storage.compiled import Compiled
from chat.storage.database import Database
from chat.storage.schema import block_changes as changes
from chat.storage.schema import blocks

KEPT_MS = 3_600_000  # what a worker has not looked for within it, it may have missed


NOBODY = frozenset[str](), frozenset[str]()  # of most users: one for all, as two empty sets take 488 bytes


class Block(NamedTuple):
    """Somebody whom a user has blocked. `since`: Unix time in milliseconds."""

    user_id: str
    since: int


class Blocks:
    """The blocks of one database. Blocking, for any thread; writes for one at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._mine, self._theirs = Compiled(database.engine, _MINE), Compiled(database.engine, _THEIRS)

    def of(self, user_id: str) -> tuple[frozenset[str], frozenset[str]]:
        """Return whom the user has blocked, and who has blocked the user."""
        with self._database.reading() as connection:
            mine, theirs = self._mine.rows(connection, user=user_id), self._theirs.rows(connection, user=user_id)
        if not (mine or theirs):
            return NOBODY
        return frozenset(name for (name,) in mine), frozenset(name for (name,) in theirs)

    def listed(self, user_id: str) -> list[Block]:
        """Return whom the user has blocked, in the order of the alphabet."""
        query = select(blocks.c.blocked_id, blocks.c.since).where(blocks.c.user_id == user_id)
        with self._database.reading() as connection:
            return [Block(*row) for row in connection.execute(query.order_by(blocks.c.blocked_id))]

    def add(self, user_id: str, blocked_id: str) -> None:
        row = {"user_id": user_id, "blocked_id": blocked_id, "since": self._database.now_ms()}
        with self._database.transaction() as connection:
            self._note_change(connection, user_id, blocked_id)
            connection.execute(self._database.insert(blocks).on_conflict_do_nothing(), row)

    def remove(self, user_id: str, blocked_id: str) -> None:
        with self._database.transaction() as connection:
            self._note_change(connection, user_id, blocked_id)
            connection.execute(delete(blocks).where(blocks.c.user_id == user_id, blocks.c.blocked_id == blocked_id))

    def changed_in(self, ms: int) -> list[tuple[str, str, bool]]:
        """Return the pairs that changed in the last milliseconds, each with whether the first has blocked the second."""
        both = (blocks.c.user_id == changes.c.user_id) & (blocks.c.blocked_id == changes.c.blocked_id)
        query = select(changes.c.user_id, changes.c.blocked_id, blocks.c.since.is_not(None))
        query = query.join_from(changes, blocks, both, isouter=True)
        with self._database.reading() as connection:
            found = connection.execute(query.where(changes.c.at >= self._database.shared_now() - ms))
            return [(user_id, blocked_id, is_blocked) for user_id, blocked_id, is_blocked in found]

    def _note_change(self, connection: Connection, user_id: str, blocked_id: str) -> None:
        """Have other workers see it. The lock keeps two that delete old rows from deadlocking."""
        now = self._database.shared_now()
        self._database.lock_names(connection, [changes.name])
        connection.execute(delete(changes).where(changes.c.at < now - KEPT_MS))
        row = self._database.insert(changes).values(user_id=user_id, blocked_id=blocked_id, at=now)
        keys = [changes.c.user_id, changes.c.blocked_id]
        connection.execute(row.on_conflict_do_update(index_elements=keys, set_={"at": row.excluded.at}))


_MINE = select(blocks.c.blocked_id).where(blocks.c.user_id == bindparam("user"))
_THEIRS = select(blocks.c.user_id).where(blocks.c.blocked_id == bindparam("user"))
