"""The WebSocket route: check the request, let flask-sock upgrade it, hand the socket over.

All that needs Flask happens here, before the upgrade where it can fail. From then on the socket
belongs to a Connection on gevent's loop, and neither a greenlet nor a WSGI request is kept for it.
"""

from __future__ import annotations

import base64
import binascii
import logging
import ssl
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, jsonify, request
from flask_sock import Sock
from gevent import monkey

from chat.config import Settings
from chat.errors import (
    BadHandshake,
    ChatError,
    NotUnderGevent,
    OriginRefused,
    Stopping,
    TooManySockets,
    UpgradeRequired,
)
from chat.events import Client
from chat.transport.connection import Connection
from chat.transport.connections import Connections

log = logging.getLogger("chat")

PATHS = ("/", "/ws")
OURS = "chat.socket"  # marks the environ of a request that passed `check`
VERSION = "13"  # the only one, RFC 6455, section 4.4
DEFAULT_PORTS = (None, 80, 443)

PlainSocket: Any = monkey.get_original("socket", "socket")  # smaller than gevent's, and never waits


def attach(
    app: Flask, connections: Connections, client_class: Callable[..., Connection] = Client
) -> None:
    """Register the check and the route on `app`; each socket becomes a `client_class`."""
    # simple-websocket would read in a thread of its own; for our sockets the loop reads.
    options = app.config.setdefault("SOCK_SERVER_OPTIONS", {})
    options["thread_class"] = _reader_of(options.get("thread_class", threading.Thread))
    sock = Sock(app)

    @app.before_request
    def check() -> Response | None:
        if request.path not in PATHS:
            return None
        wants_upgrade = request.headers.get("Upgrade", "").lower() == "websocket"
        if not wants_upgrade and (request.path == "/" or request.method != "GET"):
            return None
        try:
            _check_upgrade(connections)
        except ChatError as error:
            return _refusal(error)
        # Compression is not offered: after one message it costs 104 KB more a client, and a bomb of
        # 194 KB took 1 GB. A copy, since the environ belongs to the server.
        environ = {**request.environ, OURS: True}
        environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
        request.environ = environ
        return None

    def chat_socket(ws: Any) -> None:
        _hand_over(ws, connections, client_class)

    for path in PATHS:
        sock.route(path, endpoint=f"chat_socket:{path}")(chat_socket)


def _hand_over(ws: Any, connections: Connections, client_class: Callable[..., Connection]) -> None:
    """Give the upgraded socket to a Connection. Raises nothing: flask-sock would write a page into it."""
    adopted = ws.mode == "gunicorn" and not isinstance(ws.sock, ssl.SSLSocket)
    try:
        # gunicorn closes its socket when this route returns, so the descriptor is taken out of it.
        sock = PlainSocket(fileno=ws.sock.detach()) if adopted else ws.sock
        client = client_class(sock, connections, request.remote_addr or "-")
        if not adopted:  # TLS, and servers that end the connection with the request
            client.wait()
    except Exception:
        log.exception("a socket could not be handed over")
        ws.sock.close()
    finally:
        ws.connected = False  # else flask-sock sends a close frame of its own


def _reader_of(thread_class: Callable[..., Any]) -> Callable[..., Any]:
    def reader(target: Any) -> Any:
        return _NoThread() if target.__self__.environ.get(OURS) else thread_class(target=target)

    return reader


class _NoThread:
    name = ""

    def start(self) -> None:
        pass


def _check_upgrade(connections: Connections) -> None:
    if not monkey.is_module_patched("socket"):
        raise NotUnderGevent
    _check_headers()
    _check_origin(connections.settings)
    if connections.stopping:
        raise Stopping
    if len(connections) >= (most := connections.settings.max_sockets):
        raise TooManySockets(f"This worker holds {most} sockets already (CHAT_MAX_SOCKETS).")


def _check_headers() -> None:
    headers = request.headers
    if headers.get("Upgrade", "").lower() != "websocket":
        raise UpgradeRequired("This path speaks WebSocket. Open it with a WebSocket client.")
    if headers.get("Sec-WebSocket-Version") != VERSION:
        raise UpgradeRequired(f"Sec-WebSocket-Version must be {VERSION}.")
    if request.method != "GET" or request.environ.get("SERVER_PROTOCOL") == "HTTP/1.0":
        raise BadHandshake("A WebSocket is opened by GET over HTTP/1.1.")
    if "upgrade" not in [part.strip().lower() for part in headers.get("Connection", "").split(",")]:
        raise BadHandshake("The header Connection must say Upgrade.")
    try:
        key = base64.b64decode(headers.get("Sec-WebSocket-Key", ""), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 16:
        raise BadHandshake("Sec-WebSocket-Key must be 16 bytes in base64.")


def _check_origin(settings: Settings) -> None:
    """Refuse pages of other sites: a browser tells the truth about Origin, and others need none."""
    origin = request.headers.get("Origin")
    if origin is None or "*" in settings.origins or origin.rstrip("/") in settings.origins:
        return
    if _host(origin) != _host(f"{request.scheme}://{request.host}"):
        own = f"{request.scheme}://{request.host}"
        raise OriginRefused(
            f"The origin {origin!r} is not this server's own, {own!r}. "
            "To allow it, add it to the setting CHAT_ORIGINS."
        )


def _host(origin: str) -> tuple[str | None, int | None] | None:
    """Host and port, None for a default one. A proxy that ends TLS makes http of a page's https."""
    try:
        parts = urlsplit(origin)
        return parts.hostname, None if parts.port in DEFAULT_PORTS else parts.port
    except ValueError:
        return None


def _refusal(error: ChatError) -> Response:
    address, origin = request.remote_addr, request.headers.get("Origin")
    log.warning("refused %s address=%s origin=%r: %s", error.status, address, origin, error.code)
    response = jsonify(error={"code": error.code, "message": error.message, "field": error.field})
    response.status_code = error.status
    if isinstance(error, UpgradeRequired):
        response.headers.update({"Upgrade": "websocket", "Sec-WebSocket-Version": VERSION})
    if error.status == 503:
        response.headers["Retry-After"] = "5"
    return response
