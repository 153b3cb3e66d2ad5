"""Owns the WebSocket route: checks the request, upgrades it, and hands the socket over.

All that needs Flask happens here, before the upgrade where it can fail. From then on the socket
belongs to a WebSocket on gevent's loop, and neither a greenlet nor a WSGI request is kept for it.
"""

import ssl
import threading
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Flask, Response, request
from flask.typing import ResponseReturnValue
from flask_sock import Sock
from gevent import monkey

from chat.client import Client
from chat.errors import ChatError, NotUnderGevent, RateLimited, Stopping, TooManySockets, UpgradeRequired
from chat.limits import origin_of
from chat.protocol import handshake
from chat.transport.connections import Connections
from chat.transport.websocket import WebSocket
from chat.web.answers import error_response
from chat.web.requests import current_chat

PATHS = ("/", "/ws")  # the first is shared with the page, which a plain request gets
OURS = "chat.socket"  # marks the environ of a request that passed the check
LOGGED_CHARS = 200  # of what the client wrote
RETRY_SECONDS = 5
UNKNOWN = "-"  # the address of a peer on a Unix socket, which is a proxy's: no limit goes by it

PlainSocket: Any = monkey.get_original("socket", "socket")  # smaller than gevent's, and never waits

# Makes a connection of a socket and its peer's address.
MakeSocket = Callable[[Any, str], WebSocket]


def _client(sock: Any, address: str) -> WebSocket:
    return Client(sock, current_chat(), address)


def add_socket_routes(
    blueprint: Blueprint,
    connections: Callable[[], Connections] = lambda: current_chat().connections,
    make: MakeSocket = _client,
) -> None:
    """Register the sockets' paths on `blueprint`, through flask-sock, which serves every server it knows.

    On a plain socket of gunicorn, where sockets are many, flask-sock's view is stepped past: writing the
    answer here takes a tenth of simple-websocket's time, and the socket can be taken out of gunicorn's
    hands.

    Args:
        connections: of the current request's chat.
    """
    sock = Sock()

    def wait(ws: Any) -> None:
        _wait(ws, connections(), make)

    def adopt_first(state: Any) -> None:
        _use_no_thread(state.app)
        for path in PATHS:
            endpoint = f"{blueprint.name}.socket:{path}"
            through_flask_sock = state.app.view_functions[endpoint]

            def view(through_flask_sock: Any = through_flask_sock) -> ResponseReturnValue:
                _keep_from_flask_sock()
                return _adopt(make) or through_flask_sock()

            state.app.view_functions[endpoint] = view

    for path in PATHS:
        sock.route(path, bp=blueprint, endpoint=f"socket:{path}")(wait)
    blueprint.add_url_rule(PATHS[1], "plain_socket", _plain)
    blueprint.record(adopt_first)


def refuse_bad_upgrade(prefix: str, connections: Connections) -> Response | None:
    """Check the current request, if it asks for a socket of ours; None: it may go on.

    To be called before each request below `prefix`: a malformed upgrade of the page's path looks like a
    plain request to Flask.
    """
    path = request.path.removeprefix(prefix)
    if path not in PATHS:
        return None
    if path == PATHS[0] and not handshake.wants_upgrade(request.environ):
        return None
    try:
        if not monkey.is_module_patched("socket"):
            raise NotUnderGevent
        handshake.check(request.environ, connections.settings.origins)
        check_room(connections)
    except ChatError as error:
        origin = request.headers.get("Origin", "-")[:LOGGED_CHARS]
        connections.log.warning("refused %s address=%s origin=%r: %s", error.status, peer_address(), origin, error.code)
        return _refusal(error)
    return None


def check_room(connections: Connections) -> None:
    """Check that one more can be held, and that its address may have it.

    Raises:
        ChatError: NotUnderGevent, Stopping, RateLimited or TooManySockets.
    """
    if not monkey.is_module_patched("socket"):
        raise NotUnderGevent
    if connections.stopping:
        raise Stopping
    limits, address = connections.limits, peer_address()
    if address != UNKNOWN:
        if seconds := limits.upgrades.take(origin_of(address)):
            raise RateLimited(seconds, "These were too many connections. Wait a moment.")
        if connections.at(address) >= limits.sockets_per_address:
            raise RateLimited(RETRY_SECONDS, "Your address holds too many sockets.")
    if len(connections) >= (most := connections.settings.max_sockets):
        raise TooManySockets(f"This worker holds {most} sockets already (CHAT_MAX_SOCKETS).")


def taken_socket() -> Any:
    """Take the current request's socket, which the server knows no more; None where it cannot be taken.

    That is under other servers than gunicorn, and where gunicorn itself ends TLS. The view has to return
    ADOPTED then, and the caller to close the socket.
    """
    theirs = request.environ.get("gunicorn.socket")
    if theirs is None or isinstance(theirs, ssl.SSLSocket):
        return None
    # Not a duplicate: gevent's loop would go on watching the number that gunicorn closes, and rebuild
    # its whole epoll set for each such surprise. What a client sends before it has the answer, which
    # RFC 6455, section 4.1, forbids, stays in gunicorn's buffer.
    return PlainSocket(fileno=theirs.detach())


def peer_address() -> str:
    """Return the peer's address; behind werkzeug's ProxyFix it is what a header says."""
    address = (request.remote_addr or UNKNOWN)[:LOGGED_CHARS]
    return address if address.isprintable() else repr(address)


class _Adopted(Response):
    """What a view returns when the socket is not the server's any more."""

    def __call__(self, *_: Any) -> Any:
        self.headers.clear()  # what a host's hooks put there is not for the next one
        raise StopIteration  # what gunicorn's workers take for it; flask-sock says it so too


ADOPTED = _Adopted()  # one for all: it says nothing, and making one is a tenth of an upgrade


# Helpers.


def _adopt(make: MakeSocket) -> ResponseReturnValue | None:
    """Upgrade the request and take its socket from gunicorn; None where it cannot be taken."""
    sock = taken_socket()
    if sock is None:
        return None
    sock.setblocking(False)
    try:
        sock.send(handshake.answer(request.environ))  # the first bytes of a connection always fit
        make(sock, peer_address())
    except OSError:  # the peer is gone already
        sock.close()
    return ADOPTED


def _wait(ws: Any, connections: Connections, make: MakeSocket) -> None:
    """Stay until the connection is over: TLS, and servers that end it with the request."""
    try:
        make(ws.sock, peer_address()).wait()
    except Exception:  # flask-sock would let an HTTP 500 be written into the stream
        connections.log.exception("a socket could not be handed over")
        ws.sock.close()
    finally:
        ws.connected = False  # else flask-sock sends a close frame of its own


def _plain() -> Response:
    """A plain request to a path that speaks WebSocket alone; a proper upgrade has a route of its own."""
    return _refusal(UpgradeRequired("This path speaks WebSocket. Open it with a WebSocket client."))


def _refusal(error: ChatError) -> Response:
    response = error_response(error)
    if isinstance(error, UpgradeRequired):
        response.headers["Upgrade"] = "websocket"
        response.headers["Sec-WebSocket-Version"] = handshake.VERSION
    return response


def _keep_from_flask_sock() -> None:
    """Have simple-websocket take up no compression: see `handshake.answer`. A copy, since the environ
    belongs to the server.
    """
    environ = {**request.environ, OURS: True}
    environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
    request.environ = environ


def _use_no_thread(app: Flask) -> None:
    """For our sockets the loop reads; for others of the app simple-websocket does, in a thread."""
    options = app.config.get("SOCK_SERVER_OPTIONS", {})
    theirs = options.get("thread_class", threading.Thread)

    def reader(target: Any) -> Any:
        return _NoThread() if target.__self__.environ.get(OURS) else theirs(target=target)

    app.config["SOCK_SERVER_OPTIONS"] = {**options, "thread_class": reader}


class _NoThread:
    name = ""

    def start(self) -> None:
        pass
