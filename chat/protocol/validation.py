"""Owns the way from a text to a typed event, or to an error that names the field at fault and the rule."""

import json
from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import Any, NoReturn

import msgspec

from chat.errors import BadJson, InvalidField, UnknownEvent
from chat.limits import SAFE_INTEGER
from chat.protocol.mistakes import explained
from chat.protocol.names import USER_ID_CHARS, Names
from chat.protocol.structs import REF_CHARS, Payload, Ref
from chat.protocol.texts import has_half

LENIENT_CHARS = 5_000  # up to which a malformed text is read again, a hundred times slower


class Decoder:
    """Turns text into one of `structs`, told apart by `type`, the tag of each. There is at least one."""

    def __init__(self, structs: Iterable[type[Payload]], names: Names | None = None) -> None:
        self._names = names or Names()
        self._decode = msgspec.json.Decoder(reduce(or_, structs)).decode

    def decode(self, text: str) -> Payload:
        """Return the event in `text`. Raises BadJson, UnknownEvent, MissingField, UnknownField or InvalidField."""
        try:
            event = self._decode(text)
        except msgspec.ValidationError as error:
            mistake = explained(error)
            if mistake.field == "type" and str(error).startswith("Invalid value"):
                mistake = UnknownEvent(field="type")
            raise mistake from None
        except (msgspec.DecodeError, RecursionError) as error:
            _explain_malformed(text, error)
        event.check_names(self._names)
        return event


def ref_of(text: str) -> Ref | None:
    """Return the `ref` of a text that is no proper event, or None: its sender waits for an answer too."""
    try:
        return _decode_ref(text).ref
    except (msgspec.DecodeError, RecursionError):
        ref = _lenient(text).get("ref")
    if isinstance(ref, str) and len(ref) <= REF_CHARS and not has_half(ref):
        return ref
    if type(ref) is int and abs(ref) <= SAFE_INTEGER:
        return ref
    return None


class _Marked(msgspec.Struct):
    ref: Ref | None = None


_decode_ref = msgspec.json.Decoder(_Marked).decode


def _explain_malformed(text: str, error: Exception) -> NoReturn:
    """Name the field at fault, where a laxer parser can still read the object."""
    if isinstance(error, RecursionError):
        raise BadJson(rule="nested_too_deeply") from None
    for name, value in _lenient(text).items():
        if len(name) > USER_ID_CHARS or has_half(name):
            break
        if isinstance(value, float) and not (abs(value) < float("inf")):
            raise InvalidField(field=name, rule="not_finite") from None
        if isinstance(value, str) and has_half(value):
            raise InvalidField(field=name, rule="half_character") from None
    raise BadJson(rule="bad_syntax", reason=str(error).replace("`", "")) from None


def _lenient(text: str) -> dict[str, Any]:
    """Read an object with Python's own parser, which takes NaN and lone surrogates; {} where even it gives up."""
    if len(text) > LENIENT_CHARS:
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
