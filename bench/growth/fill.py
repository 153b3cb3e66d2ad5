"""Fills a database: with the first tables that there ever were, which are then brought up to date as an operator would."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import islice
from typing import Any

import psycopg
from sqlalchemy import create_engine

from bench.growth.content import Content
from chat.storage import migrate
from chat.storage.search_index import SEQ_BITS

FIRST_TABLES = "0001"  # they do not change any more, so that nothing here has to follow the schema
PART = 50_000  # messages, from one sign of progress to the next
CACHE_KIB = 1_000_000  # of SQLite: its indexes are written to all over

CONVERSATIONS = "conversations (id, kind, key, last_seq)"
MEMBERS = "members (user_id, conversation_id, received_seq, read_seq)"
MESSAGES = "messages (conversation_id, seq, sender_id, client_id, body, sent_at)"


def fill(url: str, content: Content) -> dict[str, float]:
    """Fill a new database; return how many seconds the rows took, the upgrade, and the index."""
    engine = create_engine(url)
    is_sqlite = engine.dialect.name == "sqlite"
    begun = time.perf_counter()
    with engine.begin() as connection:
        migrate.run_scripts(connection, FIRST_TABLES)
    (_fill_sqlite if is_sqlite else _fill_postgres)(_plain(url), content)
    filled = time.perf_counter()
    say(f"{content.size.title}: bringing the tables up to date")
    migrate.upgrade(engine)
    upgraded = time.perf_counter()
    if is_sqlite:
        say(f"{content.size.title}: indexing the messages")
        _index_sqlite(_plain(url))
    engine.dispose()
    say("")
    return {"rows": filled - begun, "upgrade": upgraded - filled, "index": time.perf_counter() - upgraded}


def _fill_sqlite(path: str, content: Content) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        connection.execute("BEGIN")
        connection.executemany(f"INSERT INTO {CONVERSATIONS} VALUES (?, 'direct', ?, ?)", content.conversations())
        connection.executemany(f"INSERT INTO {MEMBERS} VALUES (?, ?, ?3, ?3)", content.members())
        for part in _parts(content):
            connection.executemany(f"INSERT INTO {MESSAGES} VALUES (?, ?, ?, ?, ?, ?)", part)
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = DELETE")


def _index_sqlite(path: str) -> None:
    """Index all messages, in one step."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        connection.execute("BEGIN")
        connection.execute(
            f"INSERT INTO trigrams (rowid, body) SELECT conversation_id << {SEQ_BITS} | seq, body FROM messages "
            "ORDER BY conversation_id, seq"
        )
        connection.execute("UPDATE conversations SET indexed_seq = last_seq")
        connection.execute("COMMIT")


def _fill_postgres(url: str, content: Content) -> None:
    with psycopg.connect(url) as connection:
        _copy(connection, CONVERSATIONS, ((id_, "direct", key, last) for id_, key, last in content.conversations()))
        _copy(connection, MEMBERS, ((user, id_, read, read) for user, id_, read in content.members()))
        for part in _parts(content):
            _copy(connection, MESSAGES, part)
        # COPY with ids leaves their sequence where it was: a new conversation would get a number that is taken.
        last = "SELECT setval(pg_get_serial_sequence('conversations', 'id'), max(id)) FROM conversations"
        connection.execute(last)


def _copy(connection: psycopg.Connection, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN".encode()) as copy:
        for row in rows:
            copy.write_row(row)


def finish_postgres(url: str) -> None:
    """Do what PostgreSQL itself does in its quiet hours."""
    with psycopg.connect(_plain(url), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def _parts(content: Content) -> Iterator[list[Any]]:
    """Give the messages, PART at a time, and say how far it is."""
    messages, done = content.messages(), 0
    while part := list(islice(messages, PART)):
        yield part
        done += len(part)
        say(f"{content.size.title}: {done:,} messages")


def say(text: str) -> None:
    """Show progress, in one line that the next takes the place of."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
    elif text:
        print(text, file=sys.stderr, flush=True)


def _plain(url: str) -> str:
    """Return SQLite's path, or PostgreSQL's URL as psycopg takes it."""
    return url.removeprefix("sqlite:///").replace("+psycopg", "")
