"""Owns the types that requests and answers of several files share: camelCase on the wire, snake_case here."""

from typing import Annotated

from msgspec import Meta, Struct

from chat.limits import PAGE_ITEMS
from chat.protocol.names import UserId, checked_user_id
from chat.protocol.structs import SAFE_INTEGER

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


Epoch = Annotated[str, Meta(description="As in `ready`: another one says that what was read before counts no more.")]


class Answer(Struct, rename="camel", kw_only=True):
    """What the server sends. Only what is UNSET is left out."""
