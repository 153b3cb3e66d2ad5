"""What the API answers: a struct, or an error, as JSON."""

from __future__ import annotations

import msgspec
from flask import Response

from chat.errors import ChatError
from chat.protocol.structs import encode
from chat.web import shapes

RETRY_SECONDS = 5


def json_answer(answer: msgspec.Struct | msgspec.Raw, status: int = 200) -> Response:
    return Response(encode(answer), status, mimetype="application/json")


def failure(error: ChatError, status: int | None = None) -> Response:
    """The error as its JSON, with the headers that belong to its status."""
    fault = shapes.Fault(code=error.code, message=error.message, field=error.field)
    response = json_answer(shapes.Failed(error=fault), status or error.status)
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if error.retry_after or response.status_code == 503:
        response.headers["Retry-After"] = str(error.retry_after or RETRY_SECONDS)
    return response
