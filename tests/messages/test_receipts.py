"""Receipts of one pointer are moved as one, and each is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chat.errors import Busy, ChatError, Unavailable
from chat.messages.receipts import MOST_GATHERED, Receipts
from chat.people.online import Online
from chat.storage.records import Pointer


class FakeJournal:
    """Settles when it is told to."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Pointer, Callable[[Any], None]]] = []
        self.is_full = False

    def append(self, pointer: Pointer, settle: Callable[[Any], None], address: str) -> None:
        if self.is_full:
            raise Busy
        self.waiting.append((pointer, settle))

    def settle(self, error: ChatError | None = None) -> None:
        pointer, settle = self.waiting.pop(0)
        settle(error or pointer)


class ToldReceipts(Receipts):
    def tell(self, moved: Any, skip: object = None) -> None:
        if isinstance(moved, Pointer):
            self.told = [*getattr(self, "told", []), (moved.received, moved.read, skip)]


@pytest.fixture
def journal() -> FakeJournal:
    return FakeJournal()


@pytest.fixture
def receipts(journal: FakeJournal) -> ToldReceipts:
    return ToldReceipts(journal, Online())  # type: ignore[arg-type]


def test_a_burst_of_receipts_from_many_sockets_waits_as_one_record_and_each_gets_its_answer(
    receipts: ToldReceipts, journal: FakeJournal
) -> None:
    answers: list[Any] = []
    for seq in range(1, 401):
        receipts.move(Pointer("bob", "alice", seq, seq // 2), f"socket {seq}", answers.append)
    assert [pointer for pointer, _ in journal.waiting] == [Pointer("bob", "alice", 1, 0)]
    receipts.move(Pointer("bob", "carol", 1, 0), "socket 1", answers.append)
    assert len(journal.waiting) == 2, "another conversation's do not wait for it"
    journal.settle()
    assert answers == [None]
    assert [pointer for pointer, _ in journal.waiting][1:] == [Pointer("bob", "alice", 400, 200)]
    journal.settle()
    journal.settle()
    assert answers == [None] * 401
    assert receipts.told == [(1, 0, "socket 1"), (1, 0, "socket 1"), (400, 200, None)]
    receipts.move(Pointer("bob", "alice", 401, 0), "socket 1", answers.append)
    assert len(journal.waiting) == 1, "nothing is under way any more"


def test_the_socket_that_sent_all_of_them_is_not_told(receipts: ToldReceipts, journal: FakeJournal) -> None:
    for seq in (1, 2, 3):
        receipts.move(Pointer("bob", "alice", seq, 0), "socket", lambda _: None)
    journal.settle()
    journal.settle()
    assert receipts.told == [(1, 0, "socket"), (3, 0, "socket")]


def test_receipts_that_could_not_be_stored_each_get_the_error(receipts: ToldReceipts, journal: FakeJournal) -> None:
    answers: list[Any] = []
    for seq in (1, 2, 3):
        receipts.move(Pointer("bob", "alice", seq, 0), "socket", answers.append)
    journal.is_full = True
    journal.settle(Unavailable())
    assert sorted(error.code for error in answers) == ["busy", "busy", "unavailable"]
    with pytest.raises(Busy):
        receipts.move(Pointer("bob", "alice", 4, 0), "socket", answers.append)
    journal.is_full = False
    receipts.move(Pointer("bob", "alice", 4, 0), "socket", answers.append)
    for _ in range(MOST_GATHERED):
        receipts.move(Pointer("bob", "alice", 4, 0), "socket", answers.append)
    with pytest.raises(Busy):
        receipts.move(Pointer("bob", "alice", 4, 0), "socket", answers.append)
