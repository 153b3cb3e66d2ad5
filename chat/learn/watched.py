"""Owns a socket that is watched: it tells its own peer of its frames, both ways, and may be given a fault.

A socket that nobody watches has none of this: `watch` gives one socket another class and another decoder, so that
not even an `if` is added to the way of all others.
"""

from __future__ import annotations

import time
from typing import Any

from chat.client import Client
from chat.learn.way import Way
from chat.people.online import encoded
from chat.protocol.frames import CLOSE, TEXT, Frame, FrameDecoder

SHOWN_BYTES = 2_000  # of a frame's payload; the rest is counted only
ACK, CHAT = b'{"type":"ack"', b'{"type":"chat"'  # how these events begin: msgspec writes the tag first


class Watch:
    """What is kept of one watched socket."""

    def __init__(self, room: Any, key: str = "", step: str = "") -> None:
        self.room = room  # the Lesson
        self.key = key  # what the pupil's page calls itself
        self.step = step  # at which step of the lesson it is
        self.frames: list[dict[str, Any]] = []  # not told yet
        self.is_told = False  # whether its peer wants to hear of frames
        self.reading: Way | None = None  # of what was read last
        self.way: Way | None = None  # of a message that it sent, until that is acknowledged
        self.lose_ack = self.send_twice = False  # its faults

    def add(self, frame: bytes, is_from_peer: bool, is_lost: bool = False) -> None:
        """Note one whole frame, as it is on the wire."""
        opcode, length = frame[0] & 0x0F, frame[1] & 0x7F
        start = 2 + {126: 2, 127: 8}.get(length, 0)
        mask = frame[start : start + 4] if frame[1] & 0x80 else b""
        body = frame[start + len(mask) :][:SHOWN_BYTES]
        plain = bytes(byte ^ mask[i % 4] for i, byte in enumerate(body)) if mask else body
        code = int.from_bytes(plain[:2], "big") if opcode == CLOSE and plain else None
        self.frames.append({
            "from": "browser" if is_from_peer else "server",
            "at": round(time.time() * 1000),
            "opcode": opcode,
            "fin": frame[0] >> 7,
            "size": len(frame),
            "head": frame[:start].hex(),
            "mask": mask.hex(),
            "code": code,
            "text": plain[2 if code else 0 :].decode(errors="replace") if opcode in (TEXT, CLOSE) else plain.hex(),
            "lost": is_lost,
        })  # fmt: skip


class WatchedDecoder(FrameDecoder):
    """Decodes as any other, and notes each frame as it came."""

    __slots__ = ("watch",)

    def __init__(self, before: FrameDecoder, watch: Watch) -> None:
        for name in FrameDecoder.__slots__:  # it may hold half a frame
            setattr(self, name, getattr(before, name))
        self.watch = watch

    def decode(self, data: bytes, limit: int) -> list[Frame]:
        raw = bytes(self._buffer) + data
        begun = time.perf_counter()
        messages = super().decode(data, limit)
        if self.watch.reading is not None:
            self.watch.reading.note("decode", begun, time.perf_counter())
        done = raw[: len(raw) - len(self._buffer)]
        while done:
            size = frame_size(done)
            self.watch.add(done[:size], is_from_peer=True)
            done = done[size:]
        return messages


def frame_size(data: bytes) -> int:
    """Return how many bytes the first frame in `data` has, its header and mask counted (RFC 6455, section 5.2)."""
    length, start = data[1] & 0x7F, 2
    if length >= 126:
        start += 2 if length == 126 else 8
        length = int.from_bytes(data[2:start], "big")
    return start + (4 if data[1] & 0x80 else 0) + length


class Watched(Client):
    """A socket that somebody watches. It has the slots of any other, so that one can become it."""

    __slots__ = ()
    _decoder: WatchedDecoder

    @property
    def watch(self) -> Watch:
        return self._decoder.watch

    def send(self, frame: bytes) -> bool:
        watch, body = self.watch, frame[2 if frame[1] < 126 else 4 :]
        if watch.lose_ack and body.startswith(ACK):
            watch.lose_ack = False
            self._note(frame, is_lost=True)
            return True
        if watch.way is not None and body.startswith(ACK) and b'"seq"' in body:
            watch.way.acknowledged = time.perf_counter()
        is_taken = super().send(frame)
        if is_taken:
            self._note(frame)
            if watch.send_twice and body.startswith(CHAT):
                watch.send_twice = False
                self.send(frame)
        return is_taken

    def end_with(self, last: bytes, reason: str) -> None:
        if last:
            self.watch.add(last, is_from_peer=False)
        tell(self)  # nothing goes behind a close frame
        super().end_with(last, reason)

    def received(self, text: str) -> None:
        before, way = self.owner, None
        if '"chat"' in text and self.watch.reading is not None:
            way = self.watch.way = self.watch.reading
            way.begin(self.chat.metrics.commits.sum)
        super().received(text)
        if way is not None:
            way.handled = time.perf_counter()
        if self.owner != before and isinstance(self, Watched):
            self.watch.room.tell_people(before, self.owner)
        tell_soon(self)

    def deliver(self, other: str, seq: int, frame: bytes) -> bool:
        begun = time.perf_counter()
        is_taken = super().deliver(other, seq, frame)
        self.watch.room.delivered(other, begun, time.perf_counter())
        return is_taken

    def flush(self) -> None:
        super().flush()
        way = self.watch.way
        if way is not None and way.acknowledged:
            self.watch.way = None
            super().send(encoded(way.told(time.perf_counter(), self.chat.metrics.commits.sum)))

    def read(self) -> None:
        if self.watch.step:
            self.watch.reading = Way()
        super().read()
        tell_soon(self)

    def left(self, reason: str) -> None:
        owner = self.owner
        super().left(reason)
        self.watch.room.left(self, owner)

    def _note(self, frame: bytes, is_lost: bool = False) -> None:
        self.watch.add(frame, is_from_peer=False, is_lost=is_lost)
        tell_soon(self)


def tell_soon(client: Client) -> None:
    """Tell of what was noted, at the end of this turn of the loop."""
    client.connections.loop.run_callback(tell, client)


def tell(client: Client) -> None:
    """Tell of the frames that were noted, by a frame that is not."""
    if isinstance(client, Watched):  # not any more, perhaps
        frames, client.watch.frames = client.watch.frames, []
        if frames and client.watch.is_told:
            Client.send(client, encoded({"type": "wire", "frames": frames}))


def watch(client: Client, room: Any) -> Watch:
    """Have the socket watched from now on; return what is kept of it."""
    if not isinstance(client, Watched):
        client._decoder = WatchedDecoder(client._decoder, Watch(room))
        client.__class__ = Watched  # its slots are the same
        _bind_anew(client)
    return client._decoder.watch  # type: ignore[no-any-return,attr-defined]


def unwatch(client: Client) -> None:
    """Tell of no more frames; make it an ordinary socket again, as it was, unless it is a pupil's."""
    tell(client)
    if isinstance(client, Watched) and client.watch.step:
        client.watch.is_told = False
    elif isinstance(client, Watched):
        plain, watched = FrameDecoder(0, 0), client._decoder
        for name in FrameDecoder.__slots__:
            setattr(plain, name, getattr(watched, name))
        client._decoder = plain  # type: ignore[assignment]
        client.__class__ = Client  # type: ignore[assignment]
        _bind_anew(client)


def _bind_anew(client: Client) -> None:
    """Have the loop's watcher, if there is one, call the method of the class that the socket has now."""
    watcher = client._writer
    if watcher is not None and watcher.active:
        watcher.stop()
        watcher.start(client.flush)
