"""Owns what no text may hold, whatever it says, since no database keeps it."""

import re

from chat.errors import InvalidField

_HALF = re.compile("[\ud800-\udfff]")


def has_half(text: str) -> bool:
    """Return whether a text holds half of a surrogate pair. A parser of JSON refuses it; Python code may hold one."""
    return _HALF.search(text) is not None


def check_storable(text: str, field: str) -> None:
    """Raise InvalidField: no database keeps the text."""
    if "\0" in text:
        raise InvalidField(field=field, rule="null_character")
    if has_half(text):
        raise InvalidField(field=field, rule="half_character")
