"""Databases for the tests: a new one each, an SQLite file or on the PostgreSQL server that all share."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chat.storage import migrate
from chat.storage.store import Store
from tests.postgres import Postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new, empty database; every test that asks for it runs on both engines."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/chat.db"
    server: Postgres = request.getfixturevalue("postgres")
    return server.create_database(f"chat_{time.monotonic_ns()}")


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    opened = Store(database_url)
    migrate.upgrade(opened.engine)
    yield opened
    opened.close()
