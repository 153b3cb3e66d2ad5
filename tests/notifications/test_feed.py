"""What sockets are sent of notifications, and which of it counts as seen."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from chat.errors import Unavailable
from chat.notifications.feed import NOTIFICATION, PAGE, Feeds
from chat.storage.notifications import Content, Notice
from tests.messages.conftest import FakeConnections, FakePeer


class FakeStorage:
    """Holds notifications with the ids from 1 to `last`, none of them seen."""

    def __init__(self, last: int) -> None:
        self.last = last
        self.is_broken = False
        self.notifications = SimpleNamespace(after=self.after)

    def after(self, user_id: str, last: int, limit: int, unseen: bool = False) -> list[Notice]:
        if self.is_broken:
            raise Unavailable
        return [a_notice(n) for n in range(last + 1, min(last + limit, self.last) + 1)]

    def in_thread(self, function: Callable[..., Any], *args: Any) -> Any:
        return function(*args)


def a_notice(id_: int) -> Notice:
    return Notice(id_, Content(f"m{id_}", None, None, "info", 0, None), seen=False)


class Seen:
    """What was said to be seen: (user, ids, by which socket)."""

    def __init__(self) -> None:
        self.by: list[tuple[str, list[int], object]] = []

    def __call__(self, user_id: str, ids: Sequence[int], socket: object) -> None:
        self.by.append((user_id, list(ids), socket))


LAST = 2 * PAGE + 5


@pytest.fixture
def storage() -> FakeStorage:
    return FakeStorage(LAST)


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def feeds(storage: FakeStorage, seen: Seen, connections: FakeConnections) -> Feeds:
    return Feeds(storage, seen, connections)  # type: ignore[arg-type]


def ids_sent(peer: FakePeer) -> list[int]:
    return [json.loads(frame[frame.index(b"{") :])["id"] for frame in peer.sent]


def start(feeds: Feeds, peer: FakePeer, storage: FakeStorage) -> Any:
    feed = feeds.feed(peer, "bob")
    feed.start(feeds.older(feed, storage.after("bob", 0, PAGE)))
    return feed


def test_a_plain_client_is_sent_all_that_waits_and_each_counts_as_seen_when_its_pong_has_come(
    feeds: Feeds, storage: FakeStorage, seen: Seen, peer: FakePeer, connections: FakeConnections
) -> None:
    feed = start(feeds, peer, storage)
    connections.run()
    assert ids_sent(peer) == list(range(1, LAST + 1))
    feeds.ask_for_proof()
    feed.deliver(NOTIFICATION, LAST + 1, b"live")
    assert (peer.pings, seen.by) == (1, [])
    feed.ponged(1)
    assert seen.by == [("bob", list(range(1, LAST + 1)), peer)]
    feeds.ask_for_proof()
    feed.ponged(2)
    assert seen.by[1:] == [("bob", [LAST + 1], peer)]


def test_a_client_that_says_sync_is_sent_one_page_and_says_itself_what_was_seen(
    feeds: Feeds, storage: FakeStorage, seen: Seen, peer: FakePeer, connections: FakeConnections
) -> None:
    peer.wants_sync = True
    start(feeds, peer, storage)
    connections.run()
    assert ids_sent(peer) == list(range(1, PAGE + 1))
    feeds.ask_for_proof()
    assert peer.pings == 0
    assert seen.by == []


def test_a_new_one_waits_for_the_older_and_is_sent_once(
    feeds: Feeds, storage: FakeStorage, peer: FakePeer, connections: FakeConnections
) -> None:
    feed = start(feeds, peer, storage)
    feed.deliver(NOTIFICATION, LAST, b"stored before the older ones were read, shown meanwhile")
    feed.deliver(None, 0, b'{"id": "what is said of one"}')
    connections.run()
    assert ids_sent(peer) == [*range(1, LAST + 1), "what is said of one"]


def test_where_the_database_fails_behind_the_first_page_the_others_come_at_the_next_init(
    feeds: Feeds, storage: FakeStorage, peer: FakePeer, connections: FakeConnections
) -> None:
    feed = start(feeds, peer, storage)
    storage.is_broken = True
    connections.run()
    assert ids_sent(peer) == list(range(1, PAGE + 1))
    assert peer.closed is None
    assert feed.deliver(NOTIFICATION, LAST + 1, b"live")
    assert peer.sent[-1] == b"live"
