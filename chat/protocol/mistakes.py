"""Owns the turning of msgspec's sentences into errors of ours, each with its rule. Tests hold msgspec's wording."""

import re
from types import MappingProxyType

import msgspec

from chat.errors import BadJson, ChatError, InvalidField, MissingField, UnknownField
from chat.protocol.names import USER_ID_CHARS
from chat.rules import Param

# What JSON calls Python's types.
_KINDS = MappingProxyType({"str": "string", "int": "integer", "float": "number", "bool": "boolean"})
_BOUNDS = MappingProxyType({
    ("str", ">="): ("too_short", "min"), ("str", "<="): ("too_long", "max"),
    ("array", ">="): ("too_few", "min"), ("array", "<="): ("too_many", "max"),
    ("int", ">="): ("too_small", "min"), ("int", "<="): ("too_large", "max"),
})  # fmt: skip
_BOUND = re.compile(r"Expected `(str|array|int)` (?:of length )?(>=|<=) (-?\d+)")


def explained(error: msgspec.ValidationError) -> ChatError:
    """Return the error with its field and rule: BadJson, MissingField, UnknownField or InvalidField."""
    reason = str(error)
    if found := re.fullmatch(r"Object missing required field `(.+?)`(?: - at `\$\.?(.+)`)?", reason):
        return MissingField(field=_within(found[2], found[1]), rule="missing")
    if found := re.fullmatch(r"Object contains unknown field `(.*?)`(?: - at `\$\.?(.+)`)?", reason, re.S):
        return UnknownField(field=_within(found[2], found[1][:USER_ID_CHARS]), rule="unknown")
    said, _, path = reason.rpartition(" - at `$")
    if not said:
        return BadJson(rule="not_an_object")
    field = path.rstrip("`").lstrip(".")
    rule, params = _rule_of(said)
    return InvalidField(None, field, rule, **params)


def _within(path: str | None, name: str) -> str:
    return f"{path}.{name}" if path else name


def _rule_of(said: str) -> tuple[str, dict[str, Param]]:
    if found := _BOUND.fullmatch(said):
        rule, name = _BOUNDS[found[1], found[2]]
        bound = int(found[3])
        return ("empty", {}) if rule in ("too_short", "too_few") and bound == 1 else (rule, {name: bound})
    if found := re.fullmatch(r"Expected `([\w |]+)`, got `.+`", said):
        kinds = [_KINDS.get(kind, kind) for kind in found[1].split(" | ")]
        return "wrong_type", {"expected": [kind for kind in kinds if kind != "null"] or ["null"]}
    return "unknown_value" if said.startswith("Invalid enum value") else "malformed", {}
