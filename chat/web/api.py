"""Owns the routes of the API: all operations in one blueprint, and the answer for paths that nothing serves."""

from functools import cache
from itertools import chain
from typing import Any

from flask import Blueprint, Flask, Response, request
from werkzeug.routing import BaseConverter, Map, MapAdapter, Rule

from chat.config import Settings
from chat.errors import MethodNotAllowed, NotFound, Unavailable
from chat.protocol.structs import encode
from chat.protocol.told_limits import ToldLimits
from chat.server import ChatServer
from chat.storage.failures import FAULTS
from chat.storage.health import WRITES_FAIL
from chat.terms import told_limits
from chat.web import (
    accounts,
    asyncapi,
    blocks,
    changes,
    conversations,
    messages,
    notifications,
    openapi,
    profiles,
    push,
    search,
    sessions,
)
from chat.web.answers import error_response
from chat.web.operations import Operation, View, flask_view, views_of
from chat.web.shapes import Answer

BLUEPRINT = "chat_api"
UNKNOWN_PATH = f"{BLUEPRINT}.unknown_path"  # an endpoint


@Operation("GET", "/openapi.json", "This document, OpenAPI 3.1.")
def show_document() -> dict[str, Any]:
    return openapi.document(VIEWS) | {"servers": [{"url": _prefix(show_document) or "/"}]}


@Operation("GET", "/asyncapi.json", "The WebSocket's events, as an AsyncAPI 3.0 document.")
def show_events(chat: ChatServer) -> dict[str, Any]:
    where = asyncapi.server_of(request.host, request.is_secure, _prefix(show_events))
    return asyncapi.document((*chat.router.events.payloads.items(),)) | {"servers": where}


def _prefix(view: View) -> str:
    """Return the path that the chat is served below, by that of the current request."""
    return request.root_path + request.path.removesuffix(openapi.path_of(view.operation))


class Health(Answer):
    """The server takes requests, and its database can be read and written."""

    status: str


@Operation(
    "GET",
    "/health",
    "Whether all works; for a balancer.",
    example='{"status": "ok"}',
    errors=(
        Unavailable(f"{WRITES_FAIL}: The log says why."),
        *(fault(f"{WRITES_FAIL}: {fault.sentence}") for fault in FAULTS),
    ),
)
def show_health(chat: ChatServer) -> Health:
    if (fault := chat.storage.in_thread(chat.storage.health.fault)) is not None:
        raise fault
    return Health(status="ok")


@Operation(
    "GET", "/limits", "What a client has to keep to; 0: no limit.", example=encode(told_limits(Settings())).decode()
)
def show_limits(chat: ChatServer) -> ToldLimits:
    return chat.told_limits


# The order is that of the document: by subject, and then as each file declares them.
SUBJECTS = (accounts, sessions, conversations, messages, changes, push, notifications, search, blocks, profiles)
OWN = (show_document, show_events, show_health, show_limits)
VIEWS = (*chain.from_iterable(map(views_of, SUBJECTS)), *OWN)


class NameConverter(BaseConverter):
    """A user's name in a path: any characters, slashes too, since WSGI servers decode %2F."""

    regex = "(?s:.*)"  # a line end too: it is refused as a name, not as a path
    part_isolating = False


def api_blueprint() -> Blueprint:
    """Make the blueprint of all operations. Each request finds the chat of its app."""
    blueprint = Blueprint(BLUEPRINT, __name__, url_prefix=openapi.PREFIX)
    blueprint.record_once(lambda state: state.app.url_map.converters.update(chat_name=NameConverter))
    for view in VIEWS:
        blueprint.add_url_rule(
            view.operation.path,
            view.__name__,
            flask_view(view),
            methods=[view.operation.method],
            provide_automatic_options=False,  # its Allow would name the catch-all's methods
            merge_slashes=False,  # a//b is a name, and not a/b
        )
    return blueprint


def answer_unknown_paths(app: Flask, url_prefix: str = "") -> None:
    """Answer OPTIONS, wrong methods and unknown paths below `url_prefix`, which no blueprint's handler sees.

    Needs `api_blueprint` to be registered. A path without any other rule is 404; one with rules for other
    methods is 405 and names them in `Allow`.
    """

    @cache  # at the first request all rules are there
    def served() -> MapAdapter:
        rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith(f"{url_prefix}/")]
        copies = [rule.empty() for rule in rules if rule.endpoint != UNKNOWN_PATH]
        return Map(copies, converters=app.url_map.converters).bind("")

    def respond(rest: str) -> Response:
        allowed = {*served().allowed_methods(request.path)}
        if not allowed:
            response = error_response(NotFound())
        else:
            response = Response() if request.method == "OPTIONS" else error_response(MethodNotAllowed())
            response.headers["Allow"] = ", ".join(sorted(allowed | {"OPTIONS"}))
        response.headers["Cache-Control"] = "no-store"
        return response

    app.view_functions[UNKNOWN_PATH] = respond
    path = f"{url_prefix}/<chat_name:rest>"
    for websocket in (False, True):  # no `methods`: any
        app.url_map.add(Rule(path, endpoint=UNKNOWN_PATH, merge_slashes=False, websocket=websocket))
