"""Who is read in a turn of the loop, on real sockets: with epoll, and as on systems that have none."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from itertools import count, pairwise
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from gevent import get_hub
from gevent.event import Event

from chat.transport import poller as subject
from chat.transport.greenlets import Greenlets
from chat.transport.poller import MANY, PART, Poller


class Peer:
    """One end of a pair. `other` is the far end; what is read goes into `seen`."""

    def __init__(self) -> None:
        self.sock, self.other = socket.socketpair()
        self.sock.setblocking(False)
        self.polled: int | None = None
        self.seen: list[bytes] = []
        self.then: Callable[[], object] = lambda: None

    def read(self) -> None:
        self.seen.append(self.sock.recv(1))
        self.then()


class Scene:
    def __init__(self) -> None:
        self.failed: list[Any] = []
        self.poller = Poller(get_hub().loop, Greenlets(), self.failed.append)
        self.peers: list[Peer] = []

    def add(self, number: int) -> list[Peer]:
        added = [Peer() for _ in range(number)]
        self.peers += added
        for peer in added:
            self.poller.start(peer)
        return added

    def close(self) -> None:
        for peer in self.peers:
            self.poller.stop(peer)
            peer.sock.close()
            peer.other.close()


@pytest.fixture(params=["epoll", "without epoll"])
def scene(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    if request.param != "epoll":
        monkeypatch.setattr(subject, "_epoll", lambda: None)
    scene = Scene()
    assert (scene.poller._epoll is not None) == (request.param == "epoll")
    yield scene
    scene.close()
    assert not scene.poller._watchers  # an idle one holds nothing on the loop


def wait_until(condition: Callable[[], object]) -> None:
    with gevent.Timeout(20):
        while not condition():
            gevent.sleep(0.001)


def test_who_has_something_to_read_is_read_until_nothing_is_left(scene: Scene) -> None:
    one, silent = scene.add(2)
    one.other.sendall(b"abc")
    wait_until(lambda: len(one.seen) == 3)
    one.other.close()
    wait_until(lambda: b"" in one.seen)  # the end of the stream is something to read
    assert one.seen[:3] == [b"a", b"b", b"c"]
    assert silent.seen == []


def test_who_is_stopped_keeps_its_input_until_it_is_started_again(scene: Scene) -> None:
    one, other = scene.add(2)
    scene.poller.stop(one)
    scene.poller.stop(one)
    one.other.sendall(b"a")
    other.other.sendall(b"b")
    wait_until(lambda: other.seen)
    assert one.seen == []
    scene.poller.start(one)
    scene.poller.start(one)
    wait_until(lambda: one.seen == [b"a"])


def test_who_is_stopped_by_another_in_the_same_turn_is_not_read(scene: Scene) -> None:
    one, other, later = scene.add(3)
    one.then, other.then = lambda: scene.poller.stop(other), lambda: scene.poller.stop(one)
    one.other.sendall(b"a")
    other.other.sendall(b"b")
    wait_until(lambda: one.seen or other.seen)
    later.other.sendall(b"c")
    wait_until(lambda: later.seen)
    assert len(one.seen + other.seen) == 1


def test_who_waits_while_it_reads_holds_up_nobody(scene: Scene) -> None:
    peers = scene.add(3)
    go_on = Event()
    for peer in peers[:2]:
        peer.then = go_on.wait
    for peer in peers:
        peer.other.sendall(b"a")
    wait_until(lambda: all(peer.seen for peer in peers))
    assert not scene.failed
    go_on.set()


def test_no_variable_that_one_set_is_seen_by_the_next(scene: Scene) -> None:
    variable: ContextVar[str] = ContextVar("variable", default="none")
    found: list[str] = []
    for peer in scene.add(3):
        peer.then = lambda: (found.append(variable.get()), variable.set("set"))
        peer.other.sendall(b"a")
    wait_until(lambda: len(found) == 3)
    assert found == ["none"] * 3


def test_one_whose_reading_fails_does_not_take_the_others_turn(scene: Scene) -> None:
    peers = scene.add(3)

    def fail() -> None:
        raise ValueError

    for peer in peers[:2]:
        peer.then = fail
    for peer in peers:
        peer.other.sendall(b"a")
    wait_until(lambda: all(peer.seen for peer in peers))
    assert sorted(map(peers.index, scene.failed)) == [0, 1]


def test_a_descriptor_that_somebody_else_has_closed_can_be_stopped_and_used_again(scene: Scene) -> None:
    one, _ = scene.add(2)
    number = one.polled
    one.sock.close()
    other = scene.add(1)[0]
    assert other.polled == number, "need the same descriptor for this to mean anything"
    scene.poller.stop(one)
    other.other.sendall(b"a")
    wait_until(lambda: other.seen == [b"a"])


def turns_of(scene: Scene, number: int) -> list[int]:
    """How many each turn of the loop has read, where so many are readable at once."""
    peers = scene.add(number)
    read: list[int] = []  # how many when the loop came by
    watcher = get_hub().loop.prepare()
    watcher.start(lambda: read.append(sum(len(peer.seen) for peer in peers)))
    for peer in peers:
        peer.other.sendall(b"a")
    wait_until(lambda: all(peer.seen for peer in peers))
    watcher.stop()
    watcher.close()
    return [after - before for before, after in pairwise(read) if after > before]


def end_turn_after_one_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "time", SimpleNamespace(monotonic=count().__next__))  # a second passes at each look
    monkeypatch.setattr(subject, "TURN_SECONDS", 2.5)  # the look behind the first read is the third


@pytest.fixture
def whole_scene() -> Iterator[Scene]:
    scene = Scene()
    yield scene
    scene.close()


def test_a_turn_reads_all_of_a_few_sockets_and_of_many_a_part(
    whole_scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject, "TURN_SECONDS", 20)
    assert turns_of(whole_scene, 3 * PART) == [3 * PART]
    whole_scene.add(MANY - 3 * PART)
    assert turns_of(whole_scene, 3 * PART) == [PART] * 3


def test_a_turn_ends_when_its_time_is_over_and_the_next_goes_on_with_the_rest(
    whole_scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_turn_after_one_read(monkeypatch)
    assert turns_of(whole_scene, 5) == [1, 1, 1, 1, 1]


def test_who_is_stopped_before_the_rest_of_a_turn_is_not_read(
    whole_scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_turn_after_one_read(monkeypatch)
    peers = whole_scene.add(3)
    for peer in peers:
        peer.then = lambda: [whole_scene.poller.stop(other) for other in peers]
        peer.other.sendall(b"a")
    wait_until(lambda: any(peer.seen for peer in peers))
    later = whole_scene.add(1)[0]
    later.other.sendall(b"b")
    wait_until(lambda: later.seen)
    assert sum(len(peer.seen) for peer in peers) == 1
