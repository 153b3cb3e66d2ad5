"""PostgreSQL that answers nothing, or too late, holds nobody up for long; what it has stored all the same is found."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
import requests
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from chat.storage import postgres as timed
from chat.storage.failures import Away, CommitUnknown
from chat.storage.records import Send, Stored, StoredLate
from chat.storage.storage import Storage
from tests.clients import Person
from tests.conftest import StartServer, new_database
from tests.postgres import Postgres
from tests.storage.conftest import open_storage

ANSWER_SECONDS = 5  # what a person waits at most
HI = Send("alice", "bob", "hi", "c1")


@pytest.fixture
def impatient(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[Storage]:
    opened = open_storage(new_database(postgres))
    opened.writer.commit([Send("alice", "bob", "the first", None)])
    opened.database.ask()
    monkeypatch.setattr(timed, "STATEMENT_SECONDS", 0.2)
    opened.database.rest()  # which bounds are new connections'
    yield opened
    opened.close()


def aside(storage: Storage) -> None:
    with storage.database.aside() as connection:
        connection.execute(text("SELECT 1"))


@pytest.mark.parametrize(
    "use", [lambda storage: storage.database.ask(), lambda storage: storage.writer.commit([HI]), aside]
)
def test_a_database_that_is_stopped_is_not_waited_for(
    impatient: Storage, postgres: Postgres, use: Callable[[Storage], Any]
) -> None:
    impatient.database.ask()
    impatient.writer.commit([Send("alice", "bob", "the second", None)])
    aside(impatient)
    with postgres.stopped():
        with pytest.raises((SQLAlchemyError, psycopg.Error), match="no answer"):
            use(impatient)
        with pytest.raises(Away):  # and by nobody else, for a moment
            impatient.writer.commit([HI])
        with pytest.raises(Away):
            impatient.database.reading().__enter__()
    impatient.database._away_until = 0.0
    use(impatient)
    assert isinstance(impatient.writer.commit([HI])[0][0], Stored)


def test_a_database_that_is_stopped_in_the_middle_of_a_commit_is_waited_for_once(
    impatient: Storage, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped, append = postgres.stopped(), impatient.writer._message_append._extents

    def stop(*arguments: Any) -> Any:
        stopped.__enter__()
        return append(*arguments)

    monkeypatch.setattr(impatient.writer._message_append, "_extents", stop)
    with pytest.raises((SQLAlchemyError, psycopg.Error), match="no answer"):
        impatient.writer.commit([HI])
    with pytest.raises(Away):
        impatient.writer.commit([HI])
    stopped.__exit__(None, None, None)


def test_a_commit_whose_answer_never_came_is_found_when_the_database_goes_on(
    impatient: Storage, postgres: Postgres
) -> None:
    stopped = postgres.stopped()
    event.listen(impatient.database.engine, "commit", lambda _: stopped.__enter__(), once=True)
    with pytest.raises(CommitUnknown):
        impatient.writer.commit([HI])
    with pytest.raises(Away):
        impatient.writer.found_late()
    stopped.__exit__(None, None, None)
    impatient.database._away_until = 0.0
    [(send, late)] = impatient.writer.found_late()
    assert (send, late.seq) == (HI, 2)
    assert isinstance(late, StoredLate)
    assert impatient.writer.commit([HI])[0] == [Stored(2, late.sent_at, repeated=True)]


def test_a_write_that_waits_for_a_lock_ends_at_its_deadline_and_the_next_one_works(impatient: Storage) -> None:
    with impatient.database.engine.begin() as other:
        other.execute(text("SELECT * FROM conversations FOR UPDATE"))
        with pytest.raises((psycopg.Error, OperationalError), match="statement timeout"):
            impatient.writer.commit([HI])
    assert [one.seq for one in impatient.writer.commit([HI])[0]] == [2]


def test_a_workers_connections_are_few_and_are_kept(impatient: Storage) -> None:
    pids: set[int] = set()

    def read() -> None:
        for _ in range(3):
            with impatient.database.reading() as connection:
                pids.add(connection.execute(text("SELECT pg_backend_pid() FROM pg_sleep(0.02)")).scalar_one())

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    for _ in range(2):
        impatient.writer.commit([Send("alice", "bob", "again", None)])
        aside(impatient)
    assert 1 < len(pids) <= 4
    with impatient.database.reading() as connection:
        mine = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
        assert connection.execute(text(mine)).scalar_one() == len(pids) + 2


def test_the_driver_waits_in_c_also_under_gevents_patches() -> None:
    assert timed.TimedConnection.wait_for.__name__ == "wait_c"


@pytest.mark.alone
def test_a_stopped_postgresql_gives_unavailable_within_seconds_and_goes_on_where_it_was(
    postgres: Postgres, start_server: StartServer
) -> None:
    server = start_server(CHAT_DATABASE_URL=new_database(postgres))
    with Person(server.ws, "alice") as alice, Person(server.ws, "bob") as bob:
        alice.ask(type="chat", toUserId="bob", message="before", clientId="c0")
        assert bob.receive("chat")["message"] == "before"
        with postgres.stopped():
            for number in range(3):  # the second and third while the database is known to be away, or is tried again
                begin = time.monotonic()
                answer = alice.ask(type="chat", toUserId="bob", message="hi", clientId=f"c{number + 1}")
                assert (answer["type"], answer["code"]) == ("error", "unavailable")
                assert time.monotonic() - begin < ANSWER_SECONDS
            begin = time.monotonic()
            assert requests.get(f"{server.http}/api/health", timeout=30).status_code == 503
            assert time.monotonic() - begin < ANSWER_SECONDS
        seqs = []
        for number in range(3):
            until = time.monotonic() + 30
            while (answer := alice.ask(type="chat", toUserId="bob", message="hi", clientId=f"c{number + 1}"))[
                "type"
            ] == "error":
                assert time.monotonic() < until
                time.sleep(0.1)
            seqs.append(answer["seq"])
        assert sorted(seqs) == [2, 3, 4], "each once, whatever was committed meanwhile"
        assert sorted(bob.receive("chat")["seq"] for _ in range(3)) == [2, 3, 4]
