"""An echo behind the same route and on the same WebSocket as the chat, for the Autobahn suite.

Under `gunicorn -k gevent`, which monkey-patches before this is imported. The bounds are wide, and there are no limits
of rates: the suite sends 16 MiB at once, and messages in 262,144 pieces.
"""

from __future__ import annotations

import logging
from typing import Any

from flask import Blueprint, Flask

from chat.config import Settings
from chat.limits import Limits
from chat.protocol.frames import BINARY, TEXT, encode_frame
from chat.transport.connections import Connections
from chat.transport.websocket import WebSocket
from chat.web.upgrade import PATHS, add_socket_routes, refuse_bad_upgrade

MIB = 1 << 20
SETTINGS = Settings.load(
    {
        "CHAT_MAX_MESSAGE_BYTES": 32 * MIB,
        "CHAT_MAX_FRAGMENTS": 1_000_000,
        "CHAT_OUTBOX_BYTES": 128 * MIB,
        "CHAT_INIT_SECONDS": 3600,
        "CHAT_RATE_LIMITS": "off",
    }
)
CONNECTIONS = Connections(SETTINGS, Limits(SETTINGS), logging.getLogger("echo"))


class Echo(WebSocket):
    """Gives back each message as what it came: text as text, binary as binary."""

    __slots__ = ()

    def __init__(self, sock: Any, address: str) -> None:
        super().__init__(sock, CONNECTIONS, address)
        self.deadline = None  # nobody signs in here

    def received(self, text: str) -> None:
        self.send(encode_frame(TEXT, text.encode()))

    def received_binary(self, data: bytes) -> None:
        self.send(encode_frame(BINARY, data))


sockets = Blueprint("echo", __name__)
sockets.before_request(lambda: refuse_bad_upgrade("", CONNECTIONS))
add_socket_routes(sockets, dict.fromkeys(PATHS, Echo))
app = Flask(__name__)
app.register_blueprint(sockets)
