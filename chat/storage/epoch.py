"""Owns two random texts of a database: its epoch and its identity.

A new epoch says that what was read before counts no more. The identity stays: tokens name it.
"""

import secrets

from sqlalchemy import delete, select

from chat.storage.database import Database
from chat.storage.schema import epoch

RANDOM_BYTES = 9  # 12 characters
EPOCH, IDENTITY = 1, 2  # their rows


class Epoch:
    """The rows of the table. Blocking; for any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def value(self) -> str:
        """Return the database's epoch; the first call in its life makes it."""
        return self._found(EPOCH)

    def identity(self) -> str:
        """Return what tells this database from any other, but not from a copy of itself; made as `value`."""
        return self._found(IDENTITY)

    def renew(self) -> str:
        """Give the database another epoch, and return it."""
        return self._make(EPOCH, keep=False)

    def _found(self, row: int) -> str:
        with self._database.reading() as connection:
            found: str | None = connection.scalar(select(epoch.c.value).where(epoch.c.id == row))
        return found or self._make(row, keep=True)

    def _make(self, row: int, keep: bool) -> str:
        insert = self._database.insert(epoch).values(id=row, value=secrets.token_urlsafe(RANDOM_BYTES))
        with self._database.transaction() as connection:
            if not keep:
                connection.execute(delete(epoch).where(epoch.c.id == row))
            connection.execute(insert.on_conflict_do_nothing())
            value: str = connection.execute(select(epoch.c.value).where(epoch.c.id == row)).scalar_one()
            return value
