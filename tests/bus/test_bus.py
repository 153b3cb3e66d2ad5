"""What is published in one turn of the loop goes together where it may, and each who asked is answered."""

from __future__ import annotations

import logging

from chat.bus.bus import Bus
from chat.bus.connection import MOST_TOGETHER, Publication
from chat.bus.envelope import EVENT, packed, unpacked

ONE, TWO, THREE = (packed(EVENT, 0, "", frame) for frame in (b"one", b"two", b"three"))


class Line:
    """What Bus needs of a connection: keeps what would be written at the turn's end."""

    def __init__(self) -> None:
        self.last: Publication | None = None
        self.waiting: list[bytes | Publication] = []

    def send(self, command: bytes) -> None:
        self.waiting.append(command)
        self.last = None

    def publish(self, publication: Publication) -> Publication:
        self.waiting.append(publication)
        self.last = publication
        return publication


def a_bus() -> tuple[Bus, Line]:
    bus, line = Bus("redis://nowhere", "p", lambda *_: None, logging.getLogger(__name__)), Line()
    bus._publishing = line  # type: ignore[assignment]
    return bus, line


def published(line: Line) -> list[tuple[bytes, int]]:
    return [(one.channel, len(one.parts)) for one in line.waiting if isinstance(one, Publication)]


def test_what_follows_on_one_channel_is_one_command_in_its_order() -> None:
    bus, line = a_bus()
    for letter in (ONE, TWO):
        bus.put(b"u:bob", letter)
    bus.put(b"u:amy", THREE)
    bus.put(b"u:bob", THREE)
    assert published(line) == [(b"u:bob", 2), (b"u:amy", 1), (b"u:bob", 1)]
    resp = bytes(line.waiting[0])
    head, _, data = resp.removesuffix(b"\r\n").partition(b"u:bob\r\n$")
    assert head == b"*3\r\n$7\r\nPUBLISH\r\n$5\r\n"
    length, _, data = data.partition(b"\r\n")
    assert int(length) == len(data)
    assert unpacked(data) == (bus.worker, [(EVENT, 0, "", b"one"), (EVENT, 0, "", b"two")])


def test_another_command_between_two_keeps_them_apart_and_so_does_a_size() -> None:
    bus, line = a_bus()
    bus.put(b"u:bob", ONE)
    bus.send(b"PING\r\n")
    bus.put(b"u:bob", TWO)
    bus.put(b"u:bob", b"x" * MOST_TOGETHER)
    bus.put(b"u:bob", THREE)
    assert published(line) == [(b"u:bob", 1), (b"u:bob", 2), (b"u:bob", 1)]


def test_each_who_asked_gets_the_reply_to_what_went_together() -> None:
    bus, _ = a_bus()
    told: list[tuple[str, object]] = []
    bus.put(b"u:bob", ONE, lambda reply: told.append(("one", reply)))
    bus.put(b"u:bob", TWO)
    bus.put(b"u:bob", THREE, lambda reply: told.append(("three", reply)))
    bus.put(b"u:amy", ONE, lambda reply: told.append(("amy", reply)))
    assert bus.asked == 2
    for reply in (3, 0):
        bus._answered(reply)
    assert told == [("one", 3), ("three", 3), ("amy", 0)]
    assert bus.answered == bus.asked == 2


def test_when_the_bus_is_lost_each_who_asked_is_told() -> None:
    bus, line = a_bus()
    line.close = lambda: None  # type: ignore[attr-defined]
    told: list[object] = []
    bus.put(b"u:bob", ONE, told.append)
    bus.put(b"u:bob", TWO, told.append)
    bus._drop()
    bus.put(b"u:bob", THREE, told.append)
    assert told == [None, None, None]
