"""The way from what is stored to what comes live: each item once, in order, and proven by a pong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from chat.errors import Unavailable
from chat.messages.backlog import Backlog, Item, ProvenBacklog, Source
from chat.protocol.structs import TOO_SLOW, TRY_AGAIN_LATER
from tests.messages.conftest import OUTBOX_BYTES, FakeConnections, FakePeer


class NotedSource(Source):
    """Keeps what was proven."""

    def __init__(self, connections: Any) -> None:
        super().__init__(connections)
        self.received: list[dict[Any, int]] = []

    def proven(self, backlog: ProvenBacklog, marks: Mapping[Any, int]) -> None:
        self.received.append(dict(marks))


@pytest.fixture
def source(connections: FakeConnections) -> NotedSource:
    return NotedSource(connections)


@pytest.fixture
def backlog(source: NotedSource, peer: FakePeer) -> ProvenBacklog:
    """Bob's. It holds what is live."""
    return ProvenBacklog(source, peer, "bob")


def items(*numbers: int, key: str = "alice") -> list[Item]:
    return [(key, number, b"%d" % number) for number in numbers]


# Each once, in order.


def test_live_items_wait_for_the_older_and_none_is_sent_twice(
    backlog: ProvenBacklog, peer: FakePeer, connections: FakeConnections
) -> None:
    assert backlog.deliver("alice", 3, b"3")  # stored before the older ones were read, delivered meanwhile
    assert backlog.deliver("alice", 4, b"4")
    assert backlog.start(items(1, 2, 3)) is False
    assert peer.sent == []
    connections.run()
    backlog.deliver("alice", 5, b"5")
    assert peer.sent == [b"1", b"2", b"3", b"4", b"5"]


def test_an_item_that_comes_while_older_ones_are_sent_comes_behind_them(
    backlog: ProvenBacklog, peer: FakePeer, connections: FakeConnections
) -> None:
    def older() -> Iterator[Item]:
        yield "alice", 1, b"1"
        backlog.deliver("alice", 3, b"3")
        yield "alice", 2, b"2"

    backlog.start(older())
    connections.run()
    assert peer.sent == [b"1", b"2", b"3"]


def test_the_older_items_of_one_key_say_nothing_of_another(
    backlog: ProvenBacklog, peer: FakePeer, connections: FakeConnections
) -> None:
    backlog.deliver("carol", 1, b"carol's first")
    backlog.start(items(1, 2))
    connections.run()
    assert peer.sent == [b"1", b"2", b"carol's first"]


def test_an_older_item_that_is_read_twice_is_sent_once(
    backlog: ProvenBacklog, peer: FakePeer, connections: FakeConnections
) -> None:
    backlog.start(items(1, 2, 2, 1, 3))
    connections.run()
    assert peer.sent == [b"1", b"2", b"3"]


def test_what_is_said_of_an_item_that_is_on_its_way_comes_behind_it(
    backlog: ProvenBacklog, peer: FakePeer, connections: FakeConnections
) -> None:
    backlog.deliver(None, 0, b"dismissed 1")
    backlog.start(items(1))
    connections.run()
    backlog.deliver(None, 0, b"dismissed 2")
    assert peer.sent == [b"1", b"dismissed 1", b"dismissed 2"]


def test_with_nothing_old_and_nothing_held_it_is_out_of_the_way_at_once(backlog: ProvenBacklog, peer: FakePeer) -> None:
    assert backlog.start(None) is True
    assert backlog.deliver("alice", 1, b"1")
    assert peer.sent == [b"1"]


def test_what_was_held_is_sent_where_there_is_nothing_old(
    backlog: ProvenBacklog, peer: FakePeer, connections: FakeConnections
) -> None:
    backlog.deliver("alice", 1, b"1")
    assert backlog.start(None) is False
    connections.run()
    assert peer.sent == [b"1"]


def test_one_that_is_over_sends_nothing_more(
    backlog: ProvenBacklog, peer: FakePeer, connections: FakeConnections, source: NotedSource
) -> None:
    def older() -> Iterator[Item]:
        yield "alice", 1, b"1"
        backlog.is_over = True
        yield "alice", 2, b"2"

    backlog.deliver("alice", 3, b"3")
    backlog.start(older())
    connections.run()
    source.ask_for_proof()
    assert peer.sent == [b"1"]
    assert peer.pings == 0
    assert not source.unproven
    backlog.note_again("alice", 1)
    assert not source.unproven


# A peer that is slow, and a database that fails.


def test_held_items_are_bounded_in_bytes(backlog: ProvenBacklog, peer: FakePeer) -> None:
    frame = b"x" * 10
    assert all(backlog.deliver("alice", n + 1, frame) for n in range(OUTBOX_BYTES // 10))
    assert peer.closed is None
    assert not backlog.deliver("alice", 1_000, frame)
    assert peer.closed == TOO_SLOW == 4008


def test_what_was_sent_does_not_count_as_held_any_more(
    backlog: ProvenBacklog, peer: FakePeer, connections: FakeConnections
) -> None:
    def deliver_more(size: int) -> bool:
        if len(peer.sent) <= 3:  # while the held ones are sent, as many come again
            backlog.deliver("alice", len(peer.sent) + 10, b"x" * OUTBOX_BYTES)
        return True

    backlog.deliver("alice", 1, b"x" * OUTBOX_BYTES)
    peer.has_room = deliver_more  # type: ignore[method-assign]
    backlog.start(None)
    connections.run()
    assert (len(peer.sent), peer.closed) == (5, None)


@pytest.mark.parametrize("held", [False, True], ids=["older", "held"])
def test_a_peer_without_room_is_waited_for(
    backlog: ProvenBacklog, peer: FakePeer, connections: FakeConnections, held: bool
) -> None:
    peer.has_space, peer.catches_up = False, True
    if held:
        backlog.deliver("alice", 1, b"1")
    backlog.start(None if held else items(1))
    connections.run()
    assert (peer.sent, peer.closed) == ([b"1"], None)


@pytest.mark.parametrize("held", [False, True], ids=["older", "held"])
def test_a_peer_that_takes_nothing_for_too_long_is_closed(
    backlog: ProvenBacklog, peer: FakePeer, connections: FakeConnections, held: bool
) -> None:
    peer.has_space = False
    if held:
        backlog.deliver("alice", 1, b"1")
    backlog.start(None if held else items(1, 2))
    connections.run()
    assert (peer.sent, peer.closed) == ([], 4008)


def test_where_older_items_cannot_be_read_the_peer_is_sent_away_to_come_back(
    backlog: ProvenBacklog, peer: FakePeer, connections: FakeConnections, caplog: pytest.LogCaptureFixture
) -> None:
    def older() -> Iterator[Item]:
        yield "alice", 1, b"1"
        raise Unavailable

    backlog.deliver("alice", 3, b"3")
    backlog.start(older())
    connections.run()
    assert (peer.sent, peer.closed) == ([b"1"], TRY_AGAIN_LATER)
    assert TRY_AGAIN_LATER == 1013
    assert "catching up failed for user='bob'" in caplog.text


# Proof.


def test_a_pong_proves_what_was_sent_before_its_ping_and_nothing_else(
    backlog: ProvenBacklog, source: NotedSource, peer: FakePeer
) -> None:
    backlog.start(None)
    backlog.deliver("alice", 1, b"1")
    backlog.deliver("alice", 2, b"2")
    backlog.deliver("carol", 7, b"7")
    source.ask_for_proof()
    backlog.deliver("alice", 3, b"3")
    assert backlog.unproven == {"alice": 3, "carol": 7}
    backlog.ponged(peer.pings)
    assert source.received == [{"alice": 2, "carol": 7}]
    assert backlog.unproven == {"alice": 3}


def test_one_ping_goes_behind_many_items_and_none_while_one_is_on_its_way(
    backlog: ProvenBacklog, source: NotedSource, peer: FakePeer
) -> None:
    backlog.start(None)
    source.ask_for_proof()
    assert peer.pings == 0, "nothing was sent"
    for n in range(1, 101):
        backlog.deliver("alice", n, b"")
    for _ in range(3):
        source.ask_for_proof()
        backlog.deliver("alice", 101, b"")
    assert peer.pings == 1
    backlog.ponged(1)
    source.ask_for_proof()
    assert peer.pings == 2
    backlog.ponged(2)
    source.ask_for_proof()
    assert (peer.pings, source.received) == (2, [{"alice": 100}, {"alice": 101}])


def test_the_pong_of_an_earlier_ping_proves_nothing_and_that_of_a_later_one_does(
    backlog: ProvenBacklog, source: NotedSource, peer: FakePeer
) -> None:
    peer.pings = 4  # pings of others, such as the heartbeat's
    backlog.start(None)
    backlog.deliver("alice", 1, b"1")
    source.ask_for_proof()
    backlog.ponged(4)
    assert source.received == []
    backlog.ponged(6)
    assert source.received == [{"alice": 1}]


def test_an_own_item_is_proven_without_being_sent(
    backlog: ProvenBacklog, source: NotedSource, peer: FakePeer, connections: FakeConnections
) -> None:
    backlog.start([("alice", 1, None)])
    connections.run()
    source.ask_for_proof()
    backlog.ponged(peer.pings)
    assert (peer.sent, source.received) == ([], [{"alice": 1}])


def test_what_is_said_of_an_item_needs_no_proof(backlog: ProvenBacklog, source: NotedSource, peer: FakePeer) -> None:
    backlog.start(None)
    backlog.deliver(None, 0, b"dismissed 1")
    source.ask_for_proof()
    assert (peer.sent, peer.pings) == ([b"dismissed 1"], 0)


def test_an_item_that_was_not_taken_is_not_proven(backlog: ProvenBacklog, source: NotedSource, peer: FakePeer) -> None:
    backlog.start(None)
    peer.close(1000)
    assert not backlog.deliver("alice", 1, b"1")
    assert backlog.unproven == {}


def test_what_could_not_be_stored_is_proven_again(backlog: ProvenBacklog, source: NotedSource, peer: FakePeer) -> None:
    backlog.start(None)
    backlog.deliver("alice", 1, b"1")
    source.ask_for_proof()
    backlog.ponged(1)
    backlog.note_again("alice", 1)
    source.ask_for_proof()
    backlog.ponged(2)
    assert source.received == [{"alice": 1}, {"alice": 1}]


def test_a_later_item_of_the_same_key_is_not_undone_by_one_that_is_noted_again(
    backlog: ProvenBacklog, source: NotedSource
) -> None:
    backlog.start(None)
    backlog.deliver("alice", 5, b"5")
    backlog.note_again("alice", 1)
    assert backlog.unproven == {"alice": 5}


def test_a_reader_of_a_stream_is_never_asked_for_proof(source: NotedSource, peer: FakePeer) -> None:
    plain = Backlog(source, peer, "bob")
    plain.start(None)
    plain.deliver("alice", 1, b"1")
    source.ask_for_proof()
    assert (peer.sent, peer.pings) == ([b"1"], 0)
