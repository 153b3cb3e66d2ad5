"""Owns whether a database would take what is sent next: it can be written, and has the tables of this program."""

from contextlib import suppress

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from chat.errors import ChatError
from chat.storage.database import Database
from chat.storage.health import DatabaseHealth
from chat.storage.migrate import revisions


class _RolledBackError(ChatError):
    """Ends a transaction that only tries."""


def faults_of(database: Database, health: DatabaseHealth) -> dict[str, str | None]:
    """Return what keeps the database from being used, or None, by the name of the check. Blocks."""
    _try_write(database)
    if fault := health.fault():
        return {"database": f"{fault.code}: {fault.message}"}
    return {"database": None, "migrations": _fault_of_tables(database)}


def _try_write(database: Database) -> None:
    """Write what is rolled back, which costs no fsync; `write_error` says why it cannot be."""
    with suppress(SQLAlchemyError, _RolledBackError), database.transaction() as connection:
        connection.execute(text("UPDATE server_lease SET renewed_at = renewed_at"))
        raise _RolledBackError


def _fault_of_tables(database: Database) -> str | None:
    with database.reading() as connection:
        revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    newest = revisions()[-1]
    return None if revision == newest else f"The tables are of revision {revision}, and this program needs {newest}."
