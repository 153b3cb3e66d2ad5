"""Through pgbouncer in transaction mode each transaction may be on another connection: all that the storage asks works."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from sqlalchemy.exc import SQLAlchemyError

from chat.errors import BadSetting
from chat.storage.database import Database
from chat.storage.records import Send, Stored
from chat.storage.storage import Storage
from tests.conftest import new_database
from tests.pgbouncer import PgBouncer
from tests.postgres import Postgres
from tests.storage.conftest import open_storage
from tests.storage.test_plans import exercise_accounts, exercise_messages, exercise_notifications

WORKERS, ROUNDS = 3, 20


@pytest.fixture
def pooled(postgres: Postgres) -> Iterator[str]:
    """The URL of a database behind a pgbouncer."""
    if not PgBouncer.is_installed():
        pytest.skip("pgbouncer is not installed (Debian: apt-get install pgbouncer)")
    with TemporaryDirectory(prefix="chat-pgbouncer-") as folder:
        pooler = PgBouncer(Path(folder), new_database(postgres))
        yield pooler.url
        pooler.stop()


def work(url: str) -> list[Exception]:
    """Have WORKERS write into one conversation and read, all at once; return what failed."""
    failed: list[Exception] = []

    def run(worker: Storage, name: str) -> None:
        try:
            for number in range(ROUNDS):
                worker.writer.commit([Send("alice", "bob", "hi", f"{name}-{number}"), Send("alice", name, "hi", None)])
                worker.messages.history("alice", "bob", 5)
                worker.accounts.find("alice")
        except (SQLAlchemyError, psycopg.Error) as error:
            failed.append(error)

    workers = [open_storage(url) for _ in range(WORKERS)]
    threads = [threading.Thread(target=run, args=[worker, f"w{n}"]) for n, worker in enumerate(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for worker in workers:
        worker.close()
    return failed


def test_several_workers_behind_pgbouncer_number_one_conversation(pooled: str) -> None:
    assert not work(f"{pooled}?pgbouncer=true")
    storage = open_storage(f"{pooled}?pgbouncer=true")
    seqs = [message.seq for message in storage.messages.history("alice", "bob", 1_000).messages]
    assert seqs == list(range(1, WORKERS * ROUNDS + 1))
    [again], _ = storage.writer.commit([Send("alice", "bob", "hi", "w0-0")])
    assert isinstance(again, Stored)
    assert again.repeated
    storage.close()


def test_what_the_setting_is_for(pooled: str) -> None:
    assert work(pooled), "what one connection had prepared, the next one does not know"


def test_all_that_the_storage_asks_can_be_asked_through_pgbouncer(pooled: str) -> None:
    storage = open_storage(f"{pooled}?pgbouncer=true")
    for exercise in (exercise_messages, exercise_accounts, exercise_notifications):
        exercise(storage)
    storage.close()


def test_the_setting_is_true_or_left_out() -> None:
    with pytest.raises(BadSetting, match="write pgbouncer=true, or leave it out"):
        Database("postgresql+psycopg://chat@127.0.0.1/chat?pgbouncer=yes", None)  # type: ignore[arg-type]
