"""Makes the types of clients, chat.d.ts and chat_types.py, of the two documents that the server serves: `make clients`.

One walk over the schemas, two languages. A library for each language would need another tool to be installed for every
change of a struct, and none does AsyncAPI and Python's TypedDict alike. tests/test_clients.py holds the result against
openapi-typescript's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import chat.handlers  # noqa: F401  (declares the events)
from chat.router import events
from chat.web import asyncapi, openapi
from chat.web.api import VIEWS

FOLDER = Path(__file__).parent
MADE = "Made of /api/openapi.json and /api/asyncapi.json by `make clients`; do not edit."

Json = dict[str, Any]


@dataclass(frozen=True)
class Language:
    """How a language writes types."""

    words: dict[str, str]
    constant: Callable[[Any], str]
    array: Callable[[str], str]
    table: Callable[[str], str]
    other: str

    def type_of(self, schema: Json) -> str:
        """Return the type that the values of a schema have."""
        if "$ref" in schema:
            return str(schema["$ref"]).rpartition("/")[2]
        if "const" in schema or "enum" in schema:
            return " | ".join(self.constant(value) for value in schema.get("enum", [schema.get("const")]))
        if choices := schema.get("anyOf") or schema.get("oneOf"):
            return " | ".join(self.type_of(choice) for choice in choices)
        if schema.get("type") == "array":
            return self.array(self.type_of(schema.get("items", {})))
        if schema.get("type") == "object":
            values = schema.get("additionalProperties")
            return self.table(self.type_of(values) if isinstance(values, dict) else self.other)
        return self.words.get(schema.get("type", ""), self.other)


TYPESCRIPT = Language(
    words={"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"},
    constant=json.dumps,
    array=lambda item: f"({item})[]" if "|" in item else f"{item}[]",
    table=lambda value: f"{{[name: string]: {value}}}",
    other="unknown",
)
PYTHON = Language(
    words={"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"},
    constant=lambda value: f"Literal[{value!r}]",
    array=lambda item: f"list[{item}]",
    table=lambda value: f"dict[str, {value}]",
    other="Any",
)


def made() -> dict[Path, str]:
    """Return each file and its text, of the documents as they are now."""
    api = openapi.document(VIEWS)
    socket = asyncapi.document((*events.payloads.items(),))
    schemas = _together(api["components"]["schemas"], socket["components"]["schemas"])
    sent, told = (_events(socket, action) for action in ("receive", "send"))
    typescript = [f"// {MADE}", *_typescript(schemas, api, sent, told)]
    python = [f'"""{MADE}"""', *_python(schemas, sent, told)]
    return {FOLDER / "chat.d.ts": "\n".join(typescript) + "\n", FOLDER / "chat_types.py": "\n".join(python) + "\n"}


def _together(one: Json, other: Json) -> Json:
    for name in one.keys() & other.keys():
        assert one[name] == other[name], f"two types are called {name}"
    return one | other


def _events(document: Json, action: str) -> list[str]:
    found = [one["messages"] for one in document["operations"].values() if one["action"] == action]
    return [message["$ref"].rpartition("/")[2] for messages in found for message in messages]


def _typescript(schemas: Json, api: Json, sent: list[str], told: list[str]) -> Iterator[str]:
    yield "\n/** What a client sends over the socket. */"
    yield f"export type ClientEvent = {' | '.join(sent)};"
    yield "\n/** What the server sends over the socket. Pass over a `type` that you do not know. */"
    yield f"export type ServerEvent = {' | '.join(told)};"
    for name, schema in schemas.items():
        yield from _comment(schema)
        yield f"export type {name} = {{"
        for field, inner in schema.get("properties", {}).items():
            yield from _comment(inner, "  ")
            yield f"  {field}{'' if field in schema.get('required', []) else '?'}: {TYPESCRIPT.type_of(inner)};"
        yield "}" + _choices(schema) + ";"
    yield "\n/** Each type of the API by its name. */\nexport type Schemas = {"
    yield from (f"  {name}: {name};" for name in api["components"]["schemas"])
    yield "};"
    yield "\n/** What each operation of the API takes and answers, and the codes of its errors. */\nexport type Operations = {"
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            yield from _comment({"description": operation["summary"]}, "  ")
            yield f"  {operation['operationId']}: {{"
            yield f'    method: "{method.upper()}"; path: "{path}"; {_traffic(operation)};'
            yield f"    code: {' | '.join(json.dumps(code) for code in _codes(operation))};"
            yield "  };"
    yield "};"


def _comment(schema: Json, indent: str = "") -> Iterator[str]:
    said = schema.get("description", "")
    if indent == "":
        yield ""
    if said:
        yield f"{indent}/** {said} */"


def _choices(schema: Json) -> str:
    """Of which fields exactly one is given."""
    choices = []
    for choice in schema.get("oneOf", []):
        fields = choice["properties"].items()
        said = [
            f"{name}{'' if name in choice['required'] else '?'}: {TYPESCRIPT.type_of(inner)}" for name, inner in fields
        ]
        choices.append(f"{{{'; '.join(said)}}}")
    return f" & ({' | '.join(choices)})" if choices else ""


def _traffic(operation: Json) -> str:
    """Return what goes to an operation, and what comes back."""
    parameters = "; ".join(filter(None, (_parameters(operation, place) for place in ("path", "query", "header"))))
    body = operation.get("requestBody", {"content": {}})["content"].get("application/json")
    answers = [answer for status, answer in operation["responses"].items() if status[0] == "2"]
    answer = answers[0].get("content", {}).get("application/json")
    kinds = ["undefined" if kind is None else TYPESCRIPT.type_of(kind["schema"]) for kind in (body, answer)]
    return f"parameters: {{{parameters}}}; body: {kinds[0]}; answer: {kinds[1]}"


def _parameters(operation: Json, place: str) -> str:
    found = [one for one in operation["parameters"] if one["in"] == place]
    said = [f'"{p["name"]}"{"" if p["required"] else "?"}: {TYPESCRIPT.type_of(p["schema"])}' for p in found]
    return f"{place}: {{{'; '.join(said)}}}" if said else ""


def _codes(operation: Json) -> list[str]:
    found = [answer for status, answer in operation["responses"].items() if status[0] in "45"]
    return [code for answer in found for code in answer["content"]["application/json"]["examples"]]


def _python(schemas: Json, sent: list[str], told: list[str]) -> Iterator[str]:
    yield "\nfrom typing import Any, Literal, NotRequired, TypedDict"
    uses = {name: re.findall(r"'#/components/schemas/(\w+)'", str(schema)) for name, schema in schemas.items()}
    for name in TopologicalSorter(
        uses
    ).static_order():  # without quotation marks: NotRequired counts when it is run, too
        schema = schemas[name]
        yield f"\n\nclass {name}(TypedDict):"
        if said := schema.get("description"):
            yield f'    """{said}"""\n'
        for field, inner in schema.get("properties", {}).items():
            kind = PYTHON.type_of(inner)
            yield f"    {field}: {kind if field in schema.get('required', []) else f'NotRequired[{kind}]'}"
        if not said and not schema.get("properties"):
            yield "    pass"
    yield f"\n\nClientEvent = {' | '.join(sent)}"
    yield f"ServerEvent = {' | '.join(told)}"


if __name__ == "__main__":
    for file, text in made().items():
        file.write_text(text, "utf-8")
        print(file.relative_to(FOLDER.parent))
