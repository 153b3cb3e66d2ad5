"""Owns the opening handshake, RFC 6455, section 4.2. Looks at a WSGI environ; leaves all I/O to the caller."""

import base64
import hashlib
from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

from chat.errors import BadHandshake, OriginRefused, UpgradeRequired

Environ = dict[str, Any]

VERSION = "13"  # the only one there is, section 4.4
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # section 1.3
KEY_BYTES = 16
SUBPROTOCOL = "chat.v1"  # taken where it is offered, and needed by nobody


def wants_upgrade(environ: Environ) -> bool:
    """Whether the request asks for a WebSocket, well or badly."""
    return str(environ.get("HTTP_UPGRADE", "")).lower() == "websocket"


def check(environ: Environ, origins: Collection[str]) -> None:
    """Check that a request is a proper opening handshake, and not from a page of another site.

    `origins` may open a socket beside this server's own pages; "*" allows all. Raises UpgradeRequired,
    BadHandshake or OriginRefused.
    """
    if not wants_upgrade(environ):
        raise UpgradeRequired(rule="not_a_websocket")
    if environ.get("HTTP_SEC_WEBSOCKET_VERSION") != VERSION:
        raise UpgradeRequired(rule="other_version", version=VERSION)
    if environ["REQUEST_METHOD"] != "GET" or environ.get("SERVER_PROTOCOL") == "HTTP/1.0":
        raise BadHandshake(rule="not_a_get")
    if "upgrade" not in map(str.strip, environ.get("HTTP_CONNECTION", "").lower().split(",")):
        raise BadHandshake(rule="no_upgrade")
    try:
        key = base64.b64decode(environ.get("HTTP_SEC_WEBSOCKET_KEY", ""), validate=True)
    except ValueError:  # binascii.Error is one
        key = b""
    if len(key) != KEY_BYTES:
        raise BadHandshake(rule="bad_key", bytes=KEY_BYTES)
    origin = environ.get("HTTP_ORIGIN")
    if origin is not None and not is_listed(origin, origins) and not is_own(origin, environ):
        raise OriginRefused(rule="origin", origin=origin, own=_own(environ))


def is_listed(origin: str, origins: Collection[str]) -> bool:
    """Whether an origin is one of `origins`; "*" allows all."""
    if "*" in origins or origin in origins:  # "null", where it is listed
        return bool(origin)
    return bool(_parts(origin)[1]) and any(_parts(origin) == _parts(allowed) for allowed in origins)


def answer(environ: Environ) -> bytes:
    """Return the response to a request that `check` let pass."""
    # No extension is taken up: permessage-deflate costs 104 KB more a client after one message, a bomb
    # of 194 KB took 1 GB, and chat messages are small.
    digest = hashlib.sha1(environ["HTTP_SEC_WEBSOCKET_KEY"].encode() + GUID).digest()
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + _subprotocol(environ) + b"\r\n\r\n"
    )


def _subprotocol(environ: Environ) -> bytes:
    """Take up the sub-protocol that is ours, section 4.2.2; a browser fails where none of those it offers is taken."""
    offered = environ.get("HTTP_SEC_WEBSOCKET_PROTOCOL", "")
    is_ours = offered and SUBPROTOCOL in map(str.strip, offered.split(","))
    return f"\r\nSec-WebSocket-Protocol: {SUBPROTOCOL}".encode() if is_ours else b""


def is_own(origin: str, environ: Environ) -> bool:
    """Return whether a page of this origin is served from here."""
    # Without the scheme: a proxy that ends TLS makes http of a page's https.
    return bool(_parts(origin)[1]) and _parts(origin)[1:] == _parts(_own(environ))[1:]


def _own(environ: Environ) -> str:
    return f"{environ['wsgi.url_scheme']}://{environ.get('HTTP_HOST', '')}"


def _parts(origin: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port; the port None where it is a default one, the host where there is none."""
    try:
        parts = urlsplit(origin)
        return parts.scheme, parts.hostname, None if parts.port in (80, 443) else parts.port
    except ValueError:
        return "", None, None
