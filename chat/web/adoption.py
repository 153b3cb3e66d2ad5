"""Taking a request's socket out of the server's hands, so that neither a greenlet nor a request is kept for it."""

from __future__ import annotations

import ssl
from typing import Any

from flask import Response, request
from gevent import monkey

from chat.errors import NotUnderGevent, RateLimited, Stopping, TooManySockets
from chat.limits import origin_of
from chat.transport.connections import Connections

LOGGED_CHARS = 200  # of what the client wrote
RETRY_SECONDS = 5
UNKNOWN = "-"  # the address of a peer on a Unix socket, which is a proxy's: no limit goes by it

PlainSocket: Any = monkey.get_original("socket", "socket")  # smaller than gevent's, and never waits


def check_room(connections: Connections) -> None:
    """See that one more can be held, and that its address may have it.

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
    """The current request's socket, which the server knows no more; None where it cannot be taken.

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
    """The peer's address; behind werkzeug's ProxyFix it is what a header says."""
    address = (request.remote_addr or UNKNOWN)[:LOGGED_CHARS]
    return address if address.isprintable() else repr(address)


class _Adopted(Response):
    """What a view returns when the socket is not the server's any more."""

    def __call__(self, *_: Any) -> Any:
        self.headers.clear()  # what a host's hooks put there is not for the next one
        raise StopIteration  # what gunicorn's workers take for it; flask-sock says it so too


ADOPTED = _Adopted()  # one for all: it says nothing, and making one is a tenth of an upgrade
