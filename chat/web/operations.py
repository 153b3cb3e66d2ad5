"""Owns the declaration of an operation, and what stands around each view: checks, the call, the answer, errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any, Protocol, cast, get_type_hints

from flask import Response, request
from msgspec import UNSET, Struct
from werkzeug.exceptions import HTTPException

from chat import errors
from chat.errors import ChatError
from chat.limits import BODY_BYTES
from chat.server import ChatServer
from chat.web.answers import JSON, error_response, http_error_response, json_response
from chat.web.requests import bearer_token, current_chat, peer_address, read_body, read_headers, read_path, read_query

Answered = Struct | dict[str, Any] | Response | None


class View(Protocol):
    """A function that an Operation declares; its name is the document's operationId."""

    __name__: str
    operation: Operation

    def __call__(self, **given: Any) -> Answered: ...


@dataclass(frozen=True, eq=False)
class Operation:
    """Declares one method of one path. Stands as a decorator above its view, whose signature says the rest.

    The view is given by name, of these, what it has parameters for:
        chat: the app's ChatServer.
        user_id, admission: whose token the request bears, and what that says.
        service: whose token it is, if it lets do what `scope` says.
        path, query, headers, body: each read as the struct that is the parameter's type.
    It returns a struct, which is sent as JSON with `status`; None, which is sent as 204; or a Response.
    In the document it stands under the tag that is its module's name.
    """

    method: str
    path: str  # Flask's rule below /api; a parameter has its name on the wire
    summary: str
    example: str = ""  # of the answer: JSON, or what else `media` says
    status: int = 200  # 204 where the view returns None
    repeated_status: int = 0  # of an answer that says `repeated`; 0: the same
    media: str = JSON  # of the answer
    events: tuple[type[Struct], ...] = ()  # of a stream: what its data may be
    body_example: str = ""  # JSON
    body_bytes: int = BODY_BYTES  # 0: as many as an event may have
    site_answer: Callable[[ChatServer], Answered] | None = None  # without a body, where the site says who is there
    scope: str = ""
    takes_token: bool = False  # that of a user, where the view itself reads it and does without
    errors: tuple[type[ChatError] | ChatError, ...] = ()  # that the view itself raises, as its own sentence says

    def __call__(self, function: Callable[..., Answered]) -> View:
        """Attach this declaration to the function."""
        view = cast(View, function)
        view.operation = self
        return view


def views_of(module: ModuleType) -> list[View]:
    """Return the views that a module declares, in the order in which they stand there."""
    return [
        cast(View, each)
        for each in vars(module).values()
        if isinstance(each, FunctionType) and hasattr(each, "operation")
    ]


def errors_of(view: View) -> list[ChatError]:
    """Return the errors that a request for this view may be answered with, one of each code."""
    types, found = get_type_hints(view), list[type[ChatError] | ChatError]()
    if "query" in types:
        found += (errors.UnknownField, errors.InvalidField)
    if "body" in types:
        found += (errors.NotJson, errors.BadJson, errors.UnknownField)
        if len(types["body"].__struct_fields__) > len(types["body"].__struct_defaults__):
            found += (errors.MissingField,)
        found += (errors.InvalidField, errors.BadRequest, errors.SlowBody, errors.TooLarge)
    if "path" in types or "headers" in types:
        found += (errors.InvalidField,)
    if "service" in types:
        found += (errors.Forbidden(rule="scope_needed", scope=view.operation.scope),)
    if {"user_id", "service"} & types.keys():
        found += (errors.NotSignedIn,)
    if {"user_id", "service", "body"} & types.keys():
        found += (errors.Busy, errors.Unavailable(rule="no_answer"))
    found += (*view.operation.errors, errors.WrongHost, errors.RateLimited(1), errors.Internal)
    samples = [error() if isinstance(error, type) else error for error in found]
    return [*{error.code: error for error in samples}.values()]


def flask_view(view: View) -> Callable[..., Response]:
    """Return the function that Flask calls for a view.

    All errors are answered here: a host's error handler for a status would win over a blueprint's.
    """
    types = get_type_hints(view)
    types.pop("return")

    def respond(**path: str) -> Response:
        try:
            response = _response(_answered(view, types, path), view.operation)
        except ChatError as error:
            current_chat().metrics.count_error(error)
            response = error_response(error)
        except HTTPException as error:
            response = http_error_response(error)
        except Exception:
            current_chat().log.exception("%s %r failed", request.method, request.path)
            current_chat().metrics.count_error(failure := errors.Internal())
            response = error_response(failure)
        response.headers["Cache-Control"] = "no-store"
        return response

    return respond


def _answered(view: View, types: dict[str, Any], path: dict[str, str]) -> Answered:
    chat, site_answer = current_chat(), view.operation.site_answer
    chat.limits.requests.take_of_address(peer_address())
    if site_answer and chat.site_user and not request.content_type:
        return site_answer(chat)
    return view(**_given(chat, view.operation, types, path))


def _given(chat: ChatServer, operation: Operation, types: dict[str, Any], path: dict[str, str]) -> dict[str, Any]:
    """Read what the view has parameters for."""
    given: dict[str, Any] = {"chat": chat}
    if "service" in types:
        given["service"] = chat.services.admit(bearer_token(), operation.scope)
    if "user_id" in types:
        given["user_id"], given["admission"] = chat.directory.admission_of(bearer_token())
    if "path" in types:
        given["path"] = read_path(types["path"], path)
    if "query" in types:
        given["query"] = read_query(types["query"])
    if "headers" in types:
        given["headers"] = read_headers(types["headers"])
    if "body" in types:
        given["body"] = read_body(types["body"], operation.body_bytes or chat.settings.max_message_bytes)
    for part in given.values():
        if check_names := getattr(part, "check_names", None):
            check_names(chat.names)
    return {name: given[name] for name in types}


def _response(answer: Answered, operation: Operation) -> Response:
    if isinstance(answer, Response):
        return answer
    if answer is None:
        return Response(status=204)
    is_repeated = operation.repeated_status and getattr(answer, "repeated", UNSET) is True
    return json_response(answer, operation.repeated_status if is_repeated else operation.status)
