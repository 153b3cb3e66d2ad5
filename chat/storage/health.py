"""Owns what is known of the database's health: which of reading and writing fails, and why, and whether its tables are ours."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from chat.errors import Busy, ChatError, Unavailable
from chat.storage.database import Database
from chat.storage.failures import fault_of
from chat.storage.migrate import revisions

WRITES_FAIL = "Writes fail, reads work"


@dataclass(eq=False)
class DatabaseHealth:
    """The health of one database. Its last write has shown whether it can be written."""

    _database: Database
    _in_thread: Callable[[Callable[[], bool]], bool]  # calls a function that blocks in a native thread
    _write: Callable[[Callable[[], bool]], bool]  # calls one in the journal's

    def fault(self) -> Unavailable | None:
        """Return what fails, or None. Asks the database; blocks."""
        error = self._database.write_error
        try:
            self._database.ask()
        except SQLAlchemyError as failed:
            return fault_of(failed, "Reads and writes fail" if error else "Reads fail")
        return fault_of(error, WRITES_FAIL) if error else None

    def keep_up(self) -> None:
        """See whether the database can be written again, if the last write has failed. Blocks the greenlet; not twice at once."""
        if self._database.write_error is None:
            return
        with suppress(Busy, Unavailable):  # the server stops
            if self._in_thread(self._database.can_write):
                self._write(bool)  # nothing; before it, what failed commits have stored is found

    def faults(self) -> dict[str, str | None]:
        """Return what keeps the database from being used, or None, by the name of the check. Blocks."""
        with suppress(SQLAlchemyError, _RolledBackError), self._database.transaction() as connection:
            # Rolled back, which costs no fsync. Where it fails `write_error` says why.
            connection.execute(text("UPDATE server_lease SET renewed_at = renewed_at"))
            raise _RolledBackError
        if fault := self.fault():
            return {"database": f"{fault.code}: {fault.message}"}
        with self._database.reading() as connection:
            found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        wanted = revisions()[-1]
        said = f"The tables are of revision {found}, and this program needs {wanted}."
        return {"database": None, "migrations": None if found == wanted else said}


class _RolledBackError(ChatError):
    """Ends a transaction that only tries."""
