"""Owns the WebSocket route: checks the request, upgrades it, and hands the socket over.

From then on the socket belongs to a WebSocket on gevent's loop; no greenlet and no WSGI request is kept.
"""

import ssl
from collections.abc import Callable, Mapping
from functools import partial, update_wrapper
from typing import Any

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from flask_sock import Sock
from gevent import monkey

from chat.client import Client
from chat.errors import BadHandshake, ChatError, NotUnderGevent, RateLimited, Stopping, TooManySockets, UpgradeRequired
from chat.limits import UNKNOWN_ADDRESS
from chat.protocol import handshake
from chat.transport.acceptor import PlainSocket
from chat.transport.connections import Connections
from chat.transport.websocket import WebSocket
from chat.web.answers import RETRY_SECONDS, error_response
from chat.web.requests import LOGGED_CHARS, address_in, current_chat, peer_address
from chat.web.through_flask_sock import MakeSocket, let_the_loop_read, wait_over

PAGE, SOCKET = PATHS = ("/", "/ws")  # at the page's path a plain request gets the page
REFUSED = "chat.refused"  # in an environ: the error with which `check_upgrade` has refused it already


def _client(sock: Any, address: str) -> WebSocket:
    return Client(sock, current_chat(), address)


def add_socket_routes(blueprint: Blueprint, further: Mapping[str, MakeSocket]) -> None:
    """Register the sockets' paths on `blueprint`, through flask-sock, which serves every server it knows.

    On a plain socket of gunicorn, where sockets are many, flask-sock's view is stepped past: writing the
    answer here takes a tenth of simple-websocket's time, and the socket can be taken out of gunicorn's
    hands. `further` has other paths' sockets, or other ones for these.
    """
    sock = Sock()
    makers = {**dict.fromkeys(PATHS, _client), **further}
    for path in makers:
        rule = {"endpoint": f"socket:{path}", "provide_automatic_options": False, "strict_slashes": True}
        route = sock.route(path, bp=blueprint, **rule)
        route(lambda ws, path=path: wait_over(ws, makers[path]))
    # For the header Allow. It needs no view: `refuse_bad_upgrade` answers all plain requests.
    blueprint.add_url_rule(SOCKET, "plain_socket", provide_automatic_options=False)

    def step_past_flask_sock(state: Any) -> None:
        let_the_loop_read(state.app, blueprint.name)
        views = state.app.view_functions
        for path, make_one in makers.items():
            theirs = views[endpoint := f"{blueprint.name}.socket:{path}"]
            views[endpoint] = update_wrapper(partial(_upgrade, make_one, theirs), theirs)  # hosts ask for a view's name

    blueprint.record(step_past_flask_sock)


def refuse_bad_upgrade(prefix: str, connections: Connections) -> Response | None:
    """Check the current request, if it asks for a socket of ours; None: it may go on.

    To be called before each request below `prefix`: a malformed upgrade of the page's path looks like a
    plain request to Flask.
    """
    path, wants_upgrade = request.path.removeprefix(prefix), handshake.wants_upgrade(request.environ)
    # By the view that it goes to, however the host spells paths; and by the path what Flask finds no view for.
    is_ours = ".socket:" in str(request.endpoint) or (path in PATHS and wants_upgrade)
    if not is_ours and not (path == SOCKET and request.method != "OPTIONS"):
        return None
    try:
        if refused := request.environ.pop(REFUSED, None):
            raise refused
        check_upgrade(request.environ, connections)
    except ChatError as error:
        origin = request.headers.get("Origin", "-")[:LOGGED_CHARS]
        connections.refusals.add(error.code, error.status, peer_address(), origin)
        return error_response(error)
    return None


def check_upgrade(environ: handshake.Environ, connections: Connections) -> None:
    """Check a request for a socket, once: it counts. Raises ChatError."""
    if not monkey.is_module_patched("socket") or connections.settings.testing == "on":
        raise NotUnderGevent
    address = address_in(environ)
    try:
        handshake.check(environ, connections.settings.origins)
    except (BadHandshake, UpgradeRequired):  # not OriginRefused: a page elsewhere would use up its visitor's upgrades
        connections.limits.upgrades.take_of_address(address, "connections")
        raise
    check_room(connections, address)


def check_room(connections: Connections, address: str) -> None:
    """Check that one more can be held. Raises NotUnderGevent, Stopping, RateLimited (its address) or TooManySockets."""
    if not monkey.is_module_patched("socket"):
        raise NotUnderGevent
    if connections.stopping:
        raise Stopping
    connections.limits.upgrades.take_of_address(address, "connections")
    if address != UNKNOWN_ADDRESS and connections.at(address) >= connections.limits.sockets_per_address:
        raise RateLimited(RETRY_SECONDS, "sockets_of_address")
    if len(connections) >= (most := connections.settings.max_sockets):
        raise TooManySockets(rule="worker_full", max=most)


def may_be_taken(environ: handshake.Environ) -> bool:
    """Return whether `taken_socket` can: not under other servers than gunicorn, nor where gunicorn itself ends TLS."""
    theirs = environ.get("gunicorn.socket")
    return theirs is not None and not isinstance(theirs, ssl.SSLSocket)


def taken_socket(environ: handshake.Environ) -> Any:
    """Take a request's socket out of the server's hands. The caller has to close it, and the view to return ADOPTED."""
    theirs = environ["gunicorn.socket"]
    # Not a duplicate: gevent's loop would go on watching the number that gunicorn closes, and rebuild
    # its whole epoll set for each such surprise. What a client sends before it has the answer, which
    # RFC 6455, section 4.1, forbids, stays in gunicorn's buffer.
    return PlainSocket(fileno=theirs.detach())


class _Adopted(Response):
    """What a view returns when the socket is not the server's any more."""

    def __call__(self, *_: Any) -> Any:
        self.headers.clear()  # what a host's hooks put there is not for the next one
        raise StopIteration  # what gunicorn's workers take for it; flask-sock says it so too


# One for all: it says nothing, and making one is a tenth of an upgrade. It is nothing to compress.
ADOPTED = _Adopted(mimetype="application/octet-stream")


def _upgrade(make: MakeSocket, through_flask_sock: Callable[[], ResponseReturnValue]) -> ResponseReturnValue:
    """Answer the handshake, and hand the socket over."""
    if may_be_taken(request.environ):
        adopt(taken_socket(request.environ), request.environ, make)
        return ADOPTED
    # Else simple-websocket takes up compression: see `handshake.answer`.
    request.environ = {**request.environ}  # a copy: it is the server's
    request.environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
    return through_flask_sock()


def adopt(sock: Any, environ: handshake.Environ, make: MakeSocket) -> None:
    """Answer the handshake of a request that was let pass, and hand its socket over."""
    sock.setblocking(False)
    try:
        sock.send(handshake.answer(environ))  # the first bytes of a connection always fit
        make(sock, address_in(environ))
    except OSError:  # the peer is gone already
        sock.close()
