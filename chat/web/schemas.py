"""Owns the schemas of both documents, OpenAPI's and AsyncAPI's: msgspec's, in the form that generators of code need."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

REF = "#/components/schemas/{name}"
NULL = {"type": "null"}

Json = dict[str, Any]


def schemas_of(types: Sequence[Any], *, takes_null: bool) -> tuple[dict[Any, Json], Json]:
    """Return each type's schema, and the components that these refer to.

    `takes_null`: whether a request may say null for what it leaves out. What the server sends never does.
    """
    schemas, components = map(_with_meant_lengths, msgspec.json.schema_components(types, ref_template=REF))
    for schema in components.values():
        if "description" in schema:
            schema["description"] = wire_names(schema["description"])
        is_request = schema.get("additionalProperties") is False
        _tidy(schema, takes_null and is_request)
    for kind in types:
        if names := getattr(kind, "exactly_one", ()):
            properties = components[kind.__name__]["properties"]
            components[kind.__name__]["oneOf"] = [_alone(name, names, properties) for name in names]
    return dict(zip(types, schemas, strict=True)), components


def parameters_of(struct: type[msgspec.Struct]) -> tuple[Json, list[str]]:
    """Return the schema of each field of a query, a path or headers, and which of them are required."""
    schema = _with_meant_lengths(msgspec.json.schema_components([struct])[1][struct.__name__])
    return schema["properties"], schema["required"]


def wire_names(said: str) -> str:
    """Return a docstring with the fields that it names as the wire names them."""
    return re.sub(r"`\w+`", lambda name: re.sub(r"_(\w)", lambda letter: letter[1].upper(), name[0]), said)


def _with_meant_lengths(part: Any) -> Any:
    if isinstance(part, list | tuple):
        return [_with_meant_lengths(inner) for inner in part]
    if not isinstance(part, dict):
        return part
    made = {name: _with_meant_lengths(inner) for name, inner in part.items()}
    if "x-maxLength" in made:  # msgspec writes the length that it checks over one of ours
        made["maxLength"] = made.pop("x-maxLength")
    return made


def _tidy(schema: Json, takes_null: bool) -> None:
    """Say defaults in words: generators of code make a field that has a `default` a required one."""
    for name, found in schema.get("properties", {}).items():
        field = dict(found)
        default = field.pop("default", None)
        if "anyOf" in field:
            field |= {"anyOf": [dict(choice) for choice in field["anyOf"]]}
            told = [choice.pop("description") for choice in field["anyOf"] if "description" in choice]
            field |= {"description": told[0]} if told else {}
            if "default" in found and not takes_null:
                field["anyOf"] = [choice for choice in field["anyOf"] if choice != NULL]
            if len(field["anyOf"]) == 1:
                field |= field.pop("anyOf")[0]
        if default is not None:
            said = f"Left out: {msgspec.json.encode(default).decode()}."
            field["description"] = f"{field['description']} {said}" if "description" in field else said
        schema["properties"][name] = field


def _alone(name: str, names: Sequence[str], properties: Json) -> Json:
    """Return the schema of a request that says `name`, and none other of `names`."""
    absent = {other: {"const": False} if _is_flag(properties[other]) else NULL for other in names}
    said = {"const": True} if _is_flag(properties[name]) else {"type": properties[name]["anyOf"][0]["type"]}
    return {"required": [name], "properties": absent | {name: said}}


def _is_flag(schema: Json) -> bool:
    return bool(schema.get("type") == "boolean")
