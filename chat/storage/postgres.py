"""Owns the line to PostgreSQL: a connection that waits for no answer longer than it may, and what a URL says of it.

A database that is stopped, or whose machine is gone, answers nothing and closes nothing: its own
`statement_timeout` does not help then, and the kernel waits for minutes.
"""

import time
from collections.abc import Generator, Iterable
from hashlib import blake2b
from math import inf
from typing import Any, TypeVar

import psycopg
from psycopg import waiting
from psycopg._cmodule import _psycopg
from sqlalchemy import BigInteger, Connection, Engine, NullPool, cast, create_engine, event, extract, func, make_url

from chat.errors import BadSetting

CONNECT_SECONDS = 3  # unless the URL says connect_timeout
STATEMENT_SECONDS = 3.5  # that the database may work at one statement, before it breaks it off
GRACE_SECONDS = 0.5  # after that, until its answer must be here
TICK_SECONDS = 0.1  # from one look at the clock to the next, while nothing comes

# The statement's time in milliseconds: stable, so that an index can be asked with it.
NOW = cast(extract("epoch", func.statement_timestamp()) * 1000, BigInteger)

RV = TypeVar("RV")


class NoAnswer(psycopg.OperationalError):
    """The database sent not a byte in time. The line is closed."""


NO_ANSWER = (NoAnswer, psycopg.errors.ConnectionTimeout)


class TimedConnection(psycopg.Connection[Any]):
    """A connection. Blocking, for native threads."""

    # Under gevent's patches psycopg's own choice is a wait in Python: 53 us a row instead of 9.
    wait_for: Any = staticmethod(getattr(_psycopg, "wait_c", None) or waiting.wait)
    statement_seconds: float | None = None  # for each of the transaction that begins next; None: as long as it takes
    answer_seconds = inf

    def limit(self, seconds: float | None = None) -> None:
        """Bound each statement from the next transaction on. None: STATEMENT_SECONDS."""
        if self.statement_seconds is None:
            self.autocommit = True  # `_begin` begins, and not the driver by itself
        self.statement_seconds = STATEMENT_SECONDS if seconds is None else seconds
        self.answer_seconds = self.statement_seconds + GRACE_SECONDS

    def rollback(self) -> None:
        """Roll back, where there is a line; that there is none is no reason to forget why."""
        if not self.closed:
            super().rollback()

    def wait(self, gen: Generator[Any, Any, RV], interval: float = TICK_SECONDS, timeout: float | None = None) -> RV:
        found: RV = self.wait_for(self._in_time(gen), self.pgconn.socket, interval)
        return found

    def _in_time(self, gen: Generator[Any, Any, RV]) -> Generator[Any, Any, RV]:
        """Go the generator's steps, each when the socket is ready; end it once nothing has come for too long."""
        until = time.monotonic() + self.answer_seconds
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if ready:
                    until = time.monotonic() + self.answer_seconds
                elif time.monotonic() > until:
                    self.close()
                    raise NoAnswer(f"no answer in {self.answer_seconds:g} s")
                wanted = gen.send(ready)
        except StopIteration as end:
            found: RV = end.value
            return found


def make_engine(url: str) -> Engine:
    """Return the engine of a URL. With `?pgbouncer=true` nothing is prepared: the next transaction may be elsewhere.

    Raises BadSetting: `pgbouncer` is something else.
    """
    parsed = make_url(url)
    arguments: dict[str, Any] = {}
    if "connect_timeout" not in parsed.query:
        arguments["connect_timeout"] = CONNECT_SECONDS
    if (pooler := parsed.query.get("pgbouncer")) is not None:
        if pooler != "true":
            raise BadSetting("CHAT_DATABASE_URL: write pgbouncer=true, or leave it out.", "CHAT_DATABASE_URL")
        arguments["prepare_threshold"] = None
    engine = create_engine(
        parsed.difference_update_query(["pgbouncer"]),
        poolclass=NullPool, paramstyle="format", use_native_hstore=False, connect_args=arguments,
    )  # fmt: skip
    dialect: Any = engine.dialect
    dialect.do_begin = _begin
    event.listen(
        engine, "do_connect", lambda _dialect, _record, args, options: TimedConnection.connect(*args, **options)
    )
    return engine


def timed(connection: Connection) -> TimedConnection:
    """Return the driver's own connection."""
    own: Any = connection.connection.driver_connection
    return own  # type: ignore[no-any-return]


def lock_names(connection: Connection, names: Iterable[str]) -> None:
    """Have other transactions that lock one of these names wait for this one's end."""
    # In one order, so that two writers cannot deadlock: of the numbers, since two names may have one.
    numbers = sorted({_number_of(name) for name in names})
    connection.exec_driver_sql(_LOCK_NUMBERS, (numbers,))


_LOCK_NUMBERS = "SELECT pg_advisory_xact_lock(number) FROM unnest(%s::bigint[]) AS number"


def _number_of(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), signed=True)


def _begin(connection: Any) -> None:
    """Say BEGIN, the deadline and `jit` in one round trip; they hold for one transaction, behind a pooler too."""
    own: TimedConnection = connection.driver_connection
    if own.statement_seconds is not None:
        ms = max(1, round(own.statement_seconds * 1000))
        # All is look-ups. To compile one, as PostgreSQL does where it expects many rows, takes ten times as long as to run it.
        own.execute(f"BEGIN; SET LOCAL statement_timeout = {ms}; SET LOCAL jit = off".encode(), prepare=False)
