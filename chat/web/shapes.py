"""What the API's requests and answers look like: one typed struct each; `openapi.py` shows them to others.

camelCase on the wire, as in `protocol.py`. Which struct belongs to which path stands in `operations.py`.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from chat.people.passwords import LEAST_CHARS, MOST_CHARS
from chat.protocol.names import USER_ID_CHARS, UserId, checked_user_id
from chat.protocol.structs import SAFE_INTEGER

WANTED_CHARS = 200  # of a text that is looked for
CURSOR_CHARS = 1_024  # a name of 64 characters makes about 400

Name = Annotated[UserId, Meta(description="A user's name.", examples=["alice"])]
Secret = Annotated[str, Meta(max_length=MOST_CHARS, description="A password.")]
NewSecret = Annotated[
    str,
    Meta(
        min_length=LEAST_CHARS,
        max_length=MOST_CHARS,
        description="A password, not one of the commonest.",
        examples=["correct horse battery staple"],
    ),
]
Seq = Annotated[int, Meta(ge=0, le=SAFE_INTEGER)]
Moment = Annotated[
    str,
    Meta(
        description="ISO 8601, UTC, milliseconds.",
        examples=["2026-01-31T09:30:00.000Z"],
        extra_json_schema={"format": "date-time"},
    ),
]
Cursor = Annotated[
    str,
    Meta(min_length=1, max_length=CURSOR_CHARS, description="The `next` of the page before."),
]


class Request(Struct, rename="camel", kw_only=True, forbid_unknown_fields=True):
    """What a client sends: a body, or the parameters of a query or path."""


class NewAccount(Request):
    """A name, and the password that it is to have."""

    user_id: Name
    password: NewSecret

    def __post_init__(self) -> None:
        self.user_id = checked_user_id(self.user_id, "userId")


class NewPassword(Request):
    """One's password, and what it is to be."""

    old_password: Secret
    new_password: NewSecret


class NewSession(Request):
    """Who wants to sign in. A name that has no password needs none, unless everybody does."""

    user_id: Name
    password: Secret | None = None

    def __post_init__(self) -> None:
        self.user_id = checked_user_id(self.user_id, "userId")


class WithUser(Request):
    """The other user of a conversation."""

    user_id: Name

    def __post_init__(self) -> None:
        self.user_id = checked_user_id(self.user_id, "userId")


class ConversationsPage(Request):
    """Which of one's conversations. Fewer where last messages are long, as with messages."""

    limit: Annotated[int, Meta(ge=1, le=100, description="How many at most.")] = 50
    cursor: Cursor | UnsetType = UNSET


class MessagesPage(Request):
    """Which of a conversation's messages: the last `limit` of them, or with `after` the first.

    Fewer where these are long: a page ends with the message whose text fills 256 KiB.
    """

    before: Annotated[Seq, Meta(description="Only smaller seqs.")] | UnsetType = UNSET
    after: Annotated[Seq, Meta(description="Only larger seqs.")] | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=200, description="How many at most.")] = 50


class Wanted(Request):
    """A text that is looked for in one's messages, letter by letter; upper and lower case alike."""

    q: Annotated[str, Meta(max_length=WANTED_CHARS, description="Spaces around it do not count.")]
    limit: Annotated[int, Meta(ge=1, le=100, description="How many at most.")] = 20
    cursor: Cursor | UnsetType = UNSET


class Beginning(Request):
    """How a name begins. Empty: only those whom one shares a conversation with are listed."""

    q: Annotated[str, Meta(max_length=4 * USER_ID_CHARS, description="In any case.")] = ""
    limit: Annotated[int, Meta(ge=1, le=100, description="How many at most.")] = 10


class Answer(Struct, rename="camel", kw_only=True):
    """What the server sends. Only what is UNSET is left out."""


class Session(Answer):
    """A token that proves to be the user, until it expires."""

    user_id: Name
    token: Annotated[str, Meta(description="For `Authorization: Bearer`.")]
    expires_at: Moment
    has_password: Annotated[bool, Meta(description="Whether the name is protected by one.")]


class StoredMessage(Answer):
    """A message, as it is stored."""

    seq: Annotated[Seq, Meta(description="1, 2, 3 ... without gaps in each conversation.")]
    from_user_id: Name
    to_user_id: Name
    message: str
    timestamp: Moment
    client_id: str | UnsetType = UNSET


class Conversation(Answer):
    """A conversation, as one of its two users sees it. The four pointers are seqs; 0: none yet."""

    with_user_id: Name
    last_seq: Seq
    received: Seq
    read: Seq
    their_received: Seq
    their_read: Seq
    unread: Annotated[int, Meta(ge=0, description="Messages of the other user beyond `read`.")]
    last_message: StoredMessage


class Conversations(Answer):
    """One's conversations, that with the newest message first."""

    conversations: list[Conversation]
    next: Annotated[
        str | None, Meta(description="`cursor` for the page after; null: there is none.")
    ]


class History(Answer):
    """Messages in the order of `seq`; none of an unknown conversation, whose `lastSeq` is 0."""

    messages: list[StoredMessage]
    last_seq: Seq
    more: Annotated[bool, Meta(description="There are others in the direction that was asked for.")]


class FoundMessage(Answer):
    """A message that holds the text, and whom it was exchanged with."""

    with_user_id: Name
    seq: Seq
    from_user_id: Name
    message: str
    timestamp: Moment


class FoundMessages(Answer):
    """What was found, the newest first."""

    messages: list[FoundMessage]
    next: Annotated[
        str | None, Meta(description="`cursor` for the page after; null: there is none.")
    ]


class User(Answer):
    """Somebody to write to."""

    user_id: Name


class Users(Answer):
    """Those first whom one shares a conversation with, the newest first; then others by the alphabet."""

    users: list[User]


class Fault(Answer):
    """Why a request failed."""

    code: Annotated[str, Meta(description="For programs.", examples=["invalid_field"])]
    message: Annotated[str, Meta(description="One English sentence, for people.")]
    field: Annotated[str | None, Meta(description="The field or parameter at fault, if one is.")]


class Failed(Answer):
    """What every failed request is answered with."""

    error: Fault
