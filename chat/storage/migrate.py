"""Owns the way to the newest tables, by the scripts in migrations/. The tables themselves stand in the schema."""

import re
import time
from collections.abc import Iterator
from functools import cache
from typing import Any

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from chat.errors import Unavailable, WrongTables
from chat.resources import MIGRATIONS
from chat.storage.failures import fault_of, reason_of

_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('chat migrations'))")
# How long a script waits for a table that others have locked, on PostgreSQL, and how long it lets them go on before it
# tries again. Senders wait behind a script that waits, and are refused after 3.5 s.
LOCK_MS, PAUSE_SECONDS = 2_000, 2.0
LOCK_NOT_AVAILABLE = "55P03"  # PostgreSQL's name for what lock_timeout does
STEP_ROWS = 1_000  # that a script fills at once while others write: their rows are locked for some 50 ms
_REVISIONS = re.compile(r'^revision = "(\w+)"\ndown_revision = (None|"\w+")$', re.MULTILINE)


def upgrade(engine: Engine) -> tuple[str | None, str | None]:
    """Run the scripts that have not been run yet; return the revisions before and after, None if there are no tables.

    Each has a transaction of its own, since an older program may serve meanwhile: one that locked one table after the other
    would deadlock with it. On PostgreSQL a script that fills many rows does so before it, in transactions of a few rows each. An
    upgrade that was interrupted goes on behind the last script that ended.

    Raises:
        Unavailable: the database cannot be reached or written; its class says why, where that is known.
        WrongTables: a newer program has made them.
    """
    try:
        with engine.connect().execution_options(writes=True) as connection:
            before, after = _go_on_when_free(connection)
            while after != revisions()[-1]:
                _, after = _go_on_when_free(connection)
            return before, after
    except SQLAlchemyError as error:
        path = f": {engine.url.database}" if engine.dialect.name == "sqlite" else ""
        raise fault_of(error, "The database cannot be upgraded", f"{reason_of(error)}{path}") from None


def _go_on_when_free(connection: Connection) -> tuple[str | None, str]:
    """Go on. Try again while others, such as a dump of the database, keep a table locked."""
    while True:
        try:
            return _go_on(connection)
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                raise
        time.sleep(PAUSE_SECONDS)


def _go_on(connection: Connection) -> tuple[str | None, str]:
    """Run the next script, if there is one; in an empty database, which nobody is served from, all. Return the revisions."""
    with connection.begin():
        before, after = _next(connection)
    if before == after:
        return before, after
    if before and connection.dialect.name == "postgresql":
        _prepare(connection, before, after)
    with connection.begin():
        _lock(connection)
        now = _revision(connection)  # under the lock: another worker may have run the script
        if now and now != before:
            return now, now
        run_scripts(connection, after)
        return before, after


def _next(connection: Connection) -> tuple[str | None, str]:
    """Return the database's revision, and the next one; of an empty database, and of the newest one, that is the newest."""
    before = _revision(connection)
    *_, newest = known = revisions()
    if before and before not in known:
        raise WrongTables(
            f"The database is at revision {before}, which this program does not know: a newer one has made it."
        )
    return before, known[known.index(before) + 1] if before and before != newest else newest


def _prepare(connection: Connection, before: str, revision: str) -> None:
    """Have a script do in steps, each a transaction, what it can while an older program serves.

    An interruption may leave it at any step: it begins anew then.
    """
    from alembic.migration import MigrationContext
    from alembic.operations import Operations
    from alembic.script import ScriptDirectory

    script = ScriptDirectory.from_config(_config()).get_revision(revision)
    prepare = getattr(script and script.module, "prepare", None)
    if prepare is None:
        return
    steps: Iterator[None] = prepare(STEP_ROWS)
    is_over = False
    while not is_over:
        with connection.begin():
            _lock(connection)
            with Operations.context(MigrationContext.configure(connection)):
                # Another worker may have run the script.
                is_over = _revision(connection) != before or next(steps, "over") == "over"


def _lock(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":  # whose lock `writes` takes
        connection.execute(_ONE_AT_A_TIME)
        connection.execute(text(f"SET LOCAL lock_timeout = {LOCK_MS}"))


def check(engine: Engine) -> None:
    """Refuse a database that has not the newest tables; change nothing.

    Raises:
        Unavailable: the database cannot be reached.
        WrongTables: it has none, or older or newer ones.
    """
    try:
        with engine.connect() as connection:
            revision = _revision(connection)
    except SQLAlchemyError as error:
        raise Unavailable(f"The database cannot be reached: {reason_of(error)}") from None
    newest = revisions()[-1]
    if revision != newest:
        raise WrongTables(
            f"The database is {f'at revision {revision}' if revision else 'empty'}, and this program "
            f"needs revision {newest}. Run: flask chat init-db"
        )


def run_scripts(connection: Connection, revision: str) -> None:
    """Run the scripts up to a revision, in the connection's transaction."""
    # Here, as most starts find their tables up to date: to import it takes a fifth of a start.
    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _config() -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))  # "%" begins a placeholder there
    return config


@cache
def revisions() -> tuple[str, ...]:
    """Return the revisions of all scripts, each after the one that it builds on. Their names may be in another order."""
    scripts = [path.read_text("utf-8") for path in (MIGRATIONS / "versions").glob("*.py")]
    next_of = {found[2]: found[1] for text in scripts if (found := _REVISIONS.search(text))}
    chain: list[str] = []
    last = "None"
    while last in next_of:
        chain.append(next_of[last])
        last = f'"{chain[-1]}"'
    return tuple(chain)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found
