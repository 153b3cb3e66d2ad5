"""Whose search goes on and whose waits: one of each user, two at once, and nobody else behind them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import gevent
import gevent.event
import pytest

from chat.errors import RateLimited
from chat.messages.searching import USERS
from chat.server import ChatServer
from chat.storage.records import Page
from chat.storage.storage import SEARCHES_AT_ONCE

SECONDS = 10


class Searches:
    """Stands for `Search.messages`: what has begun, each going on in its thread until the test lets it end."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, str]] = []
        self.may_end = threading.Event()

    def messages(self, user_id: str, wanted: str, limit: int, before: Any) -> Page[Any]:
        self.begun.append((user_id, wanted))
        self.may_end.wait(SECONDS)
        return Page([], more=False)


@pytest.fixture
def searches(chat: ChatServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Searches]:
    monkeypatch.setattr("chat.messages.searching.Event", gevent.event.Event)  # of gevent, whose patches a server has
    faked = Searches()
    monkeypatch.setattr(chat.storage.search, "messages", faked.messages)
    yield faked
    faked.may_end.set()


def search(chat: ChatServer, user: str, wanted: str = "word") -> Any:
    def outcome() -> str:
        try:
            chat.searching.messages(user, wanted, 20, None)
        except RateLimited as error:
            return error.message
        return "found"

    return gevent.spawn(outcome)


def wait_for(searches: Searches, count: int) -> None:
    with gevent.Timeout(SECONDS):
        while len(searches.begun) < count:
            gevent.sleep(0.001)


def test_a_user_has_one_search_under_way_and_of_those_that_wait_the_newest_goes_on(
    chat: ChatServer, searches: Searches
) -> None:
    first, older, newest = [search(chat, "alice", wanted) for wanted in ("w", "wo", "wor")]
    assert "newer search" in older.get(timeout=SECONDS)
    wait_for(searches, 1)
    assert searches.begun == [("alice", "w")], "the second thread is free, and not for her"
    bobs = search(chat, "bob")
    wait_for(searches, 2)
    searches.may_end.set()
    assert [one.get(timeout=SECONDS) for one in (first, newest, bobs)] == ["found"] * 3
    assert searches.begun == [("alice", "w"), ("bob", "word"), ("alice", "wor")]


def test_a_search_that_is_given_up_while_it_waits_leaves_the_turn_to_the_next(
    chat: ChatServer, searches: Searches
) -> None:
    first, given_up = search(chat, "alice", "w"), search(chat, "alice", "wo")
    wait_for(searches, 1)
    given_up.kill()
    newest = search(chat, "alice", "wor")
    searches.may_end.set()
    assert [one.get(timeout=SECONDS) for one in (first, newest)] == ["found"] * 2
    assert searches.begun == [("alice", "w"), ("alice", "wor")]


def test_what_others_read_waits_behind_no_search_and_more_searchers_than_can_wait_are_refused(
    chat: ChatServer, searches: Searches
) -> None:
    searching = [search(chat, f"user{number}") for number in range(USERS)]
    wait_for(searches, SEARCHES_AT_ONCE)
    for _ in range(20):  # more than there are threads of either kind
        chat.storage.in_thread(chat.storage.messages.standings, "bystander", 10)
    assert len(searches.begun) == SEARCHES_AT_ONCE, "need searches that wait for this to mean anything"
    assert "Too many" in search(chat, "one more").get(timeout=SECONDS)
    searches.may_end.set()
    assert [one.get(timeout=SECONDS) for one in searching] == ["found"] * USERS
