"""Owns the reading and the closing of one WebSocket. Leaves to the subclass who the peer is and what it means."""

import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from socket import SHUT_WR
from sys import getsizeof
from typing import Any

from chat.protocol.changes import Restart
from chat.protocol.frames import BINARY, CLOSE, FAIL, PING, PONG, TEXT, Frame, FrameDecoder, encode_close, encode_frame
from chat.protocol.structs import INTERNAL_ERROR, NO_INIT, SERVICE_RESTART, TOO_MUCH, TOO_SLOW, encode
from chat.transport.connections import CLOSED, CLOSING, OPEN, Connections
from chat.transport.peer import WOULD_BLOCK, Peer

READ_BYTES = 4_096  # most reads bring one message, and a small buffer makes them a tenth faster
READ_MORE_BYTES = 61_440  # where there is more; both together are what one turn takes at most
TURN_FRAMES = 64  # what one turn handles at most, so that a flood leaves others their turns
PING_DIGITS = 20  # of a ping's number; a longer payload is none of ours


class WebSocket(Peer):
    """A socket after its upgrade."""

    __slots__ = ("_answered", "_bytes_left", "_decoder", "_frames_left", "_inbox", "_pinged", "busy")

    def __init__(self, sock: Any, connections: Connections, address: str) -> None:
        super().__init__(sock, connections, address)
        settings, limits = connections.settings, connections.limits
        self._bytes_left = limits.bytes.full
        self._frames_left = limits.frames.full
        self._decoder = FrameDecoder(settings.max_message_bytes, settings.max_fragments)
        self._inbox: Sequence[Frame] = ()  # what is being handled
        self.busy = False  # messages of this connection are in a greenlet, or wait for their turn
        self._pinged = 0  # the number of the last ping
        self._answered = 0  # of the last one whose pong came
        self.expect_init()

    # What a subclass says.

    def received(self, text: str) -> None:
        """Called with each text message, in order, in a greenlet that may block. Must not raise."""
        raise NotImplementedError

    def received_binary(self, data: bytes) -> None:
        """Called with each binary message, as `received` is."""
        raise NotImplementedError

    def ponged(self, number: int) -> None:
        """Called, as `received` is, when the peer has answered this ping, and so read all that came before it."""

    # What others call.

    def expect_init(self) -> None:
        """Give the peer a while to say who it is."""
        if self.state is OPEN:  # a closing one has another deadline
            self.deadline = time.monotonic() + self.connections.settings.init_seconds

    def overdue(self) -> None:
        if not self.busy:  # its init came in time, and is handled
            self.close(NO_INIT, "no init in time")

    def overflowed(self) -> None:
        self.close(TOO_SLOW, "reads too slowly")

    def refill(self) -> None:
        limits = self.connections.limits
        self._bytes_left = limits.bytes.refilled(self._bytes_left)
        self._frames_left = limits.frames.refilled(self._frames_left)

    def ping(self) -> int:
        """Have the peer say how far it has read (RFC 6455, section 5.5.2); return the ping's number, from 1.

        A peer may answer only the last of several (5.5.3), so a pong stands for the pings before its own too.
        """
        self._pinged += 1
        self.send(encode_frame(PING, b"%d" % self._pinged))
        return self._pinged

    @property
    def awaits_pong(self) -> bool:
        return self._answered < self._pinged

    @property
    def held_bytes(self) -> int:
        """As a peer's, and the texts that wait for their handler: one emoji makes each letter take four bytes."""
        held = super().held_bytes
        return held + sum(getsizeof(payload) for _, payload in self._inbox) if self._inbox else held

    # Reading.

    def read(self) -> None:
        """The socket is readable: take what is there, and handle the messages that are whole. Runs in a greenlet."""
        if self.busy and self.state is OPEN:  # a handler waits: the kernel keeps the rest back
            self.connections.poller.stop(self)
            return
        try:
            data = self.sock.recv(READ_BYTES)
            if len(data) == READ_BYTES:
                with suppress(*WOULD_BLOCK):
                    data += self.sock.recv(READ_MORE_BYTES)
        except WOULD_BLOCK:
            return
        except OSError as error:
            self.abort(f"1006 {error.strerror or error}")
            return
        if not data:
            self.abort("1006 the peer hung up without a close frame")
            return
        if self.state is CLOSING:
            return
        self.silence = 0
        self._bytes_left -= len(data)
        self._take(data)
        if isinstance(self.sock, ssl.SSLSocket) and self.state is OPEN and self.sock.pending():
            # Decrypted already, so that the kernel will not call it readable.
            self.connections.spawn(self.read)

    def _take(self, data: bytes = b"") -> None:
        """Decode one turn's messages, and handle them."""
        if self.state is not OPEN:
            return
        decoder = self._decoder
        inbox = decoder.decode(data, TURN_FRAMES)
        self._frames_left -= decoder.taken
        if self._frames_left < 0 or self._bytes_left < 0:
            self.close(TOO_MUCH, "too much in too short a time")
        elif inbox or decoder.has_more:
            self.busy = True
            self._inbox = inbox
            self._handle(inbox)

    def _handle(self, inbox: list[Frame]) -> None:
        """Handle one turn's messages in order."""
        try:
            for opcode, payload in inbox:
                if self.state is not OPEN:
                    break
                if opcode == TEXT:
                    self.received(payload)
                else:
                    self._handle_other(opcode, payload)
        except Exception:  # not even an answer was possible
            self.connections.log.exception("a message was not handled; address=%s", self.address)
            self.close(INTERNAL_ERROR, "internal error")
        self._inbox = ()
        if self._decoder.has_more and self.state is OPEN:
            self.connections.spawn(self._next_turn)
        else:
            self.busy = False
            self._read_on()

    def _handle_other(self, opcode: int, payload: Any) -> None:
        if opcode == BINARY:
            self.received_binary(payload)
        elif opcode == PING:
            self.send(encode_frame(PONG, payload))
        elif opcode == PONG:
            self._take_pong(payload)
        elif opcode == CLOSE:
            code, reason = payload
            # The peer's own code is the answer (RFC 6455, section 5.5.1).
            self.end_with(encode_close(code), f"{code} {reason}".strip())
        elif opcode == FAIL:
            self.close(*payload)

    def _take_pong(self, payload: bytes) -> None:
        """Pongs that nobody asked for are allowed (section 5.5.3), and prove nothing."""
        if len(payload) > PING_DIGITS or not payload.isdigit():
            return
        if self._answered < (number := int(payload)) <= self._pinged:
            self._answered = number
            self.ponged(number)

    def _next_turn(self) -> None:
        self.busy = False
        self._take()
        if not self.busy:
            self._read_on()

    def _read_on(self) -> None:
        if self.polled is None and self.state is not CLOSED and self not in self.connections.leaving:
            self.connections.poller.start(self)

    # Closing.

    def close(self, code: int, reason: str = "") -> None:
        """Queue a close frame behind what is queued already, and end the connection after it."""
        self.end_with(encode_close(code, reason), f"{code} {reason}".strip())

    def restart(self, seconds: float) -> None:
        """Close, and say in how many seconds to come back."""
        self.send(encode_frame(TEXT, encode(Restart(retry_after=seconds))))
        self.close(SERVICE_RESTART, "service restart")

    def hang_up(self) -> None:
        """Send our end of the stream, and wait for the peer's."""
        try:  # closing with something unread would make the kernel send a reset, which can overtake the close frame
            self.sock.shutdown(SHUT_WR)
        except OSError as error:
            self.abort(f"1006 {error.strerror or error}")
        else:
            self.connections.poller.start(self)  # it may have been stopped
