"""Owns the types that requests and answers of several files share: camelCase on the wire, snake_case here."""

from typing import Annotated

from msgspec import Meta, Struct, UnsetType

from chat.errors import InvalidField
from chat.limits import PAGE_ITEMS, SAFE_INTEGER
from chat.protocol.conversation_ids import ID_CHARS, MARK, other_user
from chat.protocol.names import Names, UserId
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

    def check_names(self, names: Names) -> None:
        """Check the users that it names, and take their canonical spelling. Raises InvalidField."""


class OfUser(Request):
    """A request that names a user."""

    user_id: Name

    def check_names(self, names: Names) -> None:
        self.user_id = names.checked(self.user_id, "userId")


class OfConversation(Request):
    """A request that names a conversation."""

    user_id: Annotated[
        str,
        Meta(min_length=1, max_length=ID_CHARS, description="The other user, or a `conversationId`.", examples=["bob"]),
    ]

    def check_names(self, names: Names) -> None:
        if not self.user_id.startswith(MARK):
            self.user_id = names.checked(self.user_id, "userId")

    def other_than(self, me: str, names: Names) -> str:
        """Return the other user. Raises InvalidField: it is no conversation of mine."""
        if not self.user_id.startswith(MARK):
            return self.user_id
        try:
            return other_user(me, None, self.user_id, names, "userId")
        except InvalidField:
            if not names.is_exact:
                raise
            return names.checked(self.user_id, "userId")  # a site's own id may begin so


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
