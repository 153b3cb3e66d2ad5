"""Several workers write and read one database at once: each finds what the others have stored, and none is in the way."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, text

from chat.errors import Blocked
from chat.protocol.conversation_settings import ConversationSettings
from chat.protocol.names import name_key
from chat.server import ChatServer
from chat.storage import migrate, search_index
from chat.storage.database import Database
from chat.storage.notifications import Content, Once
from chat.storage.own_clock import OwnClock
from chat.storage.records import Pointer, Send
from chat.storage.sessions import EndedSession
from chat.storage.storage import Storage
from tests.conftest import MakeChat
from tests.storage.conftest import JOURNAL_RECORDS, open_storage

SECONDS = 30  # for what comes at once, on a busy machine
HI = Content("hi", None, None, "info", 1, None)
LOCKED_OUT = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


@pytest.fixture
def other(storage: Storage, database_url: str) -> Iterator[Storage]:
    """Another worker on the same database."""
    opened = open_storage(database_url)
    yield opened
    opened.close()


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Call each in a thread; return what they return, in their order."""
    outcomes: list[Any] = [None] * len(calls)

    def run(number: int) -> None:
        try:
            outcomes[number] = calls[number]()
        except BaseException as error:
            outcomes[number] = error

    threads = [threading.Thread(target=run, args=[number]) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return outcomes


def overlapping(first: Storage, one: Callable[[], Any], second: Storage, two: Callable[[], Any]) -> list[Any]:
    """Call `one`, which commits in `first` only when `two`, of `second`, waits for it. SQLite's lock has it wait."""
    if first.database.is_sqlite:
        return [one(), two()]
    has_begun = threading.Event()

    def before_commit(connection: Connection) -> None:
        if not connection.get_execution_options().get("writes"):
            return
        has_begun.set()
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            with first.database.reading() as looking:
                if looking.execute(text(LOCKED_OUT)).scalar():
                    return
        raise AssertionError("nobody waits")

    def when_it_has() -> Any:
        assert has_begun.wait(SECONDS)
        return two()

    event.listen(first.database.engine, "commit", before_commit)
    try:
        return at_once(one, when_it_has)
    finally:
        event.remove(first.database.engine, "commit", before_commit)


# Messages.


def test_two_workers_that_meet_a_new_name_at_once_agree_on_one_spelling(storage: Storage, other: Storage) -> None:
    mine, theirs = Send("alice", "Bob", "hi", "c1"), Send("alice", "BOB", "ho", "c2")
    [[[first], _], [[second], _]] = overlapping(
        storage, lambda: storage.writer.commit([mine]), other, lambda: other.writer.commit([theirs])
    )
    assert (first.seq, second.seq) == (1, 2), "one conversation"
    assert (mine.receiver_id, theirs.receiver_id) == ("Bob", "Bob"), "to whom it is delivered"
    back = Send("BOB", "alice", "back", None)  # by whom is here as BOB, until the worker learns it
    assert other.writer.commit([back])[0][0].seq == 3  # type: ignore[union-attr]
    assert back.sender_id == "Bob"
    assert [m.body for m in storage.messages.history("alice", "Bob", 9).messages] == ["hi", "ho", "back"]


def test_many_new_conversations_of_the_same_people_do_not_lock_each_other_out(storage: Storage, other: Storage) -> None:
    names = [f"user{number:03}" for number in range(1_100)]  # more than one statement names

    def sends(people: list[str], one: str) -> list[Send]:
        return [Send(one, name, "hi", f"{one}-{name}") for name in people]

    at_once(
        lambda: [storage.writer.commit(sends(names, one)) for one in ("alice", "bob")],
        lambda: [other.writer.commit(sends(names[::-1], one)) for one in ("bob", "alice")],
    )
    with storage.database.reading() as connection:
        assert connection.execute(text("SELECT count(*), min(last_seq), max(last_seq) FROM conversations")).one() == (
            2_200, 1, 1,
        )  # fmt: skip


def test_a_pointer_that_two_workers_move_never_goes_back(storage: Storage, other: Storage) -> None:
    storage.writer.commit([Send("alice", f"bob{n}", "hi", None) for n in range(600) for _ in range(2)])
    both = [[Pointer(f"bob{n}", "alice", seq, 0) for n in range(600)] for seq in (1, 2)]
    at_once(
        lambda: [storage.writer.commit([], pointers[::-1]) for pointers in both],
        lambda: [other.writer.commit([], pointers) for pointers in both],
    )
    with storage.database.reading() as connection:
        moved = "SELECT count(*) FROM members WHERE user_id LIKE 'bob%' AND received_seq = 2"
        assert connection.execute(text(moved)).scalar() == 600


def test_two_workers_that_erase_one_conversation_note_it_once(storage: Storage, other: Storage) -> None:
    storage.writer.commit([Send("alice", "bob", "hi", None) for _ in range(5)])
    [place], _ = storage.erasure.old(0, 1 << 60)
    overlapping(
        storage, lambda: storage.erasure.erase(place, 1 << 60), other, lambda: other.erasure.erase(place, 1 << 60)
    )
    changes, _ = storage.messages.changes("alice", "bob", 0, 9)
    assert [(change.first_seq, change.last_seq) for change in changes] == [(1, 5)]


def test_what_a_dead_worker_left_out_of_the_search_index_another_one_indexes(
    storage: Storage, other: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not storage.database.is_sqlite:
        return  # the database keeps it
    while other.search_index.step():
        pass
    storage.writer.commit([Send("alice", "bob", "a word", None)])  # and dies
    monkeypatch.setattr(search_index.time, "monotonic", lambda: 1e9)
    while other.search_index.step():
        pass
    with storage.database.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM trigrams WHERE trigrams MATCH 'word'")).scalar() == 1


# People.


def test_when_somebody_was_last_seen_never_goes_back(storage: Storage, other: Storage) -> None:
    storage.last_seen.note({"alice": 2_000})
    other.last_seen.note({"alice": 1_000, "bob": 500})
    with storage.database.reading() as connection:
        found = connection.execute(text("SELECT user_id, at FROM last_seen ORDER BY user_id")).all()
    assert [tuple(row) for row in found] == [("alice", 2_000), ("bob", 500)]


def test_settings_of_a_conversation_that_two_workers_set_at_once_are_the_last_ones(
    storage: Storage, other: Storage
) -> None:
    muted, unread = (
        ConversationSettings(with_user_id="bob", muted=True),
        ConversationSettings(with_user_id="bob", marked_unread=True),
    )
    overlapping(
        storage, lambda: storage.settings.put("alice", muted), other, lambda: other.settings.put("alice", unread)
    )
    assert storage.settings.of("alice") == [unread]


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_worker_whose_clock_is_wrong_ends_a_session_for_all(storage: Storage, other: Storage, hours: int) -> None:
    if storage.database.is_sqlite:
        return  # of one machine, and one clock
    storage.database.own_clock = OwnClock(lambda: time.time() + hours * 3600)
    expires_at = time.time() + 600
    storage.sessions.end("s1", "bob", expires_at)
    storage.sessions.forget_expired()
    storage.accounts.disable("bob")
    assert other.sessions.ended_in(60_000) == [EndedSession("s1", "bob")]
    [bob] = other.accounts.changed_in(60_000)
    assert abs(bob.valid_from / 1000 - time.time()) < 60


@pytest.fixture
def chats(make_chat: MakeChat, database_url: str, storage: Storage) -> list[ChatServer]:
    return [make_chat(database_url=database_url) for _ in range(2)]


def test_a_block_holds_on_another_worker_as_soon_as_that_one_has_looked(chats: list[ChatServer]) -> None:
    one, two = chats
    two.blocking.check("bob", "alice")
    two.blocking.check("alice", "bob")
    one.blocking.block("alice", "bob")
    two.blocking.keep_up()
    for pair in (("bob", "alice"), ("alice", "bob")):
        with pytest.raises(Blocked):
            two.blocking.check(*pair)
    one.blocking.unblock("alice", "bob")
    two.blocking.keep_up()
    two.blocking.check("bob", "alice")


def test_a_name_is_spelt_as_another_worker_has_stored_it_as_soon_as_this_one_has_looked(
    chats: list[ChatServer],
) -> None:
    one, two = chats
    assert two.directory.name_of("BOB") == "BOB", "stored nowhere yet"
    one.storage.accounts.keep_names(["Bob"])
    two.directory.keep_up()
    assert two.directory.name_of("BOB") == "Bob"


# Notifications.


def test_one_request_that_comes_to_two_workers_at_once_makes_one_notification(storage: Storage, other: Storage) -> None:
    once = Once("ci", "key", "digest")
    [first, second] = overlapping(
        storage, lambda: storage.notifications.add("bob", HI, once), other, lambda: other.notifications.add("bob", HI, once)
    )  # fmt: skip
    assert (first[1], second) == (False, (first[0], True))


def test_one_batch_that_comes_to_two_workers_at_once_is_one(storage: Storage, other: Storage) -> None:
    once = Once("ci", "key", "digest")
    [first, second] = overlapping(
        storage, lambda: storage.batches.add("ci", ["bob"], HI, once),
        other, lambda: other.batches.add("ci", ["bob"], HI, once),
    )  # fmt: skip
    assert (first[1], second) == (False, (first[0], True))


def test_notifications_of_many_that_two_workers_mark_and_forget_at_once_lock_nobody_out(
    storage: Storage, other: Storage
) -> None:
    users = [f"user{n}" for n in range(20)]
    marks = [(storage.notifications.add(user, HI, None)[0], user) for user in users for _ in range(10)]

    def mark(worker: Storage, order: int) -> int:
        seen = 0
        for start in range(10):
            seen += len(worker.notifications.see(marks[start::10][::order]))
            worker.notifications.forget(1 << 60, 50)
        return seen

    assert sum(at_once(lambda: mark(storage, 1), lambda: mark(other, -1))) == len(marks), "each was marked once"


# The tables.


def test_several_workers_that_start_at_once_make_the_tables_once(new_database_url: str) -> None:
    if new_database_url.startswith("sqlite"):
        # Not `open_storage`, whose tables are copied: these four start with no file at all.
        given = new_database_url, name_key, logging.getLogger("chat"), JOURNAL_RECORDS
        opened_ones = at_once(*[lambda: Storage(*given)] * 4)
        assert len({(opened.identity, opened.epoch) for opened in opened_ones}) == 1
        for opened in opened_ones:
            opened.close()
        return
    opened = Database(new_database_url, logging.getLogger("chat"))
    engines: list[Engine] = [opened.engine] * 2
    before = [old for old, _ in at_once(*[lambda engine=engine: migrate.upgrade(engine) for engine in engines])]
    assert sorted(before, key=str) == [migrate.revisions()[-1], None]
    opened.close()
