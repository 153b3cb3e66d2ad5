"""Owns the OpenAPI 3.1 document. It is made of the views, their declarations and their structs alone."""

import re
from collections.abc import Sequence
from functools import cache
from http import HTTPStatus
from types import NoneType
from typing import Any, get_type_hints

import msgspec
from flask import Response

from chat.errors import ChatError
from chat.web.answers import JSON, Failed, Fault
from chat.web.operations import Operation, View, errors_of

PREFIX = "/api"
SCHEME = "token"
REF = "#/components/schemas/{name}"

Json = dict[str, Any]


@cache
def document(views: Sequence[View]) -> Json:
    """Return the document of these views."""
    types = [Failed, *filter(None, (get_type_hints(v).get("body") for v in views))]
    types += [answer for v in views if (answer := answer_of(v)) is not None]
    schemas, components = msgspec.json.schema_components(types, ref_template=REF)
    schema_of = dict(zip(types, schemas, strict=True))
    paths: dict[str, Json] = {}
    for view in views:
        path = paths.setdefault(path_of(view.operation), {})
        path[view.operation.method.lower()] = _described(view, schema_of)
    token = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Chat",
            "version": "1",
            "description": "Make an account, sign in, list conversations, read messages, which are sent over the WebSocket; push and read notifications.",
        },
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": {SCHEME: token}},
    }


def path_of(operation: Operation) -> str:
    """Return the operation's path, its parameters in braces."""
    return PREFIX + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", operation.path)


def answer_of(view: View) -> Any:
    """Return the type of the view's JSON; None where its answer is no JSON."""
    answer = get_type_hints(view)["return"]
    return None if answer in (NoneType, Response) else answer


def _described(view: View, schema_of: dict[Any, Json]) -> Json:
    operation, types = view.operation, get_type_hints(view)
    status = 204 if types["return"] is NoneType else operation.status
    answer: Json = {"description": HTTPStatus(status).phrase}
    if (kind := answer_of(view)) is not None:
        answer["content"] = {JSON: {"schema": schema_of[kind]}}
        if operation.example:
            answer["content"][JSON]["example"] = msgspec.json.decode(operation.example)
    elif operation.media != JSON:
        answer["content"] = {operation.media: {"schema": {"type": "string"}}}
    is_token_needed = bool({"user_id", "service"} & types.keys())
    described: Json = {
        "operationId": view.__name__,
        "summary": operation.summary,
        "parameters": [
            *_parameters("path", types.get("path")),
            *_parameters("query", types.get("query")),
            *_parameters("header", types.get("headers")),
        ],
        "responses": {str(status): answer, **_failures(view, schema_of[Failed])},
        # Any of them does; `{}` is without a token (OpenAPI 3.1, 4.8.10).
        "security": [{}, {SCHEME: []}] if operation.takes_token else [{SCHEME: []}] if is_token_needed else [],
    }
    if "body" in types:
        body: Json = {"schema": schema_of[types["body"]]}
        if operation.body_example:
            body["example"] = msgspec.json.decode(operation.body_example)
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


def _failures(view: View, schema: Json) -> Json:
    """Describe the answers to a failed request: one for each status, one example for each code."""
    by_status: dict[int, list[type[ChatError]]] = {}
    for kind in errors_of(view):
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
