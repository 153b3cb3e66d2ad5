"""Owns the connections to one database: one that writes, one beside it, and as many that read as are needed at once."""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty
from threading import get_ident
from typing import Any

from gevent.monkey import get_original
from sqlalchemy import BigInteger, ColumnElement, Connection, literal
from sqlalchemy.dialects.sqlite import insert as insert_on_sqlite
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from chat.errors import BadSetting, ChatError, Unavailable
from chat.storage import sqlite
from chat.storage.database_file import DatabaseFile
from chat.storage.failures import Away, CommitUnknown, cause_of, was_ended
from chat.storage.own_clock import OwnClock

NO_PSYCOPG = (
    "CHAT_DATABASE_URL is of PostgreSQL, postgresql+psycopg://..., which needs a package of its own: "
    'pip install "flask-chat-server[postgres]"'
)

READ_SECONDS = 10.0  # for a read of SQLite that names no deadline
READ_STEPS = 20_000  # the same as the next, for such a read: each look needs the interpreter's lock
CHECKED_STEPS = 1_000  # of SQLite's machine, from one look at the clock to the next: some 0.1 ms
READERS = 16  # that may read SQLite at once: more than there are threads
POSTGRES_READERS = 4  # each a connection; with those that write, six of a worker
TURN_SECONDS = 4.0  # how long to wait until another one has read
AWAY_SECONDS = 1  # after no answer, nobody waits for another one so soon: what waits in the queues is answered at once


class _Kept:
    """A connection that is kept, and the lock of whoever uses it."""

    def __init__(self) -> None:
        self.lock = get_original("_thread", "allocate_lock")()
        self.connection: Connection | None = None


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
        self._postgres: Any = None  # the module, which needs psycopg; None: this is SQLite
        self._no_answer: tuple[type[Exception], ...] = ()
        if isinstance(url, str) and url.startswith("postgresql"):
            try:
                from chat.storage import postgres

                self.engine = postgres.make_engine(url)
            except ImportError as error:  # psycopg, or the library that it needs in turn
                raise BadSetting(NO_PSYCOPG, "CHAT_DATABASE_URL") from error
            from sqlalchemy.dialects import postgresql  # costs the start on SQLite a twentieth

            self._postgres, self._no_answer = postgres, postgres.NO_ANSWER
            self.insert = postgresql.insert
        else:
            self.engine, self._file = sqlite.make_engine(url, log)
            self.insert = insert_on_sqlite
        driver: Any = self.engine.dialect.dbapi
        self.unique_broken = (IntegrityError, driver.IntegrityError)  # a row is there already
        self._failures = (SQLAlchemyError, driver.Error)
        self.own_clock = OwnClock(clock or time.time)
        self._has_own_time = clock is None and not self.is_sqlite
        self.is_closed = False
        self.write_error: Exception | None = None  # of the last write, until `can_write`; None: it went well
        self._away_until = 0.0  # by time.monotonic(): until then nobody waits for an answer
        self._writer, self._other = _Kept(), _Kept()
        self._readers: deque[Connection] = deque()  # idle; a reader takes one out and puts it back
        self._shared: dict[int, Connection] = {}  # by the thread that reads together
        self._turns: Any = get_original("queue", "SimpleQueue")()  # as many as may read at once
        for _ in range(READERS if self._postgres is None else POSTGRES_READERS):
            self._turns.put(None)

    @property
    def is_sqlite(self) -> bool:
        return self._postgres is None

    def now_ms(self) -> int:
        """Return the time as it is stored: Unix time in milliseconds."""
        return self.own_clock.now_ms()

    def shared_now(self) -> ColumnElement[int]:
        """Return the same by the one clock of all workers, for a statement: PostgreSQL's, as machines' clocks differ."""
        return self._postgres.NOW if self._has_own_time else literal(self.now_ms(), BigInteger)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Give the writer's connection within a transaction; another thread waits until it is over.

        After a failure the next one gets a new connection, unless it was a ChatError or a row that is there.

        Raises CommitUnknown: it may have been committed, or not; FileReplaced: it was, and is not to be found.
        """
        try:
            with self._transaction(self._writer) as connection:
                yield connection
        except self._failures as error:
            if not isinstance(error, self.unique_broken):
                self.write_error = error
            raise

    @contextmanager
    def aside(self) -> Iterator[Connection]:
        """Give another connection, as `transaction` does: for what must not wait until others have written."""
        with self._transaction(self._other) as connection:
            yield connection

    @contextmanager
    def _transaction(self, kept: "_Kept") -> Iterator[Connection]:
        asked = False
        with kept.lock:
            self._check_away()
            if kept.connection is None:
                kept.connection = self._connect().execution_options(writes=True)
                self._file.writer_connected()
            try:
                with kept.connection.begin():
                    yield kept.connection
                    asked = True  # what fails from here on is the commit itself
            except (ChatError, *self.unique_broken):
                raise
            except BaseException as error:
                self._note(error)
                connection, kept.connection = kept.connection, None
                _throw_away(connection)
                if asked:
                    raise CommitUnknown from error
                raise
            self._file.check_committed()

    @contextmanager
    def reading(self, seconds: float | None = None) -> Iterator[Connection]:
        """Give a connection for queries, in a transaction of its own; for any thread, which may wait for its turn.

        `seconds`: how long they may take (on PostgreSQL, each one).
        Raises Unavailable: it took longer; no failure of the database. None: READ_SECONDS, then the driver's error.
        """
        if (shared := self._shared.get(get_ident())) is not None and seconds is None:
            yield shared
            return
        self._file.check()
        try:
            self._turns.get(timeout=TURN_SECONDS)
        except Empty:
            raise Away from None
        try:
            with self._reading(seconds) as connection:
                yield connection
        finally:
            self._turns.put(None)

    @contextmanager
    def reading_together(self) -> Iterator[None]:
        """Have all that this thread reads within it share one connection, and one transaction."""
        with self.reading() as connection:
            self._shared[get_ident()] = connection
            try:
                yield
            finally:
                del self._shared[get_ident()]

    @contextmanager
    def _reading(self, seconds: float | None) -> Iterator[Connection]:
        self._check_away()
        try:
            connection = self._readers.pop()
        except IndexError:
            connection = self._connect()
        try:
            with self._deadline(connection, seconds), connection.begin():
                yield connection
        except BaseException as error:
            self._note(error)
            _throw_away(connection)
            if seconds is not None and was_ended(error):
                raise Unavailable(rule="took_too_long") from None
            if not isinstance(error, ChatError):
                self._close_readers()  # whatever broke this one may have broken them
            raise
        self._readers.append(connection)
        if self.is_closed:  # meanwhile
            self._close_readers()

    def lock_names(self, connection: Connection, names: Iterable[str]) -> None:
        """Have other writers' transactions that lock one of these names wait for this one's end."""
        if self._postgres:  # SQLite has one writer anyhow
            self._postgres.lock_names(connection, names)

    @contextmanager
    def _deadline(self, connection: Connection, seconds: float | None) -> Iterator[None]:
        if self._postgres:
            self._postgres.timed(connection).limit(seconds)
            yield
            return
        driver: Any = connection.connection.driver_connection
        steps, seconds = (READ_STEPS, READ_SECONDS) if seconds is None else (CHECKED_STEPS, seconds)
        until = time.monotonic() + seconds
        driver.set_progress_handler(lambda: self.is_closed or time.monotonic() > until, steps)
        try:
            yield
        finally:
            driver.set_progress_handler(None, 0)

    def _check_away(self) -> None:
        if time.monotonic() < self._away_until:
            raise Away

    def _connect(self) -> Connection:
        try:
            connection = self.engine.connect()
        except DBAPIError as error:
            self._note(error)
            raise
        if self._postgres:
            self._postgres.timed(connection).limit()
        return connection

    def _note(self, error: BaseException) -> None:
        """Let nobody wait again so soon for a database that gives no answer."""
        if isinstance(error, Exception) and isinstance(cause_of(error), self._no_answer):
            self._away_until = time.monotonic() + AWAY_SECONDS

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
        except self._failures:
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
        for kept in (self._writer, self._other):
            if kept.lock.acquire(blocking=False):
                if kept.connection:
                    kept.connection.close()
                kept.connection = None
                kept.lock.release()

    def _close_readers(self) -> None:
        with suppress(IndexError):  # none is left, or another thread took the last
            while True:
                self._readers.pop().close()


def _throw_away(connection: Connection) -> None:
    connection.invalidate()
    connection.close()
