"""The OpenAPI 3.1 document, made of the operations and of the structs that the API itself reads and writes."""

from __future__ import annotations

from functools import cache
from http import HTTPStatus
from typing import Any

import msgspec

from chat.errors import ChatError, Internal, RateLimited
from chat.web.operations import FOR_A_USER, OPERATIONS, PREFIX, Operation
from chat.web.shapes import Failed, Fault

JSON = "application/json"
SCHEME = "token"
REF = "#/components/schemas/{name}"

Json = dict[str, Any]


@cache
def document() -> bytes:
    """The document as JSON. It never changes while the program runs."""
    types = [t for o in OPERATIONS for t in (o.answer, o.body) if t is not None]
    schemas, components = msgspec.json.schema_components([*types, Failed], ref_template=REF)
    schema_of = dict(zip([*types, Failed], schemas, strict=True))
    paths: dict[str, Json] = {}
    for operation in OPERATIONS:
        path = paths.setdefault(PREFIX + operation.path, {})
        path[operation.method.lower()] = _operation(operation, schema_of)
    token = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Chat",
                "version": "1",
                "description": "Make an account, sign in, list conversations, read messages, which are sent over the WebSocket; push and read notifications.",
            },
            "paths": paths,
            "components": {"schemas": components, "securitySchemes": {SCHEME: token}},
        }
    )


def _operation(operation: Operation, schema_of: dict[Any, Json]) -> Json:
    answer: Json = {"description": HTTPStatus(operation.status).phrase}
    if operation.answer is not None:
        answer["content"] = {JSON: {"schema": schema_of[operation.answer]}}
        if operation.example is not None:
            answer["content"][JSON]["example"] = msgspec.to_builtins(operation.example)
    elif operation.media != JSON:
        answer["content"] = {operation.media: {"schema": {"type": "string"}}}
    described: Json = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": [
            *_parameters("path", operation.path_parameters),
            *_parameters("query", operation.query),
            *_parameters("header", operation.headers),
        ],
        "responses": {
            str(operation.status): answer,
            **_failures(operation, schema_of[Failed]),
        },
        "security": [{SCHEME: []}] if operation.for_a_user else [],
    }
    if operation.body is not None:
        body: Json = {"schema": schema_of[operation.body]}
        if operation.body_example is not None:
            body["example"] = msgspec.to_builtins(operation.body_example)
        described["requestBody"] = {"required": True, "content": {JSON: body}}
    return described


def _parameters(place: str, struct: type[msgspec.Struct] | None) -> list[Json]:
    if struct is None:
        return []
    _, components = msgspec.json.schema_components([struct], ref_template=REF)
    schema = components[struct.__name__]
    return [
        {
            "name": name,
            "in": place,
            "required": name in schema["required"],
            "description": parameter.pop("description"),
            "schema": parameter,
        }
        for name, parameter in schema["properties"].items()
    ]


def _failures(operation: Operation, schema: Json) -> Json:
    """The answers to a failed request: one for each status, one example for each code."""
    for_a_user = FOR_A_USER if operation.for_a_user else ()
    kinds = dict.fromkeys([*operation.errors, *for_a_user, RateLimited, Internal])
    by_status: dict[int, list[type[ChatError]]] = {}
    for kind in kinds:
        by_status.setdefault(kind.status, []).append(kind)
    return {
        str(status): {
            "description": ", ".join(kind.code for kind in some),
            "content": {JSON: {"schema": schema, "examples": {k.code: _example(k) for k in some}}},
        }
        for status, some in sorted(by_status.items())
    }


def _example(kind: type[ChatError]) -> Json:
    fault = Fault(code=kind.code, message=kind.sentence, field=None)
    return {"summary": kind.__doc__, "value": msgspec.to_builtins(Failed(error=fault))}
