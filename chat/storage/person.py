"""Owns what is kept of one person: read whole, page by page, and erased, slice by slice.

What of it goes and what stays is decided in `chat/site/privacy.py`.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, func, select, update

from chat.storage.database import Database
from chat.storage.message_erasure import EMPTY, note_erased
from chat.storage.schema import (
    accounts,
    conversation_settings,
    conversations,
    last_seen,
    members,
    messages,
    notification_changes,
    notifications,
    sessions,
)
from chat.storage.search_index import forget

PAGE = 200  # rows of one question
SLICE = 100  # rows erased in one transaction, which others' commits wait for


class Membership(NamedTuple):
    """A conversation of the person's, and how far they have received and read it."""

    id: int
    key: str
    received: int
    read: int


class Person:
    """Reads and erases in one database. Blocking; what erases, for one thread at a time."""

    def __init__(self, database: Database, user_key: Callable[[str], str]) -> None:
        self._database = database
        self._user_key = user_key

    # Reading.

    def conversations(self, user_id: str, after: int) -> list[Membership]:
        """Return PAGE conversations behind the id `after`."""
        with self._database.reading() as connection:
            rows = connection.execute(_CONVERSATIONS, {"user": user_id, "after": after})
            return [Membership(*row) for row in rows]

    def notifications(self, user_id: str, after: int) -> list[dict[str, Any]]:
        """Return PAGE notifications behind the id `after`, with all their columns; dismissed and expired ones too."""
        with self._database.reading() as connection:
            rows = connection.execute(_NOTIFICATIONS, {"key": self._user_key(user_id), "after": after})
            return [dict(row._mapping) for row in rows]

    def sessions(self, user_id: str) -> list[dict[str, Any]]:
        """Return the sessions that are still kept."""
        with self._database.reading() as connection:
            return [dict(row._mapping) for row in connection.execute(_SESSIONS, {"key": self._user_key(user_id)})]

    # Erasing.

    def erase_messages(self, conversation: int, user_id: str, after: int) -> tuple[int, int | None]:
        """Take the texts of the person's messages, of the SLICE behind `after`.

        Returns how many, and the `seq` to go on behind; None: there are no more.
        """
        with self._database.transaction() as connection:
            # Locks the row: another worker's erasure, and messages, wait.
            indexed = connection.execute(_INDEXED, {"place": conversation}).scalar_one()
            rows = connection.execute(_SOME, {"place": conversation, "after": after}).all()
            own = [row for row in rows if row.sender_id == user_id and row.body]
            if own:
                forget(connection, conversation, [(row.seq, row.body) for row in own if row.seq <= indexed])
                connection.execute(EMPTY, [{"place": conversation, "erased": row.seq} for row in own])
            for first, last in _runs([row.seq for row in own]):
                note_erased(connection, conversation, first, last)
        return len(own), rows[-1].seq if len(rows) == SLICE else None

    def erase_notifications(self, user_id: str) -> int:
        """Delete SLICE of the person's notifications; return how many.

        The newest row of all stays, without its words: ids never fall.
        """
        key = self._user_key(user_id)
        with self._database.transaction() as connection:
            self._database.lock_names(connection, [key])
            newest = connection.scalar(select(func.max(notifications.c.id)))
            some = list(connection.scalars(_OLDEST, {"key": key}))
            done = [id_ for id_ in some if id_ != newest]
            connection.execute(delete(notifications).where(notifications.c.id.in_(done)))
            if newest in some:
                connection.execute(_BLANK, {"newest": newest, "now": self._database.now_ms()})
        return len(some)

    def erase_rest(self, user_id: str) -> None:
        """Delete what else there is, and the password. The row of the account stays: nobody else gets the name."""
        key = self._user_key(user_id)
        with self._database.transaction() as connection:
            connection.execute(delete(conversation_settings).where(conversation_settings.c.user_id == user_id))
            connection.execute(delete(last_seen).where(last_seen.c.user_id == user_id))
            connection.execute(delete(sessions).where(sessions.c.user_key == key))
            connection.execute(delete(notification_changes).where(notification_changes.c.user_key == key))
            connection.execute(update(accounts).where(accounts.c.key == key).values(password=None))


def _runs(seqs: Sequence[int]) -> list[tuple[int, int]]:
    """Return numbers, given in their order, as (first, last) of those that follow one another."""
    runs: list[tuple[int, int]] = []
    for seq in seqs:
        if runs and seq == runs[-1][1] + 1:
            runs[-1] = runs[-1][0], seq
        else:
            runs.append((seq, seq))
    return runs


_CONVERSATIONS = (
    select(conversations.c.id, conversations.c.key, members.c.received_seq, members.c.read_seq)
    .join_from(members, conversations, conversations.c.id == members.c.conversation_id)
    .where(members.c.user_id == bindparam("user"), members.c.conversation_id > bindparam("after"))
    .order_by(members.c.conversation_id)
    .limit(PAGE)
)
_OF_KEY = notifications.c.user_key == bindparam("key")
_NOTIFICATIONS = (
    select(notifications)
    .where(_OF_KEY, notifications.c.id > bindparam("after"))
    .order_by(notifications.c.id)
    .limit(PAGE)
)
_SESSIONS = select(sessions).where(sessions.c.user_key == bindparam("key")).order_by(sessions.c.created_at)
_INDEXED = select(conversations.c.indexed_seq).where(conversations.c.id == bindparam("place")).with_for_update()
_SOME = (
    select(messages.c.seq, messages.c.sender_id, messages.c.body)
    .where(messages.c.conversation_id == bindparam("place"), messages.c.seq > bindparam("after"))
    .order_by(messages.c.seq)
    .limit(SLICE)
)
_OLDEST = (
    select(notifications.c.id).where(_OF_KEY, notifications.c.message != "").order_by(notifications.c.id).limit(SLICE)
)
_BLANK = (
    update(notifications)
    .where(notifications.c.id == bindparam("newest"))
    .values(message="", title=None, link=None, dismissed_at=bindparam("now"))
)
