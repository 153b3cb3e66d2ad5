"""One process at a time may serve a database, whatever became of the one before."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text, update

from chat.errors import DatabaseInUse, Unavailable
from chat.storage import lease as waiting
from chat.storage.database import Database
from chat.storage.lease import GRACE_SECONDS, Lease
from chat.storage.lease_row import STALE_SECONDS
from chat.storage.own_clock import OFF_MS
from chat.storage.schema import server_lease
from chat.storage.storage import Storage
from tests.storage.lease_process import Process

LOG = logging.getLogger("chat")


@pytest.fixture
def process(storage: Storage) -> Iterator[Callable[[], Process]]:
    """Start processes on the test's database."""
    started: list[Process] = []
    url = storage.database.engine.url.render_as_string(hide_password=False)

    def start() -> Process:
        started.append(Process(url))
        return started[-1]

    yield start
    for each in started:
        each.kill()


@pytest.fixture
def database(storage: Storage) -> Database:
    return storage.database


@contextmanager
def renewed(lease: Lease) -> Iterator[None]:
    """Renew the lease as a server does."""
    is_over = threading.Event()

    def renew() -> None:
        while not is_over.wait(0.3):
            assert lease.renew()

    thread = threading.Thread(target=renew)
    thread.start()
    yield
    is_over.set()
    thread.join()


def seconds_of(function: Callable[[], object]) -> float:
    began = time.monotonic()
    function()
    return time.monotonic() - began


def test_a_second_server_is_refused_soon_with_a_sentence(database: Database, process: Callable[[], Process]) -> None:
    holder = process()
    holder.do("acquire(0)")

    def second() -> None:
        with pytest.raises(DatabaseInUse) as refused:
            Lease(database, LOG).acquire()
        said = refused.value.message
        assert f"process {holder.pid} on '{os.uname().nodename}'" in said
        assert "leave out -w" in said
        assert said.count(".") == 1

    assert GRACE_SECONDS <= seconds_of(second) < STALE_SECONDS
    assert holder.do("lease.renew()") == "True"


def test_a_second_chat_of_the_same_process_is_refused(database: Database) -> None:
    first = Lease(database, LOG)
    first.acquire()
    with renewed(first), pytest.raises(DatabaseInUse):
        Lease(Database(database.engine.url.render_as_string(hide_password=False), LOG), LOG).acquire()
    first.release()
    Lease(database, LOG).acquire(0)


def test_servers_with_a_bus_share_a_database_and_one_without_stays_out(database: Database) -> None:
    first, second, alone = Lease(database, LOG, has_bus=True), Lease(database, LOG, has_bus=True), Lease(database, LOG)
    first.acquire(0)
    second.acquire(0)
    refused = pytest.raises(DatabaseInUse, match="set CHAT_BUS_URL for this server too")
    with renewed(first), renewed(second), refused:
        alone.acquire()
    second.release()
    assert first.renew()
    with renewed(first), pytest.raises(DatabaseInUse):
        alone.acquire()


def test_a_server_with_a_bus_stays_out_where_one_without_serves(database: Database) -> None:
    alone, with_bus = Lease(database, LOG), Lease(database, LOG, has_bus=True)
    alone.acquire(0)
    with renewed(alone), pytest.raises(DatabaseInUse, match="set CHAT_BUS_URL for it too"):
        with_bus.acquire()
    alone.release()
    with_bus.acquire(0)
    assert with_bus.renew()


def test_of_those_that_start_at_once_one_gets_it(process: Callable[[], Process]) -> None:
    racers = [process() for _ in range(4)]
    for racer in racers:
        racer.do("None")  # they are all there
    for racer in racers:
        racer.tell("acquire(0)")
    said = [racer.hears() for racer in racers]
    assert sorted(said) == ["", "", "", "done: None"]
    for racer in (each for each, heard in zip(racers, said, strict=True) if not heard):
        assert racer.last_words().startswith("database_in_use: ")


@pytest.mark.alone
def test_after_kill_9_the_next_one_can_begin(database: Database, process: Callable[[], Process]) -> None:
    holder = process()
    holder.do("acquire(0)")
    holder.kill()
    took = seconds_of(Lease(database, LOG).acquire)
    is_locked = database.engine.dialect.name == "sqlite"
    assert took < (GRACE_SECONDS if is_locked else 10)


@pytest.mark.alone
def test_after_kill_9_the_next_worker_of_the_same_gunicorn_begins_at_once(process: Callable[[], Process]) -> None:
    holder, successor = process(), process()  # of one parent, which is this process
    holder.do("acquire(0)")
    assert successor.do("lease.renew()") == "False", "need it to be ready for this to mean anything"
    holder.kill()
    assert seconds_of(lambda: successor.do("acquire(15)")) < GRACE_SECONDS


def test_a_child_does_not_keep_what_its_dead_parent_held(database: Database, process: Callable[[], Process]) -> None:
    if database.engine.dialect.name != "sqlite":
        return  # a row has no descriptor
    holder = process()
    holder.do("acquire(0)")
    forked = int(holder.do("fork()"))
    run = "__import__('subprocess').Popen(['sleep', '60'], close_fds=False).pid"
    executed = int(holder.do(run))
    assert holder.do("lease.renew()") == "True"
    with pytest.raises(DatabaseInUse):
        Lease(database, LOG).acquire(0)
    os.kill(holder.pid, signal.SIGKILL)
    try:
        Lease(database, LOG).acquire()
        for child in (forked, executed):
            os.kill(child, 0)  # need the children alive for this to mean anything
    finally:
        for child in (forked, executed):
            os.kill(child, signal.SIGKILL)


def test_a_forked_child_cannot_give_back_what_its_parent_holds(
    database: Database, process: Callable[[], Process]
) -> None:
    holder = process()
    holder.do("acquire(0)")
    forked = "(c := os.fork()) or (lease.release(), os._exit(lease.renew())), os.waitpid(c, 0)[1]"
    assert holder.do(forked).endswith(", 0)")
    assert holder.do("lease.renew()") == "True"
    with pytest.raises(DatabaseInUse):
        Lease(database, LOG).acquire(0)


def test_a_successor_waits_for_one_that_stops(
    database: Database,
    process: Callable[[], Process],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(waiting, "GRACE_SECONDS", 0)
    caplog.set_level(logging.INFO)
    holder = process()
    holder.do("acquire(0)")
    holder.do("lease.announce_stop()")
    looks: list[float] = []

    def release_at_the_third_look(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 3:
            holder.do("lease.release()")

    monkeypatch.setattr(waiting.time, "sleep", release_at_the_third_look)
    Lease(database, LOG).acquire()
    assert len(looks) == 3
    said = [record.getMessage() for record in caplog.records]
    host = os.uname().nodename
    assert said == [f"the database is in use: waiting for pid={holder.pid} host='{host}'"]


def test_a_wait_for_one_that_never_stops_has_an_end(database: Database) -> None:
    first = Lease(database, LOG)
    first.acquire()
    first.announce_stop()
    with renewed(first), pytest.raises(DatabaseInUse):
        Lease(database, LOG).acquire(1)


def test_a_worker_of_the_same_gunicorn_has_longer_to_say_that_it_stops(process: Callable[[], Process]) -> None:
    old, new = process(), process()  # of one parent, this process
    old.do("acquire(0)")
    new.do("setattr(waiting, 'GRACE_SECONDS', 0)")
    new.tell("acquire(15)")
    assert "waiting" in new.hears()
    old.do("lease.announce_stop()")
    old.do("lease.release()")
    assert new.hears() == "done: None"


def test_the_second_of_two_workers_is_refused(process: Callable[[], Process]) -> None:
    first, second = process(), process()
    first.do("acquire(0)")
    second.do("setattr(waiting, 'PARENT_SECONDS', 0.5)")
    second.tell("acquire(15)")
    assert "waiting" in second.hears()
    assert second.hears() == ""
    assert "leave out -w" in second.last_words()


def test_a_process_of_another_user_is_taken_for_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(_pid: int, _signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", kill)
    assert not waiting._is_dead(waiting.Owner("here", 2, 1, 7), waiting.Owner("here", 3, 1, 7))


def test_who_slept_while_another_began_has_lost(database: Database) -> None:
    if database.engine.dialect.name == "sqlite":
        return  # the system keeps a lock for as long as its process sleeps
    asleep, other = Lease(database, LOG), Lease(database, LOG)
    asleep.acquire()
    with database.transaction() as connection:
        ago = server_lease.c.renewed_at - STALE_SECONDS * 1000
        connection.execute(update(server_lease).values(renewed_at=ago))
    other.acquire(0)
    assert not asleep.renew()
    asleep.release()
    assert other.renew(), "who lost gives nothing back"


def test_who_slept_while_nobody_came_goes_on(database: Database) -> None:
    if database.engine.dialect.name == "sqlite":
        return
    asleep = Lease(database, LOG)
    asleep.acquire()
    with database.transaction() as connection:
        connection.execute(update(server_lease).values(renewed_at=1))
    assert asleep.renew()
    with pytest.raises(DatabaseInUse):
        Lease(database, LOG).acquire(0)


def test_a_holder_goes_on_while_the_database_is_away(database: Database) -> None:
    url = database.engine.url
    if not url.host:
        return  # a file is not away
    lease = Lease(database, LOG)
    lease.acquire()
    admin = f"postgresql://{url.username}@{url.host}:{url.port}/postgres"
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS false")
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [url.database])
        try:
            assert lease.renew()
            with pytest.raises(Unavailable):
                Lease(database, LOG).acquire(0)
            lease.announce_stop()  # nobody hears it
        finally:
            connection.execute(f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS true")
    assert lease.renew()
    with pytest.raises(DatabaseInUse):
        Lease(database, LOG).acquire(0)


def test_a_clock_that_is_an_hour_off_is_set_by_that_of_the_database(database: Database) -> None:
    if database.is_sqlite:
        return  # on one machine, which has one clock
    url = database.engine.url.render_as_string(hide_password=False)
    late = Database(url, LOG, lambda: time.time() - 3600)
    lease = Lease(late, LOG)
    lease.acquire()
    assert lease.renew()
    assert abs(late.now_ms() - database.now_ms()) < OFF_MS


def test_the_clock_of_the_database_counts(database: Database) -> None:
    url = database.engine.url.render_as_string(hide_password=False)
    Lease(database, LOG).acquire()
    tomorrow = Database(url, LOG, clock=lambda: time.time() + 86_400)
    with pytest.raises(DatabaseInUse):
        Lease(tomorrow, LOG).acquire(0)


# The file beside SQLite's.


def test_the_lock_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    Lease(Database(f"sqlite:///{tmp_path}/chat.db", LOG), LOG).acquire()
    assert (tmp_path / "chat.db-server").stat().st_mode & 0o777 == 0o600


def test_a_lock_file_that_is_deleted_is_made_again(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/chat.db", LOG)
    lease = Lease(database, LOG)
    lease.acquire()
    (tmp_path / "chat.db-server").unlink()
    assert lease.renew()
    with pytest.raises(DatabaseInUse):
        Lease(database, LOG).acquire(0)


def test_who_comes_second_to_a_new_lock_file_has_lost(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/chat.db", LOG)
    first, second = Lease(database, LOG), Lease(database, LOG)
    first.acquire()
    (tmp_path / "chat.db-server").unlink()
    second.acquire(0)
    assert not first.renew()
    assert second.renew()


def test_two_paths_to_one_file_are_one_database(tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(tmp_path / "chat.db")
    Lease(Database(f"sqlite:///{tmp_path}/chat.db", LOG), LOG).acquire()
    with pytest.raises(DatabaseInUse):
        Lease(Database(f"sqlite:///{link}", LOG), LOG).acquire(0)


def test_what_the_file_says_counts_for_nothing_without_its_lock(tmp_path: Path) -> None:
    (tmp_path / "chat.db-server").write_text("left by somebody")
    Lease(Database(f"sqlite:///{tmp_path}/chat.db", LOG), LOG).acquire(0)


def test_a_file_that_cannot_be_locked_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "chat.db-server").mkdir()
    with pytest.raises(Unavailable, match=r"cannot lock .*chat\.db-server, .*: Is a directory"):
        Lease(Database(f"sqlite:///{tmp_path}/chat.db", LOG), LOG).acquire()


def test_a_lease_that_was_never_acquired_is_not_held(database: Database) -> None:
    lease = Lease(database, LOG)
    lease.announce_stop()
    lease.release()
    assert not lease.renew()
    Lease(database, LOG).acquire(0)
    with database.reading() as connection:
        rows = connection.execute(text("SELECT count(*) FROM server_lease")).scalar()
    assert rows == (database.engine.dialect.name == "postgresql")
