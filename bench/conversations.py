"""Fills a database as a school's is after a year, for those who come back to it: many conversations, nothing missed."""

from __future__ import annotations

import logging
import sqlite3

from chat.protocol.names import name_key
from chat.storage.records import Send
from chat.storage.storage import Storage

USERS = 10_000  # u0, u1 ...: the names of load.c's clients
EACH = 10  # conversations that each user began, so that each is in twice as many
BATCH = 2_000
TEXT = "The quick brown fox jumps over the lazy dog."


def fill(url: str, users: int = USERS) -> None:
    """Make the tables of an SQLite database, and ten conversations for each of so many users, all received and read."""
    storage = Storage(url, name_key, logging.getLogger(__name__), journal_records=1)
    sends = [
        Send(f"u{number}", f"u{(number + step) % users}", TEXT, f"{number:08}{step:08}")
        for number in range(users)
        for step in range(1, EACH + 1)
    ]
    for start in range(0, len(sends), BATCH):
        storage.writer.commit(sends[start : start + BATCH])
    storage.close()
    with sqlite3.connect(url.removeprefix("sqlite:///")) as database:
        database.execute("UPDATE members SET received_seq = 1, read_seq = 1")
        # Else the server would fill its search index while it is measured.
        database.execute("UPDATE conversations SET indexed_seq = last_seq")
    database.close()
