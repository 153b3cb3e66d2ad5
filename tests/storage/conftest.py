"""Databases for the tests: a new one each, an SQLite file or on the PostgreSQL server that all share."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chat.protocol.names import name_key
from chat.storage import migrate
from chat.storage.storage import Storage
from tests.postgres import Postgres

JOURNAL_RECORDS = 20_000


def open_storage(url: str, clock: Callable[[], float] = time.time) -> Storage:
    """A database with the newest tables, whatever it had before."""
    storage = Storage(url, name_key, logging.getLogger("chat"), JOURNAL_RECORDS, check=False, clock=clock)
    migrate.upgrade(storage.database.engine)
    return storage


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new, empty database; every test that asks for it runs on both engines."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/chat.db"
    server: Postgres = request.getfixturevalue("postgres")
    return server.create_database(f"chat_{time.monotonic_ns()}")


@pytest.fixture
def storage(database_url: str) -> Iterator[Storage]:
    opened = open_storage(database_url)
    yield opened
    opened.close()
