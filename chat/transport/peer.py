"""Owns one socket on the event loop and what waits to be written to it. Leaves reading to the subclasses."""

import ssl
import time
from contextlib import suppress
from socket import IPPROTO_TCP, TCP_NODELAY
from typing import Any

from gevent.event import Event

from chat.transport.connections import CLOSED, CLOSING, OPEN, Connections

WRITE_BYTES = 131_072  # what is joined for one write; the kernel seldom takes more at once
FRAME_BYTES = 40  # of memory that a frame takes beside what is in it
OUTBOX_FRAMES = 16_384  # beside the bound in bytes, for the same reason

WRITABLE = 2  # of gevent's loop.io
WOULD_BLOCK = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Peer:
    """A socket that was taken over, connected. Lives on the loop's thread; every method is called there.

    States: OPEN; CLOSING, when the last is queued and what still comes in is thrown away, until the peer
    hangs up or its time is over; CLOSED, when the descriptor is free.
    """

    # Fifteen thousand of these are held by a worker: slots, and nothing made before it is needed.
    __slots__ = (
        "_begun", "_ended", "_outbox", "_outbox_bytes", "_outbox_limit", "_writer", "_written",
        "address", "connections", "deadline", "opened_at", "polled", "silence", "sock", "state",
    )  # fmt: skip

    def __init__(self, sock: Any, connections: Connections, address: str) -> None:
        sock.setblocking(False)
        with suppress(OSError):  # of a Unix socket; on others a message is not to wait for a fuller packet
            sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        self.sock = sock
        self.connections = connections
        self.address = address
        self.state = OPEN
        self.opened_at = time.monotonic()
        self.deadline: float | None = None
        self.silence = 0
        self._outbox: list[bytes] = []  # whole frames, but the first may be the rest of one
        self._outbox_bytes = 0
        self._outbox_limit = connections.settings.outbox_bytes
        self._begun = 0  # how many frames at the head may be out in part, so must go out whole
        self._ended: Event | None = None
        self._written: Event | None = None  # made for who waits until the kernel has taken all
        self._writer: Any = None  # made when the kernel first does not take all
        self.polled: int | None = None
        connections.add(self)
        connections.poller.start(self)

    # What a subclass says.

    def read(self) -> None:
        """Called when the socket is readable."""
        raise NotImplementedError

    busy = False

    @property
    def awaits_pong(self) -> bool:
        return False

    def refill(self) -> None:
        """Called once a second: what was used of the limits is earned back in part."""

    def ping(self) -> int:
        """Say something, so that the line is seen to live; return a number for it."""
        raise NotImplementedError

    def overdue(self) -> None:
        """Called when `deadline` has passed, and the connection is not closing."""
        raise NotImplementedError

    def overflowed(self) -> None:
        """Called when the peer reads too slowly, and what had waited was dropped."""
        raise NotImplementedError

    def close(self, code: int, reason: str = "") -> None:
        """End the connection behind what is queued already. `code`: RFC 6455, section 7.4."""
        raise NotImplementedError

    def restart(self, seconds: float) -> None:
        """End the connection as `close` does, and say in how many seconds to come back."""
        raise NotImplementedError

    def hang_up(self) -> None:
        """Called when the connection is closing, and the kernel has taken all."""
        raise NotImplementedError

    def left(self, reason: str) -> None:
        """Called once, on the loop's own greenlet, when nothing more can be sent: must neither wait nor raise."""

    # What others call.

    def send(self, frame: bytes) -> bool:
        """Queue one whole frame; never blocks. False: closing, or too slow. Raises RuntimeError: another thread."""
        if self.state is not OPEN:
            return False
        if not self._outbox:
            self.connections.flush_soon(self)
        self._outbox.append(frame)
        self._outbox_bytes += len(frame)
        if self._outbox_bytes > self._outbox_limit or len(self._outbox) > OUTBOX_FRAMES:
            self.flush()  # what has gathered in this turn was not offered to the kernel yet
            if self._outbox_bytes > self._outbox_limit or len(self._outbox) > OUTBOX_FRAMES:
                self.overflow()
                return False
        return True

    def overflow(self) -> None:
        """Drop what waits, and close: the peer reads too slowly."""
        self._outbox = self._outbox[: self._begun]
        self.overflowed()

    @property
    def held_bytes(self) -> int:
        """How much memory waits for the peer to read, about."""
        return self._outbox_bytes + FRAME_BYTES * len(self._outbox)

    def has_room(self, size: int) -> bool:
        """Whether `size` bytes can wait and leave half of the outbox for what others send."""
        return self._outbox_bytes + size <= self._outbox_limit // 2

    def wait_written(self, seconds: float) -> bool:
        """Block the calling greenlet until the kernel has taken all; False if it did not in time."""
        if self._outbox and self.state is OPEN:
            written = self._written = self._written or Event()
            return bool(written.wait(seconds)) and self.state is OPEN
        return self.state is OPEN

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
        self._wake_waiting()
        if self.state is CLOSING:
            self.hang_up()

    def _wake_waiting(self) -> None:
        if self._written is not None:
            self._written.set()
            self._written = None

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

    # The end.

    def pause(self) -> None:
        """Read nothing more until the connection closes. What was read is still handled."""
        if self.state is OPEN:
            self.connections.poller.stop(self)

    def end_with(self, last: bytes, reason: str) -> None:
        """Queue the last frame, and hang up when it is out. b"": without one."""
        if self.state is not OPEN:
            return
        self.state = CLOSING
        self.deadline = time.monotonic() + self.connections.settings.close_seconds
        self._outbox.append(last)
        self._outbox_bytes = sum(map(len, self._outbox))
        self.connections.flush_soon(self)
        self._wake_waiting()
        self.left(reason)

    def abort(self, reason: str) -> None:
        """Free the descriptor now, whatever is queued."""
        if self.state is CLOSED:
            return
        was_open, self.state = self.state is OPEN, CLOSED
        self._outbox = []
        self.connections.poller.stop(self)
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        self.connections.discard(self)
        self.sock.close()
        if self._ended is not None:
            self._ended.set()
        self._wake_waiting()
        if was_open:
            self.left(reason)

    def wait(self) -> None:
        """Block the calling greenlet until the connection is CLOSED."""
        self._ended = Event()
        if self.state is not CLOSED:
            self._ended.wait()
