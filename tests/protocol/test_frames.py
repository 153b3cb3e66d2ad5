"""The frame decoder and encoder against those of `websockets`, on random streams cut at random places.

Where the two differ it is meant, and said here:

- A length that is not in its shortest form is refused with 1002 (RFC 6455, section 5.2: "the minimal
  number of bytes MUST be used"); websockets takes it.
- A close frame may come between the fragments of a message, as any control frame (section 5.4);
  websockets refuses it with 1002.
- A header is looked at when it is whole; websockets looks at the first two bytes of one that has ten.
- A frame that breaks two rules is refused for one of them, not always for the same.
- Text is checked to be UTF-8 here; websockets leaves that to its callers.
"""

from __future__ import annotations

import codecs
import time
from itertools import chain, cycle, pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from websockets.frames import Close, Frame, Opcode
from websockets.protocol import CLIENT, SERVER, Protocol

from chat.protocol.frames import (
    BINARY,
    CLOSE,
    FAIL,
    NO_STATUS,
    PING,
    PONG,
    TEXT,
    FrameDecoder,
    encode_close,
    encode_frame,
)
from chat.protocol.frames import Frame as OurFrame

NO_DEADLINE = settings(deadline=None, max_examples=150)  # the machine does other things too
ROOMY = 1 << 20  # more than any stream here holds


# Ours.


def decode(
    stream: bytes,
    cuts: list[int] = [],  # noqa: B006
    limit: int = 1000,
    max_bytes: int = ROOMY,
    max_fragments: int = ROOMY,
) -> list[OurFrame]:
    """What the decoder makes of `stream`, cut at `cuts`, up to a close or a failure."""
    decoder = FrameDecoder(max_bytes, max_fragments)
    messages: list[OurFrame] = []
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    for start, end in pairwise(edges):
        data = stream[start:end]
        while True:
            found = decoder.decode(data, limit)
            messages += found
            if any(opcode in (CLOSE, FAIL) for opcode, _ in found):
                ended = [opcode in (CLOSE, FAIL) for opcode, _ in messages].index(True)
                return messages[: ended + 1]
            assert len(found) <= limit
            if not decoder.has_more:
                break
            data = b""
    return messages


def code_of(message: OurFrame) -> int:
    assert message[0] == FAIL, message
    code: int = message[1][0]
    return code


# The oracle's.


class Oracle:
    """What websockets makes of the same stream, in the shape of our messages.

    `messages` ends before what it refuses. `failure`: the close code for that, or None. `at`: where
    the frame begins that it refuses, or waits for.
    """

    def __init__(self, stream: bytes) -> None:
        self.stream = stream
        self.at = 0
        self.messages: list[OurFrame] = []
        self.in_fragments = False
        self.is_over = False  # by a close, or by text that is not UTF-8
        parser = Protocol(SERVER, max_size=ROOMY)
        parser.receive_data(stream)
        self.failure = parser.close_sent.code if parser.parser_exc and parser.close_sent else None
        for frame in parser.events_received():
            assert isinstance(frame, Frame)
            if not self.is_shortest:
                self.failure = 1002
                break
            self._take(frame)
            self.at += len(self.header) + 4 + len(frame.data)
        if not self.is_over and not self.is_shortest:
            self.failure = self.failure or 1002

    @property
    def header(self) -> bytes:
        """Of the frame at `at`, without the mask; b"" at the end, and short when cut off."""
        long = self.stream[self.at + 1 : self.at + 2] or b"\0"
        return self.stream[self.at : self.at + {126: 4, 127: 10}.get(long[0] & 0x7F, 2)]

    @property
    def has_whole_header(self) -> bool:
        header = self.header
        return len(header) > 1 and len(header) == {126: 4, 127: 10}.get(header[1] & 0x7F, 2)

    @property
    def size(self) -> int:
        """Of the payload of the frame at `at`."""
        header = self.header
        return header[1] & 0x7F if len(header) == 2 else int.from_bytes(header[2:], "big")

    @property
    def is_shortest(self) -> bool:
        if not self.has_whole_header:
            return True
        return self.size >= {4: 126, 10: 65_536}.get(len(self.header), 0) and self.size < 1 << 63

    @property
    def frame(self) -> bytes:
        """The frame at `at`, filled up with zeros where its end has not come."""
        whole = len(self.header) + 4 + min(self.size, 2 * ROOMY)
        return self.stream[self.at : self.at + whole].ljust(whole, b"\0")

    def _take(self, frame: Frame) -> None:
        data = bytes(frame.data)
        if frame.opcode is Opcode.CLOSE:
            close = Close.parse(data)
            self.messages.append((CLOSE, (close.code, close.reason)))
            self.is_over = True
        elif frame.opcode in (Opcode.PING, Opcode.PONG):
            self.messages.append((int(frame.opcode), data))
        elif not self.is_over:
            self._take_data(frame, data)

    def _take_data(self, frame: Frame, data: bytes) -> None:
        if not self.in_fragments:
            self._opcode, self._parts = int(frame.opcode), b""
            self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self._parts += data
        self.in_fragments = not frame.fin
        try:
            if self._opcode == TEXT:
                self._utf8.decode(data, frame.fin)
        except UnicodeDecodeError:
            self.messages.append((FAIL, (1007, "text is not UTF-8")))
            self.is_over = True
            return
        if frame.fin:
            whole: Any = self._parts.decode() if self._opcode == TEXT else self._parts
            self.messages.append((self._opcode, whole))


def refusal(stream: bytes) -> int | None:
    """The close code with which websockets refuses something in the stream."""
    return Oracle(stream).failure


def assert_agrees(stream: bytes, cuts: list[int], limit: int) -> None:
    """Both give out the same messages, and refuse the same frame, for a reason that is one."""
    oracle = Oracle(stream)
    if oracle.failure is not None and not oracle.has_whole_header:
        stream += b"\0" * 8
        oracle = Oracle(stream)
    ours = decode(stream, cuts, limit)
    if oracle.is_over:
        ended = [opcode in (CLOSE, FAIL) for opcode, _ in oracle.messages].index(True)
        assert ours == oracle.messages[: ended + 1]
        return
    assert ours[: len(oracle.messages)] == oracle.messages
    assert len(ours) <= len(oracle.messages) + 1
    if len(ours) > len(oracle.messages):
        assert_same_refusal(oracle, ours[-1])
    else:
        assert oracle.failure is None, f"only websockets fails, with {oracle.failure}"


def assert_same_refusal(oracle: Oracle, last: OurFrame) -> None:
    frame, before = oracle.frame, oracle.stream[: oracle.at]
    opcode = frame[0] & 0x0F
    if last[0] == CLOSE:  # between fragments: as if it stood alone
        assert oracle.in_fragments
        assert Oracle(frame).messages == [last]
        return
    code = code_of(last)
    theirs = oracle.failure
    if theirs is None:  # it reads a frame to its end before it looks at some of its header
        theirs = refusal(before + frame)
    assert theirs is not None, f"only we fail, with {last}"
    if code == theirs:
        return
    # Two faults in one frame, and each library names another.
    if opcode == CLOSE:
        assert {code, theirs} <= {1002, 1007, 1009}
        assert code in (1002, refusal(frame))
        return
    empty = bytes((frame[0], frame[1] & 0x80)) + b"\0\0\0\0"
    assert (code, theirs) == (1002, 1009)
    assert opcode >= CLOSE or not oracle.is_shortest or refusal(before + empty) == 1002


# Random streams.

texts = st.text(max_size=300) | st.sampled_from(["", "한글", "日本語", "🙂" * 40, "\0", "ب", "a" * 200])
blobs = st.binary(max_size=300) | st.sampled_from([b"", b"x" * 125, b"x" * 126, b"x" * 65_536])
codes = st.sampled_from([1000, 1001, 1003, 1008, 1011, 1012, 1014, 3000, 4008, 4999])
small = st.binary(max_size=125)


@st.composite
def control_frames(draw: st.DrawFn) -> list[Frame]:
    return [
        Frame(draw(st.sampled_from([Opcode.PING, Opcode.PONG])), draw(small)) for _ in range(draw(st.integers(0, 2)))
    ]


@st.composite
def message_frames(draw: st.DrawFn) -> list[Frame]:
    """One message, whole or in fragments with control frames in between."""
    is_text = draw(st.booleans())
    payload = draw(texts).encode() if is_text else draw(blobs)
    edges = sorted(draw(st.lists(st.integers(0, len(payload)), max_size=4)))
    edges = [0, *edges, len(payload)]
    opcode, frames = (Opcode.TEXT if is_text else Opcode.BINARY), draw(control_frames())
    for number, (start, end) in enumerate(pairwise(edges)):
        frames.append(Frame(opcode, payload[start:end], fin=number == len(edges) - 2))
        frames += draw(control_frames())
        opcode = Opcode.CONT
    return frames


@st.composite
def close_frames(draw: st.DrawFn) -> list[Frame]:
    if draw(st.booleans()):
        return [Frame(Opcode.CLOSE, b"")]
    return [Frame(Opcode.CLOSE, Close(draw(codes), draw(st.text(max_size=30))).serialize())]


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    frames = [frame for message in draw(st.lists(message_frames(), max_size=6)) for frame in message]
    if draw(st.booleans()):
        frames += draw(close_frames())
    return b"".join(frame.serialize(mask=True) for frame in frames)


cut_places = st.lists(st.integers(0, 1 << 20), max_size=12)
limits = st.integers(1, 4) | st.just(1000)


@pytest.mark.slow
@NO_DEADLINE
@given(streams(), cut_places, limits)
def test_valid_streams_give_the_messages_that_websockets_finds(stream: bytes, cuts: list[int], limit: int) -> None:
    oracle = Oracle(stream)
    assert oracle.failure is None
    assert oracle.at == len(stream), "need a valid stream for this to mean anything"
    assert decode(stream, cuts, limit) == oracle.messages


@settings(deadline=None, max_examples=30)
@given(streams().filter(lambda stream: len(stream) < 3_000), limits)
def test_a_stream_that_comes_byte_by_byte_gives_the_same(stream: bytes, limit: int) -> None:
    assert decode(stream, list(range(len(stream))), limit) == Oracle(stream).messages


mutations = st.lists(
    st.tuples(st.sampled_from(["flip", "header", "drop", "insert"]), st.integers(0, 1 << 16), st.integers(0, 255)),
    min_size=1,
    max_size=3,
)


def mutated(stream: bytes, changes: list[tuple[str, int, int]]) -> bytes:
    data = bytearray(stream)
    for kind, place, value in changes:
        place %= len(data) + 1
        if kind == "insert":
            data.insert(place, value)
        elif place < len(data):
            if kind == "drop":
                del data[place]
            else:  # the first bytes are a header: most faults stand in headers
                data[place % 2 if kind == "header" else place] ^= value
    return bytes(data)


@pytest.mark.slow
@settings(deadline=None, max_examples=400)
@given(streams(), mutations, cut_places, limits)
@example(b"", [("insert", 0, 0x81)], [], 1)
def test_broken_streams_are_given_up_where_websockets_gives_them_up(
    stream: bytes, changes: list[tuple[str, int, int]], cuts: list[int], limit: int
) -> None:
    broken = mutated(stream, changes)
    assert_agrees(broken, cuts, limit)


@st.composite
def odd_frames(draw: st.DrawFn) -> bytes:
    """A frame of which every part may be wrong."""
    first = draw(st.integers(0, 255) | st.sampled_from([0x81, 0x82, 0x80, 0x01, 0x88, 0x89]))
    payload = draw(small | blobs | codes.map(lambda code: code.to_bytes(2, "big")))
    masked = 0x80 if draw(st.integers(0, 9)) else 0
    size = len(payload)
    if draw(st.integers(0, 9)) == 0 or size >= 1 << 16:
        header = bytes((first, masked | 127)) + size.to_bytes(8, "big")
    elif draw(st.integers(0, 9)) == 0 or size >= 126:
        header = bytes((first, masked | 126)) + size.to_bytes(2, "big")
    else:
        header = bytes((first, masked | size))
    return header + draw(st.binary(min_size=4, max_size=4) if masked else st.just(b"")) + payload


@pytest.mark.slow
@settings(deadline=None, max_examples=400)
@given(st.lists(odd_frames(), min_size=1, max_size=5), cut_places, limits)
def test_odd_frames_are_judged_as_websockets_judges_them(frames: list[bytes], cuts: list[int], limit: int) -> None:
    assert_agrees(b"".join(frames), cuts, limit)


@pytest.mark.slow
@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=200), cut_places, limits)
def test_random_bytes_never_raise_and_say_the_same_however_they_are_cut(
    stream: bytes, cuts: list[int], limit: int
) -> None:
    assert_agrees(stream, cuts, limit)
    assert decode(stream, cuts, limit) == decode(stream)


# Faults by name.


def frame(opcode: int, payload: bytes = b"", fin: bool = True, mask: bytes = b"\x12\x34\x56\x78") -> bytes:
    """A masked frame, made by hand: nothing here is from either library."""
    size = len(payload)
    first = opcode | (0x80 if fin else 0)
    if size < 126:
        header = bytes((first, 0x80 | size))
    elif size < 1 << 16:
        header = bytes((first, 0x80 | 126)) + size.to_bytes(2, "big")
    else:
        header = bytes((first, 0x80 | 127)) + size.to_bytes(8, "big")
    return header + mask + bytes(a ^ b for a, b in zip(payload, cycle(mask), strict=False))


HELLO = frame(TEXT, b"hello")
MASK = b"\0\0\0\0"

FAULTS = {
    "reserved bit 1": (b"\xc1\x80" + MASK, 1002),
    "reserved bit 2": (b"\xa1\x80" + MASK, 1002),
    "reserved bit 3": (b"\x91\x80" + MASK, 1002),
    "reserved bit on a ping": (b"\xc9\x80" + MASK, 1002),
    "unmasked": (b"\x81\x00", 1002),
    "unmasked, long": (b"\x81\x7e\x01\x00" + b"x" * 256, 1002),
    **{f"opcode {n}": (bytes((0x80 | n, 0x80)) + MASK, 1002) for n in [3, 4, 5, 6, 7]},
    **{f"opcode {n}": (bytes((0x80 | n, 0x80)) + MASK, 1002) for n in [11, 12, 13, 14, 15]},
    "a long ping": (frame(PING, b"x" * 126), 1002),
    "a long close": (frame(CLOSE, b"\x03\xe8" + b"x" * 124), 1002),
    "a ping in fragments": (frame(PING, fin=False), 1002),
    "125 bytes in a length of two": (b"\x81\xfe\x00\x7d" + MASK + b"x" * 125, 1002),
    "65,535 bytes in a length of eight": (b"\x82\xff" + (65_535).to_bytes(8, "big") + MASK + b"x" * 65_535, 1002),
    "a ping with 5 bytes in a length of two": (b"\x89\xfe\x00\x05" + MASK + b"x" * 5, 1002),
    "a close with 2 bytes in a length of eight": (b"\x88\xff" + (2).to_bytes(8, "big") + MASK + b"\x03\xe8", 1002),
    "a length with its highest bit set": (b"\x82\xff\x80" + b"\0" * 7 + MASK, 1002),
    "a continuation of nothing": (frame(0, b"x"), 1002),
    "a text inside a message": (frame(TEXT, b"x", fin=False) + frame(TEXT, b"y"), 1002),
    "a binary inside a message": (frame(TEXT, b"x", fin=False) + frame(BINARY, b"y"), 1002),
    "a fragment inside a message": (frame(TEXT, fin=False) + frame(BINARY, fin=False), 1002),
    "text that is not UTF-8": (frame(TEXT, b"\xff"), 1007),
    "text with half of a surrogate pair": (frame(TEXT, b"\xed\xa0\x80"), 1007),
    "text in an overlong form": (frame(TEXT, b"\xc0\xaf"), 1007),
    "text beyond Unicode": (frame(TEXT, b"\xf4\x90\x80\x80"), 1007),
    "text that ends within a character": (frame(TEXT, "한".encode()[:2]), 1007),
    "text whose first fragment is wrong": (frame(TEXT, b"\xff", fin=False), 1007),
    "text whose last fragment ends within a character": (
        frame(TEXT, b"a", fin=False) + frame(0, "한".encode()[:2]),
        1007,
    ),
    "a close of one byte": (frame(CLOSE, b"\x03"), 1002),
    "a close whose reason is not UTF-8": (frame(CLOSE, b"\x03\xe8\xff"), 1007),
    **{
        f"close code {code}": (frame(CLOSE, code.to_bytes(2, "big")), 1002)
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535)
    },
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_ends_the_stream_with_its_code_and_loses_nothing_before_it(fault: str) -> None:
    data, code = FAULTS[fault]
    for stream in (HELLO + data, HELLO + data + HELLO):
        messages = decode(stream)
        assert messages[0] == (TEXT, "hello")
        assert [opcode for opcode, _ in messages] == [TEXT, FAIL]
        assert code_of(messages[-1]) == code
        assert decode(stream, list(range(len(stream))), limit=1) == messages


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, *range(1007, 1015), 3000, 3999, 4999])
def test_close_codes_in_use_are_given_out_with_their_reason(code: int) -> None:
    stream = frame(CLOSE, code.to_bytes(2, "big") + "안녕".encode())
    assert decode(stream) == [(CLOSE, (code, "안녕"))]
    assert decode(frame(CLOSE)) == [(CLOSE, (NO_STATUS, ""))]


def test_a_close_between_fragments_is_a_close() -> None:
    stream = frame(TEXT, b"half a mess", fin=False) + frame(CLOSE, b"\x03\xe8")
    assert decode(stream) == [(CLOSE, (1000, ""))]


def test_a_header_is_refused_before_its_payload_has_come() -> None:
    for header in (b"\xc1\x85", b"\x81\x05", b"\x83\x85", b"\x89\xfe\x01\x00", b"\x80\x85"):
        assert code_of(decode(HELLO + header)[-1]) == 1002
    assert code_of(decode(b"\x82\xff" + (1 << 40).to_bytes(8, "big"))[-1]) == 1009


# Bounds.


@pytest.mark.parametrize("most", [125, 126, 1000, 65_535, 65_536, 70_000])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_message_may_have_max_bytes_and_not_one_more(opcode: int, most: int) -> None:
    exact, over = b"x" * most, b"x" * (most + 1)
    (message,) = decode(frame(opcode, exact), max_bytes=most)
    assert len(message[1]) == most
    assert code_of(decode(frame(opcode, over), max_bytes=most)[-1]) == 1009
    for cut in (0, 1, most // 2, most):
        pieces = frame(opcode, exact[:cut], fin=False) + frame(PING, b"p" * 125)
        (ping, message) = decode(pieces + frame(0, exact[cut:]), max_bytes=most)
        assert len(message[1]) == most
        assert ping == (PING, b"p" * 125), "a control frame does not count"
        assert code_of(decode(pieces + frame(0, over[cut:]), max_bytes=most)[-1]) == 1009


def test_the_bound_counts_bytes_not_characters() -> None:
    text = "한" * 100
    assert decode(frame(TEXT, text.encode()), max_bytes=300) == [(TEXT, text)]
    assert code_of(decode(frame(TEXT, text.encode()), max_bytes=299)[-1]) == 1009


@pytest.mark.parametrize("most", [1, 2, 10])
def test_a_message_may_come_in_max_fragments_and_not_one_more(most: int) -> None:
    def in_fragments(count: int) -> bytes:
        first = frame(TEXT, b"a", fin=count == 1)
        return first + b"".join(frame(0, b"b", fin=n == count - 2) for n in range(count - 1))

    assert decode(in_fragments(most), max_fragments=most) == [(TEXT, "a" + "b" * (most - 1))]
    # One that has ended does not count for the next.
    assert len(decode(in_fragments(most) * 3, max_fragments=most)) == 3
    assert code_of(decode(in_fragments(most + 1), max_fragments=most)[-1]) == 1009


def test_control_frames_between_fragments_do_not_count_as_fragments() -> None:
    stream = frame(BINARY, b"a", fin=False) + frame(PING) * 50 + frame(0, b"b")
    assert decode(stream, max_fragments=2)[-1] == (BINARY, b"ab")


@NO_DEADLINE
@given(st.integers(1, 20), st.integers(1, 8))
def test_no_more_than_limit_messages_come_at_once_and_the_rest_is_kept(count: int, limit: int) -> None:
    decoder = FrameDecoder(ROOMY, ROOMY)
    stream = b"".join(frame(TEXT, str(number).encode()) for number in range(count))
    turns = [decoder.decode(stream + HELLO[:-1], limit)]
    while len(turns[-1]) == limit:
        turns.append(decoder.decode(b"", limit))
    assert all(len(turn) <= limit for turn in turns)
    assert list(chain(*turns)) == [(TEXT, str(number)) for number in range(count)]
    assert decoder.decode(HELLO[-1:], limit) == [(TEXT, "hello")]


@pytest.mark.slow
def test_a_long_frame_in_pieces_of_one_byte_costs_what_short_ones_cost() -> None:
    """Copying what has come for each byte would cost 64 times as much."""
    total = 1 << 17

    def seconds(size: int) -> float:
        stream = frame(BINARY, b"x" * size) * (total // size)
        pieces = [stream[n : n + 1] for n in range(len(stream))]
        decoder = FrameDecoder(ROOMY, 1)
        start = time.process_time()
        messages = sum(len(decoder.decode(piece, 1)) for piece in pieces)
        took = time.process_time() - start
        assert messages == total // size
        return took

    short = min(seconds(1 << 10) for _ in range(3))
    assert min(seconds(total) for _ in range(3)) < 4 * short


# The mask.


@NO_DEADLINE
@given(st.binary(max_size=1_000), st.binary(min_size=4, max_size=4))
def test_the_mask_is_taken_off_at_every_length(payload: bytes, mask: bytes) -> None:
    assert decode(frame(BINARY, payload, mask=mask)) == [(BINARY, payload)]


# What we send.


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 70_000])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_frames_of_every_length_form_are_read_by_a_client(opcode: int, size: int) -> None:
    assert read_as_client(encode_frame(opcode, b"x" * size)) == [(opcode, b"x" * size)]


@NO_DEADLINE
@given(st.lists(st.tuples(st.sampled_from([TEXT, BINARY]), st.binary(max_size=400)), max_size=5))
def test_frames_joined_are_read_one_by_one(sent: list[tuple[int, bytes]]) -> None:
    assert read_as_client(b"".join(encode_frame(*message) for message in sent)) == sent


@pytest.mark.parametrize("opcode", [PING, PONG])
def test_control_frames_are_read_by_a_client(opcode: int) -> None:
    assert read_as_client(encode_frame(opcode, b"x" * 125)) == [(opcode, b"x" * 125)]


@NO_DEADLINE
@given(codes, st.text(max_size=200))
@example(1000, "한" * 41)  # 123 bytes: the most that fits
@example(1000, "한" * 42)
@example(1000, "x" * 122 + "한")
def test_a_close_is_read_by_a_client_with_as_much_of_its_reason_as_fits(code: int, reason: str) -> None:
    ((opcode, payload),) = read_as_client(encode_close(code, reason))
    close = Close.parse(payload)
    assert (opcode, close.code) == (CLOSE, code)
    assert reason.startswith(close.reason)
    size = len(reason.encode())
    assert close.reason == reason if size <= 123 else len(close.reason.encode()) > 123 - 4


def test_a_close_without_a_status_is_empty() -> None:
    assert read_as_client(encode_close(NO_STATUS, "not sent")) == [(CLOSE, b"")]


def read_as_client(data: bytes) -> list[tuple[int, bytes]]:
    client = Protocol(CLIENT, max_size=None)
    client.receive_data(data)
    assert client.parser_exc is None
    frames = client.events_received()
    assert all(isinstance(frame, Frame) and frame.fin for frame in frames)
    return [(int(frame.opcode), bytes(frame.data)) for frame in frames]  # type: ignore[union-attr]
