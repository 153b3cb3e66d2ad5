"""Databases for the tests: a new one each, an SQLite file or on the PostgreSQL server that all share."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import Connection

from chat.protocol.names import name_key
from chat.storage import migrate
from chat.storage.database import Database
from chat.storage.storage import Storage
from tests.postgres import Postgres

JOURNAL_RECORDS = 20_000


@cache
def migrated() -> bytes:
    """An SQLite file with the newest tables and nothing in them: making it once saves each test 50 ms."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "chat.db"
        Storage(f"sqlite:///{path}", name_key, logging.getLogger("chat"), JOURNAL_RECORDS).close()
        return path.read_bytes()


def begin_with_tables(url: str) -> None:
    """Have a new SQLite database begin with its tables."""
    path = Path(url.removeprefix("sqlite:///"))
    if url.startswith("sqlite:///") and not path.exists():
        path.touch(0o600)
        path.write_bytes(migrated())


def open_storage(url: str, clock: Callable[[], float] | None = None) -> Storage:
    """A database with the newest tables, whatever it had before."""
    begin_with_tables(url)
    storage = Storage(url, name_key, logging.getLogger("chat"), JOURNAL_RECORDS, check=False, clock=clock)
    if not url.startswith("sqlite"):
        migrate.upgrade(storage.database.engine)
    return storage


def make_tables(url: str) -> None:
    open_storage(url).close()


@contextmanager
def at_revision(opened: Database, revision: str) -> Iterator[Connection]:
    """A transaction in which the tables are those of an older program."""
    with opened.engine.connect().execution_options(writes=True) as connection, connection.begin():
        migrate.run_scripts(connection, revision)
        yield connection


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new database without tables; every test that asks for it runs on both engines."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/chat.db"
    server: Postgres = request.getfixturevalue("postgres")
    return server.create_database(f"chat_{time.monotonic_ns()}")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with its tables and nothing in them, whose tables no test changes; on both engines."""
    if request.param == "sqlite":
        begin_with_tables(url := f"sqlite:///{tmp_path}/chat.db")
        return url
    server: Postgres = request.getfixturevalue("postgres")
    return server.empty_database(make_tables)


@pytest.fixture
def storage(database_url: str) -> Iterator[Storage]:
    opened = open_storage(database_url)
    yield opened
    opened.close()
