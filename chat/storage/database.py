"""Owns the connections to one database: one that writes, and as many that read as are needed at once."""

import logging
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

from gevent.monkey import get_original
from sqlalchemy import (
    URL,
    BigInteger,
    ColumnElement,
    Connection,
    NullPool,
    cast,
    create_engine,
    event,
    extract,
    func,
    literal,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError, IntegrityError, InternalError, OperationalError, SQLAlchemyError

from chat.errors import BadSetting, ChatError, Unavailable
from chat.storage.database_file import DatabaseFile

BUSY_SECONDS = 10  # how long a commit waits for another process that holds SQLite's lock
CHECKPOINT_PAGES = 8_000  # of 4 KiB; with SQLite's own 1,000, one commit in sixteen waits for a checkpoint

NO_PSYCOPG = (
    "CHAT_DATABASE_URL is of PostgreSQL, postgresql+psycopg://..., which needs a package of its own: "
    'pip install "flask-chat-server[postgres]"'
)

READ_SECONDS = 10.0  # for a read that names no deadline
READ_STEPS = 20_000  # the same as the next, for such a read: each look needs the interpreter's lock
CHECKED_STEPS = 1_000  # of SQLite's machine, from one look at the clock to the next: some 0.1 ms
STATEMENT_MS = "statement_ms"  # under which a PostgreSQL reader notes its deadline
QUERY_CANCELED = "57014"  # PostgreSQL's name for what statement_timeout does

IN_ONE_QUERY = 500  # values of an IN (...), below every database's bound

T = TypeVar("T")


class CommitUnknown(SQLAlchemyError):
    """A commit was asked for, and failed or broke off: it took place, or not."""


class Database:
    """SQLite or PostgreSQL, behind the same methods. Connects at the first use.

    Args:
        url: SQLAlchemy's, of SQLite or of PostgreSQL with psycopg 3. Raises BadSetting: that is not installed.
            A Path is the file of an SQLite database; a URL would end at a "?" of its name.
        clock: Unix time in seconds, for `shared_now` too. None: this machine's.
    """

    def __init__(self, url: str | Path, log: logging.Logger, clock: Callable[[], float] | None = None) -> None:
        self.insert: Any  # the dialect's, which knows `on_conflict_do_nothing`
        self._file = DatabaseFile(None, log)
        if isinstance(url, str) and url.startswith("postgresql"):
            try:
                self.engine = create_engine(url, poolclass=NullPool, paramstyle="format")
                dialect: Any = self.engine.dialect
                dialect.do_begin = _begin_postgres
            except ImportError as error:  # psycopg, or the library that it needs in turn
                raise BadSetting(NO_PSYCOPG, "CHAT_DATABASE_URL") from error
            from sqlalchemy.dialects import postgresql  # costs the start on SQLite a twentieth

            self.insert = postgresql.insert
        else:
            arguments = {"check_same_thread": False, "timeout": BUSY_SECONDS}
            file_or_url = URL.create("sqlite", database=str(url)) if isinstance(url, Path) else url
            self.engine = create_engine(file_or_url, poolclass=NullPool, connect_args=arguments)
            self._file = DatabaseFile(self.engine.url.database, log)
            event.listen(self.engine, "do_connect", lambda *_: self._file.make())
            event.listen(self.engine, "connect", self._connect_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
            self.insert = sqlite.insert
        driver: Any = self.engine.dialect.dbapi
        self.unique_broken = (IntegrityError, driver.IntegrityError)  # a row is there already
        self._clock = clock or time.time
        self._has_own_time = clock is None and not self.is_sqlite
        self.is_closed = False
        self.write_error: SQLAlchemyError | None = None  # of the last write, until `can_write`; None: it went well
        self._writing = get_original("_thread", "allocate_lock")()  # guards self._writer
        self._writer: Connection | None = None
        self._readers: deque[Connection] = deque()  # idle; a reader takes one out and puts it back
        self._limited: deque[Connection] = deque()  # the same, of those with a deadline

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    def now_ms(self) -> int:
        """Return the time as it is stored: Unix time in milliseconds."""
        return int(self._clock() * 1000)

    def shared_now(self) -> ColumnElement[int]:
        """Return the same by the one clock of all workers, for a statement: PostgreSQL's, as machines' clocks differ."""
        return _POSTGRES_NOW if self._has_own_time else literal(self.now_ms(), BigInteger)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Give the writer's connection within a transaction; another thread waits until it is over.

        After a failure the next one gets a new connection, unless it was a ChatError or a row that is there.

        Raises CommitUnknown: it may have been committed, or not; FileReplaced: it was, and is not to be found.
        """
        try:
            with self._transaction() as connection:
                yield connection
        except SQLAlchemyError as error:
            if not isinstance(error, self.unique_broken):
                self.write_error = error
            raise

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        asked = False
        with self._writing:
            if self._writer is None:
                self._writer = self.engine.connect().execution_options(writes=True)
                self._file.writer_connected()
            try:
                with self._writer.begin():
                    yield self._writer
                    asked = True  # what fails from here on is the commit itself
            except (ChatError, *self.unique_broken):
                raise
            except BaseException as error:
                writer, self._writer = self._writer, None
                _throw_away(writer)
                if asked:
                    raise CommitUnknown from error
                raise
            self._file.check_committed()

    @contextmanager
    def reading(self, seconds: float | None = None) -> Iterator[Connection]:
        """Give a connection for queries, in a transaction of its own; for any thread.

        `seconds`: how long they may take (on PostgreSQL, each one). Such readers have connections of their own.
        Raises Unavailable: it took longer; no failure of the database. None: READ_SECONDS, then the driver's error.
        """
        self._file.check()
        idle = self._readers if seconds is None else self._limited
        try:
            connection = idle.pop()
        except IndexError:
            connection = self.engine.connect()
        try:
            with self._deadline(connection, seconds), connection.begin():
                yield connection
        except BaseException as error:
            _throw_away(connection)
            if seconds is not None and _was_ended(error):
                raise Unavailable(rule="took_too_long") from None
            if not isinstance(error, ChatError):
                self._close_readers()  # whatever broke this one may have broken them
            raise
        idle.append(connection)
        if self.is_closed:  # meanwhile
            self._close_readers()

    def lock_names(self, connection: Connection, names: Iterable[str]) -> None:
        """Have other writers' transactions that lock one of these names wait for this one's end."""
        if not self.is_sqlite:  # which has one writer anyhow
            # In one order, so that two writers cannot deadlock: of the numbers, since two names may have one.
            numbers = sorted({_number_of(name) for name in names})
            connection.exec_driver_sql(_LOCK_NUMBERS, (numbers,))

    @contextmanager
    def _deadline(self, connection: Connection, seconds: float | None) -> Iterator[None]:
        driver: Any = connection.connection.driver_connection
        steps, seconds = (READ_STEPS, READ_SECONDS) if seconds is None else (CHECKED_STEPS, seconds)
        if not self.is_sqlite:
            driver.autocommit = True  # the driver begins nothing by itself
            connection.info[STATEMENT_MS] = max(1, round(seconds * 1000))
            yield
            return
        until = time.monotonic() + seconds
        driver.set_progress_handler(lambda: self.is_closed or time.monotonic() > until, steps)
        try:
            yield
        finally:
            driver.set_progress_handler(None, 0)

    def ask(self) -> None:
        """Ask the database for nothing, to see that it answers."""
        with self.reading() as connection:
            connection.exec_driver_sql("SELECT 1")

    def can_write(self) -> bool:
        """Write what changes nothing, to see whether it can be; else `write_error` says why not."""
        try:
            with self.transaction() as connection:
                if self.is_sqlite:  # a number for programs, which this one does not use
                    number = connection.exec_driver_sql("PRAGMA user_version").scalar()
                    connection.exec_driver_sql(f"PRAGMA user_version = {number}")
                else:
                    connection.exec_driver_sql("UPDATE server_lease SET renewed_at = renewed_at")
        except SQLAlchemyError:
            return False
        self.write_error = None
        return True

    def close(self) -> None:
        """Close the connections; one that is in use just now, after its use."""
        self.is_closed = True
        self.rest()
        self.engine.dispose()

    def rest(self) -> None:
        """Close the connections that nobody uses just now; whoever asks next opens another."""
        self._close_readers()
        if self._writing.acquire(blocking=False):
            if self._writer:
                self._writer.close()
            self._writer = None
            self._writing.release()

    def _close_readers(self) -> None:
        for idle in (self._readers, self._limited):
            with suppress(IndexError):  # none is left, or another thread took the last
                while True:
                    idle.pop().close()

    def _connect_sqlite(self, connection: Any, record: Any) -> None:
        self._file.check()  # before SQLite makes an empty file in the place of one that is gone
        connection.isolation_level = None  # BEGIN is said in `_begin_sqlite`
        connection.execute("PRAGMA journal_mode = WAL")  # readers and the writer do not wait for each other
        connection.execute("PRAGMA synchronous = FULL")  # a commit survives a power cut, not only a crash
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        self._file.connected()


# The statement's time: stable, so that an index can be asked with it.
_POSTGRES_NOW = cast(extract("epoch", func.statement_timestamp()) * 1000, BigInteger)
_LOCK_NUMBERS = "SELECT pg_advisory_xact_lock(number) FROM unnest(%s::bigint[]) AS number"


def _number_of(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), signed=True)


def _throw_away(connection: Connection) -> None:
    connection.invalidate()
    connection.close()


def _was_ended(error: BaseException) -> bool:
    driver = error.orig if isinstance(error, DBAPIError) else None
    code, state = getattr(driver, "sqlite_errorcode", None), getattr(driver, "sqlstate", None)
    return code == sqlite3.SQLITE_INTERRUPT or state == QUERY_CANCELED


def _begin_postgres(connection: Any) -> None:
    """Say BEGIN and a reader's deadline in one round trip; they hold for one transaction, behind a pooler too."""
    if (ms := connection.info.get(STATEMENT_MS)) is not None:
        connection.driver_connection.execute(f"BEGIN; SET LOCAL statement_timeout = {ms}", prepare=False)


def _begin_sqlite(connection: Connection) -> None:
    # IMMEDIATE takes the lock at once: a transaction that began by reading cannot wait for it.
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def again_if_broken(function: Callable[[], T]) -> T:
    """Call a function that uses the database; once more if a connection had broken since its last use."""
    try:
        return function()
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        return function()


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


def parts(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Cut `values` into as many as one query may name."""
    for start in range(0, len(values), IN_ONE_QUERY):
        yield values[start : start + IN_ONE_QUERY]
