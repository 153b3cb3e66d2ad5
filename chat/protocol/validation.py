"""Owns the way from a text to a typed event, or to an error that names the field at fault and the rule."""

import json
import re
from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import Any, NoReturn

import msgspec

from chat.errors import BadJson, InvalidField, MissingField, UnknownEvent, UnknownField
from chat.protocol.names import USER_ID_CHARS
from chat.protocol.structs import REF_CHARS, SAFE_INTEGER, Payload, Ref

LENIENT_CHARS = 5_000  # up to which a malformed text is read again, a hundred times slower


class Decoder:
    """Turns text into one of `structs`, told apart by `type`, the tag of each. There is at least one."""

    def __init__(self, structs: Iterable[type[Payload]]) -> None:
        self._decode = msgspec.json.Decoder(reduce(or_, structs)).decode

    def decode(self, text: str) -> Payload:
        """Return the event in `text`. Raises BadJson, UnknownEvent, MissingField, UnknownField or InvalidField."""
        try:
            return self._decode(text)
        except msgspec.ValidationError as error:
            _explain(str(error))
        except (msgspec.DecodeError, RecursionError) as error:
            _explain_malformed(text, error)


def ref_of(text: str) -> Ref | None:
    """Return the `ref` of a text that is no proper event, or None: its sender waits for an answer too."""
    try:
        return _decode_ref(text).ref
    except (msgspec.DecodeError, RecursionError):
        ref = _lenient(text).get("ref")
    if isinstance(ref, str) and len(ref) <= REF_CHARS and not _unpaired(ref):
        return ref
    if type(ref) is int and abs(ref) <= SAFE_INTEGER:
        return ref
    return None


class _Marked(msgspec.Struct):
    ref: Ref | None = None


_decode_ref = msgspec.json.Decoder(_Marked).decode


def _explain(reason: str) -> NoReturn:
    """Turn msgspec's sentence into one of our errors; tests/protocol/test_validation.py holds its wording."""
    if found := re.fullmatch(r"Object missing required field `(.+)`(?: - at `\$.+`)?", reason):
        raise MissingField(f"The field {found[1]} is missing.", found[1])
    if found := re.fullmatch(r"Object contains unknown field `(.*)`(?: - at `\$.+`)?", reason, re.S):
        name = found[1][:USER_ID_CHARS]
        raise UnknownField(f"There is no field {name} in this event.", name)
    rule, _, path = reason.rpartition(" - at `$")
    if not rule:
        raise BadJson(f"An event is one JSON object with a type. {reason}.".replace("`", ""))
    field = path.rstrip("`").lstrip(".")
    if field == "type" and rule.startswith("Invalid value"):
        raise UnknownEvent("There is no event of this type.", "type")
    raise InvalidField(f"{field}: {rule[0].lower()}{rule[1:]}.".replace("`", ""), field)


def _explain_malformed(text: str, error: Exception) -> NoReturn:
    """Name the field at fault, where a laxer parser can still read the object."""
    if isinstance(error, RecursionError):
        raise BadJson("The JSON is nested too deeply.") from None
    for name, value in _lenient(text).items():
        if len(name) > USER_ID_CHARS or _unpaired(name):
            break
        if isinstance(value, float) and not (abs(value) < float("inf")):
            raise InvalidField(f"{name}: NaN and Infinity are not JSON.", name) from None
        if isinstance(value, str) and _unpaired(value):
            raise InvalidField(f"{name} holds half of a surrogate pair.", name) from None
    raise BadJson(f"The text is not JSON: {error}.".replace("`", "")) from None


def _lenient(text: str) -> dict[str, Any]:
    """Read an object with Python's own parser, which takes NaN and lone surrogates; {} where even it gives up."""
    if len(text) > LENIENT_CHARS:
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _unpaired(text: str) -> bool:
    return any("\ud800" <= char <= "\udfff" for char in text)
