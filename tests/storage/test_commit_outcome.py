"""PostgreSQL's line breaks in a commit: the server asks what became of it before it says anything."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import event

from chat.storage.failures import CommitUnknown
from chat.storage.records import Pointer, Send, Stored
from chat.storage.storage import Storage
from tests.postgres import Postgres
from tests.storage.conftest import open_storage

HI = Send("alice", "bob", "hi", "c1")


@pytest.fixture
def remote(postgres: Postgres, request: pytest.FixtureRequest) -> Iterator[Storage]:
    opened = open_storage(postgres.create_database(f"broken_{abs(hash(request.node.name))}"))
    opened.writer.commit([Send("alice", "bob", "the first", None)])
    yield opened
    opened.close()


def break_the_next_commit(storage: Storage, *, is_stored: bool) -> None:
    def break_it(connection: Any) -> None:
        driver = connection.connection.dbapi_connection
        driver.commit() if is_stored else driver.rollback()
        driver.close()
        raise psycopg.OperationalError("the line broke")

    event.listen(storage.database.engine, "commit", break_it, once=True)


def test_a_commit_that_took_place_is_a_success_though_its_answer_was_lost(remote: Storage) -> None:
    break_the_next_commit(remote, is_stored=True)
    [first], _ = remote.writer.commit([HI])
    assert isinstance(first, Stored)
    assert (first.seq, first.repeated) == (2, False), "so it is delivered"
    [again], _ = remote.writer.commit([HI])
    assert again == Stored(2, first.sent_at, repeated=True)


def test_a_commit_that_did_not_take_place_is_a_failure(remote: Storage) -> None:
    break_the_next_commit(remote, is_stored=False)
    with pytest.raises(CommitUnknown):
        remote.writer.commit([HI])
    assert len(remote.messages.history("alice", "bob", 10).messages) == 1
    [again], _ = remote.writer.commit([HI])
    assert isinstance(again, Stored)
    assert (again.seq, again.repeated) == (2, False)


def test_pointers_alone_are_moved_again(remote: Storage) -> None:
    break_the_next_commit(remote, is_stored=True)
    with pytest.raises(CommitUnknown):
        remote.writer.commit([], [Pointer("bob", "alice", 1, 0)])
    assert remote.writer.commit([], [Pointer("bob", "alice", 1, 1)])[1] == [Pointer("bob", "alice", 1, 1)]


def test_the_query_waits_until_the_commit_of_unknown_outcome_is_over(
    remote: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line broke on our side only: at the other end the transaction goes on, and ends well."""
    went_on: list[Any] = []

    def lose_it(connection: Any) -> None:
        went_on.append(connection.connection.dbapi_connection)
        connection.detach()  # not closed when SQLAlchemy lets it go
        raise psycopg.OperationalError("the line broke")

    asked = threading.Event()
    monkeypatch.setattr(logging.getLogger("chat"), "warning", lambda *_: asked.set())
    event.listen(remote.database.engine, "commit", lose_it, once=True)
    outcomes: list[Any] = []
    thread = threading.Thread(target=lambda: outcomes.append(remote.writer.commit([HI])))
    thread.start()
    assert asked.wait(10)
    thread.join(0.5)
    assert thread.is_alive(), "nobody knows yet"
    went_on[0].commit()
    thread.join(10)
    [[[stored], _]] = outcomes
    assert (stored.seq, stored.repeated) == (2, False)
    went_on[0].close()
