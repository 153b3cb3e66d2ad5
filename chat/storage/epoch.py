"""Owns the epoch of a database: a random text. With another one, what was read of it before counts no more."""

import secrets

from sqlalchemy import delete, select

from chat.storage.database import Database
from chat.storage.schema import epoch

RANDOM_BYTES = 9  # 12 characters


class Epoch:
    """The one row of the table. Blocking; for any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def value(self) -> str:
        """Return the database's epoch; the first call in its life makes it."""
        with self._database.reading() as connection:
            found: str | None = connection.scalar(select(epoch.c.value))
        return found or self._make(keep=True)

    def renew(self) -> str:
        """Give the database another one, and return it."""
        return self._make(keep=False)

    def _make(self, keep: bool) -> str:
        row = self._database.insert(epoch).values(id=1, value=secrets.token_urlsafe(RANDOM_BYTES))
        with self._database.transaction() as connection:
            if not keep:
                connection.execute(delete(epoch))
            connection.execute(row.on_conflict_do_nothing())
            value: str = connection.execute(select(epoch.c.value)).scalar_one()
            return value
