"""Owns the hot path of a commit: numbers new messages, and stores them. Which ones are new, the caller says.

Works on the driver's own cursor, with statements that are compiled once: SQLAlchemy's way through a list
of parameters takes as long as the database does.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ClauseElement, Connection, Engine, bindparam, insert, select, update

from chat.storage.listings import Listings
from chat.storage.look_up import padded
from chat.storage.records import Send, Stored
from chat.storage.schema import conversations, messages


class MessageAppend:
    """Stores messages at the end of their conversations."""

    def __init__(self, engine: Engine) -> None:
        c = conversations.c
        self._engine = engine
        self._insert_message = self._text(insert(messages))
        last = update(conversations).values(last_seq=bindparam("last"), last_at=bindparam("at"))
        self._set_last = self._text(last.where(c.id == bindparam("id_")))
        self._listings = Listings(engine)
        self._lock_conversations: dict[int, str] = {}  # by size; the large ones take long to compile

    def append(
        self, connection: Connection, places: Sequence[int], sends: Sequence[Send], sent_at: int
    ) -> list[Stored]:
        """Store each send under the next `seq` of its conversation, whose id is in `places`.

        `sent_at`: of all of them, a Unix time in milliseconds.
        Raises the driver's IntegrityError: one is stored already under its client id, or is here twice.
        """
        cursor = connection.connection.cursor()
        found = self._last_seqs(cursor, sorted(set(places)))
        last = {conversation: seq for conversation, (seq, _) in found.items()}
        rows, stored = [], []
        for conversation, send in zip(places, sends, strict=True):
            last[conversation] = seq = last[conversation] + 1
            rows.append((conversation, seq, send.sender_id, send.client_id, send.body, sent_at, send.kind))
            stored.append(Stored(seq, sent_at, False))
        cursor.executemany(self._insert_message, rows)
        cursor.executemany(self._set_last, [(seq, sent_at, conversation) for conversation, seq in last.items()])
        listed = {conversation: at for conversation, (_, at) in found.items()}
        self._listings.move(cursor, listed, dict(zip(places, sends, strict=True)), sent_at)
        return stored

    def _last_seqs(self, cursor: Any, wanted: list[int]) -> dict[int, tuple[int, int | None]]:
        """Return each conversation's last `seq` and where it is listed; lock their rows: no number is given twice or left out."""
        last: dict[int, tuple[int, int | None]] = {}
        for ids in padded(wanted):
            cursor.execute(self._lock_conversations.get(len(ids)) or self._lock_of(len(ids)), ids)
            last.update((id_, (seq, at)) for id_, seq, at in cursor.fetchall())
        return last

    def _lock_of(self, size: int) -> str:
        c = conversations.c
        rows = select(c.id, c.last_seq, c.last_at).where(c.id.in_([bindparam(f"id{n}") for n in range(size)]))
        # In one order, so that two writers cannot deadlock. SQLite has no such lock, and only one writer.
        self._lock_conversations[size] = self._text(rows.order_by(c.id).with_for_update())
        return self._lock_conversations[size]

    def _text(self, statement: ClauseElement) -> str:
        return str(statement.compile(self._engine))
