"""What is promised of stored messages, on both engines."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event, inspect, text

from chat.storage import migrate
from chat.storage.records import Conflict, Pointer, Send, Stored
from chat.storage.schema import metadata
from chat.storage.storage import Storage
from tests.clock import Clock
from tests.storage.conftest import open_storage


def say(storage: Storage, *sends: tuple[str, str, str] | tuple[str, str, str, str]) -> list[int]:
    """Storage messages (from, to, text[, clientId]) and return their seqs."""
    outcomes, _ = storage.writer.commit([Send(*(*send, None)[:4]) for send in sends])
    return [outcome.seq for outcome in outcomes]


def point(storage: Storage, user: str, other: str, received: int, read: int) -> Pointer | None:
    _, [moved] = storage.writer.commit([], [Pointer(user, other, received, read)])
    return moved


@pytest.fixture
def second_writer(storage: Storage, database_url: str) -> Iterator[Storage]:
    """Another process on the same database."""
    other = open_storage(database_url)
    yield other
    other.close()


def test_the_migrations_make_the_tables_of_the_schema(storage: Storage) -> None:
    made = inspect(storage.database.engine)
    for table in metadata.sorted_tables:
        columns = {column["name"]: column["nullable"] for column in made.get_columns(table.name)}
        assert columns == {column.name: column.nullable for column in table.columns}
        assert made.get_pk_constraint(table.name)["constrained_columns"] == [
            column.name for column in table.primary_key
        ]
    [unique] = made.get_unique_constraints("messages")
    assert unique["column_names"] == ["client_id", "conversation_id", "sender_id"]


def test_to_upgrade_a_second_time_changes_nothing(storage: Storage) -> None:
    say(storage, ("alice", "bob", "hi"))
    migrate.upgrade(storage.database.engine)
    assert len(storage.messages.history("alice", "bob", 10).messages) == 1


def test_seqs_run_without_gaps_in_each_conversation_and_in_the_order_of_sending(storage: Storage) -> None:
    first = [("alice", "bob", "1"), ("alice", "carol", "1"), ("bob", "alice", "2")]
    assert say(storage, *first) == [1, 1, 2]
    assert say(storage, ("carol", "alice", "2"), ("alice", "bob", "3")) == [2, 3]
    assert [message.body for message in storage.messages.history("bob", "alice", 10).messages] == ["1", "2", "3"]


def test_a_repeated_send_gets_its_first_place_in_the_same_commit_or_a_later_one(storage: Storage) -> None:
    send = Send("alice", "bob", "hi", "c1")
    [[first, again], _] = storage.writer.commit([send, send])
    assert isinstance(first, Stored)
    assert not first.repeated
    assert again == Stored(first.seq, first.sent_at, repeated=True)
    [[new, later], _] = storage.writer.commit([Send("alice", "bob", "next", "c2"), send])
    assert new.seq == 2
    assert later == again
    assert len(storage.messages.history("alice", "bob", 10).messages) == 2


def test_another_text_under_the_same_client_id_is_a_conflict_and_is_not_stored(storage: Storage) -> None:
    [outcomes, _] = storage.writer.commit(
        [Send("alice", "bob", "hi", "c1"), Send("alice", "bob", "ho", "c1"), Send("bob", "alice", "ho", "c1")]
    )
    assert outcomes[1] == Conflict(1)
    assert outcomes[2].seq == 2, "the id is the sender's own: another may use it"
    [[later], _] = storage.writer.commit([Send("alice", "bob", "hu", "c1")])
    assert later == Conflict(1)
    assert [message.body for message in storage.messages.history("alice", "bob", 10).messages] == ["hi", "ho"]


def test_a_kind_is_read_again_and_another_kind_under_the_same_client_id_is_a_conflict(storage: Storage) -> None:
    poll = Send("alice", "bob", "Shall we?", "c1", "poll")
    [stored], _ = storage.writer.commit([poll])
    assert isinstance(stored, Stored)
    assert storage.writer.commit([poll])[0] == [Stored(1, stored.sent_at, repeated=True)]
    assert storage.writer.commit([Send("alice", "bob", "Shall we?", "c1")])[0] == [Conflict(1)]
    assert [message.kind for message in storage.messages.history("alice", "bob", 10).messages] == ["poll"]
    missed = storage.messages.missed("bob", {"alice": 0}, 10, 1_000).messages
    assert [found.message.kind for found in missed] == ["poll"]


def test_messages_without_a_client_id_are_each_stored(storage: Storage) -> None:
    assert say(storage, ("alice", "bob", "hi"), ("alice", "bob", "hi")) == [1, 2]


def test_a_note_to_oneself_is_a_conversation_of_one(storage: Storage) -> None:
    assert say(storage, ("alice", "alice", "milk")) == [1]
    [overview] = storage.messages.overviews("alice", 10)
    assert (overview.state.with_user_id, overview.state.unread, overview.state.their_read) == ("alice", 0, 0)


@pytest.mark.parametrize("body", ["안녕 👩‍👩‍👧", "' OR 1=1; --", "%s ? :x", "\n\t", "x" * 60_000])
def test_a_text_comes_back_as_it_was(storage: Storage, body: str) -> None:
    say(storage, ("김한글", "O'Neil %s", body))
    [message] = storage.messages.history("O'Neil %s", "김한글", 10).messages
    assert (message.sender_id, message.body) == ("김한글", body)


def test_pointers_only_move_forward_and_never_beyond_the_last_message(storage: Storage) -> None:
    say(storage, *[("alice", "bob", str(n)) for n in range(5)])
    assert point(storage, "bob", "alice", 3, 1) == Pointer("bob", "alice", 3, 1)
    assert point(storage, "bob", "alice", 2, 1) is None
    assert point(storage, "bob", "alice", 0, 4) == Pointer("bob", "alice", 4, 4), "read is received"
    assert point(storage, "bob", "alice", 99, 0) == Pointer("bob", "alice", 5, 4)
    assert point(storage, "bob", "nobody", 1, 1) is None
    [overview] = storage.messages.overviews("bob", 10)
    assert (overview.state.received, overview.state.read, overview.state.unread) == (5, 4, 1)
    [overview] = storage.messages.overviews("alice", 10)
    assert (overview.state.their_received, overview.state.their_read, overview.state.unread) == (5, 4, 0)


def test_a_message_and_a_pointer_to_it_may_come_in_one_commit(storage: Storage) -> None:
    pointers = [Pointer("bob", "alice", 1, 0), Pointer("bob", "alice", 0, 1), Pointer("bob", "alice", 1, 1)]
    _, moved = storage.writer.commit([Send("alice", "bob", "hi", None)], pointers)
    assert moved == [pointers[0], Pointer("bob", "alice", 1, 1), None]


def test_overviews_come_newest_first_and_in_pages(storage: Storage) -> None:
    clock = iter(range(1, 100))
    storage.database.own_clock._clock = lambda: next(clock)
    for other in ("bob", "carol", "dan", "bob"):
        say(storage, (other, "alice", f"from {other}"))
    overviews = storage.messages.overviews("alice", 2)
    assert [(o.state.with_user_id, o.state.unread, o.state.last_seq) for o in overviews] == [
        ("bob", 2, 2),
        ("dan", 1, 1),
    ]
    place = overviews[-1].last_message.sent_at, "dan"
    assert [o.state.with_user_id for o in storage.messages.overviews("alice", 2, place)] == ["carol"]
    say(storage, ("alice", "eve", "new"), ("dan", "alice", "again"))
    assert [o.state.with_user_id for o in storage.messages.overviews("alice", 2, place)] == ["carol"]
    assert storage.messages.overviews("nobody", 2) == []


def test_a_page_of_overviews_looks_nothing_up_by_scanning_a_table(storage: Storage) -> None:
    """The list of a user with few conversations costs little, however many others there are."""
    if storage.database.engine.dialect.name != "sqlite":
        return  # PostgreSQL plans by its statistics, and scans what is as small as this
    asked: list[tuple[str, Any]] = []
    event.listen(
        storage.database.engine,
        "before_cursor_execute",
        lambda _c, _cursor, statement, values, _x, _m: asked.append((statement, values)),
    )
    say(storage, ("bob", "alice", "hi"))
    asked.clear()
    storage.messages.overviews("alice", 2, (2**53, "bob"))
    questions = [one for one in asked if one[0].startswith("SELECT")]
    assert questions, "need the statements for this to mean anything"
    with storage.database.engine.connect() as connection:
        for statement, values in questions:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
            scanned = {step.detail for step in plan if step.detail.startswith("SCAN")}
            assert scanned <= {"SCAN page", "SCAN listed", "SCAN unread", "SCAN CONSTANT ROW"}, "not a table"


def test_history_is_paged_by_seq_in_both_directions(storage: Storage) -> None:
    say(storage, *[("alice", "bob", str(n)) for n in range(1, 11)])

    def seqs(**bounds: int) -> list[int]:
        return [message.seq for message in storage.messages.history("alice", "bob", 3, **bounds).messages]

    assert seqs() == [8, 9, 10]
    assert seqs(before=8) == [5, 6, 7]
    assert seqs(before=2) == [1]
    assert seqs(after=0) == [1, 2, 3]
    assert seqs(after=9) == [10]
    assert seqs(after=10) == []
    assert seqs(after=2, before=5) == [3, 4]
    assert storage.messages.history("alice", "nobody", 3).messages == []


def missed(storage: Storage, user: str, limit: int = 100, size: int = 10_000, **beyond: int) -> Any:
    """[(with whom, seq), ...] of a page, and whether there are more."""
    found = storage.messages.behind(user, 0, 100)
    places = {one.with_user_id: max(one.start, beyond.get(one.with_user_id, 0)) for one in found}
    page, more = storage.messages.missed(user, places, limit, size) if places else ([], False)
    return [(other, message.seq) for other, message in page], more


def test_what_was_missed_comes_oldest_first_and_never_overtakes_where_the_clock_was_set_back(database_url: str) -> None:
    clock = Clock()
    storage = open_storage(database_url, clock)
    for clock.now, sender, receiver in (
        (300, "alice", "bob"), (100, "alice", "bob"), (200, "carol", "bob"), (150, "bob", "carol"), (400, "alice", "bob"),
    ):  # fmt: skip
        say(storage, (sender, receiver, "hi"))
    everything = [("carol", 1), ("carol", 2), ("alice", 1), ("alice", 2), ("alice", 3)]
    assert missed(storage, "bob") == (everything, False)
    assert missed(storage, "bob", 3) == (everything[:3], True)
    assert missed(storage, "bob", 3, carol=2, alice=1) == (everything[3:], False)
    point(storage, "bob", "alice", 2, 0)
    assert missed(storage, "bob", carol=2, alice=1) == (everything[4:], False)
    assert missed(storage, "nobody") == ([], False)
    storage.close()


def test_what_was_missed_is_paged_by_number_and_by_size(storage: Storage) -> None:
    say(storage, *[("bob", "alice", "mine")] * 5, *[("alice", "bob", "x" * 100)] * 5)
    seqs, more, beyond = [], True, 0
    while more:
        [*page], more = missed(storage, "bob", 2, alice=beyond)
        assert 1 <= len(page) <= 2
        seqs += [seq for _, seq in page]
        beyond = seqs[-1]
    assert seqs == list(range(1, 11)), "own ones too, as a page may hold nothing else"
    assert missed(storage, "bob", size=201, alice=5) == ([("alice", n) for n in (6, 7, 8)], True)
    assert missed(storage, "bob", size=1, alice=9) == ([("alice", 10)], False)


def test_several_writers_share_a_conversation_without_gaps_or_doubles(storage: Storage, second_writer: Storage) -> None:
    """Each commit that one sees is followed by whole ones only: commit order is seq order."""
    failures: list[BaseException] = []

    def write(writer: Storage, name: str) -> None:
        try:
            for batch in range(20):
                sends = [Send("alice", f"bob{n % 3}", f"{name} {batch}", f"{name}-{batch}-{n}") for n in range(9)]
                writer.writer.commit([*sends, Send("alice", "bob0", "shared", f"shared-{batch}")])
        except BaseException as error:
            failures.append(error)

    threads = [
        threading.Thread(target=write, args=(writer, name))
        for writer, name in ((storage, "one"), (second_writer, "two"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
    for other, count in (("bob0", 2 * 20 * 3 + 20), ("bob1", 120), ("bob2", 120)):
        history = storage.messages.history("alice", other, 1_000).messages
        assert [message.seq for message in history] == list(range(1, count + 1))
    shared = [m.client_id for m in storage.messages.history("alice", "bob0", 1_000).messages if m.body == "shared"]
    assert sorted(set(shared)) == sorted(shared), "a repeat by another writer is found"


def test_a_commit_that_fails_stores_nothing_and_the_next_one_works(storage: Storage) -> None:
    say(storage, ("alice", "bob", "before"))
    message_append = storage.writer._message_append
    good = message_append._insert_message
    message_append._insert_message = good.replace("messages", "no_such_table")
    with pytest.raises(Exception, match="no_such_table"):
        say(storage, ("alice", "bob", "lost"), ("alice", "carol", "lost too"))
    message_append._insert_message = good
    assert say(storage, ("alice", "bob", "after"), ("alice", "carol", "first")) == [2, 1]


def test_sqlite_keeps_what_was_committed_through_a_power_cut(storage: Storage) -> None:
    if storage.database.engine.dialect.name != "sqlite":
        return  # PostgreSQL's own defaults say the same: fsync and synchronous_commit are on
    say(storage, ("alice", "bob", "hi"))
    assert storage.database._writer.connection is not None
    for pragma, value in (("synchronous", 2), ("foreign_keys", 1), ("journal_mode", "wal")):
        assert storage.database._writer.connection.execute(text(f"PRAGMA {pragma}")).scalar() == value
    storage.database._writer.connection.rollback()
