"""Owns the records of programs' tokens: who has one, and which were taken back."""

from typing import NamedTuple

from sqlalchemy import select

from chat.storage.database import Database
from chat.storage.schema import service_tokens
from chat.storage.sessions import FORGOTTEN_MS


class ServiceToken(NamedTuple):
    """A program's token. Unix times in milliseconds."""

    id: str
    service: str
    scope: str
    created_at: int
    expires_at: int
    revoked_at: int | None = None  # None: it counts


class ServiceTokens:
    """The programs' tokens of one database. Blocking."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, token: ServiceToken) -> None:
        """Keep a new token's record; delete those that have expired long ago."""
        with self._database.transaction() as connection:
            expired = service_tokens.c.expires_at < self._database.shared_now() - FORGOTTEN_MS
            connection.execute(service_tokens.delete().where(expired))
            connection.execute(service_tokens.insert(), token._asdict())

    def all(self) -> list[ServiceToken]:
        """Return those that have not expired, the newest first."""
        c = service_tokens.c
        query = select(*[c[name] for name in ServiceToken._fields]).where(c.expires_at >= self._database.now_ms())
        with self._database.reading() as connection:
            return [ServiceToken(*row) for row in connection.execute(query.order_by(c.created_at.desc(), c.id))]

    def revoke(self, id_: str) -> bool:
        """Take a token back; return False if there is none of this id, or it was taken back before."""
        row = service_tokens.update().where(service_tokens.c.id == id_, service_tokens.c.revoked_at.is_(None))
        with self._database.transaction() as connection:
            return connection.execute(row.values(revoked_at=self._database.now_ms())).rowcount == 1

    def revoked(self) -> frozenset[str]:
        """Return the ids of those that were taken back and have not expired."""
        return frozenset(token.id for token in self.all() if token.revoked_at is not None)
