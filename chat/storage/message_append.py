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
from chat.storage.unread import Extent, UnreadCounts


class MessageAppend:
    """Stores messages at the end of their conversations."""

    def __init__(self, engine: Engine) -> None:
        c = conversations.c
        self._engine = engine
        self._insert_message = self._text(insert(messages))
        new: list[Any] = [(c[name], bindparam(f"new_{name}")) for name in Extent._fields]
        self._set_extent = self._text(update(conversations).ordered_values(*new).where(c.id == bindparam("id_")))
        self._listings, self._unread = Listings(engine), UnreadCounts(engine)
        self._lock_conversations: dict[int, str] = {}  # by size; the large ones take long to compile

    def append(
        self, connection: Connection, places: Sequence[int], sends: Sequence[Send], sent_at: int
    ) -> list[Stored]:
        """Store each send under the next `seq` of its conversation, whose id is in `places`.

        `sent_at`: of all of them, a Unix time in milliseconds.
        Raises the driver's IntegrityError: one is stored already under its client id, or is here twice.
        """
        cursor = connection.connection.cursor()
        found, newest = self._extents(cursor, sorted(set(places))), dict(zip(places, sends, strict=True))
        last = {id_: place.last_seq for id_, place in found.items()}
        sent = {id_: self._unread.first_sent(connection, id_, place, newest[id_]) for id_, place in found.items()}
        rows, stored = [], []
        for conversation, send in zip(places, sends, strict=True):
            last[conversation] = seq = last[conversation] + 1
            sent[conversation] += send.sender_id < send.receiver_id
            rows.append((conversation, seq, send.sender_id, send.client_id, send.body, sent_at, send.kind))
            stored.append(Stored(seq, sent_at, False))
        cursor.executemany(self._insert_message, rows)
        cursor.executemany(self._set_extent, [(seq, sent_at, sent[id_], seq, id_) for id_, seq in last.items()])
        self._listings.move(cursor, found, newest, sent_at)
        return stored

    def _extents(self, cursor: Any, wanted: list[int]) -> dict[int, Extent]:
        """Return how far conversations have got; lock their rows, so that no `seq` is given twice or left out."""
        found: dict[int, Extent] = {}
        for ids in padded(wanted):
            cursor.execute(self._lock_conversations.get(len(ids)) or self._lock_of(len(ids)), ids)
            found.update((row[0], Extent(*row[1:])) for row in cursor.fetchall())
        return found

    def _lock_of(self, size: int) -> str:
        c = conversations.c
        columns = c.id, *(c[name] for name in Extent._fields)
        rows = select(*columns).where(c.id.in_([bindparam(f"id{n}") for n in range(size)]))
        # In one order, so that two writers cannot deadlock. SQLite has no such lock, and only one writer.
        self._lock_conversations[size] = self._text(rows.order_by(c.id).with_for_update())
        return self._lock_conversations[size]

    def _text(self, statement: ClauseElement) -> str:
        return str(statement.compile(self._engine))
