"""Brings a database to the newest tables, by the scripts in migrations/."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from chat.errors import Unavailable

SCRIPTS = Path(__file__).parents[2] / "migrations"


def upgrade(engine: Engine) -> tuple[str | None, str | None]:
    """Run what has not been run yet; on a database that is up to date, nothing.

    Returns the revisions before and after; None for a database without tables.

    Raises:
        Unavailable: the database cannot be reached or written.
    """
    try:
        return _upgrade(engine)
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", error)).strip()
        raise Unavailable(f"The database cannot be upgraded: {reason}") from None


def _upgrade(engine: Engine) -> tuple[str | None, str | None]:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        config.attributes["connection"] = connection
        before = MigrationContext.configure(connection).get_current_revision()
        command.upgrade(config, "head")
        after = MigrationContext.configure(connection).get_current_revision()
    return before, after
