"""A worker that is alone publishes nothing; one that comes serves when the others publish for it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from itertools import count, takewhile
from typing import Any

import gevent
import pytest

from chat.bus import members
from chat.bus.envelope import HELLO, WELCOME, unpacked
from chat.bus.members import Members
from tests.clients import Person
from tests.conftest import StartServer
from tests.faults.scenarios import wait_for
from tests.redis import Redis


class Together:
    """A bus of several workers: all hear at once what is said to all. `deaf`: those who hear nothing."""

    def __init__(self) -> None:
        self.there: dict[str, Members] = {}
        self.deaf: set[str] = set()
        self.is_lost = False

    def join(self, name: str) -> Members:
        made = Members(OfOne(self, name))
        self.there[name] = made
        made.join()
        return made


class OfOne:
    """What Members needs of a bus."""

    def __init__(self, all_: Together, name: str) -> None:
        self._all = all_
        self.worker = name.encode()

    def channel(self, kind: str, name: str) -> bytes:
        return f"{kind}:{name}".encode()

    def put(self, channel: bytes, data: bytes, reader: Callable[[Any], None] = lambda _: None) -> None:
        to = channel.decode().partition(":")[2]
        heard_by = [name for name in self._all.there if to in ("all", name)]
        for name in heard_by:
            if name != self.worker.decode() and name not in self._all.deaf:
                worker, [(kind, number, _, _)] = unpacked(self.worker + b"\n" + data)
                self._all.there[name].hear(channel, worker, kind, number)
        reader(None if self._all.is_lost else len(heard_by))

    def send(self, command: bytes, reader: Callable[[Any], None]) -> None:
        assert b"NUMSUB" in command
        reader(None if self._all.is_lost else [b"w:all", len(self._all.there)])


def test_the_first_is_alone_until_another_comes_and_again_when_that_one_is_gone() -> None:
    all_ = Together()
    first = all_.join("a")
    doubted: list[str] = []
    first.joined = lambda: doubted.append("all")
    assert first.is_alone
    second = all_.join("b")
    assert doubted == ["all"], "what it kept to itself is published from now on"
    assert not first.is_alone
    assert not second.is_alone
    del all_.there["b"]
    assert not first.is_alone, "it has not looked"
    first.look()
    assert first.is_alone


def test_who_comes_waits_for_the_answer_of_each_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "ANSWER_SECONDS", 0.05)
    all_ = Together()
    for name in "ab":
        all_.join(name)
    third = all_.join("c")
    assert third.announce(third.all) == 2
    all_.deaf.add("a")
    assert third.announce(third.all) == 2
    all_.is_lost = True
    assert third.announce(third.all) is None


def test_who_comes_is_served_when_the_last_answer_is_there() -> None:
    all_ = Together()
    for name in "ab":
        all_.join(name)
    third = all_.join("c")
    all_.deaf.add("a")
    announced = gevent.spawn(third.announce, third.all)
    gevent.sleep(0)
    assert not announced.ready(), "one answer is missing"
    third.hear(b"w:c", b"a", WELCOME, 99)
    gevent.sleep(0)
    assert not announced.ready(), "that was one to another hello"
    third.hear(b"w:c", b"a", WELCOME, 2)
    assert announced.get(timeout=10) == 2


def test_a_hello_while_one_looks_contradicts_what_is_seen() -> None:
    all_ = Together()
    first = all_.join("a")
    bus: Any = OfOne(all_, "a")
    first._bus = bus

    def too_late(command: bytes, reader: Callable[[Any], None]) -> None:
        first.hear(first.all, b"b", HELLO, 1)
        reader([b"w:all", 1])  # counted before it came

    bus.send = too_late
    first.look()
    assert not first.is_alone


def test_to_look_waits_for_nobody_as_the_one_who_looks_has_to_notice_a_redis_that_is_silent() -> None:
    all_ = Together()
    first = all_.join("a")
    bus: Any = OfOne(all_, "a")
    first._bus = bus
    bus.send = lambda command, reader: None  # no answer ever comes
    first.look()
    assert first.is_alone, "as it was"


def test_where_nobody_knows_one_is_not_alone() -> None:
    all_ = Together()
    first = all_.join("a")
    all_.is_lost = True
    first.look()
    assert not first.is_alone


class Published:
    """What is published for users, as Redis tells it: `since()` counts what came since the last call."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._marks = count()
        self._monitor = socket.create_connection(("127.0.0.1", redis.port), timeout=10)
        self._monitor.sendall(b"MONITOR\r\n")
        self._lines = self._monitor.makefile("rb")

    def since(self) -> int:
        mark = b"mark-%d" % next(self._marks)
        self._redis.ask(b"ECHO " + mark)
        lines = iter(self._lines.readline, b"")
        return sum(b'"PUBLISH"' in line and b":u:" in line for line in takewhile(lambda line: mark not in line, lines))

    def close(self) -> None:
        self._lines.close()
        self._monitor.close()


@pytest.fixture
def published(redis: Redis) -> Iterator[Published]:
    watched = Published(redis)
    yield watched
    watched.close()


def test_nothing_is_published_for_who_is_only_here_and_who_comes_elsewhere_hears_all_from_the_first_moment(
    redis: Redis, published: Published, start_server: StartServer, tmp_path: Any
) -> None:
    settings = {"CHAT_DATABASE_URL": f"sqlite:///{tmp_path}/chat.db", "CHAT_BUS_URL": redis.url}
    first = start_server(**settings)

    def are_published(alice: Person, messages: int = 30) -> int:
        published.since()
        for number in range(messages):
            assert alice.ask(type="chat", toUserId="bob", message=str(number))["seq"]
        return published.since()

    quick = {"close_timeout": 0.1}  # with so much unread, nobody reads the answer to a close
    with Person(first.ws, "alice", **quick) as alice:
        assert are_published(alice) == 0, "the worker is alone"
        second = start_server(**settings)
        assert are_published(alice) >= 30, "bob may be there"
        with Person(first.ws, "bob", **quick) as bob:
            are_published(alice, 1)
            assert are_published(alice) == 0, "alice and bob are only here"
            with Person(second.ws, "bob", **quick) as bobs_other, Person(second.ws, "alice", **quick) as alices_other:
                assert alice.ask(type="chat", toUserId="bob", message="hi")["delivered"] is True
                for person in (bob, bobs_other, alices_other):
                    while person.receive("chat")["message"] != "hi":
                        pass
                assert are_published(alice) >= 60, "to both"
            wait_for(lambda: are_published(alice, 20) == 0, "both to be only here again")
        second.process.kill()
        wait_for(lambda: are_published(alice, 5) == 0, "the first to know that it is alone")
