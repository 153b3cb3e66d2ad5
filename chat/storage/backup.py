"""Owns whole copies of an SQLite database: made while a server uses it, and put back while none does."""

import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from chat.errors import Unavailable
from chat.files import open_own
from chat.storage import migrate
from chat.storage.database import Database
from chat.storage.epoch import Epoch
from chat.storage.failures import reason_of

PAGES = 2_048  # of 4 KiB, copied between two moves of the bar

Progress = Callable[[int, int], None]  # called with what is done, and with all that there is

NOT_A_FILE = (
    "Only an SQLite database in a file is copied so. PostgreSQL has pg_dump; after a restore: flask chat new-epoch"
)


def back_up(database: Database, path: Path, progress: Progress) -> None:
    """Copy the database to the file `path`, which is made, or replaced once the copy is whole. Raises Unavailable.

    The copy is of the moment when it began, however much is written meanwhile.
    """
    place = _place_of(database)
    if path.exists() and path.samefile(place):
        raise Unavailable(f"{path} is the database itself.")
    with _temporary(f"{path}.new") as copy, _explained("copied"):
        with closing(sqlite3.connect(copy)) as target:
            _copy_out(database, target, progress)
            target.execute("PRAGMA journal_mode = DELETE")  # one file, which can be read where nobody may write
        os.replace(copy, path)


def restore(database: Database, path: Path, log: logging.Logger, progress: Progress) -> None:
    """Put a copy in the database's place, with the newest tables and a new epoch. No server may use it meanwhile.

    All or nothing: it is made ready beside the database first. Raises Unavailable, or WrongTables.
    """
    with _temporary(f"{_place_of(database)}-restoring") as ready, _explained("restored"):
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(ready)) as target:
            _check(source, path)
            _copy(source, target, progress)
        copy = Database(Path(ready), log)
        migrate.upgrade(copy.engine)
        Epoch(copy).renew()
        copy.close()
        with closing(sqlite3.connect(ready)) as source, database.engine.connect() as connection:
            source.backup(_driver_of(connection))


def _check(source: sqlite3.Connection, path: Path) -> None:
    try:
        is_ours = source.execute("SELECT version_num FROM alembic_version").fetchone()
        fault = source.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        is_ours, fault = None, str(error)
    if not is_ours or fault != "ok":
        raise Unavailable(f"{path} is no whole copy of a chat's database: {fault}")


def _copy_out(database: Database, target: sqlite3.Connection, progress: Progress) -> None:
    with database.engine.connect() as connection, connection.begin():
        # What is read stays as it was to this transaction. Without one each write of the server begins the copy anew.
        connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")
        _copy(_driver_of(connection), target, progress)


def _copy(source: sqlite3.Connection, target: sqlite3.Connection, progress: Progress) -> None:
    source.backup(target, pages=PAGES, progress=lambda _, left, total: progress(total - left, max(total, 1)))


def _driver_of(connection: Any) -> sqlite3.Connection:
    driver: sqlite3.Connection = connection.connection.driver_connection
    return driver


def _place_of(database: Database) -> str:
    if not database.is_sqlite:
        raise Unavailable(NOT_A_FILE)
    return str(database.engine.url.database)


@contextmanager
def _temporary(path: str) -> Iterator[str]:
    """Make a file for nobody else to read; what is left of it at the end is deleted."""
    Path(path).unlink(missing_ok=True)
    try:
        os.close(open_own(path, os.O_EXCL | os.O_RDWR))
        yield path
    except OSError as error:
        raise Unavailable(f"{path}: {error.strerror}.") from None
    finally:
        Path(path).unlink(missing_ok=True)


@contextmanager
def _explained(done: str) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, SQLAlchemyError) as error:
        reason = reason_of(error) if isinstance(error, SQLAlchemyError) else error
        raise Unavailable(f"The database cannot be {done}: {reason}") from None
