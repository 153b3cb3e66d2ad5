"""What lies in a server's database, by another way than the server's own: the file, or PostgreSQL's."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from tests.faults.checker import Conversation, Message
from tests.postgres import Postgres
from tests.storage.conftest import open_storage

SEPARATOR = "\x1f"
ALL = (
    "SELECT key, seq, sender_id, client_id, body FROM messages"
    " JOIN conversations ON id = conversation_id ORDER BY conversation_id, seq"
)
COUNT = "SELECT count(*) FROM messages"


class Database(Protocol):
    url: str

    def ask(self, question: str) -> list[Any]:
        """All rows."""

    def integrity(self) -> str:
        """ "ok", or what is wrong."""


class SqliteFile:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"

    def ask(self, question: str) -> list[Any]:
        with _opened(self.path) as database:
            return database.execute(question).fetchall()

    def integrity(self) -> str:
        """What SQLite says of a copy, so that a dead server's files are left to the server itself."""
        copy = self.path.with_name("copy.db")
        for suffix in ("", "-wal"):
            source = Path(f"{self.path}{suffix}")
            target = Path(f"{copy}{suffix}")
            target.unlink(missing_ok=True)
            if source.exists():
                shutil.copyfile(source, target)
        Path(f"{copy}-shm").unlink(missing_ok=True)
        return str(SqliteFile(copy).ask("PRAGMA integrity_check")[0][0])


class PostgresDatabase:
    """A new one, with its tables."""

    def __init__(self, server: Postgres, name: str) -> None:
        self.server = server
        self.url = server.create_database(name)
        storage = open_storage(self.url)
        storage.close()

    def ask(self, question: str) -> list[Any]:
        import psycopg

        with psycopg.connect(self.url.replace("+psycopg", "")) as connection:
            return connection.execute(question).fetchall()  # type: ignore[call-overload, no-any-return]

    def integrity(self) -> str:
        """Each index against its table, by the extension that comes with PostgreSQL for it."""
        import psycopg

        try:
            with psycopg.connect(self.url.replace("+psycopg", "")) as connection:
                connection.execute("CREATE EXTENSION IF NOT EXISTS amcheck")
            self.ask(
                "SELECT bt_index_check(c.oid, true) FROM pg_class c JOIN pg_am a ON a.oid = c.relam"
                " WHERE c.relkind = 'i' AND a.amname = 'btree' AND c.relnamespace = 'public'::regnamespace"
            )
        except psycopg.Error as error:
            return str(error)
        return "ok"


def messages_of(rows: Iterable[tuple[Any, ...]]) -> dict[Conversation, list[Message]]:
    """The answer to ALL, by conversation."""
    found: dict[Conversation, list[Message]] = {}
    for key, *message in rows:
        one, _, other = key.partition(SEPARATOR)
        found.setdefault((one, other), []).append(Message(*message))
    return found


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """`with sqlite3.connect(...)` would end the transaction, and leave the file open."""
    database = sqlite3.connect(path, timeout=10)
    try:
        yield database
    finally:
        database.close()
