"""Owns the reading of Flask's current request: each part as a typed struct, or an error with field and rule.

A body is read within bounds of size and of time: a client that sends it byte by byte would else keep a greenlet
and a connection for as long as it likes.
"""

from sys import intern
from typing import TypeVar

import msgspec
from flask import current_app, request
from gevent import Timeout
from werkzeug.exceptions import BadRequest, HTTPException

from chat import errors
from chat.errors import ChatError
from chat.limits import BODY_BYTES, UNKNOWN_ADDRESS
from chat.protocol.handshake import Environ
from chat.protocol.mistakes import explained
from chat.protocol.names import USER_ID_CHARS
from chat.server import ChatServer

BODY_SECONDS = 5  # for all of it, not for a part of it as a socket's own timeout would be

LOGGED_CHARS = 200  # of what the client wrote

T = TypeVar("T", bound=msgspec.Struct)


def current_chat() -> ChatServer:
    """Return the chat of the app that serves the current request."""
    chat: ChatServer = current_app.extensions["chat"]
    return chat


def peer_address() -> str:
    """Return the address of the current request's peer."""
    return address_in(request.environ)


def address_in(environ: Environ) -> str:
    """Return the peer's address; behind werkzeug's ProxyFix it is what a header says."""
    address = (environ.get("REMOTE_ADDR") or UNKNOWN_ADDRESS)[:LOGGED_CHARS]
    return intern(address if address.isprintable() else repr(address))  # one text for all sockets behind a proxy


def bearer_token() -> str:
    """Return the request's token, unchecked (RFC 6750, section 2.1). Raises NotSignedIn: there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise errors.NotSignedIn
    return token.strip()


def read_body(struct: type[T], most: int = BODY_BYTES) -> T:
    """Read the body, of at most `most` bytes.

    Raises:
        ChatError: NotJson, BadJson, MissingField, UnknownField, InvalidField, SlowBody or TooLarge.
        HTTPException: 413, its Content-Length is too large; 400, it breaks off, or a chunk is malformed.
    """
    if request.mimetype != "application/json":
        raise errors.NotJson
    # One more than allowed: a chunked body is cut off there by Werkzeug, without an error.
    request.max_content_length = most + 1
    # An Exception, not gevent's own BaseException: gunicorn then sees that reading failed, and does
    # not wait for the rest of the body before it closes the connection.
    try:
        with Timeout(BODY_SECONDS, errors.SlowBody()):
            data = request.get_data(cache=False)
    except (ChatError, HTTPException):
        raise
    except Exception:  # the server's own, which each names otherwise: a chunk is malformed, or the peer is gone
        raise BadRequest("The body cannot be read: it is not sent as HTTP/1.1 says.") from None
    if len(data) > most:
        raise errors.TooLarge
    return decoded(data, struct)


def decoded(data: bytes, struct: type[T]) -> T:
    """Return a body's JSON. Raises ChatError: BadJson, MissingField, UnknownField or InvalidField."""
    try:
        return msgspec.json.decode(data, type=struct)
    except msgspec.ValidationError as error:
        raise explained(error) from None
    except RecursionError:
        raise errors.BadJson(rule="nested_too_deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise errors.BadJson(rule="bad_syntax", reason=str(error).replace("`", "")) from None


def read_query(struct: type[T]) -> T:
    """Read the parameters of the query."""
    for name, values in request.args.lists():
        if len(values) > 1:
            name = name[:USER_ID_CHARS]
            raise errors.InvalidField(field=name, rule="given_twice")
    return converted(request.args.to_dict(), struct)


def read_headers(struct: type[T]) -> T:
    """Read the headers that `struct` has fields for."""
    names = struct.__struct_encode_fields__
    return converted({name: request.headers[name] for name in names if name in request.headers}, struct)


def read_path(struct: type[T], parameters: dict[str, str]) -> T:
    """Read the parameters of the path, which Flask gives by their names on the wire."""
    try:
        # Flask has replaced what is no UTF-8. The environ holds the bytes, as Latin-1 (PEP 3333).
        request.environ["PATH_INFO"].encode("latin-1").decode()
    except UnicodeDecodeError:
        name = next(iter(parameters))
        raise errors.InvalidField(field=name, rule="not_utf8") from None
    return converted(parameters, struct)


def converted(given: dict[str, str], struct: type[T]) -> T:
    """Return parameters by their names on the wire. Raises ChatError: MissingField, UnknownField or InvalidField."""
    try:
        return msgspec.convert(given, struct, strict=False)  # "50" is a number here
    except msgspec.ValidationError as error:
        raise explained(error) from None
