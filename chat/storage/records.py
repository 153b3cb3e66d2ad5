"""Owns the plain records of messages that go into a database and come out of it, and pages of them.

Those of which each message makes one are structs that the garbage collector does not look at.
"""

from collections.abc import Iterable
from typing import Generic, NamedTuple, TypeVar

import msgspec

SEPARATOR = "\x1f"  # between two names in a conversation's key; no name holds a control character
PAGE_BYTES = 262_144  # of texts, in UTF-8; four of the longest messages, or 200 of a thousand bytes


class Send(msgspec.Struct, gc=False):
    """A message to be stored. Without `client_id` a repeat of it cannot be told."""

    sender_id: str
    receiver_id: str
    body: str
    client_id: str | None
    kind: str | None = None  # a text


class Stored(msgspec.Struct, gc=False):
    """Where a message lies. `repeated`: it had been there before."""

    seq: int
    sent_at: int  # Unix time in milliseconds
    repeated: bool


class StoredLate(NamedTuple):
    """Where a message lies of which nobody could say at first whether it was stored."""

    seq: int
    sent_at: int  # Unix time in milliseconds


class Conflict(NamedTuple):
    """Another text is stored under this sender's `client_id`, at `seq`."""

    seq: int


Outcome = Stored | Conflict


class Message(NamedTuple):
    """A stored message. `sent_at`: Unix time in milliseconds. `body` empty: the last one, whose text was erased."""

    seq: int
    sender_id: str
    body: str
    sent_at: int
    client_id: str | None
    kind: str | None = None  # a text


class Change(NamedTuple):
    """What changed the messages from `first_seq` to `last_seq` of a conversation."""

    change: int
    kind: str
    first_seq: int
    last_seq: int


class Found(NamedTuple):
    """A message among those of many conversations, and the other user of its own."""

    with_user_id: str
    message: Message

    @property
    def body(self) -> str:
        return self.message.body


class Behind(NamedTuple):
    """A conversation of which a user has received nothing between `start` and its last message, `end`."""

    conversation: int
    with_user_id: str
    start: int
    end: int


class Pointer(NamedTuple):
    """How far `user_id` has received and read what `with_user_id` and they wrote; 0: nothing."""

    user_id: str
    with_user_id: str
    received: int
    read: int


class ConversationState(NamedTuple):
    """How far a conversation and its two users have got, each a `seq`."""

    with_user_id: str
    last_seq: int
    received: int
    read: int
    their_received: int
    their_read: int
    last_seen: int | None  # of the other user: Unix time in milliseconds; None: not noted
    first_seq: int = 1  # what lies before it was erased
    unread: int = 0  # messages of the other one beyond `read`
    change: int = 0  # the last one


class Overview(NamedTuple):
    """A conversation as one of its two users sees it in a list."""

    state: ConversationState
    last_message: Message
    listed_at: int  # where it stands in the list: when its last message was sent, but for one of an older program

    @property
    def body(self) -> str:
        return self.last_message.body


def direct_key(one: str, other: str) -> str:
    """Return the key of a conversation: its two names, sorted; one name twice for a note to oneself."""
    return f"{one}{SEPARATOR}{other}" if one < other else f"{other}{SEPARATOR}{one}"


def users_of(key: str) -> list[str]:
    """Return the two names of a key; one where they are the same."""
    return list(dict.fromkeys(key.split(SEPARATOR)))


def other_of(key: str, user_id: str) -> str:
    """Return the other name of a key."""
    one, _, other = key.partition(SEPARATOR)
    return other if one == user_id else one


T = TypeVar("T", Message, Overview, Found)


class Page(NamedTuple, Generic[T]):
    """A part of a longer list. `more`: there are others in the direction that was asked for."""

    messages: list[T]
    more: bool


def page_of(messages: Iterable[T], limit: int, size: int = PAGE_BYTES) -> Page[T]:
    """Return the first `limit` messages, or fewer if their texts fill a page of `size` bytes.

    The last one may pass the size, so that each page holds one. Of `messages`, one beyond the page is read.
    """
    found: list[T] = []
    for message in messages:
        if len(found) == limit or size <= 0:
            return Page(found, more=True)
        found.append(message)
        size -= len(message.body.encode())
    return Page(found, more=False)
