"""Owns the reading of messages: conversations, their history, what changed in it, and what a user has missed. Writes nothing."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import FromClause, Select, bindparam, case, select, tuple_

from chat.storage.compiled import Compiled
from chat.storage.database import Database
from chat.storage.look_up import SIZES, filled, padded
from chat.storage.records import (
    Behind,
    Change,
    ConversationState,
    Found,
    Message,
    Overview,
    Page,
    direct_key,
    other_of,
    page_of,
)
from chat.storage.schema import IS_LAST, MESSAGE, changes, conversations, last_seen, listings, members, messages
from chat.storage.unread import COUNTS, unread_of, with_unread

MOST_STARTS = SIZES[-1]  # of conversations that one page is read from
FEW = {"yield_per": 16}  # rows of a page, which may be full with the fourth


class MessageReader:
    """The queries for the messages of one database. Blocking, for any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._standings = Compiled(database.engine, _STANDINGS)

    def overviews(
        self, user_id: str, limit: int, before: tuple[int, str] | None = None, with_user_id: str | None = None
    ) -> list[Overview]:
        """Return the user's conversations, the one with the newest message first.

        Only those after `before`: (`listed_at`, the other user) of one of them; and only the one `with_user_id`,
        where that is given.
        """
        query, bound = _OVERVIEWS, {"user": user_id, "limit": limit}
        with self._database.reading() as connection:
            if before is not None:
                place = connection.scalar(_EXTENT, {"key": direct_key(user_id, before[1])})
                query, bound = _OVERVIEWS_BEHIND, bound | {"at": before[0], "place": place or 0}
            if with_user_id is not None:
                query, bound = _OVERVIEW, {"user": user_id, "key": direct_key(user_id, with_user_id)}
            rows = connection.execute(query, bound).all()
        return [Overview(state, Message(*message), at or 0) for state, (at, *message) in _states(user_id, rows)]

    def history(
        self, one: str, other: str, limit: int, before: int | None = None, after: int | None = None
    ) -> Page[Message]:
        """Return messages of two users' conversation, in order of `seq`: the last `limit`, with `after` the first.

        Only with smaller `seq`s than `before`, and larger ones than `after`.
        """
        c = messages.c
        conversation = select(conversations.c.id).where(conversations.c.key == direct_key(one, other)).scalar_subquery()
        query = select(*MESSAGE).where(c.conversation_id == conversation)
        if before is not None:
            query = query.where(c.seq < before)
        if after is not None:
            query = query.where(c.seq > after)
        newest_first = after is None
        query = query.order_by(c.seq.desc() if newest_first else c.seq).limit(limit + 1)
        with self._database.reading() as connection, connection.execute(query, execution_options=FEW) as rows:
            found, more = page_of((Message(*row) for row in rows), limit)
        return Page(found[::-1] if newest_first else found, more)

    def bounds(self, one: str, other: str) -> tuple[int, int]:
        """Return the first and the last `seq` of two users' conversation; (1, 0) where there is none."""
        with self._database.reading() as connection:
            found = connection.execute(_EXTENT, {"key": direct_key(one, other)}).one_or_none()
        return (1, 0) if found is None else (found.first_seq, found.last_seq)

    def last_before(self, one: str, other: str, sent_at: int) -> int:
        """Return the `seq` behind which two users' messages since `sent_at` (ms) begin.

        Looks in the middle, and again in the middle of what is left: times grow with `seq`, so no index is needed.
        Where a clock was set back, the place is near the right one.
        """
        with self._database.reading() as connection:
            found = connection.execute(_EXTENT, {"key": direct_key(one, other)}).one_or_none()
            low, high = (0, 0) if found is None else (found.first_seq - 1, found.last_seq)
            while found is not None and low < high:
                middle = (low + high + 1) // 2
                at = connection.scalar(_SENT_AT, {"conversation": found.id, "seq": middle})
                low, high = (middle, high) if at is not None and at < sent_at else (low, middle - 1)
        return low

    def changes(self, one: str, other: str, after: int, limit: int) -> tuple[list[Change], int]:
        """Return the first `limit` changes of two users' conversation behind `after`, and the number of the last."""
        c = changes.c
        with self._database.reading() as connection:
            found = connection.execute(_EXTENT, {"key": direct_key(one, other)}).one_or_none()
            if found is None:
                return [], 0
            query = select(*(c[name] for name in Change._fields)).where(c.conversation_id == found.id, c.change > after)
            rows = connection.execute(query.order_by(c.change).limit(limit))
            return [Change(*row) for row in rows], found.last_change

    def standings(self, user_id: str, limit: int) -> list[ConversationState]:
        """Return how far the user's conversations have got, the one with the newest message first."""
        with self._database.reading() as connection:
            rows = self._standings.rows(connection, user=user_id, limit=limit)
        return [state for state, _ in _states(user_id, rows)]

    def behind(self, user_id: str, after: int, limit: int) -> list[Behind]:
        """Return the user's conversations with something that is not received, in the order of their ids.

        Only those with a larger id than `after`.
        """
        with self._database.reading() as connection:
            rows = connection.execute(_BEHIND, {"user": user_id, "after": after, "limit": limit})
            return [Behind(id_, other_of(key, user_id), start, end) for id_, key, start, end in rows]

    def missed(self, user_id: str, starts: Mapping[str, int], limit: int, size: int) -> Page[Found]:
        """Return what lies behind these places, the oldest first; own messages too, which nobody else receives.

        Within a conversation in the order of `seq`, even where the clock was set back: what stands behind a
        message counts as no older. `starts`: other user -> `seq`, for at most MOST_STARTS of them.
        """
        keys = [(direct_key(user_id, other), seq) for other, seq in starts.items()]
        with self._database.reading() as connection:
            [some] = padded(keys)
            query = filled(connection, _MISSED, some, limit + 1, limit + 1)
            with connection.exec_driver_sql(*query, execution_options=FEW) as rows:
                return page_of((Found(other_of(key, user_id), Message(*row)) for key, *row in rows), limit, size)


def _states(user_id: str, rows: Iterable[Any]) -> list[tuple[ConversationState, list[Any]]]:
    """Return how far each conversation of these rows has got, when it is listed, and what else was selected."""
    return [
        (
            ConversationState(
                other_of(key, user_id), last_seq, received, read, their_received or 0, their_read or 0, seen_at,
                first_seq, unread_of(user_id, key, *rest[:4]) if unread is None else unread, change,
            ),
            [last_at, *rest[4:]],
        )
        for (_, key, last_seq, received, read, their_received, their_read, seen_at, first_seq, change, last_at,
             *rest, unread) in rows
    ]  # fmt: skip


def newest_of_a_user(*columns: Any, is_behind: bool = False) -> Select[Any]:
    """Select `columns` of a user's conversations, their members and last messages, the newest first.

    Binds `user` and `limit`; with `is_behind` also a place, `at` and `place`: only conversations behind it.
    """
    c, place = conversations.c, listings.c
    # By itself, so that a page is read before anything else is looked up, and nothing of what is not on it.
    page = select(place.user_id, place.conversation_id).where(place.user_id == bindparam("user"))
    if is_behind:
        page = page.where(tuple_(place.last_at, place.conversation_id) < tuple_(bindparam("at"), bindparam("place")))
    page = page.order_by(place.last_at.desc(), place.conversation_id.desc()).limit(bindparam("limit"))
    listed = page.subquery("listed")
    source: FromClause = listed.join(conversations, c.id == listed.c.conversation_id)
    if any(column.table is members for column in columns):
        is_mine = (members.c.conversation_id == c.id) & (members.c.user_id == listed.c.user_id)
        source = _with_the_other(source.join(members, is_mine))
    if any(column.table is messages for column in columns):
        source = source.join(messages, IS_LAST)
    query = select(*columns).select_from(source)
    return query.order_by(c.last_at.desc(), c.id.desc())


def _with_the_other(mine: FromClause) -> FromClause:
    """Join the other member of each conversation; of one with oneself there is none."""
    is_other = (_other.c.conversation_id == members.c.conversation_id) & (_other.c.user_id != members.c.user_id)
    return mine.outerjoin(_other, is_other)


_other = members.alias("other")
# By itself, so that it is looked up for each: joined, PostgreSQL may read all times that there are.
_SEEN_AT = select(last_seen.c.at).where(last_seen.c.user_id == _other.c.user_id).correlate(_other).scalar_subquery()
_SENT_AT = select(messages.c.sent_at).where(
    messages.c.conversation_id == bindparam("conversation"), messages.c.seq == bindparam("seq")
)
# Made once: each init runs them, and making them takes longer than running them.
_STATE = (
    conversations.c.id, conversations.c.key, conversations.c.last_seq,
    members.c.received_seq, members.c.read_seq, _other.c.received_seq.label("their_received"),
    _other.c.read_seq.label("their_read"), _SEEN_AT.label("seen_at"),
    conversations.c.first_seq, conversations.c.last_change, conversations.c.last_at, *COUNTS,
)  # fmt: skip
_STANDINGS = with_unread(newest_of_a_user(*_STATE))
_OVERVIEWS, _OVERVIEWS_BEHIND = (
    with_unread(newest_of_a_user(*_STATE, *MESSAGE, is_behind=is_behind)) for is_behind in (False, True)
)
_OVERVIEW = with_unread(
    select(*_STATE, *MESSAGE)
    .select_from(
        _with_the_other(conversations.join(members, members.c.conversation_id == conversations.c.id)).join(
            messages, IS_LAST
        )
    )
    .where(conversations.c.key == bindparam("key"), members.c.user_id == bindparam("user"))
)
_EXTENT = select(*(conversations.c[name] for name in ("id", "first_seq", "last_seq", "last_change"))).where(
    conversations.c.key == bindparam("key")
)
_START: Any = case(
    (conversations.c.first_seq - 1 > members.c.received_seq, conversations.c.first_seq - 1),  # not into what was erased
    else_=members.c.received_seq,
)
_BEHIND = (
    select(conversations.c.id, conversations.c.key, _START, conversations.c.last_seq)
    .join_from(members, conversations, conversations.c.id == members.c.conversation_id)
    .where(members.c.user_id == bindparam("user"), members.c.conversation_id > bindparam("after"))
    .where(conversations.c.last_seq > _START)
    .order_by(members.c.conversation_id)
    .limit(bindparam("limit"))
)
# Places by themselves, and of no conversation more than a page holds: what is sorted is small.
_MISSED = """
WITH wanted (key, seq) AS ({keys}),
start AS (
    SELECT c.id, c.key, CASE WHEN c.first_seq > w.seq THEN c.first_seq - 1 ELSE w.seq END AS seq
    FROM (SELECT DISTINCT key, seq FROM wanted) AS w JOIN conversations AS c ON c.key = w.key
),
place AS (
    SELECT m.conversation_id, m.seq, start.key,
           max(m.sent_at) OVER (PARTITION BY m.conversation_id ORDER BY m.seq) AS time
    FROM start JOIN messages AS m
    ON m.conversation_id = start.id AND m.seq > start.seq AND m.seq <= start.seq + {} AND m.body <> ''
    ORDER BY time, m.conversation_id, m.seq
    LIMIT {}
)
SELECT place.key, m.seq, m.sender_id, m.body, m.sent_at, m.client_id, m.kind
FROM place JOIN messages AS m ON m.conversation_id = place.conversation_id AND m.seq = place.seq
ORDER BY place.time, place.conversation_id, place.seq
"""
