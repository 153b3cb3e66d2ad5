"""Owns the line to SQLite: the engine of a file, and what each connection and transaction begins with."""

import logging
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event

from chat.storage.compiled import rows_of
from chat.storage.database_file import DatabaseFile

BUSY_SECONDS = 10  # how long a commit waits for another process that holds SQLite's lock
CHECKPOINT_PAGES = 8_000  # of 4 KiB; with SQLite's own 1,000, one commit in sixteen waits for a checkpoint


def make_engine(url: str | Path, log: logging.Logger) -> tuple[Engine, DatabaseFile]:
    """Return the engine of a file, or of a URL, and the watch over its files."""
    engine = create_engine(
        URL.create("sqlite", database=str(url)) if isinstance(url, Path) else url,
        poolclass=NullPool,
        connect_args={"check_same_thread": False, "timeout": BUSY_SECONDS},
    )
    file = DatabaseFile(engine.url.database, log)

    def connected(connection: Any, _record: Any) -> None:
        file.check()  # before SQLite makes an empty file in the place of one that is gone
        connection.isolation_level = None  # BEGIN is said in `_begin`
        connection.execute("PRAGMA journal_mode = WAL")  # readers and the writer do not wait for each other
        connection.execute("PRAGMA synchronous = FULL")  # a commit survives a power cut, not only a crash
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        file.connected()

    event.listen(engine, "do_connect", lambda *_: file.make())
    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", _begin)
    return engine, file


def _begin(connection: Connection) -> None:
    # IMMEDIATE takes the lock at once: a transaction that began by reading cannot wait for it.
    writes = connection.get_execution_options().get("writes")
    rows_of(connection, "BEGIN IMMEDIATE" if writes else "BEGIN", ())  # has none
