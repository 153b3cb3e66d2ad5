"""An echo behind the same route and on the same Connection as the chat, for the Autobahn suite.

Under `gunicorn -k gevent`, which monkey-patches before this is imported. The bounds are wide: the
suite sends 16 MiB at once, and messages in 262,144 pieces.
"""

from __future__ import annotations

from typing import Any

from flask import Flask

from chat.config import Settings
from chat.protocol.frames import BINARY, TEXT, encode_frame
from chat.transport.connections import Connections
from chat.transport.websocket import Connection
from chat.web import upgrade as websocket

MIB = 1 << 20
SETTINGS = {
    "CHAT_MAX_MESSAGE_BYTES": 32 * MIB,
    "CHAT_MAX_FRAGMENTS": 1_000_000,
    "CHAT_OUTBOX_BYTES": 128 * MIB,
    "CHAT_INIT_SECONDS": 3600,
}


class Echo(Connection):
    """Gives back each message as what it came: text as text, binary as binary."""

    __slots__ = ()

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.deadline = None  # nobody signs in here

    def received(self, text: str) -> None:
        self.send(encode_frame(TEXT, text.encode()))

    def received_binary(self, data: bytes) -> None:
        self.send(encode_frame(BINARY, data))


app = Flask(__name__)
websocket.attach(app, Connections(Settings.load(SETTINGS)), client_class=Echo)
