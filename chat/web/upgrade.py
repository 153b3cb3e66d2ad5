"""The WebSocket route: check the request, upgrade it, hand the socket over.

All that needs Flask happens here, before the upgrade where it can fail. From then on the socket
belongs to a Connection on gevent's loop, and neither a greenlet nor a WSGI request is kept for it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, jsonify, request
from flask.typing import ResponseReturnValue
from flask_sock import Sock
from gevent import monkey

from chat.errors import ChatError, NotUnderGevent, UpgradeRequired
from chat.protocol import handshake
from chat.router import Client
from chat.transport.connections import Connections
from chat.transport.websocket import Connection
from chat.web.adoption import (
    ADOPTED,
    LOGGED_CHARS,
    RETRY_SECONDS,
    check_room,
    peer_address,
    taken_socket,
)

log = logging.getLogger("chat")

PAGE_PATH = "/"  # shared with the page, which a plain request gets
PATHS = (PAGE_PATH, "/ws")
OURS = "chat.socket"  # marks the environ of a request that passed `check`


def attach(
    app: Flask, connections: Connections, client_class: Callable[..., Connection] = Client
) -> None:
    """Register the check and the route on `app`; each socket becomes a `client_class`.

    flask-sock's route serves every server it knows. On a plain socket of gunicorn, where sockets are
    many, its view is stepped past: writing the answer here takes a tenth of simple-websocket's time,
    and the socket can be taken out of gunicorn's hands.
    """
    # simple-websocket would read in a thread of its own; for our sockets the loop reads.
    options = app.config.get("SOCK_SERVER_OPTIONS", {})
    reader = _reader_of(options.get("thread_class", threading.Thread))
    app.config["SOCK_SERVER_OPTIONS"] = {**options, "thread_class": reader}
    sock = Sock(app)

    @app.before_request
    def check() -> Response | None:
        if request.path not in PATHS:
            return None
        if request.path == PAGE_PATH and not handshake.wants_upgrade(request.environ):
            return None
        try:
            _check(connections)
        except ChatError as error:
            return _refusal(error)
        # simple-websocket would take up compression: see `handshake.answer`. A copy, since the
        # environ belongs to the server.
        environ = {**request.environ, OURS: True}
        environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
        request.environ = environ
        return None

    def wait(ws: Any) -> None:
        _wait(ws, connections, client_class)

    for path in PATHS:
        endpoint = f"chat_socket:{path}"
        sock.route(path, endpoint=endpoint)(wait)
        through_flask_sock = app.view_functions[endpoint]
        app.view_functions[endpoint] = lambda view=through_flask_sock: (
            _adopt(connections, client_class) or view()
        )


def _adopt(
    connections: Connections, client_class: Callable[..., Connection]
) -> ResponseReturnValue | None:
    """Upgrade the request and take its socket from gunicorn; None where it cannot be taken."""
    sock = taken_socket()
    if sock is None:
        return None
    sock.setblocking(False)
    try:
        sock.send(handshake.answer(request.environ))  # the first bytes of a connection always fit
        client_class(sock, connections, peer_address())
    except OSError:  # the peer is gone already
        sock.close()
    return ADOPTED


def _wait(ws: Any, connections: Connections, client_class: Callable[..., Connection]) -> None:
    """Stay until the connection is over: TLS, and servers that end it with the request."""
    try:
        client_class(ws.sock, connections, peer_address()).wait()
    except Exception:  # flask-sock would let an HTTP 500 be written into the stream
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


def _check(connections: Connections) -> None:
    if not monkey.is_module_patched("socket"):
        raise NotUnderGevent
    handshake.check(request.environ, connections.settings.origins)
    check_room(connections)


def _refusal(error: ChatError) -> Response:
    origin = request.headers.get("Origin", "-")[:LOGGED_CHARS]
    log.warning(
        "refused %s address=%s origin=%r: %s", error.status, peer_address(), origin, error.code
    )
    response = jsonify(error={"code": error.code, "message": error.message, "field": error.field})
    response.status_code = error.status
    if isinstance(error, UpgradeRequired):
        response.headers["Upgrade"] = "websocket"
        response.headers["Sec-WebSocket-Version"] = handshake.VERSION
    if error.retry_after or error.status == 503:
        response.headers["Retry-After"] = str(error.retry_after or RETRY_SECONDS)
    return response
