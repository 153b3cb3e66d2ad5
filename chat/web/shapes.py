"""Owns the types that requests and answers of several files share: camelCase on the wire, snake_case here."""

from typing import Annotated

from msgspec import Meta, Struct, UnsetType

from chat.limits import PAGE_ITEMS, SAFE_INTEGER
from chat.protocol.conversation_ids import ID_CHARS, MARK, other_user
from chat.protocol.names import UserId, checked_user_id
from chat.protocol.profiles import Profile

Name = Annotated[UserId, Meta(description="A user's name.", examples=["alice"])]
Seq = Annotated[int, Meta(ge=0, le=SAFE_INTEGER)]
Limit = Annotated[int, Meta(ge=1, le=PAGE_ITEMS, description="How many at most.")]
Moment = Annotated[
    str,
    Meta(
        description="ISO 8601, UTC, milliseconds.",
        examples=["2026-01-31T09:30:00.000Z"],
        extra_json_schema={"format": "date-time"},
    ),
]


class Request(Struct, rename="camel", kw_only=True, forbid_unknown_fields=True):
    """What a client sends: a body, or the parameters of a query, a path or headers."""


class OfUser(Request):
    """A request that names a user."""

    user_id: Name

    def __post_init__(self) -> None:
        self.user_id = checked_user_id(self.user_id, "userId")


class OfConversation(Request):
    """A request that names a conversation."""

    user_id: Annotated[
        str,
        Meta(min_length=1, max_length=ID_CHARS, description="The other user, or a `conversationId`.", examples=["bob"]),
    ]

    def __post_init__(self) -> None:
        if not self.user_id.startswith(MARK):
            self.user_id = checked_user_id(self.user_id, "userId")

    def other_than(self, me: str) -> str:
        """Return the other user. Raises InvalidField: it is no conversation of mine."""
        return other_user(me, self.user_id, self.user_id if self.user_id.startswith(MARK) else None, "userId")


ConversationName = Annotated[str, Meta(description="The conversation's own, for ever.", examples=["~YWxpY2UKYm9i"])]
Epoch = Annotated[str, Meta(description="As in `ready`: another one says that what was read before counts no more.")]

# Of the names in an answer, as `keys_of` gives them; UNSET where that is None.
Keys = (
    Annotated[dict[str, str], Meta(description="The keys of those names here that are not their own key.")] | UnsetType
)

Profiles = (
    Annotated[dict[str, Profile], Meta(description="How those users here are shown of whom something is known.")]
    | UnsetType
)


class Answer(Struct, rename="camel", kw_only=True):
    """What the server sends. Only what is UNSET is left out."""
