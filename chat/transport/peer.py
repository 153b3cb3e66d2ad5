"""What a WebSocket and a stream of events have in common on gevent's loop: from the adoption to the end.

Writing is `outbox.py`'s; what is read and said is left to `connection.py` and `event_stream.py`; heartbeat,
deadlines and the goodbye to all are driven by `connections.py`.
"""

from __future__ import annotations

import time
from socket import AF_INET, AF_INET6, IPPROTO_TCP, TCP_NODELAY
from typing import TYPE_CHECKING, Any

from gevent.event import Event

from chat.transport.outbox import CLOSED, OPEN, Outbox

if TYPE_CHECKING:
    from chat.transport.connections import Connections

READABLE = 1  # an event of gevent's loop.io


class Peer(Outbox):
    """A socket that was taken over. Lives on the loop's thread; every method is called there.

    Args:
        sock: connected; made non-blocking here, and closed at the end.
        connections: the worker's others, with the settings, the loop and the runners.
        address: of the peer, for the log.

    States: OPEN; CLOSING, when the last is queued and what still comes in is thrown away, until the peer
    hangs up or its time is over; CLOSED, when the descriptor is free.
    """

    # Fifteen thousand of these are held by a worker: slots, and nothing made before it is needed.
    __slots__ = ("_ended", "_reader", "address", "deadline", "opened_at", "silence")

    def __init__(self, sock: Any, connections: Connections, address: str) -> None:
        sock.setblocking(False)
        if sock.family in (AF_INET, AF_INET6):  # a message is not to wait for a fuller packet
            sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        super().__init__(sock, connections)
        self.address = address
        self.opened_at = time.monotonic()
        self.deadline: float | None = None  # when the sweep ends this connection
        self.silence = 0  # sweeps since the peer was last heard
        self._ended: Event | None = None
        self._reader = connections.loop.io(sock.fileno(), READABLE)
        self._reader.start(self._read)
        connections.add(self)

    # What a subclass says.

    def left(self, reason: str) -> None:
        """Called once, when nothing more can be sent. `reason` is for the log.

        On the loop's own greenlet: must neither wait nor raise.
        """

    def close(self, code: int, reason: str = "") -> None:
        """End the connection behind what is queued already. `code`: RFC 6455, section 7.4."""
        raise NotImplementedError

    def overdue(self) -> None:
        """`deadline` has passed, and the connection is not closing."""
        raise NotImplementedError

    def refill(self) -> None:
        """A second has passed since the last call: what was used of the limits is earned back in part."""

    def ping(self) -> int:
        """Say something, so that the line is seen to live; a number for it."""
        raise NotImplementedError

    def _read(self) -> None:
        """The socket is readable."""
        raise NotImplementedError

    # What others call.

    def abort(self, reason: str) -> None:
        """Free the descriptor now, whatever is queued."""
        if self.state is CLOSED:
            return
        was_open, self.state = self.state is OPEN, CLOSED
        self._outbox = []
        for watcher in (self._reader, self._writer):
            if watcher is not None:
                watcher.stop()
                watcher.close()
        self._reader = self._writer = None
        self.connections.discard(self)
        self.sock.close()
        if self._ended is not None:
            self._ended.set()
        if was_open:
            self.left(reason)

    def wait(self) -> None:
        """Block the calling greenlet until the connection is CLOSED."""
        self._ended = Event()
        if self.state is not CLOSED:
            self._ended.wait()

    @property
    def busy(self) -> bool:
        """Whether something that the peer sent, and that was read, is not handled yet."""
        return False

    @property
    def awaits_pong(self) -> bool:
        return False

    def pause(self) -> None:
        """Read nothing more until the connection closes. What was read is still handled."""
        if self.state is OPEN and self._reader is not None:
            self._reader.stop()
