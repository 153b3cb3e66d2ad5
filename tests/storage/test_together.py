"""Those who want to read at once are read for by one thread, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import gevent
import pytest
from gevent import monkey
from sqlalchemy.exc import DBAPIError

from chat.errors import ChatError, Unavailable, UnknownUser
from chat.storage import together
from chat.storage.records import Send
from chat.storage.storage import Storage
from chat.storage.together import Together
from tests.storage.conftest import open_storage


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    opened = open_storage(f"sqlite:///{tmp_path}/chat.db")
    yield opened
    opened.close()


class Counted:
    """Runs each job at once, and counts them and the reads in each."""

    def __init__(self, storage: Storage) -> None:
        self.jobs: list[int] = []
        self.error: ChatError | None = None
        self.together = Together(storage.database, self.in_thread)

    def in_thread(self, function: Any, calls: list[Any]) -> list[Any]:
        self.jobs.append(len(calls))
        if self.error is not None:
            raise self.error
        gevent.sleep(0)  # others come meanwhile
        answers: list[Any] = function(calls)
        return answers

    def read(self, *functions: Any) -> list[Any]:
        asking = [gevent.spawn(self._outcome, function) for function in functions]
        return [one.get(timeout=10) for one in asking]

    def _outcome(self, function: Any) -> Any:
        try:
            return self.together.read(function)
        except Exception as error:
            return error


def test_all_that_wait_are_one_job_and_each_gets_its_own_answer(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(together, "SECONDS", 60.0)
    storage.writer.commit([Send("alice", "bob", "hi", None)])
    counted = Counted(storage)
    reader = storage.messages
    answers = counted.read(
        lambda: reader.standings("alice", 10),
        lambda: reader.standings("nobody", 10),
        lambda: reader.bounds("alice", "bob"),
    )
    assert [len(answers[0]), answers[1], answers[2]] == [1, [], (1, 1)]
    assert counted.jobs == [3]


def test_one_that_is_refused_is_no_trouble_of_the_others(storage: Storage) -> None:
    counted = Counted(storage)

    def refused() -> None:
        raise UnknownUser(field="userId", rule="user", userId="x")

    answers = counted.read(lambda: 1, refused, lambda: 3)
    assert (answers[0], answers[2]) == (1, 3)
    assert isinstance(answers[1], UnknownUser)


def test_a_mistake_in_one_is_its_own_and_the_others_are_read_on(storage: Storage) -> None:
    counted = Counted(storage)
    answers = counted.read(lambda: 1, lambda: 1 // 0, lambda: 3)
    assert (answers[0], answers[2]) == (1, 3)
    assert isinstance(answers[1], ZeroDivisionError)
    assert counted.read(lambda: 4) == [4]


def test_a_statement_that_fails_is_the_trouble_of_who_asked_alone(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(together, "SECONDS", 60.0)
    storage = open_storage(database_url)
    counted = Counted(storage)

    def failing() -> None:
        with storage.database.reading() as connection:
            connection.exec_driver_sql("SELECT nonsense FROM nowhere")

    standings = partial(storage.messages.standings, "alice", 10)
    answers = counted.read(standings, failing, standings, standings)
    assert [answers[0], *answers[2:]] == [[], [], []]
    assert isinstance(answers[1], DBAPIError)
    assert counted.jobs == [4, 3, 2], "behind it all begin anew"
    storage.close()


def test_where_the_database_does_not_answer_all_of_the_job_are_told_and_the_next_are_read(storage: Storage) -> None:
    counted = Counted(storage)
    counted.error = Unavailable(rule="no_answer")
    assert all(isinstance(answer, Unavailable) for answer in counted.read(lambda: 1, lambda: 2))
    counted.error = None
    assert counted.read(lambda: 1) == [1]


def test_a_job_that_takes_long_leaves_the_rest_to_the_next_in_their_order(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(together, "SECONDS", -1.0)
    counted = Counted(storage)
    done: list[int] = []
    assert counted.read(*[lambda n=n: done.append(n) or n for n in range(4)]) == [0, 1, 2, 3]
    assert counted.jobs == [4, 3, 2, 1]
    assert done == [0, 1, 2, 3]


def test_what_a_job_reads_comes_from_one_connection_and_what_is_read_elsewhere_does_not(storage: Storage) -> None:
    def connections() -> list[int]:
        found = []
        for _ in range(2):
            with storage.database.reading() as connection:
                found.append(id(connection))
        return found

    with storage.database.reading_together():
        inside = connections()
        outside = storage.in_thread(connections)
    assert len({*inside}) == 1
    assert inside[0] not in outside


def test_in_a_storage_all_of_it_is_read_by_one_thread_that_returns_and_raises_as_it_does(storage: Storage) -> None:
    thread_id = monkey.get_original("_thread", "get_ident")
    here = thread_id()
    first, second = storage.read_together(thread_id), storage.read_together(thread_id)
    assert first == second != here
    with pytest.raises(ZeroDivisionError):
        storage.read_together(lambda: 1 // 0)
    storage.close()
    with pytest.raises(Unavailable):
        storage.read_together(thread_id)
