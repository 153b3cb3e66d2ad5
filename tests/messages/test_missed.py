"""What a plain client missed, and how its user's `received` pointer follows what it has read."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from chat.errors import Busy, ChatError, Unavailable
from chat.messages.missed import Missed
from chat.messages.receipts import Receipts
from chat.people.online import Online
from chat.storage.records import Message, Pointer
from tests.messages.conftest import FakeConnections, FakePeer


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


class FakePages:
    """Reads the pages that it was given, and notes what each question left out."""

    def __init__(self, *pages: list[tuple[str, Message]]) -> None:
        self.left = list(pages)
        self.left_out: list[dict[str, int]] = []
        self.messages = SimpleNamespace(missed=self.missed)

    def missed(self, user_id: str, beyond: dict[str, int], limit: int, size: int) -> tuple[Any, bool]:
        self.left_out.append(beyond)
        return self.left.pop(0), bool(self.left)

    def in_thread(self, function: Callable[..., Any], *args: Any) -> Any:
        return function(*args)


def test_pages_are_read_one_after_the_other_and_ones_own_messages_are_only_noted(
    receipts: ToldReceipts, connections: FakeConnections, peer: FakePeer
) -> None:
    storage: Any = FakePages(
        [("alice", Message(1, "alice", "hi", 0, "c-1")), ("alice", Message(2, "bob", "my answer", 0, None))],
        [("carol", Message(5, "carol", "and I", 0, None))],
    )
    missed = Missed(storage, receipts, connections)  # type: ignore[arg-type]
    backlog = missed.backlog(peer, "bob")
    backlog.start(missed.older(backlog))
    assert storage.left_out == [], "nothing is read before there is a greenlet that may block"
    connections.run()
    events = [json.loads(frame[frame.index(b"{") :]) for frame in peer.sent]
    assert [(e["fromUserId"], e["toUserId"], e["message"], e["seq"]) for e in events] == [
        ("alice", "bob", "hi", 1),
        ("carol", "bob", "and I", 5),
    ]
    assert storage.left_out == [{}, {"alice": 2}]
    assert backlog.unproven == {"alice": 2, "carol": 5}
