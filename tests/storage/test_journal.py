"""What is written waits in two queues and is written by one thread: in order, fairly, and within bounds."""

from __future__ import annotations

import gc
import logging
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
import pytest
from gevent.event import AsyncResult
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from chat.errors import Busy, ChatError, Conflicting, Internal, Unavailable
from chat.protocol.names import name_key
from chat.storage.database_file import FileReplaced
from chat.storage.notifications import Content
from chat.storage.records import Pointer, Send, Stored
from chat.storage.storage import Storage
from chat.storage.waiting import RECORD_BYTES, WRITE_BYTES, WRITES_BYTES
from tests.storage.conftest import JOURNAL_RECORDS, open_storage

HI = Send("alice", "bob", "hi", None)
SECONDS = 30


def nothing() -> None:
    """A single write that writes nothing."""


def stored(storage: Storage, record: Send | Pointer) -> Any:
    """Append a record, and wait for what came of it."""
    result: Any = AsyncResult()
    storage.journal.append(record, result.set)
    return result.get(timeout=SECONDS)


def wait_until(condition: Callable[[], object]) -> None:
    with gevent.Timeout(SECONDS):
        while not condition():
            gevent.sleep(0.001)


def threads() -> set[str]:
    """The ids of this process's threads. Sets, as a thread of an earlier test may end while a later one counts."""
    return set(os.listdir("/proc/self/task"))


def test_records_are_settled_in_their_order_each_with_its_outcome(storage: Storage) -> None:
    settled: list[Any] = []
    records = [Send("alice", "bob", str(n), None) for n in range(5)]
    pointer = Pointer("bob", "alice", 2, 1)
    for record in (*records[:3], pointer, *records[3:]):
        storage.journal.append(record, settled.append)
    assert (storage.journal.waiting, storage.journal.idle) == (6, False)
    wait_until(lambda: storage.journal.idle)
    assert [getattr(outcome, "seq", outcome) for outcome in settled] == [1, 2, 3, pointer, 4, 5]
    assert storage.journal.commits == 1, "what came in together is one commit"


def test_what_came_before_is_unstored_until_it_is_settled_however_much_comes_after(storage: Storage) -> None:
    assert not storage.unstored()()
    settled: list[int] = []
    for number in range(100):
        storage.journal.append(HI, lambda _, number=number: settled.append(number))  # type: ignore[misc]
    is_unstored = storage.unstored()
    assert is_unstored()
    goes_on = True

    def again(_: object) -> None:
        if goes_on:
            storage.journal.append(HI, again)

    again(None)
    with gevent.Timeout(SECONDS):
        while is_unstored():
            gevent.sleep(0)
    assert settled == [*range(100)]
    assert not storage.journal.idle, "need more under way for this to mean anything"
    goes_on = False
    wait_until(lambda: storage.journal.idle)


def test_single_writes_are_settled_in_their_order(storage: Storage) -> None:
    settled: list[int] = []
    for number in range(50):
        storage.journal.write_later(settled.append, lambda n=number: n)
    storage.journal.append(HI, nothing_of)
    wait_until(lambda: storage.journal.idle)
    assert settled == list(range(50))


def nothing_of(outcome: object) -> None:
    """Settles something whose outcome does not matter."""


def test_a_message_does_not_wait_for_ten_thousand_single_writes(storage: Storage) -> None:
    written: list[None] = []
    for _ in range(10_000):
        storage.journal.write_later(written.append, nothing)
    assert isinstance(stored(storage, HI), Stored)
    before = len(written)
    assert before < 10, "of those that were there first"
    assert isinstance(stored(storage, HI), Stored)
    assert len(written) - before < 10
    wait_until(lambda: storage.journal.idle)
    assert len(written) == 10_000


def test_single_writes_that_wait_are_bounded_in_bytes_of_their_texts(storage: Storage) -> None:
    long = Content("\N{GRINNING FACE}" * 16_000, None, None, "info", 0, None)  # 64 KB
    size = 64_000 + WRITE_BYTES
    for _ in range(1 + WRITES_BYTES // (size + WRITE_BYTES)):  # the thread has the first
        storage.journal.write_later(nothing_of, lambda *_: None, "alice", long)
    refused = 0
    for _ in range(10):
        try:
            storage.journal.write_later(nothing_of, lambda *_: None, "alice", long)
        except Busy:
            refused += 1
    assert refused > 0
    wait_until(lambda: storage.journal.idle)
    assert storage.write(lambda *_: "written", "alice", long) == "written", "what was written makes room"


def test_a_single_write_larger_than_all_room_is_taken_where_nothing_waits(storage: Storage) -> None:
    assert storage.write(len, "x" * (WRITES_BYTES + 1)) == WRITES_BYTES + 1


def test_a_single_write_does_not_wait_for_many_messages(storage: Storage) -> None:
    settled: list[Any] = []
    for _ in range(3 * 2_000):
        storage.journal.append(HI, settled.append)
    assert storage.write(lambda: "written") == "written"
    assert len(settled) <= 2_000, "one commit at most was before it"
    wait_until(lambda: storage.journal.idle)


def test_more_records_than_may_wait_are_refused(storage: Storage) -> None:
    for number in range(JOURNAL_RECORDS):
        storage.journal.append(Send(f"user-{number % 100}", "bob", "hi", None), nothing_of)
    with pytest.raises(Busy):
        storage.journal.append(HI, nothing_of)
    wait_until(lambda: storage.journal.idle)


def test_who_sends_more_than_is_stored_is_refused_and_nobody_else(storage: Storage) -> None:
    """What a text takes is counted, and not only that it is one: an emoji makes each letter take four bytes."""
    giant = "x" * 65_000 + "\N{GRINNING FACE}"

    def send(sender: str, address: str, text: str = giant) -> int:
        """Append until it is refused; return how many bytes are held."""
        for number in range(JOURNAL_RECORDS):
            try:
                storage.journal.append(Send(sender, "bob", text, None), nothing_of, address)
            except Busy:
                return number * sys.getsizeof(text)
        raise AssertionError("a queue of gigabytes")

    room = JOURNAL_RECORDS * RECORD_BYTES
    assert room / 3 < send("mallory", "192.0.2.1") < room / 2
    assert send("trudy", "192.0.2.1") == 0, "the same address has used its share"
    assert send("mallory", "192.0.2.2") == 0, "and so has the same user elsewhere"
    assert 0 < send("eve", "192.0.2.3") < room / 8
    settled: list[Any] = []
    storage.journal.append(HI, settled.append, "192.0.2.4")
    wait_until(lambda: storage.journal.idle)
    assert isinstance(settled[0], Stored)
    storage.journal.append(Send("mallory", "bob", giant, None), settled.append, "192.0.2.1")
    wait_until(lambda: len(settled) == 2)
    assert isinstance(settled[1], Stored), "what was stored takes no share any more"


def test_a_commit_takes_no_more_bytes_than_it_can_write_soon(storage: Storage) -> None:
    letters = "x" * 65_000
    for _ in range(200):
        storage.journal.append(Send("alice", "bob", letters, None), nothing_of)
    wait_until(lambda: storage.journal.commits)
    assert 100 <= storage.journal.waiting < 200, "the first ones, some 4 MB"
    wait_until(lambda: storage.journal.idle)


def test_a_write_that_is_refused_leaves_nothing_and_the_writer_usable(storage: Storage) -> None:
    def begin_and_refuse() -> None:
        with storage.database.transaction() as connection:
            connection.execute(text("INSERT INTO idempotency_keys VALUES ('s', 'k', 'd', 1, 1)"))
            raise Conflicting

    storage.write(storage.accounts.keep_names, ["alice"])
    connection = storage.database._writer.connection
    assert connection is not None
    with pytest.raises(Conflicting):
        storage.write(begin_and_refuse)
    assert isinstance(stored(storage, HI), Stored)
    assert storage.database._writer.connection is connection, "the same one as before"
    with storage.database.reading() as reading:
        assert reading.scalar(text("SELECT count(*) FROM idempotency_keys")) == 0


def test_a_write_that_fails_is_unavailable_and_the_next_one_works(
    storage: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        with storage.database.transaction() as connection:
            connection.execute(text("SELECT no_such_column"))

    def divide() -> float:
        return 1 / 0

    for function, name in ((fail, "OperationalError|ProgrammingError"), (divide, "ZeroDivision")):
        with pytest.raises(Unavailable):
            storage.write(function)
        assert caplog.records[-1].getMessage().startswith("a single write failed (")
        assert any(part in caplog.records[-1].getMessage() for part in name.split("|"))
    assert storage.write(storage.accounts.keep_names, ["alice"]) == ["alice"]


def test_writes_that_fail_alike_are_one_line_of_the_log_a_minute(
    storage: Storage, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    reason = OperationalError("", {}, sqlite3.OperationalError("the disk is full"))

    def fail(*args: Any) -> None:
        raise reason

    def lines() -> list[int]:
        caplog.clear()
        monkeypatch.setattr(storage.writer, "commit", fail)
        for _ in range(3):
            with pytest.raises(Unavailable):
                storage.write(fail)
            assert isinstance(stored(storage, HI), Unavailable)
        return [caplog.text.count(line) for line in ("a single write failed", "a commit of 1 records failed")]

    assert (lines(), lines()) == ([1, 1], [0, 0])
    monkeypatch.setattr("chat.storage.failures.QUIET_SECONDS", 0)
    assert lines() == [3, 3]


def test_a_connection_that_broke_since_its_last_use_is_replaced(postgres: Any) -> None:
    storage = open_storage(postgres.create_database(f"broken_{time.monotonic_ns()}"))
    storage.write(storage.accounts.keep_names, ["alice"])
    end_all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    other = open_storage(str(storage.database.engine.url))
    with other.database.reading() as connection:
        connection.execute(text(f"{end_all} AND datname = current_database()"))
    other.close()
    assert storage.write(storage.accounts.keep_names, ["ALICE"]) == ["alice"]
    storage.close()


def test_one_that_cannot_be_settled_harms_nobody(storage: Storage) -> None:
    def fail(_: object) -> None:
        raise ZeroDivisionError

    settled: list[Any] = []
    for settle in (fail, settled.append):
        storage.journal.append(HI, settle)
        storage.journal.write_later(settle, nothing)
    with pytest.raises(Internal):
        storage.journal.write(fail, nothing)
    wait_until(lambda: storage.journal.idle)
    assert len(settled) == 2


def test_a_commit_that_fails_says_so_to_each_of_its_records(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage.writer, "commit", lambda *_: 1 / 0)
    assert isinstance(stored(storage, HI), Unavailable)
    monkeypatch.undo()
    assert isinstance(stored(storage, HI), Stored)


def test_another_thread_than_the_loops_own_is_refused(storage: Storage) -> None:
    refused: list[BaseException] = []

    def try_both() -> None:
        for call in (
            lambda: storage.journal.append(HI, nothing_of),
            lambda: storage.journal.write_later(nothing_of, nothing),
        ):
            try:
                call()
            except RuntimeError as error:
                refused.append(error)

    other = threading.Thread(target=try_both)
    other.start()
    other.join()
    assert len(refused) == 2
    assert storage.journal.idle


def test_all_that_is_written_comes_from_one_thread_and_close_ends_it(tmp_path: Path) -> None:
    before = threads()
    storage = open_storage(f"sqlite:///{tmp_path}/chat.db")
    assert not threads() - before, "none before the first write"
    wrote = {storage.write(threading.get_ident) for _ in range(3)}
    assert isinstance(stored(storage, HI), Stored)
    assert len(threads() - before) == 1
    assert len(wrote) == 1
    assert threading.get_ident() not in wrote
    storage.close()
    assert not threads() - before


@pytest.mark.slow
def test_storages_that_are_made_and_dropped_leave_no_thread_and_no_descriptor(tmp_path: Path) -> None:
    def make(use: bool) -> None:
        url = f"sqlite:///{tmp_path}/chat.db"
        storage = Storage(url, name_key, logging.getLogger("chat"), JOURNAL_RECORDS)
        if use:
            assert isinstance(stored(storage, HI), Stored)
            assert storage.messages.history("alice", "bob", 9).messages
            storage.close()

    make(use=True)
    gc.collect()
    before, descriptors = threads(), len(os.listdir("/proc/self/fd"))
    for number in range(50):
        make(use=number % 2 == 0)
    gc.collect()
    assert not threads() - before
    assert len(os.listdir("/proc/self/fd")) <= descriptors


def test_the_index_goes_on_until_it_is_told_to_stop(tmp_path: Path) -> None:
    storage = open_storage(f"sqlite:///{tmp_path}/chat.db")
    for start in range(0, 1_000, 100):
        storage.writer.commit([Send("alice", "bob", f"word {start + n}", None) for n in range(100)])
    indexed: list[bool] = []
    step = storage.search_index.step

    def one_step() -> bool:
        indexed.append(step())
        if len(indexed) == 3:
            storage.stop()
        return indexed[-1]

    storage.search_index.step = one_step  # type: ignore[method-assign]
    storage.keep_index()
    assert indexed == [True] * 3, "need more to do for this to mean anything"
    assert not storage.stop()
    storage.close()


def test_the_index_keeps_up_while_messages_come(tmp_path: Path) -> None:
    storage = open_storage(f"sqlite:///{tmp_path}/chat.db")
    storage.writer.commit([Send("alice", "bob", f"word {n}", None) for n in range(1_000)])
    writing = True

    def write() -> None:
        while writing:
            assert isinstance(stored(storage, HI), Stored)

    writer = gevent.spawn(write)
    storage.keep_index()
    writing = False
    writer.get(timeout=SECONDS)
    assert storage.journal.commits > 20, "need commits for this to mean anything"
    assert storage.search_index.behind < 500, "a turn of one step alone leaves 900"
    storage.keep_index()
    assert storage.search_index.behind == 0
    storage.close()


def test_an_error_of_a_write_is_raised_where_it_was_asked_for(storage: Storage) -> None:
    def refuse() -> None:
        raise ChatError("No.")

    with pytest.raises(ChatError, match="No"):
        storage.write(refuse)


def test_what_a_failed_commit_has_stored_is_told_before_anything_that_comes_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage(f"sqlite:///{tmp_path}/chat.db")
    told: list[tuple[str, Any]] = []

    def send(body: str) -> None:
        record = Send("alice", "bob", body, body)
        storage.journal.append(record, lambda outcome: told.append((body, outcome)))
        wait_until(lambda: storage.journal.idle)

    send("one")
    with monkeypatch.context() as away:
        away.setattr(storage.database._file, "check_committed", lambda: missing())
        send("two")
        send("never")
    send("three")
    bodies = [message.body for message in storage.messages.history("alice", "bob", 9).messages]
    assert bodies == ["one", "two", "three"], "while nobody can say what became of one, none is stored behind it"
    kinds = [(body, type(outcome).__name__, getattr(outcome, "seq", None)) for body, outcome in told]
    assert kinds == [
        ("one", "Stored", 1), ("two", "Unavailable", None), ("never", "Unavailable", None),
        ("two", "StoredLate", 2), ("three", "Stored", 3),
    ]  # fmt: skip
    storage.close()


def test_what_a_failed_commit_has_not_stored_is_told_of_no_more(tmp_path: Path) -> None:
    storage = open_storage(f"sqlite:///{tmp_path}/chat.db")
    told: list[Any] = []
    with storage.database.transaction() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER no BEFORE INSERT ON messages WHEN NEW.body = 'two' BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
    for body in ("one", "two", "three"):
        storage.journal.append(Send("alice", "bob", body, body), told.append)
        wait_until(lambda: storage.journal.idle)
    assert [type(outcome).__name__ for outcome in told] == ["Stored", "Unavailable", "Stored"]
    storage.close()


def missing() -> None:
    raise FileReplaced("chat.db")
