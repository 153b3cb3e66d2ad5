"""Owns cursors: the place of the last item shown, packed so that nobody reads it.

A place and not an offset, which every new message would shift. It gives no right to anything: a cursor
that somebody made up shows one's own conversations and messages, from another place on.
"""

import base64
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from chat.errors import InvalidField
from chat.protocol.names import Names
from chat.protocol.structs import encode

CURSOR_CHARS = 1_024  # a name of 64 characters makes about 400

Cursor = Annotated[str, Meta(min_length=1, max_length=CURSOR_CHARS, description="The `next` of the page before.")]
Next = Annotated[str | None, Meta(description="`cursor` for the page after; null: there is none.")]

P = TypeVar("P", bound=tuple[Any, ...])


def cursor_of(place: tuple[Any, ...]) -> str:
    """Return the cursor for what lies behind a place, whose second part is a user."""
    return base64.urlsafe_b64encode(encode(place)).rstrip(b"=").decode()


def place_of(cursor: str | UnsetType, kind: type[P], names: Names) -> P | None:
    """Return the place that a cursor was made of; None without one. Raises InvalidField: it is none of ours."""
    if cursor is UNSET:
        return None
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        place: P = msgspec.json.decode(raw, type=kind)
        if cursor_of(place) == cursor and names.checked(place[1], "cursor") == place[1]:
            return place
    except (ValueError, InvalidField):  # base64's and msgspec's errors are kinds of ValueError
        pass
    raise InvalidField(field="cursor", rule="bad_cursor")
