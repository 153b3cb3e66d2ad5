"""Pages of what holds a message each: bounded in number and in bytes, and each says whether there is more."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, NamedTuple, TypeVar

from chat.storage.records import Found, Message, Missed, Overview

PAGE_BYTES = 262_144  # of texts, in UTF-8; four of the longest messages, or 200 of a thousand bytes

T = TypeVar("T", Message, Missed, Overview, Found)


class Page(NamedTuple, Generic[T]):
    """`more`: there are others in the direction that was asked for."""

    messages: list[T]
    more: bool


def page_of(messages: Iterable[T], limit: int, size: int) -> Page[T]:
    """The first of `messages`: at most `limit`, and none after that which fills the page.

    Args:
        messages: one more than `limit`, if there are so many; read only as far as needed.
        size: of the texts together, in bytes. The last may pass it, so that each page holds one.
    """
    found: list[T] = []
    for message in messages:
        if len(found) == limit or size <= 0:
            return Page(found, more=True)
        found.append(message)
        size -= len(message.body.encode())
    return Page(found, more=False)
