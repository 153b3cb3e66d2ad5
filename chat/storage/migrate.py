"""Brings a database to the newest tables, by the scripts in migrations/."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

SCRIPTS = Path(__file__).parents[2] / "migrations"


def upgrade(engine: Engine) -> None:
    """Run what has not been run yet; on a database that is up to date, nothing.

    Raises:
        SQLAlchemyError: the database cannot be reached or written.
    """
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
