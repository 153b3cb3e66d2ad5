"""Owns what is known of a failure of the database: whether to try again, and what the log and callers are told of it."""

import logging
import sqlite3
import time
from collections.abc import Callable
from functools import partial
from types import MappingProxyType
from typing import Any, TypeVar

from sqlalchemy.exc import DBAPIError, InternalError, OperationalError, ProgrammingError, SQLAlchemyError

from chat.errors import DatabaseLocked, DatabaseReadOnly, DatabaseReplaced, DiskFull, Unavailable
from chat.storage.database_file import FileReplaced

T = TypeVar("T")

QUERY_CANCELED = "57014"  # PostgreSQL's name for what statement_timeout does
QUIET_SECONDS = 60  # between two like lines of the log
LOG_SAYS_WHY = "The log says why."
FAULTS = (DiskFull, DatabaseReadOnly, DatabaseLocked, DatabaseReplaced)

# SQLite's result codes (sqlite.org/rescode.html), and PostgreSQL's SQLSTATE (its documentation, appendix A).
_FAULTS = MappingProxyType({
    5: DatabaseLocked, 6: DatabaseLocked, 8: DatabaseReadOnly, 13: DiskFull,
    4874: DiskFull,  # SQLITE_IOERR_SHMSIZE: no room for chat.db-shm
    "53100": DiskFull, "25006": DatabaseReadOnly,
})  # fmt: skip


class CommitUnknown(SQLAlchemyError):
    """A commit was asked for, and failed or broke off: it took place, or not."""


class Away(SQLAlchemyError):
    """The database gave no answer a moment ago, or has none for so many at once."""

    def __str__(self) -> str:
        return "it gives no answer"


# Raised where the database fails, and not the program.
DATABASE_FAILS = (OperationalError, Away)
STATEMENT_FAILS = ProgrammingError  # raised where it has not our tables, too


def again_if_broken(function: Callable[[], T]) -> T:
    """Call a function that uses the database; once more if a connection had broken since its last use."""
    try:
        return function()
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        return function()


def was_ended(error: BaseException) -> bool:
    """Return whether a statement was ended since it took too long."""
    driver = error.orig if isinstance(error, DBAPIError) else None
    code, state = getattr(driver, "sqlite_errorcode", None), getattr(driver, "sqlstate", None)
    return code == sqlite3.SQLITE_INTERRUPT or state == QUERY_CANCELED


def cause_of(error: Exception) -> BaseException:
    """Return the driver's own error."""
    if isinstance(error, CommitUnknown) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    return getattr(error, "orig", None) or error


def reason_of(error: Exception) -> str:
    """Return what the driver says of an error."""
    return str(cause_of(error)).strip()


def log_text(error: Exception) -> str:
    """Return what the log may say of a failure: of the database's state its own words, never a row's content."""
    if isinstance(error, CommitUnknown) and isinstance(error.__cause__, Exception):
        return f"{type(error).__name__}: {log_text(error.__cause__)}"
    kind = type(error).__name__
    lines = reason_of(error).splitlines() if isinstance(error, OperationalError | InternalError) else []
    return f"{kind}: {lines[0]}" if lines else kind


def name_of(call: "partial[Any]") -> str:
    """Return what the log calls a call: `Notifications.forget`."""
    return getattr(call.func, "__qualname__", type(call.func).__name__)


def fault_of(error: Exception, what: str, otherwise: str = LOG_SAYS_WHY) -> Unavailable:
    """Return the error that says what fails, why, and what to do; `otherwise` where the reason is none of FAULTS."""
    cause = cause_of(error)
    code = getattr(cause, "sqlite_errorcode", 0) or getattr(cause, "sqlstate", "")
    primary = code & 0xFF if isinstance(code, int) else code  # of SQLite's extended codes
    fault = DatabaseReplaced if isinstance(error, FileReplaced) else _FAULTS.get(code) or _FAULTS.get(primary)
    return Unavailable(f"{what}: {otherwise}") if fault is None else fault(f"{what}: {fault.sentence}")


class FailureLog:
    """Logs failures that are alike once a minute: while the database is away, everything fails. For one thread."""

    def __init__(self, log: logging.Logger) -> None:
        self._tell = log.error
        self._told: dict[Any, float] = {}  # keys of failures, and when the log was told of each

    def error(self, line: str, *args: object, key: object = None) -> None:
        """Log `line`, filled with `args`. `key`: equal for failures that are alike; None: `args` are."""
        now, key = time.monotonic(), key or args
        self._told = {one: at for one, at in self._told.items() if at > now - QUIET_SECONDS}
        if key not in self._told:
            self._told[key] = now
            self._tell(line, *args)
