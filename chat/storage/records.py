"""The plain records that go into the store and come out of it.

Those of which each message makes one are structs that the garbage collector does not look at.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

SEPARATOR = (
    "\x1f"  # between the two names of a direct conversation; no name holds a control character
)


class Send(msgspec.Struct, gc=False):
    """A message to be stored. Without `client_id` a repeat of it cannot be told."""

    sender_id: str
    receiver_id: str
    body: str
    client_id: str | None


class Stored(msgspec.Struct, gc=False):
    """Where a message lies. `repeated`: it had been there before."""

    seq: int
    sent_at: int  # Unix time in milliseconds
    repeated: bool


class Conflict(NamedTuple):
    """Another text is stored under this sender's `client_id`, at `seq`."""

    seq: int


Outcome = Stored | Conflict


class Message(NamedTuple):
    """A stored message. `sent_at`: Unix time in milliseconds."""

    seq: int
    sender_id: str
    body: str
    sent_at: int
    client_id: str | None


class Missed(NamedTuple):
    """A message, and with whom it was exchanged."""

    with_user_id: str
    message: Message

    @property
    def body(self) -> str:
        return self.message.body


class Found(NamedTuple):
    """A message that somebody looked for, and with whom it was exchanged."""

    with_user_id: str
    message: Message

    @property
    def body(self) -> str:
        return self.message.body


class Pointer(NamedTuple):
    """How far `user_id` has received and read what `with_user_id` and they wrote; 0: nothing."""

    user_id: str
    with_user_id: str
    received: int
    read: int


class Standing(NamedTuple):
    """How far a conversation has got, and how far its two users: five `seq`s.

    `last_seen`: when the other one was, a Unix time in milliseconds; None: nobody noted it.
    """

    with_user_id: str
    last_seq: int
    received: int
    read: int
    their_received: int
    their_read: int
    last_seen: int | None


class Overview(NamedTuple):
    """A conversation as one of its two users sees it in a list."""

    with_user_id: str
    last_seq: int
    received: int
    read: int
    their_received: int
    their_read: int
    unread: int  # messages of the other one beyond `read`
    last_message: Message

    @property
    def body(self) -> str:
        return self.last_message.body


def direct_key(one: str, other: str) -> str:
    """The key of two users' conversation: their names, sorted; one's own twice for a note to oneself."""
    return f"{one}{SEPARATOR}{other}" if one < other else f"{other}{SEPARATOR}{one}"


def users_of(key: str) -> list[str]:
    """The two names of a key; one where they are the same."""
    return list(dict.fromkeys(key.split(SEPARATOR)))


def other_of(key: str, user_id: str) -> str:
    one, _, other = key.partition(SEPARATOR)
    return other if one == user_id else one
