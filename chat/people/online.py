"""Where an event goes: to the sockets of a user, here. (A bus will carry it to other workers.)

Encodes once, however many sockets an event goes to. What is stored, and who may send what, is decided
before.
"""

from __future__ import annotations

from typing import Any

import msgspec

from chat.protocol.frames import TEXT, encode_frame
from chat.protocol.names import canonical_user_id
from chat.protocol.structs import encode
from chat.transport.sockets import Socket, UserSockets

Event = msgspec.Struct | dict[str, Any]  # a dict must hold `type`

TEXT_FRAME = 0x80 | TEXT  # the first byte of what `encoded` gives

sockets = UserSockets()  # of this process
streams = (
    UserSockets()
)  # those who listen to their notifications by server-sent events, and no more


def encoded(event: Event) -> bytes:
    """The event as one frame, to give to `emit` several times.

    Raises:
        TypeError: it holds something that JSON has no form for.
    """
    return encode_frame(TEXT, encode(event))


def as_stream_event(event: msgspec.Struct, id_: int | None = None) -> bytes:
    """The event as a server-sent one, for `streams`: its type is the event's name.

    Args:
        id_: what the reader gives as Last-Event-ID when it comes back; None: it does not move that.
    """
    mark = b"" if id_ is None else b"id: %d\n" % id_
    name = str(event.__struct_config__.tag).encode()
    return b"%sevent: %s\ndata: %s\n\n" % (mark, name, encode(event))


def emit(event: Event | bytes, to: str, skip: Socket | None = None) -> int:
    """Send `event` to every socket of the user `to`, but not to `skip`.

    Args:
        event: a struct of `protocol.py`, a dict such as {"type": "poke"}, or what `encoded` gave.

    Returns how many sockets took it: 0 for somebody offline. Never blocks.

    Raises:
        TypeError: the event cannot be written as JSON, or is bytes that `encoded` did not give.
        RuntimeError: called on another native thread than the event loop's.
    """
    frame = event if isinstance(event, bytes) else encoded(event)
    if frame[0] != TEXT_FRAME:
        raise TypeError("emit takes an event, or what encoded() made of one")
    taken = 0
    for socket in sockets.of(canonical_user_id(to)):
        if socket is not skip and socket.send(frame):
            taken += 1
    return taken
