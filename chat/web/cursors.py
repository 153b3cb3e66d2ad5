"""Cursors of lists: the place of the last one shown, packed so that nobody reads it.

A place and not an offset, which every new message would shift. It gives no right to anything: a cursor
that somebody made up shows one's own conversations and messages, from another place on.
"""

from __future__ import annotations

import base64
from typing import TypeVar

import msgspec

from chat.errors import InvalidField
from chat.protocol.names import checked_user_id
from chat.protocol.structs import encode
from chat.storage.records import Found, Overview
from chat.web.shapes import Name, Seq


class _Place(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    sent_at: Seq  # of the last message: Unix time in milliseconds
    with_user_id: Name

    def __post_init__(self) -> None:
        self.with_user_id = checked_user_id(self.with_user_id, "cursor")


class _FoundPlace(_Place, array_like=True, forbid_unknown_fields=True):
    seq: Seq


T = TypeVar("T", bound=_Place)


def cursor_after(overview: Overview) -> str:
    """The cursor for the conversations behind this one."""
    return _packed(_Place(overview.last_message.sent_at, overview.with_user_id))


def place_of(cursor: str) -> tuple[int, str]:
    """What `Store.overviews` takes as `before`.

    Raises:
        InvalidField: `cursor_after` made no such cursor.
    """
    place = _unpacked(cursor, _Place)
    return place.sent_at, place.with_user_id


def cursor_after_found(found: Found) -> str:
    """The cursor for what was found behind this one."""
    message = found.message
    return _packed(_FoundPlace(message.sent_at, found.with_user_id, message.seq))


def place_of_found(cursor: str) -> tuple[int, str, int]:
    """What `Search.messages` takes as `before`.

    Raises:
        InvalidField: `cursor_after_found` made no such cursor.
    """
    place = _unpacked(cursor, _FoundPlace)
    return place.sent_at, place.with_user_id, place.seq


def _unpacked(cursor: str, kind: type[T]) -> T:
    try:
        packed = cursor.encode("ascii")
        raw = base64.b64decode(packed + b"=" * (-len(packed) % 4), altchars=b"-_", validate=True)
        place = msgspec.json.decode(raw, type=kind)
    except (ValueError, InvalidField):  # base64's and msgspec's errors are kinds of ValueError
        place = None
    if place is None or _packed(place) != cursor:
        raise InvalidField("cursor must be the next of an earlier answer.", "cursor")
    return place


def _packed(place: _Place) -> str:
    return base64.urlsafe_b64encode(encode(place)).rstrip(b"=").decode()
