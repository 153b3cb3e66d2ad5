"""The writing half of a connection: whole frames wait here until the kernel takes them.

Writes never block: once in a turn of the loop what has gathered is joined and written, and what the
kernel does not take waits for a write watcher. When a connection ends is left to `connection.py`.
"""

from __future__ import annotations

import ssl
import time
from typing import TYPE_CHECKING, Any

from gevent import sleep

if TYPE_CHECKING:
    from chat.transport.connections import Connections

WRITE_BYTES = 131_072  # what is joined for one write; the kernel seldom takes more at once
WRITTEN_POLL_SECONDS = 0.005
OUTBOX_FRAMES = 16_384  # beside the bound in bytes: an empty pong takes 40 bytes of memory, not 2

WRITABLE = 2  # an event of gevent's loop.io
WOULD_BLOCK = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)

OPEN, CLOSING, CLOSED = "open", "closing", "closed"


class Outbox:
    """What was sent to a peer and is not out yet, and the socket that it goes to."""

    __slots__ = (
        "_begun",
        "_outbox",
        "_outbox_bytes",
        "_outbox_limit",
        "_writer",
        "connections",
        "sock",
        "state",
    )

    def __init__(self, sock: Any, connections: Connections) -> None:
        self.sock = sock
        self.connections = connections
        self.state = OPEN
        self._outbox: list[bytes] = []  # whole frames, but the first may be the rest of one
        self._outbox_bytes = 0
        self._outbox_limit = connections.settings.outbox_bytes
        self._begun = 0  # how many frames at the head may be out in part, so must go out whole
        self._writer: Any = None  # made when the kernel first does not take all

    # What a subclass says.

    def overflowed(self) -> None:
        """The peer reads too slowly: what had waited is dropped. Called by `send`."""
        raise NotImplementedError

    def flushed(self) -> None:
        """The kernel has taken all."""
        raise NotImplementedError

    def abort(self, reason: str) -> None:
        """The socket is broken."""
        raise NotImplementedError

    # What others call.

    def send(self, frame: bytes) -> bool:
        """Queue one whole frame (`frames.encode_frame`); never blocks.

        Returns False, and forgets the frame, when the connection is closing or by this is: a peer
        whose outbox passes its bound is closed with 4008, and nobody else notices.

        Raises:
            RuntimeError: the caller is not on the loop's thread; nothing was queued.
        """
        if self.state is not OPEN:
            return False
        if not self._outbox:
            self.connections.flush_soon(self)
        self._outbox.append(frame)
        self._outbox_bytes += len(frame)
        if self._outbox_bytes > self._outbox_limit or len(self._outbox) > OUTBOX_FRAMES:
            self.flush()  # what has gathered in this turn was not offered to the kernel yet
            if self._outbox_bytes > self._outbox_limit or len(self._outbox) > OUTBOX_FRAMES:
                self._outbox = self._outbox[: self._begun]
                self.overflowed()
                return False
        return True

    def has_room(self, size: int) -> bool:
        """Whether `size` bytes can wait and leave half of the outbox for what others send."""
        return self._outbox_bytes + size <= self._outbox_limit // 2

    def wait_written(self, seconds: float) -> bool:
        """Block the calling greenlet until the kernel has taken all; False if it did not in time."""
        until = time.monotonic() + seconds
        while self._outbox and self.state is OPEN and time.monotonic() < until:
            sleep(WRITTEN_POLL_SECONDS)
        return self.state is OPEN and not self._outbox

    def flush(self) -> None:
        """Write what the kernel takes of the outbox; a write watcher comes back for the rest."""
        while self._outbox:
            count = len(self._outbox)
            if self._outbox_bytes > WRITE_BYTES:  # frames are much of a size
                count = max(1, self._begun, WRITE_BYTES * count // self._outbox_bytes)
            data = self._outbox[0] if count == 1 else b"".join(self._outbox[:count])
            try:
                sent = self.sock.send(data)
            except WOULD_BLOCK:
                sent = 0
            except OSError as error:
                self.abort(f"1006 {error.strerror or error}")
                return
            self._outbox_bytes -= sent
            if sent < len(data):
                self._keep_from(sent)
                if isinstance(self.sock, ssl.SSLSocket):
                    # OpenSSL has encrypted all of `data` and wants the same bytes again.
                    self._begun = count
                self._watch_writable()
                return
            del self._outbox[:count]
            self._begun = 0
        if self._writer is not None:
            self._writer.stop()
        self.flushed()

    def _keep_from(self, sent: int) -> None:
        """Drop the first `sent` bytes of the outbox: whole frames, and a part of one more."""
        done = 0
        while sent >= len(self._outbox[done]):
            sent -= len(self._outbox[done])
            done += 1
        del self._outbox[:done]
        if sent:
            self._outbox[0] = self._outbox[0][sent:]
        if sent or done:
            self._begun = 1 if sent else 0

    def _watch_writable(self) -> None:
        if self._writer is None:
            self._writer = self.connections.loop.io(self.sock.fileno(), WRITABLE)
        if not self._writer.active:
            self._writer.start(self.flush)
