"""Owns sockets under servers that keep a connection for as long as its request: flask-sock serves them, and the loop reads."""

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from flask import Flask, request

from chat.protocol import handshake
from chat.transport.acceptor import PlainSocket
from chat.transport.websocket import WebSocket
from chat.web.requests import current_chat, peer_address

MakeSocket = Callable[[Any, str], WebSocket]  # of a socket and its peer's address


def wait_over(ws: Any, make: MakeSocket) -> None:
    """Stay until the connection is over: TLS, and servers that end it with the request."""
    try:
        make(ws.sock, peer_address()).wait()
    except Exception:  # flask-sock would let an HTTP 500 be written into the stream
        current_chat().log.exception("a socket could not be handed over")
        ws.sock.close()
    finally:
        ws.connected = False  # else flask-sock sends a close frame of its own
        if ws.mode == "gevent":
            _close_theirs()


def _close_theirs() -> None:
    """Close what gevent's pywsgi has of the socket, whose duplicate ours is: it would read the next request there."""
    stream: Any = request.environ["wsgi.input"]
    theirs = getattr(stream, "rfile", stream).raw._sock
    if (number := theirs.detach()) >= 0:
        PlainSocket(fileno=number).close()  # not os.close, which knows no sockets on Windows


def let_the_loop_read(app: Flask, blueprint: str) -> None:
    """Let simple-websocket know our sub-protocol, and start its reading thread for other sockets, not for ours."""
    options = app.config.get("SOCK_SERVER_OPTIONS", {})
    offered = options.get("subprotocols") or []
    subprotocols = [*([offered] if isinstance(offered, str) else offered), handshake.SUBPROTOCOL]
    theirs = options.get("thread_class", threading.Thread)

    def reader(target: Any) -> Any:
        is_ours = request.blueprint == blueprint
        return SimpleNamespace(name="", start=lambda: None) if is_ours else theirs(target=target)

    app.config["SOCK_SERVER_OPTIONS"] = {**options, "thread_class": reader, "subprotocols": subprotocols}
