"""What a plain client missed, and how its user's `received` pointer follows what it has read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import text

from chat.errors import Busy, ChatError, Unavailable
from chat.messages.missed import MOVED_AT_ONCE, PAGE_MESSAGES, Missed
from chat.messages.receipts import Receipts
from chat.people.online import Online
from chat.storage.message_reader import MOST_STARTS
from chat.storage.records import SEPARATOR, Pointer, Send
from chat.storage.storage import Storage
from tests.messages.conftest import FakeConnections, FakePeer
from tests.storage.conftest import open_storage


class FakeJournal:
    """Keeps the pointers, or answers them with `error`: at once where it is Busy, and else when it is settled."""

    def __init__(self) -> None:
        self.stored: list[Pointer] = []
        self.error: ChatError | None = None

    def append(self, pointer: Pointer, settle: Callable[[Pointer | ChatError], None], address: str) -> None:
        if isinstance(self.error, Busy):
            raise self.error
        if self.error is None:
            self.stored.append(pointer)
        settle(self.error or pointer)


class ToldReceipts(Receipts):
    def __init__(self, journal: FakeJournal) -> None:
        super().__init__(journal, Online())  # type: ignore[arg-type]
        self.told: list[tuple[Any, Any]] = []

    def tell(self, moved: Any, skip: object = None) -> None:
        self.told.append((moved, skip))


@pytest.fixture
def journal() -> FakeJournal:
    return FakeJournal()


@pytest.fixture
def receipts(journal: FakeJournal) -> ToldReceipts:
    return ToldReceipts(journal)


@pytest.fixture
def missed(journal: FakeJournal, receipts: ToldReceipts, connections: FakeConnections) -> Missed:
    storage: Any = SimpleNamespace(journal=journal)
    return Missed(storage, receipts, connections)  # type: ignore[arg-type]


def test_a_pong_moves_the_pointer_and_the_others_are_told(
    missed: Missed, journal: FakeJournal, receipts: ToldReceipts, peer: FakePeer
) -> None:
    backlog = missed.backlog(peer, "bob")
    backlog.start(None)
    backlog.deliver("alice", 7, b"7")
    missed.ask_for_proof()
    assert journal.stored == []
    backlog.ponged(peer.pings)
    pointer = Pointer("bob", "alice", 7, 0)
    assert journal.stored == [pointer]
    assert receipts.told == [(pointer, peer)]


@pytest.mark.parametrize("error", [Busy(), Unavailable()], ids=["the journal is full", "the disk fails"])
def test_a_pointer_that_could_not_be_stored_is_proven_again(
    missed: Missed, journal: FakeJournal, peer: FakePeer, error: ChatError
) -> None:
    backlog = missed.backlog(peer, "bob")
    backlog.start(None)
    backlog.deliver("alice", 7, b"7")
    missed.ask_for_proof()
    journal.error = error
    backlog.ponged(1)
    assert journal.stored == []
    journal.error = None
    missed.ask_for_proof()
    backlog.ponged(2)
    assert journal.stored == [Pointer("bob", "alice", 7, 0)]


def test_pointers_of_many_conversations_are_moved_a_few_at_a_time(
    missed: Missed, journal: FakeJournal, peer: FakePeer
) -> None:
    """Whoever writes waits for the commit that is under way, and gets Busy where the journal is full of pointers."""
    waiting: list[tuple[Pointer, Callable[[Pointer], None]]] = []
    journal.append = lambda pointer, settle, address: waiting.append((pointer, settle))  # type: ignore[method-assign]
    backlog = missed.backlog(peer, "bob")
    backlog.start(None)
    for other in range(1_000):
        backlog.deliver(f"other{other}", 3, b"3")
    missed.ask_for_proof()
    backlog.ponged(1)
    moved: list[Pointer] = []
    while waiting:
        assert len(waiting) <= MOVED_AT_ONCE
        commit, waiting[:] = [*waiting], []
        for pointer, settle in commit:
            moved.append(pointer)
            settle(pointer)
    assert sorted(moved) == sorted(Pointer("bob", f"other{other}", 3, 0) for other in range(1_000))
    assert not missed._moves, "nothing is kept of it"


class CountedStorage:
    """The storage in the test's own thread. Notes of how many places each page was read, and how large it was."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.user_key = storage.user_key
        self.messages = SimpleNamespace(missed=self.missed, behind=self.behind)
        self.questions = 0
        self.places: list[int] = []
        self.pages: list[int] = []

    def missed(self, user_id: str, places: dict[str, int], *args: Any) -> Any:
        page = self._storage.messages.missed(user_id, places, *args)
        self.places.append(len(places))
        self.pages.append(len(page.messages))
        return page

    def behind(self, user_id: str, after: int, limit: int) -> Any:
        found = self._storage.messages.behind(user_id, after, limit)
        self.places.append(len(found))
        return found

    def in_thread(self, function: Callable[..., Any], *args: Any) -> Any:
        self.questions += 1
        return function(*args)


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    opened = open_storage(f"sqlite:///{tmp_path}/chat.db")
    yield opened
    opened.close()


def test_pages_are_read_one_after_the_other_and_ones_own_messages_are_only_noted(
    storage: Storage, receipts: ToldReceipts, connections: FakeConnections, peer: FakePeer
) -> None:
    storage.writer.commit([Send("alice", "bob", "hi", "c-1"), Send("bob", "alice", "my answer", None)])
    storage.writer.commit([Send("carol", "bob", "and I", None)])
    counted: Any = CountedStorage(storage)
    missed = Missed(counted, receipts, connections)  # type: ignore[arg-type]
    backlog = missed.backlog(peer, "bob")
    backlog.start(missed.older(backlog, {}))
    assert counted.questions == 0, "nothing is read before there is a greenlet that may block"
    connections.run()
    assert [(e["fromUserId"], e["toUserId"], e["message"], e["seq"]) for e in events_of(peer)] == [
        ("alice", "bob", "hi", 1),
        ("carol", "bob", "and I", 1),
    ]
    assert backlog.unproven == {"alice": 2, "carol": 1}


def test_what_is_stored_while_a_client_catches_up_comes_live_and_not_to_the_socket_that_sent_it(
    storage: Storage, receipts: ToldReceipts, connections: FakeConnections, peer: FakePeer
) -> None:
    for sender, other, text_ in (("alice", "bob", "hi"), ("bob", "alice", "before"), ("bob", "alice", "meanwhile")):
        storage.writer.commit([Send(sender, other, text_, None)])
    counted: Any = CountedStorage(storage)
    missed = Missed(counted, receipts, connections)  # type: ignore[arg-type]
    sent, other_device = missed.backlog(peer, "bob"), missed.backlog(other_peer := FakePeer(), "bob")
    other_device.deliver("alice", 3, b'{"message": "meanwhile"}')
    for backlog in (sent, other_device):
        backlog.start(missed.older(backlog, {"alice": 2}))
        connections.run()
    assert [event["message"] for event in events_of(peer)] == ["hi"]
    assert [event["message"] for event in events_of(other_peer)] == ["hi", "meanwhile"]


def events_of(peer: FakePeer) -> list[dict[str, Any]]:
    return [json.loads(frame[frame.index(b"{") :]) for frame in peer.sent]


FILL = (
    "INSERT INTO conversations (id, kind, key, last_seq) SELECT n, 'direct', 'bob' || :sep || 'friend' || n, :each FROM n",
    "INSERT INTO members (user_id, conversation_id) SELECT 'bob', n FROM n",
    "INSERT INTO messages (conversation_id, seq, sender_id, body, sent_at)"
    " SELECT n.n, seq.n, 'friend' || n.n, 'hi', seq.n * 100000 + n.n FROM n, n AS seq WHERE seq.n <= :each",
)


@pytest.mark.parametrize(("conversations", "each"), [(5_000, 1), (1_200, 3), (20, 700), (1, 1_000)])
def test_what_waits_in_very_many_conversations_is_read_in_bounded_pages_each_message_once_and_in_order(
    storage: Storage,
    receipts: ToldReceipts,
    connections: FakeConnections,
    peer: FakePeer,
    conversations: int,
    each: int,
) -> None:
    numbers = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < :most)"
    with storage.database.transaction() as connection:
        for statement in FILL:
            into, query = statement.split(" SELECT ", 1)
            most = max(conversations, each) if "messages" in into else conversations
            bound = {"most": most, "each": each, "sep": SEPARATOR}
            where = f"{'AND' if 'WHERE' in query else 'WHERE'} n.n <= {conversations}"
            connection.execute(text(f"{into} {numbers} SELECT {query} {where}"), bound)
    counted: Any = CountedStorage(storage)
    missed = Missed(counted, receipts, connections)  # type: ignore[arg-type]
    backlog = missed.backlog(peer, "bob")
    backlog.start(missed.older(backlog, {}))
    connections.run()  # no pong ever comes
    heard: dict[str, list[int]] = {}
    for event in events_of(peer):
        heard.setdefault(event["fromUserId"], []).append(event["seq"])
    assert heard == {f"friend{n}": [*range(1, each + 1)] for n in range(1, conversations + 1)}
    assert max(counted.places) <= MOST_STARTS, "what a question names, and its answer, is bounded"
    assert max(counted.pages) <= PAGE_MESSAGES
    full_pages = conversations * each / PAGE_MESSAGES
    assert counted.questions <= 2 * full_pages + 4, "it walks once through the conversations"
