"""What is asked: conversations, their history, and what somebody has missed. Blocking, in any thread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Select, bindparam, case, func, select, tuple_

from chat.storage.database import Database, parts
from chat.storage.pages import PAGE_BYTES, Page, page_of
from chat.storage.records import Message, Missed, Overview, Standing, direct_key, other_of
from chat.storage.schema import MESSAGE, conversations, last_seen, members, messages

NOTHING_OF_THEM = (0, 0, None)  # of a conversation with oneself
A_FEW_AT_A_TIME = {"yield_per": 16}  # rows of a page, which may be full with the fourth


class Questions:
    """Asks one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def overviews(
        self, user_id: str, limit: int, before: tuple[int, str] | None = None
    ) -> list[Overview]:
        """The user's conversations, the one with the newest message first.

        Args:
            before: (sent_at of its last message, the other user) of one of them: only those after it
                in that order. A place, not a count: a conversation that gets a message meanwhile moves
                up and shifts nobody onto another page. None: from the first.
        """
        c, mine, last = conversations.c, members.c, messages.alias("last").c
        # The page by itself, so that unread messages are not counted of what is not on it.
        page_query = (
            select(
                c.id, c.key, c.last_seq, mine.received_seq, mine.read_seq,
                last.seq, last.sender_id, last.body, last.sent_at, last.client_id,
            )
            .where(mine.user_id == user_id, c.id == mine.conversation_id)
            .where(last.conversation_id == c.id, last.seq == c.last_seq)
            .order_by(last.sent_at.desc(), c.key.desc())
            .limit(limit)
        )  # fmt: skip
        if before is not None:
            place = before[0], direct_key(user_id, before[1])
            page_query = page_query.where(tuple_(last.sent_at, c.key) < place)
        page = page_query.subquery("page").c
        unread = (
            select(func.count())
            .where(
                messages.c.conversation_id == page.id,
                messages.c.seq > page.read_seq,
                messages.c.sender_id != user_id,
            )
            .scalar_subquery()
        )
        question = select(*page, unread).order_by(page.sent_at.desc(), page.key.desc())
        with self._database.reading() as connection:
            rows = connection.execute(question).all()
            theirs = self._theirs(connection, user_id, [(id_, key) for id_, key, *_ in rows])
        overviews = []
        for id_, key, last_seq, received, read, *message, unread in rows:
            their_received, their_read, _ = theirs.get(id_, NOTHING_OF_THEM)
            overviews.append(
                Overview(
                    with_user_id=other_of(key, user_id), last_seq=last_seq, received=received,
                    read=read, their_received=their_received, their_read=their_read,
                    unread=unread, last_message=Message(*message),
                )
            )  # fmt: skip
        return overviews

    def history(
        self,
        one: str,
        other: str,
        limit: int,
        before: int | None = None,
        after: int | None = None,
        size: int = PAGE_BYTES,
    ) -> Page[Message]:
        """Messages of two users' conversation, in order of `seq`.

        Args:
            before: only smaller `seq`s; the last `limit` of them. None: no upper bound.
            after: only larger `seq`s; with it, the first `limit` of them. None: no lower bound.
            size: of the page's texts, in bytes.
        """
        c = messages.c
        conversation = (
            select(conversations.c.id)
            .where(conversations.c.key == direct_key(one, other))
            .scalar_subquery()
        )
        question = select(*MESSAGE).where(c.conversation_id == conversation)
        if before is not None:
            question = question.where(c.seq < before)
        if after is not None:
            question = question.where(c.seq > after)
        newest_first = after is None
        question = question.order_by(c.seq.desc() if newest_first else c.seq)
        with self._database.reading() as connection:
            rows = connection.execute(question.limit(limit + 1), execution_options=A_FEW_AT_A_TIME)
            with rows:
                found, more = page_of((Message(*row) for row in rows), limit, size)
        return Page(found[::-1] if newest_first else found, more)

    def standings(self, user_id: str, limit: int) -> list[Standing]:
        """How far the user's conversations have got, the one with the newest message first."""
        with self._database.reading() as connection:
            rows = connection.execute(_STANDINGS, {"user": user_id, "limit": limit}).all()
            if not rows:
                return []
            theirs = self._theirs(connection, user_id, [(id_, key) for id_, key, *_ in rows])
        return [
            Standing(
                other_of(key, user_id), last_seq, received, read, *theirs.get(id_, NOTHING_OF_THEM)
            )
            for id_, key, last_seq, received, read in rows
        ]

    def _theirs(
        self, connection: Connection, user_id: str, wanted: list[tuple[int, str]]
    ) -> dict[int, tuple[int, int, int | None]]:
        """The other sides' (received, read, last seen) of conversations, given as (id, key).

        Asked by the primary key: members have no index that is led by the conversation.
        """
        others = [(other_of(key, user_id), id_) for id_, key in wanted]
        return {
            id_: (received, read, seen_at)
            for part in parts([member for member in others if member[0] != user_id])
            for id_, received, read, seen_at in connection.execute(_THEIRS, {"members": part})
        }

    def missed(
        self, user_id: str, beyond: Mapping[str, int], limit: int, size: int
    ) -> Page[Missed]:
        """What the user has not received, the oldest first; own messages too, which nobody else receives.

        Within a conversation in the order of `seq`, even where the clock was set back: what stands
        behind a message of a later time counts as no older than that.

        Args:
            beyond: other user -> `seq`, for conversations where only what lies behind that is asked for.
            size: of the page's texts, in bytes.
        """
        me, c, m = members.c, conversations.c, messages.c
        start: Any = me.received_seq
        if beyond:
            keys = {direct_key(user_id, other): seq for other, seq in beyond.items()}
            passed = case(keys, value=c.key, else_=0)
            start = case((passed > start, passed), else_=start)
        time = func.max(m.sent_at).over(partition_by=c.id, order_by=m.seq).label("time")
        # Places by themselves, and of no conversation more than a page holds: what is sorted is small.
        place = (
            select(m.conversation_id, m.seq, c.key, time)
            .join_from(members, conversations, c.id == me.conversation_id)
            .join(messages, m.conversation_id == c.id)
            .where(me.user_id == user_id, c.last_seq > start)
            .where(m.seq > start, m.seq <= start + limit + 1)
            .order_by(time, m.conversation_id, m.seq)
            .limit(limit + 1)
            .subquery("place")
        )
        p = place.c
        question = (
            select(p.key, *MESSAGE)
            .join_from(place, messages, (m.conversation_id == p.conversation_id) & (m.seq == p.seq))
            .order_by(p.time, p.conversation_id, p.seq)
        )
        with self._database.reading() as connection:
            rows = connection.execute(question.limit(limit + 1), execution_options=A_FEW_AT_A_TIME)
            with rows:
                missed = (Missed(other_of(key, user_id), Message(*row)) for key, *row in rows)
                return page_of(missed, limit, size)


def _standings() -> Select[Any]:
    c, mine, last = conversations.c, members.c, messages.alias("last").c
    return (
        select(c.id, c.key, c.last_seq, mine.received_seq, mine.read_seq)
        .where(mine.user_id == bindparam("user"), c.id == mine.conversation_id)
        .where(last.conversation_id == c.id, last.seq == c.last_seq)
        .order_by(last.sent_at.desc(), c.key.desc())
        .limit(bindparam("limit"))
    )


# Made once: they are asked at every init, and making them takes longer than asking.
_STANDINGS = _standings()
_THEIRS = (
    select(members.c.conversation_id, members.c.received_seq, members.c.read_seq, last_seen.c.at)
    .join_from(members, last_seen, last_seen.c.user_id == members.c.user_id, isouter=True)
    .where(
        tuple_(members.c.user_id, members.c.conversation_id).in_(
            bindparam("members", expanding=True)
        )
    )
)


def newest_of_a_user(*columns: Any) -> Select[Any]:
    """`columns` of a user's conversations, the one with the newest message first; binds `user` and `limit`."""
    c = conversations.c
    return (
        select(*columns)
        .where(members.c.user_id == bindparam("user"), c.id == members.c.conversation_id)
        .where(messages.c.conversation_id == c.id, messages.c.seq == c.last_seq)
        .order_by(messages.c.sent_at.desc())
        .limit(bindparam("limit"))
    )
