"""Old messages are erased from the beginning, and everybody who reads knows it: on both engines."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import event, func, select

from chat.storage import look_up
from chat.storage.message_erasure import SLICE
from chat.storage.records import Change, Pointer, Send
from chat.storage.schema import messages
from chat.storage.storage import Storage
from tests.clock import Clock
from tests.storage.conftest import open_storage

DAY = 24 * 3600


@pytest.fixture
def storage(database_url: str, clock: Clock) -> Iterator[Storage]:
    opened = open_storage(database_url, clock)
    yield opened
    opened.close()


def send(storage: Storage, count: int, text: str = "number", to: str = "bob") -> None:
    """Alice writes so many messages."""
    storage.writer.commit([Send("alice", to, f"{text} {n}", f"{text}{n}") for n in range(1, count + 1)])


def erase(storage: Storage, clock: Clock, days: float = 1) -> int:
    """Erase all that is older; return how many transactions it took."""
    before_ms = int((clock.now - days * DAY) * 1000)
    place: int | None = 0
    steps = 0
    while place is not None:
        found, place = storage.erasure.old(place, before_ms)
        for conversation in found:
            steps += 1
            while storage.erasure.erase(conversation, before_ms):
                steps += 1
    return steps


def seqs(storage: Storage, **bounds: int) -> list[int]:
    return [message.seq for message in storage.messages.history("bob", "alice", 100, **bounds).messages]


def index(storage: Storage) -> None:
    while storage.search_index.step():
        pass


def test_what_is_old_goes_in_slices_and_what_is_new_stays(storage: Storage, clock: Clock) -> None:
    send(storage, 2 * SLICE + 5, "old")
    clock.now += 2 * DAY
    send(storage, 3, "new")
    assert erase(storage, clock) == 3
    first = 2 * SLICE + 6
    assert storage.messages.bounds("alice", "bob") == (first, first + 2)
    assert seqs(storage) == [first, first + 1, first + 2]
    assert seqs(storage, before=first) == []
    assert seqs(storage, after=0) == seqs(storage)
    [state] = storage.messages.standings("bob", 10)
    [overview] = storage.messages.overviews("bob", 10)
    assert (state.first_seq, overview.state.first_seq, overview.state.unread) == (first, first, 3)
    assert erase(storage, clock) == 0, "nothing is left to do"


def test_the_last_message_stays_as_a_tombstone_so_that_the_numbers_go_on(storage: Storage, clock: Clock) -> None:
    send(storage, 3)
    clock.now += 2 * DAY
    erase(storage, clock)
    [left] = storage.messages.history("alice", "bob", 10).messages
    assert (left.seq, left.body, left.client_id) == (3, "", None)
    assert erase(storage, clock) == 0
    [state] = storage.messages.standings("alice", 10)
    assert (state.with_user_id, state.first_seq, state.last_seq) == ("bob", 3, 3)
    send(storage, 1, "again")
    assert storage.messages.bounds("alice", "bob") == (3, 4)
    erase(storage, clock)
    assert seqs(storage) == [4]


def test_a_plain_client_is_sent_what_lies_behind_the_erased_range_and_no_tombstone(
    storage: Storage, clock: Clock
) -> None:
    send(storage, 30)
    send(storage, 1, to="carol")
    clock.now += 2 * DAY
    send(storage, 2, "new")
    erase(storage, clock)
    [behind] = storage.messages.behind("bob", 0, 10)
    assert (behind.with_user_id, behind.start, behind.end) == ("alice", 30, 32)
    found = storage.messages.missed("bob", {"alice": behind.start}, 10, 100_000)
    assert [one.message.body for one in found.messages] == ["new 1", "new 2"]
    assert not found.more
    assert storage.messages.missed("bob", {"alice": 5}, 10, 100_000).messages == found.messages
    assert storage.messages.missed("carol", {"alice": 0}, 10, 100_000).messages == []
    storage.writer.commit([], [Pointer("bob", "alice", 31, 0)])
    [behind] = storage.messages.behind("bob", 0, 10)
    assert (behind.start, behind.end) == (31, 32)


@pytest.mark.parametrize("is_indexed", [True, False])
def test_what_was_erased_is_found_no_more_and_leaves_the_index(
    storage: Storage, clock: Clock, is_indexed: bool
) -> None:
    send(storage, 5, "secret")
    if is_indexed:
        index(storage)
    clock.now += 2 * DAY
    send(storage, 5, "secret later")
    erase(storage, clock)
    index(storage)
    found = storage.search.messages("bob", "secret", 20).messages
    assert sorted(one.message.seq for one in found) == [6, 7, 8, 9, 10]
    if storage.database.is_sqlite:
        with storage.database.reading() as connection:
            rows = connection.exec_driver_sql("SELECT count(*) FROM trigrams WHERE trigrams MATCH 'secret'").scalar()
        assert rows == 5


def test_a_walk_looks_at_so_many_conversations_at_once_and_scans_no_table(
    storage: Storage, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look_up, "WALKED", 10)
    storage.writer.commit([Send("alice", f"user{n}", "hi", None) for n in range(25)])
    clock.now += 2 * DAY
    asked: list[tuple[str, object]] = []
    engine = storage.database.engine
    event.listen(engine, "before_cursor_execute", lambda _c, _u, text, values, _x, _m: asked.append((text, values)))
    assert erase(storage, clock) == 25
    statements = dict(asked)
    with storage.database.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(messages).where(messages.c.body != "")) == 0
    if not storage.database.is_sqlite:
        return
    plans = []
    for text, values in statements.items():
        if text.startswith(("SELECT", "UPDATE", "DELETE")) and "sqlite_master" not in text:
            with storage.database.reading() as connection:
                plans += [row[-1] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)]
    assert len(plans) > 5, "need the plans for this to mean anything"
    assert [plan for plan in plans if plan.startswith("SCAN") and "trigrams" not in plan] == []


def test_a_clock_that_was_set_back_erases_nothing_out_of_turn(storage: Storage, clock: Clock) -> None:
    send(storage, 2, "in the future")
    clock.now -= 10 * DAY
    send(storage, 2, "long ago")
    clock.now += 5 * DAY
    assert erase(storage, clock) == 0
    assert seqs(storage) == [1, 2, 3, 4]


def test_what_is_erased_is_a_change_with_the_next_number(storage: Storage, clock: Clock) -> None:
    send(storage, SLICE + 5)
    assert storage.messages.changes("bob", "alice", 0, 10) == ([], 0)
    clock.now += 2 * DAY
    send(storage, 1, "new")
    erase(storage, clock)
    found, last = storage.messages.changes("bob", "alice", 0, 10)
    assert (found, last) == ([Change(1, "erased", 1, SLICE), Change(2, "erased", SLICE + 1, SLICE + 5)], 2)
    assert storage.messages.changes("alice", "bob", 1, 10) == (found[1:], 2)
    assert storage.messages.changes("alice", "bob", 0, 1) == (found[:1], 2)
    assert [state.change for state in storage.messages.standings("bob", 10)] == [2]
    assert storage.messages.changes("alice", "carol", 0, 10) == ([], 0)


def test_what_is_old_goes_though_the_last_of_it_is_by_somebody_who_was_erased(storage: Storage, clock: Clock) -> None:
    storage.writer.commit([Send("bob", "alice", "old words", "b1"), Send("alice", "bob", "older still", "a1")])
    [place] = storage.person.conversations("alice", 0)
    assert storage.person.erase_messages(place.id, "alice", 0) == (1, None)
    clock.now += 2 * DAY
    erase(storage, clock)
    assert [message.body for message in storage.messages.history("alice", "bob", 10).messages] == [""]
