"""Owns the searches: messages that hold a text, names that begin with one. The index is filled by others.

A text is taken letter by letter, upper and lower case alike (SQLite: of ASCII letters only where the index
is not used). Texts of three and more letters are found by trigrams, in any language; shorter ones, and where
there is no index, by reading the newest messages of the newest conversations.
"""

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Connection, Row, select, text, tuple_

from chat.storage.database import Database
from chat.storage.message_reader import newest_of_a_user
from chat.storage.records import Found, Message, Page, direct_key, other_of, page_of
from chat.storage.schema import MESSAGE, accounts, conversations, members, messages
from chat.storage.search_index import SEQ_BITS, has_index, row_of

TRIGRAM = 3
CONVERSATIONS = 1_000  # whose messages are searched: those with the newest message
UNINDEXED_CONVERSATIONS = 100
UNINDEXED_MESSAGES = 2_000  # of each; a text of two letters takes some 50 ms in all of them
POSTGRES_MS = 5_000  # how long PostgreSQL may take, where a text is in very many messages

Place = tuple[int, str, int]  # sent_at, the other user or the conversation's key, seq


class Search:
    """Searches one database. Blocking, for any thread."""

    def __init__(self, database: Database, user_key: Callable[[str], str]) -> None:
        self._database = database
        self._user_key = user_key

    def messages(self, user_id: str, wanted: str, limit: int, before: Place | None = None) -> Page[Found]:
        """Return the user's messages that hold the text `wanted`, the newest first; only those after `before`."""
        if not wanted or "\0" in wanted:  # which no message holds
            return Page([], more=False)
        place = before and (before[0], direct_key(user_id, before[1]), before[2])
        with self._database.reading() as connection:
            is_indexed = len(wanted) >= TRIGRAM and has_index(connection)
            if is_indexed and connection.dialect.name != "sqlite":
                found = _by_postgres(connection, user_id, wanted, limit + 1, place)
            else:
                found = _walk(connection, user_id, wanted, limit + 1, place, is_indexed)
        return page_of(found, limit)

    def names(self, beginning: str, limit: int) -> list[str]:
        """Return names that begin so, in the order of the alphabet; upper and lower case alike. None disabled."""
        start = self._user_key(beginning)
        if not start or "\0" in start:
            return []
        with self._database.reading() as connection:
            key: Any = accounts.c.key.collate("BINARY" if self._database.is_sqlite else "C")
            query = (
                select(accounts.c.name)
                .where(key >= start, key < f"{start}\U0010ffff", ~accounts.c.disabled)
                .order_by(key)
                .limit(limit)
            )
            return list(connection.scalars(query))


def _walk(
    connection: Connection, user_id: str, wanted: str, limit: int, before: Place | None, is_indexed: bool
) -> list[Found]:
    """Look into one conversation after the other, the newest first, as long as it can add something."""
    most = CONVERSATIONS if is_indexed else UNINDEXED_CONVERSATIONS
    found: list[tuple[Place, Message]] = []
    for conversation in connection.execute(_MINE, {"user": user_id, "limit": most}).all():
        if len(found) >= limit and found[-1][1].sent_at > conversation.sent_at:
            break
        for message in _in_one(connection, conversation, wanted, limit, before, is_indexed):
            found.append(((message.sent_at, conversation.key, message.seq), message))
        found = sorted(found, reverse=True)[:limit]
    return [Found(other_of(key, user_id), message) for (_, key, _), message in found]


def _in_one(
    connection: Connection, conversation: Row[Any], wanted: str, limit: int, before: Place | None, is_indexed: bool
) -> Iterator[Message]:
    c = messages.c
    # What the index has not got yet is read, all of it: a search finds everything at any moment.
    start = conversation.indexed_seq if is_indexed else conversation.last_seq - UNINDEXED_MESSAGES
    by_reading = (
        select(*MESSAGE)
        .where(c.conversation_id == conversation.id, c.seq > start, _holds(connection, wanted))
        .order_by(c.seq.desc())
        .limit(limit)
    )
    bound: dict[str, Any] = {}
    if before is not None:
        sent_at, key, seq = before
        # Whether one at the same millisecond stands behind it: by its conversation, or by its number.
        if conversation.key != key:
            seq = conversation.last_seq + 1 if conversation.key < key else 0
        bound = {"sent_at": sent_at, "seq": seq}
        by_reading = by_reading.where(tuple_(c.sent_at, c.seq) < (sent_at, seq))
    if start < conversation.last_seq:
        for row in connection.execute(by_reading):
            yield Message(*row)
    if is_indexed:
        values = bound | {
            "conversation": conversation.id,
            "text": '"' + wanted.replace('"', '""') + '"',
            "first": row_of(conversation.id, 0),
            "last": row_of(conversation.id + 1, 0),
            "limit": limit,
        }
        for row in connection.execute(_BY_INDEX_BEFORE if bound else _BY_INDEX, values):
            yield Message(*row)


def _by_postgres(connection: Connection, user_id: str, wanted: str, limit: int, before: Place | None) -> list[Found]:
    connection.execute(text(f"SET LOCAL statement_timeout = {POSTGRES_MS}"))
    c = messages.c
    key: Any = conversations.c.key.collate("C")  # as Python sorts
    query = (
        select(conversations.c.key, *MESSAGE)
        .join_from(members, conversations, conversations.c.id == members.c.conversation_id)
        .join(messages, c.conversation_id == conversations.c.id)
        .where(members.c.user_id == user_id, _holds(connection, wanted))
        .order_by(c.sent_at.desc(), key.desc(), c.seq.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(tuple_(c.sent_at, key, c.seq) < before)
    return [Found(other_of(k, user_id), Message(*row)) for k, *row in connection.execute(query)]


def _holds(connection: Connection, wanted: str) -> Any:
    """Whether a message's text holds this one, with signs that have a meaning in patterns as themselves."""
    pattern = wanted.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    if connection.dialect.name == "sqlite":
        return messages.c.body.like(f"%{pattern}%", escape="\\")
    return messages.c.body.ilike(f"%{pattern}%")  # the backslash is its own; with ESCAPE, no index


_COLUMNS = tuple(conversations.c[name] for name in ("id", "key", "last_seq", "indexed_seq"))
_MINE = newest_of_a_user(*_COLUMNS, messages.c.sent_at)
_INDEXED = f"""
SELECT m.seq, m.sender_id, m.body, m.sent_at, m.client_id
FROM trigrams JOIN messages AS m
  ON m.conversation_id = :conversation AND m.seq = trigrams.rowid & {(1 << SEQ_BITS) - 1}
WHERE trigrams MATCH :text AND trigrams.rowid >= :first AND trigrams.rowid < :last {{bound}}
ORDER BY trigrams.rowid DESC LIMIT :limit
"""
_BY_INDEX = text(_INDEXED.format(bound=""))
_BY_INDEX_BEFORE = text(_INDEXED.format(bound="AND (m.sent_at, m.seq) < (:sent_at, :seq)"))
