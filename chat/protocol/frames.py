"""Owns RFC 6455's frames, sans I/O: bytes in, messages out, and back. Leaves answers to the caller.

The server's side only: what comes in is masked, what goes out is not, no extensions.
"""

import codecs
import struct
from typing import Any

# XOR with the 4-byte mask of section 5.3, in C: 0.1 µs for a chat message where a long integer of
# Python takes 1 µs and a loop 5. The only thing that this server takes from websockets.
from websockets.frames import apply_mask

from chat.protocol.structs import INVALID_TEXT, PROTOCOL_ERROR, TOO_BIG

# Opcodes, RFC 6455, section 5.2. FAIL is not on the wire: it says that the peer broke a rule.
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FAIL = 0x10

NO_STATUS = 1005  # what a close frame without a code is called, section 7.1.5
MAX_CONTROL_BYTES = 125  # section 5.5

# A whole message or control frame: (opcode, payload). The payload is a str for TEXT; bytes for BINARY,
# PING and PONG; (close code, reason) for CLOSE and FAIL. A plain tuple: making one costs 0.03 µs.
Frame = tuple[int, Any]


class FrameDecoder:
    """Turns a client's bytes, however they are split, into messages.

    One that has more than `max_bytes`, or comes in more frames than `max_fragments`, fails with 1009 unkept.
    """

    __slots__ = ("_buffer", "_fragments", "_max_bytes", "_max_fragments", "has_more", "taken")

    def __init__(self, max_bytes: int, max_fragments: int) -> None:
        self._max_bytes = max_bytes
        self._max_fragments = max_fragments
        self.has_more = False  # whether `decode` stopped at its limit: call it again with b""
        self.taken = 0  # how many frames the last `decode` read whole
        self._buffer: bytes | bytearray = b""  # what has come of a frame that is not whole yet
        self._fragments: _Fragments | None = None  # a message between its first and last frame

    def decode(self, data: bytes, limit: int) -> list[Frame]:
        """Take `data` in, read at most `limit` frames, and return what they complete. Not to be called after a FAIL."""
        if self._buffer:
            if isinstance(self._buffer, bytes):
                self._buffer = bytearray(self._buffer)  # appending to it costs what is appended
            self._buffer += data
            data = self._buffer  # type: ignore[assignment]
        messages: list[Frame] = []
        start, end = 0, len(data)
        self.has_more = False
        taken = 0
        try:
            while end - start >= 2:
                if taken == limit:
                    self.has_more = True
                    break
                first, second = data[start], data[start + 1]
                plain = first == 0x81 and self._fragments is None  # a text in one frame: most are
                size = second & 0x7F
                body = start + 6
                is_fine = plain and second >= 0x80
                if size >= 126:
                    body += 2 if size == 126 else 8
                    if end < body - 4:
                        break
                    size = int.from_bytes(data[start + 2 : body - 4], "big")
                    is_fine = is_fine and second == 0xFE and 126 <= size <= self._max_bytes
                if not is_fine:
                    self._check_header(first, second, size)
                if end < body + size:
                    break
                payload = apply_mask(data[body : body + size], data[body - 4 : body])
                start = body + size
                taken += 1
                if plain:
                    messages.append((TEXT, str(payload, "utf-8")))
                elif (message := self._take(first, payload)) is not None:
                    messages.append(message)
        except _Violation as broken:
            messages.append((FAIL, broken.args))
        except UnicodeDecodeError:
            messages.append((FAIL, (INVALID_TEXT, "text is not UTF-8")))
        self.taken = taken
        # A long frame that comes in small pieces is not copied for each of them.
        self._buffer = data[start:] if start else data
        return messages

    def _check_header(self, first: int, second: int, size: int) -> None:
        """Refuse what section 5 forbids, before a byte of the payload is waited for."""
        opcode = first & 0x0F
        if first & 0x70:
            raise _Violation(PROTOCOL_ERROR, "reserved bits are set")
        if not second & 0x80:
            raise _Violation(PROTOCOL_ERROR, "a client's frames are masked")
        if size < {126: 126, 127: 1 << 16}.get(second & 0x7F, 0) or size >> 63:
            raise _Violation(PROTOCOL_ERROR, "the length is not in its shortest form")
        if BINARY < opcode < CLOSE or opcode > PONG:
            raise _Violation(PROTOCOL_ERROR, f"opcode {opcode} is not in use")
        if opcode >= CLOSE:
            if size > MAX_CONTROL_BYTES or not first & 0x80:
                raise _Violation(PROTOCOL_ERROR, "a control frame is short and in one piece")
            return
        fragments = self._fragments
        if (opcode == CONTINUATION) != (fragments is not None):
            raise _Violation(PROTOCOL_ERROR, "a fragment is out of its order")
        if fragments is not None:
            size += fragments.size
            if len(fragments.parts) >= self._max_fragments:
                raise _Violation(TOO_BIG, f"more than {self._max_fragments} fragments")
        if size > self._max_bytes:
            raise _Violation(TOO_BIG, f"a message has at most {self._max_bytes} bytes")

    def _take(self, first: int, payload: bytes) -> Frame | None:
        """Give out what a frame completes: a control frame at once, a fragment with its last."""
        opcode = first & 0x0F
        if opcode == CLOSE:
            return CLOSE, _close_reason(payload)
        if opcode >= PING:
            return opcode, payload
        if first == 0x80 | BINARY:
            return BINARY, payload
        if self._fragments is None:
            self._fragments = _Fragments(opcode)
        message = self._fragments.add(payload, last=bool(first & 0x80))
        if message is not None:
            self._fragments = None
        return message


class _Fragments:
    """A message that comes in several frames (RFC 6455, section 5.4)."""

    __slots__ = ("_utf8", "opcode", "parts", "size")

    def __init__(self, opcode: int) -> None:
        self.opcode = opcode
        self.size = 0  # bytes so far
        self.parts: list[str | bytes] = []
        # A character may be cut between two frames; a wrong byte is told at its frame, not at the end.
        self._utf8 = codecs.getincrementaldecoder("utf-8")() if opcode == TEXT else None

    def add(self, payload: bytes, last: bool) -> Frame | None:
        self.size += len(payload)
        self.parts.append(self._utf8.decode(payload, last) if self._utf8 else payload)
        empty: Any = "" if self._utf8 else b""
        return (self.opcode, empty.join(self.parts)) if last else None


class _Violation(Exception):
    """The peer broke a rule. Its `args` are those of the close frame: code and reason."""


def _close_reason(payload: bytes) -> tuple[int, str]:
    """Read a close frame's body: nothing, or a code and a reason (sections 5.5.1 and 7.4)."""
    if not payload:
        return NO_STATUS, ""
    if len(payload) == 1:
        raise _Violation(PROTOCOL_ERROR, "a close code has two bytes")
    code = int.from_bytes(payload[:2], "big")
    if not (code in (1000, 1001, 1002, 1003) or 1007 <= code <= 1014 or 3000 <= code <= 4999):
        raise _Violation(PROTOCOL_ERROR, f"close code {code} is not in use")
    return code, str(payload[2:], "utf-8")


def encode_frame(opcode: int, payload: bytes) -> bytes:
    """One whole, unmasked frame. The payload of a control frame must have at most 125 bytes."""
    size = len(payload)
    if size < 126:
        return bytes((0x80 | opcode, size)) + payload
    if size < 1 << 16:
        return struct.pack("!BBH", 0x80 | opcode, 126, size) + payload
    return struct.pack("!BBQ", 0x80 | opcode, 127, size) + payload


def encode_close(code: int, reason: str = "") -> bytes:
    """A close frame; NO_STATUS gives an empty one, and a reason over 123 bytes is cut."""
    if code == NO_STATUS:
        return encode_frame(CLOSE, b"")
    text = reason.encode()[: MAX_CONTROL_BYTES - 2].decode(errors="ignore").encode()
    return encode_frame(CLOSE, struct.pack("!H", code) + text)
