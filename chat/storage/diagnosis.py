"""Owns what is asked of a database only to find a fault in how it is set up."""

import time
from contextlib import suppress
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from chat.storage.database import Database


class OpenConnections(NamedTuple):
    """How many connections PostgreSQL lets others than its superusers have, and how many there are."""

    most: int
    used: int


def clock_is_ahead(database: Database) -> float | None:
    """Return by how many seconds this machine's clock is ahead of the database's; None: it does not say. Blocks."""
    if database.is_sqlite:
        return 0.0
    with suppress(SQLAlchemyError), database.reading() as connection:
        connection.execute(text("SELECT 1"))  # the connection is made
        before = time.time()
        theirs = float(connection.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())
        return (before + time.time()) / 2 - theirs
    return None


def connections_of(database: Database) -> OpenConnections | None:
    """Return PostgreSQL's connections; None: SQLite has no bound, or it does not say. Blocks."""
    if database.is_sqlite:
        return None
    with suppress(SQLAlchemyError), database.reading() as connection:
        most, kept, used = connection.execute(
            text(
                "SELECT current_setting('max_connections')::int, current_setting('superuser_reserved_connections')::int,"
                " (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')"
            )
        ).one()
        return OpenConnections(most - kept, used)
    return None
