"""A worker that is alone publishes nothing; one that comes serves when the others publish for it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from chat.bus import members
from chat.bus.envelope import LOOK, Envelope, packed, unpacked
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

    def put(self, channel: bytes, data: bytes) -> None:
        to = channel.decode().partition(":")[2]
        for name, other in self._all.there.items():
            if name != self.worker.decode() and name not in self._all.deaf and to in ("all", name):
                assert other.hear(unpacked(data))

    def ask(self, *words: bytes) -> Any:
        return None if self._all.is_lost else [words[-1], len(self._all.there)]


def test_the_first_is_alone_until_another_comes_and_again_when_that_one_is_gone() -> None:
    all_ = Together()
    first = all_.join("a")
    assert first.is_alone
    second = all_.join("b")
    assert not first.is_alone
    assert not second.is_alone
    del all_.there["b"]
    assert not first.is_alone, "it has not looked"
    first.look()
    assert first.is_alone


def test_who_comes_waits_for_the_answer_of_each_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "ANSWER_SECONDS", 0.05)
    all_ = Together()
    all_.join("a")
    all_.join("b")
    assert all_.join("c")._missing == 0, "both have answered"
    all_.deaf.add("a")
    assert all_.join("d")._missing == 1, "it has not, and was waited for"


def test_a_hello_while_one_looks_contradicts_what_is_seen() -> None:
    all_ = Together()
    first = all_.join("a")
    bus = OfOne(all_, "a")
    first._bus = bus
    hello = Envelope(b"b", b"h", 0, "", b"")

    def too_late(*words: bytes) -> Any:
        first.hear(hello)
        return [words[-1], 1]  # counted before it came

    bus.ask = too_late  # type: ignore[method-assign]
    first.look()
    assert not first.is_alone


def test_where_nobody_knows_one_is_not_alone_and_what_is_said_besides_is_for_others() -> None:
    all_ = Together()
    first = all_.join("a")
    all_.is_lost = True
    first.look()
    assert not first.is_alone
    assert not first.hear(unpacked(packed(b"b", LOOK, 1, "", b"")))


def published(redis: Redis) -> int:
    found = re.search(rb"cmdstat_publish:calls=(\d+)", redis.ask(b"INFO commandstats"))
    return int(found[1]) if found else 0


def test_a_lone_worker_publishes_nothing_and_a_second_one_hears_all_from_its_first_moment(
    redis: Redis, start_server: StartServer, tmp_path: Any
) -> None:
    settings = {"CHAT_DATABASE_URL": f"sqlite:///{tmp_path}/chat.db", "CHAT_BUS_URL": redis.url}
    first = start_server(**settings)

    def are_published(alice: Person, count: int = 30) -> int:
        before = published(redis)
        for number in range(count):
            assert alice.ask(type="chat", toUserId="bob", message=str(number))["seq"]
        return published(redis) - before

    with Person(first.ws, "alice") as alice:
        assert are_published(alice) < 10, "its echo alone"
        second = start_server(**settings)
        with Person(second.ws, "bob") as bob:
            assert bob.receive("chat")["message"] == "0"
            assert are_published(alice) >= 30
            assert alice.ask(type="chat", toUserId="bob", message="hi")["delivered"] is True
            while bob.receive("chat")["message"] != "hi":
                pass
        second.process.kill()
        wait_for(lambda: are_published(alice, 5) < 5, "the first to know that it is alone")
