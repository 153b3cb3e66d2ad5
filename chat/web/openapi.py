"""Owns the OpenAPI 3.1 document. It is made of the views, their declarations and their structs alone."""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from http import HTTPStatus
from types import MappingProxyType, NoneType
from typing import Any, get_type_hints

import msgspec
from flask import Response

from chat.errors import ChatError
from chat.web.answers import JSON, Failed, failed
from chat.web.operations import Operation, View, errors_of
from chat.web.requests import converted, decoded
from chat.web.schemas import Json, parameters_of, schemas_of

PREFIX = "/api"
USER, SERVICE = "token", "serviceToken"
ABOUT = (
    "Make an account, sign in, list conversations, read messages, push and read notifications. "
    "Live events go over the WebSocket, which GET /api/asyncapi.json describes."
)
# What belongs together, by the module of its views.
TAGS = MappingProxyType({
    "accounts": "Names, their passwords, and tokens.",
    "sessions": "Where you are signed in.",
    "conversations": "With whom you write, and how far each of you has got.",
    "messages": "What you and others wrote.",
    "changes": "What changed messages after they were written.",
    "push": "For services: notify one user, many, or everyone.",
    "notifications": "Your own notifications.",
    "search": "Find messages and people.",
    "profiles": "How users are shown: names, lines, pictures.",
    "blocks": "Whom you do not want to hear from.",
    "api": "The server itself, and what it can do.",
})  # fmt: skip
SCHEMES = MappingProxyType({
    USER: "A user's, from POST /api/session.",
    SERVICE: "A program's, for what its scopes say: flask chat token --service NAME makes one.",
})  # fmt: skip
HEADERS = MappingProxyType({
    "Retry-After": "In how many seconds to try again.",
    "WWW-Authenticate": "`Bearer`: send a token.",
})  # fmt: skip
HEADER_OF = MappingProxyType({401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"})


@cache
def document(views: Sequence[View]) -> Json:
    """Return the document of these views; where they are served is not in it."""
    types = [Failed, *filter(None, (get_type_hints(v).get("body") for v in views))]
    types += [answer for v in views if (answer := answer_of(v)) is not None]
    types += [event for v in views for event in v.operation.events]
    schema_of, components = schemas_of(types, takes_null=True)
    paths: dict[str, Json] = {}
    for view in views:
        path = paths.setdefault(path_of(view.operation), {})
        path[view.operation.method.lower()] = _described(view, schema_of)
    tags = dict.fromkeys(_tag(view) for view in views)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Chat", "version": "1", "description": ABOUT},
        "tags": [{"name": tag, "description": TAGS[tag]} for tag in tags],
        "paths": paths,
        "components": {
            "schemas": components,
            "headers": {name: {"description": said, "schema": {"type": "string"}} for name, said in HEADERS.items()},
            "securitySchemes": {
                name: {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": said}
                for name, said in SCHEMES.items()
            },
        },
    }


def path_of(operation: Operation) -> str:
    """Return the operation's path, its parameters in braces."""
    return PREFIX + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", operation.path)


def answer_of(view: View) -> Any:
    """Return the type of the view's JSON; None where its answer is no JSON."""
    answer = get_type_hints(view)["return"]
    return None if answer in (NoneType, Response) else answer


def _tag(view: View) -> str:
    return view.__module__.rpartition(".")[2]


def _described(view: View, schema_of: dict[Any, Json]) -> Json:
    operation, types = view.operation, get_type_hints(view)
    status = 204 if types["return"] is NoneType else operation.status
    described: Json = {
        "operationId": view.__name__,
        "tags": [_tag(view)],
        "summary": operation.summary,
        "parameters": [
            *_parameters("path", types.get("path")),
            *_parameters("query", types.get("query")),
            *_parameters("header", types.get("headers")),
        ],
        "responses": {str(status): _answer(view, status, schema_of), **_failures(view, schema_of[Failed])},
        "security": _security(operation, types),
    }
    if operation.repeated_status:
        described["responses"][str(operation.repeated_status)] = _answer(view, operation.repeated_status, schema_of)
    if "body" in types:
        body: Json = {"schema": schema_of[types["body"]]}
        if operation.body_example:
            body["example"] = msgspec.json.decode(operation.body_example)
        described["requestBody"] = {"required": True, "content": {JSON: body}}
    return described


def _answer(view: View, status: int, schema_of: dict[Any, Json]) -> Json:
    operation, answer = view.operation, Json(description=HTTPStatus(status).phrase)
    if (kind := answer_of(view)) is not None:
        answer["content"] = {JSON: {"schema": schema_of[kind]}}
        if operation.example:
            answer["content"][JSON]["example"] = msgspec.json.decode(operation.example)
    elif operation.media != JSON:
        content = {"schema": {"type": "string"}, "example": operation.example}
        # OpenAPI 3.1 has no word for what the data of a stream's events is.
        content["x-events"] = {str(event.__struct_config__.tag): schema_of[event] for event in operation.events}
        answer["content"] = {operation.media: content}
    return answer


def _security(operation: Operation, types: dict[str, Any]) -> list[Json]:
    if operation.takes_token:
        return [{}, {USER: []}]  # either does; `{}` is without a token (OpenAPI 3.1, 4.8.30)
    if "service" in types:
        return [{SERVICE: [operation.scope]}]
    return [{USER: []}] if "user_id" in types else []


def _parameters(place: str, struct: type[msgspec.Struct] | None) -> list[Json]:
    if struct is None:
        return []
    properties, required = parameters_of(struct)
    return [
        {
            "name": name,
            "in": place,
            "required": name in required,
            "description": parameter.pop("description"),
            "schema": parameter,
        }
        for name, parameter in properties.items()
    ]


def _failures(view: View, schema: Json) -> Json:
    """Describe the answers to a failed request: one for each status, its codes, and one example for each of them."""
    by_status: dict[int, list[ChatError]] = {}
    told = {error.code: error for error in reversed([*_mistakes(get_type_hints(view))])}
    for error in errors_of(view):
        by_status.setdefault(error.status, []).append(told.get(error.code, error))
    return {str(status): _failure(status, some, schema) for status, some in sorted(by_status.items())}


def _failure(status: int, some: list[ChatError], schema: Json) -> Json:
    codes = [error.code for error in some]
    fault = {"type": "object", "properties": {"code": {"enum": codes}}}
    one_of_these = {"type": "object", "properties": {"error": fault}}
    examples = {e.code: {"summary": type(e).__doc__, "value": msgspec.to_builtins(failed(e))} for e in some}
    described = {
        "description": ", ".join(codes),
        "content": {JSON: {"schema": {"allOf": [schema, one_of_these]}, "examples": examples}},
    }
    if header := HEADER_OF.get(status):
        described["headers"] = {header: {"$ref": f"#/components/headers/{header}"}}
    return described


def _mistakes(types: dict[str, Any]) -> Iterator[ChatError]:
    """Make mistakes in a request, so that the examples say what the server says of them."""
    tries: list[Callable[[], Any]] = []
    if body := types.get("body"):
        wrong = (msgspec.json.encode({name: []}) for name in body.__struct_encode_fields__)
        tries += [partial(decoded, data, body) for data in (b"{", b"{}", b'{"colour": "red"}', *wrong)]
    for struct in filter(None, map(types.get, ("query", "path", "headers"))):
        values = ({name: value} for name in struct.__struct_encode_fields__ for value in ("", "\0" * 2_000))
        tries += [partial(converted, given, struct) for given in ({}, {"colour": "red"}, *values)]
    for attempt in tries:
        try:
            attempt()
        except ChatError as error:
            yield error
