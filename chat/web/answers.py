"""Owns the form of every answer: a struct, or an error, as JSON."""

from typing import Annotated, Any

from flask import Response
from msgspec import UNSET, Meta, Struct, UnsetType
from werkzeug.exceptions import HTTPException

from chat.errors import BadRequest, ChatError, Internal, MethodNotAllowed, NotFound, TooLarge
from chat.protocol import handshake
from chat.protocol.structs import encode
from chat.rules import Param
from chat.web.shapes import Answer

JSON = "application/json"
RETRY_SECONDS = 5

_KNOWN = {404: NotFound, 405: MethodNotAllowed, 413: TooLarge, 500: Internal}


class Fault(Answer):
    """Why a request failed."""

    code: Annotated[str, Meta(description="For programs.", examples=["invalid_field"])]
    message: Annotated[str, Meta(description="One English sentence, for people.")]
    field: Annotated[str | None, Meta(description="The field or parameter at fault, if one is.")]
    rule: Annotated[str, Meta(description="Which rule is broken, where the code does not say it all.")] | UnsetType = (
        UNSET
    )
    params: Annotated[dict[str, Param], Meta(description="What the rule's sentence names.")] | UnsetType = UNSET


class Failed(Answer):
    """What every failed request is answered with."""

    error: Fault


def json_response(answer: Struct | dict[str, Any], status: int = 200) -> Response:
    """Return the answer as JSON."""
    return Response(encode(answer), status, mimetype=JSON)


def error_response(error: ChatError, status: int | None = None) -> Response:
    """Return the error as JSON, with its own or another `status`, and the headers that belong to that."""
    response = json_response(failed(error), status or error.status)
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if response.status_code == 426:
        response.headers.update({"Upgrade": "websocket", "Sec-WebSocket-Version": handshake.VERSION})
    if error.retry_after or response.status_code == 503:
        response.headers["Retry-After"] = str(error.retry_after or RETRY_SECONDS)
    return response


def failed(error: ChatError) -> Failed:
    """Return what is said of the error."""
    rule, params = error.rule or UNSET, error.params or UNSET
    return Failed(Fault(code=error.code, message=error.message, field=error.field, rule=rule, params=params))


def http_error_response(error: HTTPException) -> Response:
    """Return an error of Werkzeug's or Flask's in our form, with its own status."""
    return error_response(_KNOWN.get(error.code or 500, BadRequest)(), error.code or 500)
