"""Owns the counting of what is unread, which costs the same however much it is: nobody goes over the messages.

A conversation counts the messages of the first of its two users: `first_sent`, of all up to `counted_seq`. A member keeps
how many of the other's messages lay up to the last one that was read: `read_sent`, and `read_counted`, the `seq` that it
belongs to. The difference is unread. What those do not cover, since a program of before wrote it, something was erased,
or very many of the member's own stand behind, is counted message by message.
"""

from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Select, bindparam, case, func, literal, null, select

from chat.storage.compiled import Compiled
from chat.storage.records import SEPARATOR, Send
from chat.storage.schema import conversations, members, messages

UNREAD_COUNTED = 1_000  # of a conversation. A larger number counts only from the member's next `read` on
LOOKED_AT = 4_000  # messages, own ones too, by a pointer that moves: the writer's thread is everybody's


class Extent(NamedTuple):
    """How far a conversation has got, and is listed and counted."""

    last_seq: int
    last_at: int | None
    first_sent: int
    counted_seq: int


class MemberState(NamedTuple):
    """How far a member has got, and the conversation."""

    received: int
    read: int
    last_seq: int = 0
    read_sent: int = 0
    read_counted: int = 0
    key: str = ""
    first_sent: int = 0
    counted_seq: int = 0
    first_seq: int = 1


class UnreadCounts:
    """Keeps the counts of one database, for the writer's thread."""

    def __init__(self, engine: Engine) -> None:
        self._between, self._uncounted = Compiled(engine, _BETWEEN), Compiled(engine, _UNCOUNTED)

    def first_sent(self, connection: Connection, conversation: int, place: Extent, some: Send) -> int:
        """Return how many of all messages are of the first user, who writes or receives `some`."""
        if place.counted_seq == place.last_seq:
            return place.first_sent
        first = min(some.sender_id, some.receiver_id)
        return place.first_sent + self.uncounted(connection, conversation, place, first)

    def uncounted(self, connection: Connection, conversation: int, place: Extent, first: str) -> int:
        """Return how many messages of the first user, where there are two, stand behind those that were counted."""
        bound = {"place": conversation, "first": first, "counted": place.counted_seq, "last": place.last_seq}
        return int(self._uncounted.rows(connection, **bound)[0][0])

    def read_counts(self, connection: Connection, user: str, conversation: int, at: MemberState) -> dict[str, int]:
        """Return `read_sent` and `read_counted` of a member who stands there now."""
        kept = {"read_sent": at.read_sent, "read_counted": at.read_counted}
        if at.read == at.read_counted or at.counted_seq != at.last_seq:
            return kept
        sent = _sent_to(user, at.key, at.first_sent, at.counted_seq)
        unread = sent - at.read_sent  # behind `read_counted`; from UNREAD_COUNTED on, so many or more
        if at.read == at.last_seq or not unread:
            return {"read_sent": sent, "read_counted": at.read}
        member: dict[str, int | str] = {"place": conversation, "user": user}
        if at.first_seq - 1 <= at.read_counted and at.read <= at.read_counted + LOOKED_AT:
            read = self._sent_between(connection, **member, after=at.read_counted, last=at.read)
            if unread < UNREAD_COUNTED or unread - read >= UNREAD_COUNTED:
                return {"read_sent": at.read_sent + read, "read_counted": at.read}
        # What is behind is counted, more of it than is told: the next thousands of reads need not do it again.
        last = min(at.last_seq, at.read + LOOKED_AT)
        rest = self._sent_between(connection, **member, after=at.read, last=last)
        if rest < UNREAD_COUNTED and last < at.last_seq:  # nearly all are their own: who asks for it counts them
            return kept
        return {"read_sent": sent - rest, "read_counted": at.read}

    def _sent_between(self, connection: Connection, **bound: int | str) -> int:
        """Return how many messages of others than `user` stand behind `after`, up to `last`."""
        return int(self._between.rows(connection, **bound)[0][0])


def unread_of(user: str, key: str, first_sent: int, counted_seq: int, read_sent: int, _read_counted: int) -> int:
    """Return how many messages of the other one a user has not read, UNREAD_COUNTED at most."""
    return min(UNREAD_COUNTED, _sent_to(user, key, first_sent, counted_seq) - read_sent)


def with_unread(page: Select[Any]) -> Select[Any]:
    """Select a page of conversations, with the columns of COUNTS; and of what they do not cover the number unread, else NULL."""
    # Of the page alone, so that nothing is counted of what is not on it.
    some, m = page.subquery("page"), messages.c
    is_unread = (m.conversation_id == some.c.id) & (m.seq > some.c.read_seq) & (m.sender_id != bindparam("user"))
    counted = select(literal(1)).where(is_unread).limit(UNREAD_COUNTED).correlate(some).subquery("unread")
    count = select(func.count()).select_from(counted).scalar_subquery()
    is_covered = (some.c.counted_seq == some.c.last_seq) & (some.c.read_counted == some.c.read_seq)
    is_covered &= some.c.first_seq <= some.c.read_seq + 1
    number = case((is_covered, null()), else_=count)
    return select(*some.c, number).order_by(some.c.last_at.desc(), some.c.id.desc())


def _sent_to(user: str, key: str, first_sent: int, counted_seq: int) -> int:
    """Return how many messages the other user of a conversation has sent."""
    first, _, second = key.partition(SEPARATOR)
    if first == second:  # what one writes to oneself is never unread
        return 0
    return counted_seq - first_sent if user == first else first_sent


# Of a page that `with_unread` is given.
COUNTS = conversations.c.first_sent, conversations.c.counted_seq, members.c.read_sent, members.c.read_counted
_OF_PLACE = messages.c.conversation_id == bindparam("place")
_BETWEEN = (
    select(func.count())
    .where(_OF_PLACE, messages.c.seq > bindparam("after"), messages.c.seq <= bindparam("last"))
    .where(messages.c.sender_id != bindparam("user"))
)
_UNCOUNTED = (
    select(func.count())
    .where(_OF_PLACE, messages.c.seq > bindparam("counted"), messages.c.seq <= bindparam("last"))
    .where(messages.c.sender_id == bindparam("first"))
)
