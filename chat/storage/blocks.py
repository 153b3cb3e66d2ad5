"""Owns who has blocked whom, as it is stored. Who asks, and what follows, is left to others."""

from typing import NamedTuple

from sqlalchemy import delete, select

from chat.storage.database import Database
from chat.storage.schema import blocks


class Block(NamedTuple):
    """Somebody whom a user has blocked. `since`: Unix time in milliseconds."""

    user_id: str
    since: int


class Blocks:
    """The blocks of one database. Blocking, for any thread; writes for one at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, user_id: str) -> tuple[frozenset[str], frozenset[str]]:
        """Return whom the user has blocked, and who has blocked the user."""
        mine = select(blocks.c.blocked_id).where(blocks.c.user_id == user_id)
        theirs = select(blocks.c.user_id).where(blocks.c.blocked_id == user_id)
        with self._database.reading() as connection:
            return frozenset(connection.scalars(mine)), frozenset(connection.scalars(theirs))

    def listed(self, user_id: str) -> list[Block]:
        """Return whom the user has blocked, in the order of the alphabet."""
        query = select(blocks.c.blocked_id, blocks.c.since).where(blocks.c.user_id == user_id)
        with self._database.reading() as connection:
            return [Block(*row) for row in connection.execute(query.order_by(blocks.c.blocked_id))]

    def add(self, user_id: str, blocked_id: str) -> None:
        row = {"user_id": user_id, "blocked_id": blocked_id, "since": self._database.now_ms()}
        with self._database.transaction() as connection:
            connection.execute(self._database.insert(blocks).on_conflict_do_nothing(), row)

    def remove(self, user_id: str, blocked_id: str) -> None:
        with self._database.transaction() as connection:
            connection.execute(delete(blocks).where(blocks.c.user_id == user_id, blocks.c.blocked_id == blocked_id))
