"""Owns the row by which a PostgreSQL database is leased to one process, or to several that share it.

It holds a text, which is the caller's affair.
"""

import contextlib
from uuid import uuid4

from sqlalchemy import BigInteger, Update, and_, bindparam, cast, extract, func, select, update
from sqlalchemy.exc import SQLAlchemyError

from chat.errors import Unavailable
from chat.storage.database import Database
from chat.storage.failures import reason_of
from chat.storage.schema import server_lease

SHARED = "shared"  # the holder of a row that several hold: each of them renews it
STALE_SECONDS = 8  # a row that was not renewed for so long is free: a successor begins within 10 s

# The statement's own time: now() is the transaction's, and may have waited for another one.
_NOW = cast(extract("epoch", func.clock_timestamp()) * 1000, BigInteger)
_FIND = select(server_lease.c.owner, server_lease.c.renewed_at)
_MINE = update(server_lease).where(server_lease.c.holder == bindparam("me"))
_RENEW = _MINE.values(renewed_at=_NOW).returning(server_lease.c.renewed_at)


class LeaseRow:
    """The lease of a PostgreSQL database. It is free 8 s after it was renewed last."""

    def __init__(self, database: Database, is_shared: bool = False) -> None:
        self._is_shared = is_shared
        self._database = database
        row = database.insert(server_lease).values(id=1, renewed_at=_NOW)
        self._take = row.on_conflict_do_update(
            index_elements=[server_lease.c.id],
            set_={"holder": row.excluded.holder, "owner": row.excluded.owner, "renewed_at": _NOW},
            where=(server_lease.c.renewed_at < _NOW - STALE_SECONDS * 1000)
            | and_(server_lease.c.holder == SHARED, row.excluded.holder == SHARED),
        ).returning(server_lease.c.id)
        self._holder = ""  # a random id, new with each `take`: a forked process has a copy of the last one
        self._found_at: int | None = None  # renewed_at, as the first `take` has found it
        self.is_holder_alive = False  # whether it was renewed since; the row may be left of a dead process

    def take(self, text: str) -> str | None:
        """Take the lease and write `text`, or return another holder's. Raises Unavailable: the database fails."""
        holder = SHARED if self._is_shared else uuid4().hex
        try:
            with self._database.aside() as connection:
                if connection.execute(self._take, {"holder": holder, "owner": text}).first():
                    self._holder, self._found_at = holder, None
                    return None
                found, renewed_at = connection.execute(_FIND).one()
        except SQLAlchemyError as error:
            raise Unavailable(f"The database cannot be reached: {reason_of(error)}") from None
        self._found_at = self._found_at or renewed_at
        self.is_holder_alive = renewed_at != self._found_at
        return str(found)

    def free(self, text: str) -> None:
        """Take the lease away from the holder that has written `text`: its process is dead."""
        with contextlib.suppress(SQLAlchemyError), self._database.aside() as connection:
            connection.execute(update(server_lease).where(server_lease.c.owner == text).values(renewed_at=0))

    def write(self, text: str) -> None:
        """Replace the text. Only for the holder."""
        self._change(_MINE.values(owner=text))

    def keep(self, text: str) -> bool:
        """Renew the lease. False: another holder has taken it. True while the database is away."""
        try:
            with self._database.aside() as connection:
                now_ms = connection.scalar(_RENEW, {"me": self._holder})
        except SQLAlchemyError:
            return True
        if now_ms is not None:
            self._database.own_clock.note(now_ms)
        return now_ms is not None

    def release(self) -> None:
        """Give the lease back, if it is held; one that is shared ends when nobody renews it."""
        if self._is_shared:
            self._holder = ""
        else:
            self._change(_MINE.values(holder="", renewed_at=0))

    def _change(self, statement: Update) -> None:
        # Where it fails a successor waits less, and is started again, or until the row ends by itself.
        with contextlib.suppress(SQLAlchemyError), self._database.aside() as connection:
            connection.execute(statement, {"me": self._holder})
