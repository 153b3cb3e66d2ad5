"""Owns the order in which a user's conversations are listed: by the times of their last messages, kept with each commit.

Reading of it is left to others. A row is written under the lock of its conversation alone, so that no two writers deadlock.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine, bindparam, insert, select, update

from chat.storage.database import Database
from chat.storage.look_up import walk
from chat.storage.records import Send, users_of
from chat.storage.schema import IS_LAST, conversations, listings, messages
from chat.storage.unread import Extent, UnreadCounts

Row = tuple[str, int | None, int]  # user, the time that the conversation is listed at (None: not yet), conversation


class Listings:
    """Lists conversations in one database."""

    def __init__(self, engine: Engine) -> None:
        self._unread = UnreadCounts(engine)
        self._insert, self._move = (str(statement.compile(engine)) for statement in (_INSERT, _MOVE))

    def move(self, cursor: Any, places: Mapping[int, Extent], sends: Mapping[int, Send], sent_at: int) -> None:
        """List conversations at the time of their new messages. `places`: where they were; `sends`: one of each."""
        rows = [
            (user, places[id_].last_at, id_)
            for id_, send in sends.items()
            if places[id_].last_at != sent_at
            for user in {send.sender_id, send.receiver_id}
        ]
        self._list(cursor, rows, sent_at)

    def _list(self, cursor: Any, rows: list[Row], sent_at: int) -> None:
        if new := [(user, sent_at, id_) for user, at, id_ in rows if at is None]:
            cursor.executemany(self._insert, new)
        if moved := [(sent_at, user, at, id_) for user, at, id_ in rows if at is not None]:
            cursor.executemany(self._move, moved)

    # What a program of before these tables has stored, while it still served beside a newer one.

    def left_behind(self, database: Database, after: int) -> tuple[list[int], int | None]:
        """Return conversations that are not listed and counted as they should be, as `walk`. Blocks."""
        with database.reading() as connection:
            return walk(connection, LEFT_BEHIND, after)

    def mend(self, database: Database, conversation: int) -> None:
        """List and count one as it should be. Blocks; for the writer's thread."""
        with database.transaction() as connection:
            key, *found = connection.execute(_LOCK, {"place": conversation}).one()
            users, place = users_of(key), Extent(*found)
            at: int = connection.execute(_SENT_AT, {"place": conversation, "seq": place.last_seq}).scalar_one()
            if place.last_at != at:
                rows: list[Row] = [(user, place.last_at, conversation) for user in users]
                self._list(connection.connection.cursor(), rows, at)
            more = self._unread.uncounted(connection, conversation, place, users[0]) if len(users) > 1 else 0
            connection.execute(_SET, {"place": conversation, "at": at, "sent": place.first_sent + more})


_INSERT = insert(listings)
_MOVE = (
    update(listings)
    .values(last_at=bindparam("at"))
    .where(listings.c.user_id == bindparam("user"), listings.c.last_at == bindparam("before"))
    .where(listings.c.conversation_id == bindparam("place"))
)
# Behind the id `after`, up to `last`: those that an older program has written to.
LEFT_BEHIND = (
    select(conversations.c.id)
    .join_from(conversations, messages, IS_LAST)
    .where(conversations.c.id > bindparam("after"), conversations.c.id <= bindparam("last"))
    .where(
        conversations.c.last_at.is_distinct_from(messages.c.sent_at)
        | (conversations.c.counted_seq != conversations.c.last_seq)
    )
    .order_by(conversations.c.id)
)
_LOCK = (
    select(conversations.c.key, *(conversations.c[name] for name in Extent._fields))
    .where(conversations.c.id == bindparam("place"))
    .with_for_update()
)
_SENT_AT = select(messages.c.sent_at).where(
    messages.c.conversation_id == bindparam("place"), messages.c.seq == bindparam("seq")
)
_SET = (
    update(conversations)
    .where(conversations.c.id == bindparam("place"))
    .values(last_at=bindparam("at"), counted_seq=conversations.c.last_seq, first_sent=bindparam("sent"))
)
