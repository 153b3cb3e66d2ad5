"""Owns the way to the newest tables, by the scripts in migrations/. The tables themselves stand in the schema."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from chat.errors import Unavailable, WrongTables
from chat.resources import MIGRATIONS
from chat.storage.database import reason_of
from chat.storage.health import fault_of


def upgrade(engine: Engine) -> tuple[str | None, str | None]:
    """Run the scripts that have not been run yet; return the revisions before and after, None if there are no tables.

    Raises:
        Unavailable: the database cannot be reached or written; its class says why, where that is known.
        WrongTables: a newer program has made them.
    """
    config, scripts = _config(MIGRATIONS), _scripts(MIGRATIONS)
    try:
        with engine.connect().execution_options(writes=True) as connection, connection.begin():
            config.attributes["connection"] = connection
            before = _revision(connection)
            if before == scripts.get_current_head():
                return before, before
            if before and before not in {script.revision for script in scripts.walk_revisions()}:
                raise WrongTables(
                    f"The database is at revision {before}, which this program does not know: a newer one has made it."
                )
            command.upgrade(config, "head")
            return before, _revision(connection)
    except SQLAlchemyError as error:
        path = f": {engine.url.database}" if engine.dialect.name == "sqlite" else ""
        raise fault_of(error, "The database cannot be upgraded", f"{reason_of(error)}{path}") from None


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
    newest = _scripts(MIGRATIONS).get_current_head()
    if revision != newest:
        raise WrongTables(
            f"The database is {f'at revision {revision}' if revision else 'empty'}, and this program "
            f"needs revision {newest}. Run: flask chat init-db"
        )


def _config(folder: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))  # "%" begins a placeholder there
    return config


@cache  # to load them takes longer than all else that a server does to its database when it starts
def _scripts(folder: Path) -> ScriptDirectory:
    return ScriptDirectory.from_config(_config(folder))


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
