"""Owns a stream of server-sent events (HTML Living Standard, section 9.2): one response that does not end.

An idle stream on a socket of its own keeps neither a greenlet nor a WSGI request. What is sent is left to others.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gevent.event import Event
from gevent.queue import Empty, Queue

from chat.config import Settings
from chat.protocol.structs import SERVICE_RESTART
from chat.transport.connections import Connections
from chat.transport.peer import WOULD_BLOCK, Peer

READ_BYTES = 4_096
QUEUED = 1_000  # events that may wait for a server that writes them, beside the bound in bytes
HEARTBEAT = b": still here\n\n"  # a comment, which readers pass over
AGAIN = b"retry: 2000\n\n"  # milliseconds until a browser comes back; and proof that the stream has begun

HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx is not to gather the events
}
Left = Callable[[str], None]  # called once with the reason, when nothing more can be sent


class EventStream(Peer):
    """A stream on a socket of its own, whose response it begins."""

    __slots__ = ("_left",)

    def __init__(
        self, sock: Any, connections: Connections, address: str, left: Left, headers: Mapping[str, str], deadline: float
    ) -> None:
        """`headers`: of the response, not checked. `deadline`: time.monotonic() when the stream ends."""
        self._left = left
        super().__init__(sock, connections, address)
        self.deadline = deadline
        lines = [f"{name}: {value}" for name, value in {**headers, **HEADERS}.items()]
        # Without a length the response ends with the connection (RFC 9112, section 6.3).
        head = "\r\n".join(["HTTP/1.1 200 OK", "Connection: close", *lines, "", ""])
        self.send(head.encode() + AGAIN)

    def read(self) -> None:
        """Nothing that a reader says after its request means anything, but that it hangs up."""
        try:
            if not self.sock.recv(READ_BYTES):
                self.abort("the reader hung up")
        except WOULD_BLOCK:
            pass
        except OSError as error:
            self.abort(f"1006 {error}")

    def ping(self) -> int:
        self.silence = 0  # the peer never says anything
        self.send(HEARTBEAT)
        return 0

    def overdue(self) -> None:
        self.close(0)

    def overflowed(self) -> None:
        self.abort("4008 reads too slowly")  # it comes back, and asks for the rest

    def close(self, code: int, reason: str = "") -> None:
        """The reader comes back by itself, or is refused then: a stream has no close codes."""
        self.end_with(b"", reason)

    def restart(self, seconds: float) -> None:
        """End the stream, and say in how many seconds to come back."""
        self.end_with(b"retry: %d\n\n" % (seconds * 1000), f"{SERVICE_RESTART} service restart")

    def hang_up(self) -> None:
        self.abort("closed")  # the kernel sends what it has taken, and then the end

    def left(self, reason: str) -> None:
        self._left(reason)


class QueuedStream:
    """A stream whose events the server writes, one by one, as the parts of an ordinary response."""

    def __init__(self, settings: Settings, left: Left, deadline: float) -> None:
        self._deadline = deadline
        self._room = settings.outbox_bytes
        self._queued_bytes = 0
        self._events: Queue[bytes | None] = Queue(QUEUED)
        self._heartbeat_seconds = settings.heartbeat_seconds
        self._left = left
        self._open = True
        self._written = Event()  # set once the server has taken all

    def send(self, frame: bytes) -> bool:
        if self._open:
            if self._queued_bytes + len(frame) > self._room or self._events.full():
                self.close(0, "4008 reads too slowly")
            else:
                self._queued_bytes += len(frame)
                self._events.put_nowait(frame)
        return self._open

    def close(self, code: int, reason: str = "") -> None:
        if self._open:
            self._open = False
            self._written.set()
            self._left(reason)
            if not self._events.full():
                self._events.put_nowait(None)  # wakes who waits

    def has_room(self, size: int) -> bool:
        return self._queued_bytes + size <= self._room // 2 and self._events.qsize() < QUEUED // 2

    def wait_written(self, seconds: float) -> bool:
        if self._open and not self._events.empty():
            self._written.clear()
            return bool(self._written.wait(seconds)) and self._open
        return self._open

    def __iter__(self) -> Iterator[bytes]:
        """The response's parts."""
        try:
            yield AGAIN
            while self._open:
                if self._events.empty():
                    self._written.set()
                try:
                    event = self._events.get(timeout=self._heartbeat_seconds)
                except Empty:
                    event = HEARTBEAT
                else:
                    self._queued_bytes -= len(event or b"")
                if time.monotonic() >= self._deadline:
                    self.close(0)
                elif event is not None:
                    yield event
        finally:  # a server learns of it by a write that fails: what it wrote before is lost
            self.close(0, "1006 the reader hung up")
