"""The operator is told which of reading and writing fails, why, and what to do; and when it is over."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
import pytest
from gevent.event import Event
from psycopg import errors as of_postgres
from sqlalchemy.exc import OperationalError

from chat import create_app
from chat.errors import DatabaseReplaced, DiskFull, Unavailable
from chat.server import ChatServer
from chat.storage.failures import fault_of
from chat.storage.records import Send
from chat.storage.storage import Storage
from tests.storage.conftest import open_storage

MANY = [f"user-{number}" for number in range(2_000)]  # more than a file of one page has room for
IN_ITS_SESSION = {
    "sqlite": "PRAGMA query_only = ON",
    "postgresql": "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
}


def fill(storage: Storage) -> None:
    """Have the writer's connection take no further page, and something fail by it."""
    with storage.database.transaction() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
    with pytest.raises(Unavailable):
        storage.write(storage.accounts.keep_names, MANY)


def test_of_a_database_that_may_only_be_read_writes_are_said_to_fail_and_reads_to_work(storage: Storage) -> None:
    assert storage.health.fault() is None
    with storage.database.transaction() as connection:
        connection.exec_driver_sql(IN_ITS_SESSION[storage.database.engine.dialect.name])
    with pytest.raises(Unavailable):
        storage.write(storage.accounts.keep_names, ["alice"])
    fault = storage.health.fault()
    assert fault is not None
    assert fault.code == "database_read_only"
    assert fault.message.startswith("Writes fail, reads work: it may only be read. Give its file")
    storage.health.keep_up()
    assert storage.health.fault() is None, "the next connection may write"


def test_a_full_disk_is_told_from_a_database_that_may_only_be_read(tmp_path: Path) -> None:
    storage = open_storage(f"sqlite:///{tmp_path}/chat.db")
    fill(storage)
    fault = storage.health.fault()
    assert fault is not None
    assert (fault.code, fault.message) == (
        "disk_full",
        "Writes fail, reads work: the disk is full. Make room where the database lies.",
    )
    storage.close()
    full = of_postgres.DiskFull("could not extend file")
    assert isinstance(fault_of(OperationalError("INSERT", {}, full), "Writes fail"), DiskFull)


def test_while_nothing_can_be_written_the_index_is_not_tried_each_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage(f"sqlite:///{tmp_path}/chat.db")
    steps: list[object] = []
    monkeypatch.setattr(storage.search_index, "step", lambda: steps.append(storage))
    fill(storage)
    storage.keep_index()
    assert not steps
    storage.health.keep_up()
    storage.keep_index()
    assert steps, "need it to be tried again for this to mean anything"
    storage.close()


def test_of_a_file_that_is_gone_both_are_said_to_fail(tmp_path: Path) -> None:
    storage = open_storage(f"sqlite:///{tmp_path}/chat.db")
    assert storage.database.can_write()
    (tmp_path / "chat.db").rename(tmp_path / "aside.db")
    assert isinstance(storage.health.fault(), DatabaseReplaced)
    with pytest.raises(Unavailable):
        storage.write(storage.accounts.keep_names, ["alice"])
    fault = storage.health.fault()
    assert fault is not None
    assert fault.message.startswith("Reads and writes fail: its file was deleted")
    (tmp_path / "aside.db").rename(tmp_path / "chat.db")
    storage.health.keep_up()
    assert storage.health.fault() is None
    storage.close()


def test_the_health_of_a_server_and_the_metrics_tell_of_a_full_disk() -> None:
    app = create_app()
    client, chat = app.test_client(), app.extensions["chat"]
    told: list[Any] = []
    fill(chat.storage)
    answer = client.get("/api/health")
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "disk_full")
    assert "Make room" in answer.json["error"]["message"]
    with chat.storage.database.transaction() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
    chat.storage.journal.append(Send("alice", "bob", "hi" * 50_000, None), told.append)
    while not told:
        gevent.sleep(0.001)
    shown = chat.metrics.exposition.text()
    assert "chat_writes_failing 1.0\n" in shown
    assert "chat_failed_commits_total 1.0\n" in shown, "or nobody sees why sends are refused"
    assert "chat_failed_writes_total 1.0\n" in shown
    chat.storage.health.keep_up()
    assert client.get("/api/health").json == {"status": "ok"}
    assert "chat_writes_failing 0.0\n" in chat.metrics.exposition.text()
    chat.stop()


def test_a_slow_database_is_not_asked_again_before_it_has_answered_and_then_it_is(
    chat: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: Counter[str] = Counter()
    is_late = Event()

    def in_thread(function: Callable[..., Any], *_: Any) -> None:
        asked[function.__qualname__] += 1
        is_late.wait()
        raise RuntimeError("an error that nobody expects")

    def sweep() -> None:
        for task in chat.connections.each_sweep:
            task()
        have_begun = Event()
        chat.connections.spawn(have_begun.set)
        assert have_begun.wait(10)

    with monkeypatch.context() as patched:
        patched.setattr(chat.storage, "in_thread", in_thread)
        for _ in range(3):
            sweep()
        assert {"Lease.renew", "Directory._changes", "Blocks.changed_in"} <= asked.keys(), "need what keeps up"
        assert {*asked.values()} == {1}, asked
        is_late.set()
        until = time.monotonic() + 10
        while min(asked.values()) < 2 and time.monotonic() < until:
            sweep()
        assert min(asked.values()) >= 2, asked


def test_the_doctor_tries_to_write_and_says_why_it_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    app = create_app({"CHAT_AUTH": "required"})
    database = app.extensions["chat"].storage.database
    with database.transaction() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
    said: Any = app.test_cli_runner().invoke(args=["chat", "doctor"])
    assert said.exit_code == 2
    assert "fail  database     database_read_only: Writes fail, reads work: it may only be read. " in said.output


def test_reads_that_fail_alike_are_one_line_of_the_log_a_minute(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage(f"sqlite:///{tmp_path}/chat.db")
    storage.write(storage.accounts.keep_names, ["alice"])
    (tmp_path / "chat.db").rename(tmp_path / "aside.db")

    def lines() -> int:
        caplog.clear()
        for name in ("alice", "ben", "carl"):
            with pytest.raises(Unavailable):
                storage.in_thread(storage.accounts.find, name)
        return caplog.text.count("the database could not be read (Accounts.find)")

    assert (lines(), lines()) == (1, 0)
    monkeypatch.setattr("chat.storage.failures.QUIET_SECONDS", 0)
    assert lines() == 3
    storage.close()


def test_a_failed_write_or_read_is_logged_by_what_it_was(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    storage = open_storage(f"sqlite:///{tmp_path}/chat.db")
    storage.write(storage.accounts.keep_names, ["alice"])
    (tmp_path / "chat.db").rename(tmp_path / "aside.db")
    caplog.set_level(logging.ERROR)
    with pytest.raises(Unavailable):
        storage.write(storage.notifications.forget, 0, 10)
    assert "a single write failed (Notifications.forget): FileReplaced" in caplog.text
    with pytest.raises(Unavailable):
        storage.in_thread(storage.accounts.find, "alice")
    assert "the database could not be read (Accounts.find): FileReplaced" in caplog.text
    storage.close()
