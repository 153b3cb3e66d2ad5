"""A stream that a server writes one event at a time is bounded, and says how it ended."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from chat.config import Settings
from chat.transport.event_stream import QueuedStream

ROOM = 65_536


def a_stream(left: list[str], seconds: float = 60) -> QueuedStream:
    settings = Settings(outbox_bytes=ROOM)
    return QueuedStream(settings, left.append, time.monotonic() + seconds)


def test_events_that_a_server_does_not_write_are_bounded_in_bytes() -> None:
    left: list[str] = []
    stream = a_stream(left)
    taken = 0
    while stream.send(b"x" * 1_000):
        taken += 1
    assert taken == ROOM // 1_000
    assert left == ["4008 reads too slowly"]


def test_what_a_server_has_written_makes_room() -> None:
    left: list[str] = []
    stream = a_stream(left)
    parts: Iterator[Any] = iter(stream)
    next(parts)
    for _ in range(3 * ROOM // 10_000):
        assert stream.has_room(10_000)
        stream.send(b"x" * 10_000)
        assert len(next(parts)) == 10_000
    stream.send(b"x" * 30_000)
    assert not stream.has_room(10_000), "half is left for what others send"
    assert left == []


def test_a_reader_that_hangs_up_was_cut_and_one_whose_time_is_over_was_not() -> None:
    left: list[str] = []
    parts: Any = iter(a_stream(left))
    next(parts)
    parts.close()  # as a server does after a write that failed
    assert left.pop() == "1006 the reader hung up"
    over = a_stream(left, seconds=0)
    over.send(b"x")
    assert len(list(over)) == 1
    assert left == [""]
