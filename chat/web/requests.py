"""What a request says, as a typed struct, or an error that names field and rule.

Works on Flask's current request. A body is read within bounds of size and of time: a client that sends
it byte by byte would otherwise keep a greenlet and a connection for as long as it likes.
"""

from __future__ import annotations

import math
import re
import time
from typing import TypeVar

import msgspec
from flask import request
from gevent import Timeout

from chat.errors import (
    BadJson,
    ChatError,
    InvalidField,
    MissingField,
    NotJson,
    NotSignedIn,
    SlowBody,
    TooLarge,
    UnknownField,
)
from chat.protocol.names import USER_ID_CHARS

BODY_BYTES = 16_384
BODY_SECONDS = 5  # for all of it, not for a part of it as a socket's own timeout would be

T = TypeVar("T", bound=msgspec.Struct)


def body(struct: type[T], most: int = BODY_BYTES) -> T:
    """The request's body, of at most so many bytes.

    Raises:
        ChatError: NotJson, BadJson, MissingField, UnknownField, InvalidField, SlowBody or TooLarge.
        HTTPException: 413, its Content-Length is too large; 400, it breaks off.
    """
    if request.mimetype != "application/json":
        raise NotJson
    # One more than allowed: a chunked body is cut off there by Werkzeug, without an error.
    request.max_content_length = most + 1
    # An Exception, not gevent's own BaseException: gunicorn then sees that reading failed, and does
    # not wait for the rest of the body before it closes the connection.
    with Timeout(BODY_SECONDS, SlowBody()):
        data = request.get_data(cache=False)
    if len(data) > most:
        raise TooLarge
    try:
        return msgspec.json.decode(data, type=struct)
    except msgspec.ValidationError as error:
        raise _explained(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadJson(f"The body is not JSON: {error}.".replace("`", "")) from None


def query(struct: type[T]) -> T:
    """The parameters of the request's query.

    Raises:
        ChatError: UnknownField or InvalidField.
    """
    given = request.args.to_dict(flat=False)
    for name, values in given.items():
        if len(values) > 1:
            name = name[:USER_ID_CHARS]
            raise InvalidField(f"{name} must be given once, not {len(values)} times.", name)
    return _converted({name: value for name, [value] in given.items()}, struct)


def headers(struct: type[T]) -> T:
    """The headers that `struct` has fields for; others are passed over.

    Raises:
        InvalidField: one of them breaks its rule.
    """
    names = [field.encode_name for field in msgspec.structs.fields(struct)]
    return _converted(
        {name: request.headers[name] for name in names if name in request.headers}, struct
    )


def path(struct: type[T], **parameters: str) -> T:
    """The parameters of the request's path, by their names on the wire.

    Raises:
        InvalidField: one of them breaks its rule, or is not UTF-8 (Werkzeug only replaces the bytes).
    """
    try:
        request.environ["PATH_INFO"].encode("latin-1").decode()  # PEP 3333: bytes as Latin-1
    except UnicodeDecodeError:
        name = next(iter(parameters))
        raise InvalidField(f"{name} is not UTF-8.", name) from None
    return _converted(parameters, struct)


def bearer_token() -> str:
    """The token of the header Authorization, unchecked (RFC 6750, section 2.1).

    Raises:
        NotSignedIn: there is none.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotSignedIn
    return token.strip()


def seconds_until(moment: float) -> int:
    """Whole seconds from now until a Unix time, at least 1: for Retry-After."""
    return max(1, math.ceil(moment - time.time()))


def _converted(given: dict[str, str], struct: type[T]) -> T:
    try:
        return msgspec.convert(given, struct, strict=False)  # "50" is a number here
    except msgspec.ValidationError as error:
        raise _explained(str(error)) from None


def _explained(reason: str) -> ChatError:
    """msgspec's sentence as one of our errors; tests/web/test_api.py holds its wording."""
    rule, _, place = reason.partition(" - at `$.")
    if found := re.fullmatch(r"Object missing required field `(.+)`", rule):
        return MissingField(f"The field {found[1]} is missing.", found[1])
    if found := re.fullmatch(r"Object contains unknown field `(.*)`", rule, re.S):
        name = found[1][:USER_ID_CHARS]
        return UnknownField(f"There is no field {name} here.", name)
    rule = f"{rule[0].lower()}{rule[1:]}".replace("`", "")
    if not place:
        return BadJson(f"The body must be a JSON object: {rule}.")
    field = place.rstrip("`")
    return InvalidField(f"{field}: {rule}.", field)
