"""The WebSocket route: check the request, upgrade it, hand the socket over.

All that needs Flask happens here, before the upgrade where it can fail. From then on the socket
belongs to a Connection on gevent's loop, and neither a greenlet nor a WSGI request is kept for it.
"""

from __future__ import annotations

import logging
import ssl
import threading
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, jsonify, request
from flask.typing import ResponseReturnValue
from flask_sock import Sock
from gevent import monkey

from chat.errors import (
    ChatError,
    NotUnderGevent,
    RateLimited,
    Stopping,
    TooManySockets,
    UpgradeRequired,
)
from chat.events import Client
from chat.limits import origin_of
from chat.transport import handshake
from chat.transport.connection import Connection
from chat.transport.connections import Connections

log = logging.getLogger("chat")

PAGE_PATH = "/"  # shared with the page, which a plain request gets
PATHS = (PAGE_PATH, "/ws")
LOGGED_CHARS = 200  # of what the client wrote
OURS = "chat.socket"  # marks the environ of a request that passed `check`
RETRY_SECONDS = 5
UNKNOWN = "-"  # the address of a peer on a Unix socket, which is a proxy's: no limit goes by it

PlainSocket: Any = monkey.get_original("socket", "socket")  # smaller than gevent's, and never waits


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
    theirs = request.environ.get("gunicorn.socket")
    if theirs is None or isinstance(theirs, ssl.SSLSocket):
        return None
    # Not a duplicate: gevent's loop would go on watching the number that gunicorn closes, and rebuild
    # its whole epoll set for each such surprise. What a client sends before it has the answer, which
    # RFC 6455, section 4.1, forbids, stays in gunicorn's buffer.
    sock = PlainSocket(fileno=theirs.detach())
    sock.setblocking(False)
    try:
        sock.send(handshake.answer(request.environ))  # the first bytes of a connection always fit
        client_class(sock, connections, _address())
    except OSError:  # the peer is gone already
        sock.close()
    return _ADOPTED


def _wait(ws: Any, connections: Connections, client_class: Callable[..., Connection]) -> None:
    """Stay until the connection is over: TLS, and servers that end it with the request."""
    try:
        client_class(ws.sock, connections, _address()).wait()
    except Exception:  # flask-sock would let an HTTP 500 be written into the stream
        log.exception("a socket could not be handed over")
        ws.sock.close()
    finally:
        ws.connected = False  # else flask-sock sends a close frame of its own


class _Adopted(Response):
    """What a view returns when the socket is not the server's any more."""

    def __call__(self, *_: Any) -> Any:
        self.headers.clear()  # what a host's hooks put there is not for the next one
        raise StopIteration  # what gunicorn's workers take for it; flask-sock says it so too


_ADOPTED = _Adopted()  # one for all: it says nothing, and making one is a tenth of an upgrade


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
    if connections.stopping:
        raise Stopping
    limits, address = connections.limits, _address()
    if address != UNKNOWN:
        if seconds := limits.upgrades.take(origin_of(address)):
            raise RateLimited(seconds, "These were too many connections. Wait a moment.")
        if connections.at(address) >= limits.sockets_per_address:
            raise RateLimited(RETRY_SECONDS, "Your address holds too many sockets.")
    if len(connections) >= (most := connections.settings.max_sockets):
        raise TooManySockets(f"This worker holds {most} sockets already (CHAT_MAX_SOCKETS).")


def _address() -> str:
    """The peer's address; behind werkzeug's ProxyFix it is what a header says."""
    address = (request.remote_addr or UNKNOWN)[:LOGGED_CHARS]
    return address if address.isprintable() else repr(address)


def _refusal(error: ChatError) -> Response:
    origin = request.headers.get("Origin", "-")[:LOGGED_CHARS]
    log.warning("refused %s address=%s origin=%r: %s", error.status, _address(), origin, error.code)
    response = jsonify(error={"code": error.code, "message": error.message, "field": error.field})
    response.status_code = error.status
    if isinstance(error, UpgradeRequired):
        response.headers["Upgrade"] = "websocket"
        response.headers["Sec-WebSocket-Version"] = handshake.VERSION
    if error.retry_after or error.status == 503:
        response.headers["Retry-After"] = str(error.retry_after or RETRY_SECONDS)
    return response
