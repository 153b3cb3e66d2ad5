"""Owns what is known of the database's health: which of reading and writing fails, and why."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy.exc import SQLAlchemyError

from chat.errors import Busy, DatabaseLocked, DatabaseReadOnly, DatabaseReplaced, DiskFull, Unavailable
from chat.storage.database import Database
from chat.storage.database_file import FileReplaced
from chat.storage.failures import cause_of

WRITES_FAIL = "Writes fail, reads work"
LOG_SAYS_WHY = "The log says why."
FAULTS = (DiskFull, DatabaseReadOnly, DatabaseLocked, DatabaseReplaced)

# SQLite's result codes (sqlite.org/rescode.html), and PostgreSQL's SQLSTATE (its documentation, appendix A).
_FAULTS = MappingProxyType({
    5: DatabaseLocked, 6: DatabaseLocked, 8: DatabaseReadOnly, 13: DiskFull,
    4874: DiskFull,  # SQLITE_IOERR_SHMSIZE: no room for chat.db-shm
    "53100": DiskFull, "25006": DatabaseReadOnly,
})  # fmt: skip


@dataclass(eq=False)
class DatabaseHealth:
    """The health of one database. Its last write has shown whether it can be written."""

    _database: Database
    _in_thread: Callable[[Callable[[], bool]], bool]  # calls a function that blocks in a native thread
    _write: Callable[[Callable[[], bool]], bool]  # calls one in the journal's
    _is_trying: bool = False

    def fault(self) -> Unavailable | None:
        """Return what fails, or None. Asks the database; blocks."""
        error = self._database.write_error
        try:
            self._database.ask()
        except SQLAlchemyError as failed:
            return fault_of(failed, "Reads and writes fail" if error else "Reads fail")
        return fault_of(error, WRITES_FAIL) if error else None

    def keep_up(self) -> None:
        """See whether the database can be written again, if the last write has failed. Blocks the greenlet."""
        if self._database.write_error is None or self._is_trying:
            return
        self._is_trying = True
        with suppress(Busy, Unavailable):  # the server stops
            if self._in_thread(self._database.can_write):
                self._write(bool)  # nothing; before it, what failed commits have stored is found
        self._is_trying = False


def fault_of(error: Exception, what: str, otherwise: str = LOG_SAYS_WHY) -> Unavailable:
    """Return the error that says what fails, why, and what to do; `otherwise` where the reason is none of FAULTS."""
    cause = cause_of(error)
    code = getattr(cause, "sqlite_errorcode", 0) or getattr(cause, "sqlstate", "")
    primary = code & 0xFF if isinstance(code, int) else code  # of SQLite's extended codes
    fault = DatabaseReplaced if isinstance(error, FileReplaced) else _FAULTS.get(code) or _FAULTS.get(primary)
    return Unavailable(f"{what}: {otherwise}") if fault is None else fault(f"{what}: {fault.sentence}")
