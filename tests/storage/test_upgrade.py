"""An upgrade goes on beside a program of before that serves, and behind an interruption; each script runs once."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import Connection, event, inspect, text

from chat.storage import migrate
from chat.storage.database import Database
from chat.storage.examination import examine
from tests.storage.conftest import at_revision, open_storage
from tests.storage.test_listings import as_before, assert_listed_rightly
from tests.storage.test_migrate import database
from tests.storage.test_several_workers import SECONDS, at_once
from tests.storage.test_unread import assert_right, before_counts, unread_of

BEFORE = "0020"  # the last one whose program knows neither listings nor counts
FOLLOWING = [revision for revision in migrate.revisions() if revision > BEFORE]
RunScripts = Callable[[Connection, str], None]

# What a program of BEFORE says in its transactions.
LIST = "SELECT m.read_seq, c.last_seq FROM members AS m JOIN conversations AS c ON c.id = m.conversation_id"
MEMBERS, MESSAGES = "SELECT count(*) FROM members", "SELECT count(*) FROM messages"
POINTERS = f"{LIST} WHERE m.user_id = 'alice' FOR UPDATE OF m"
MOVE = "UPDATE members SET received_seq = 1 WHERE user_id = 'alice' AND conversation_id = 1"
LOCK = "SELECT id, last_seq FROM conversations WHERE id = 1 FOR UPDATE"
SAY = "INSERT INTO messages (conversation_id, seq, sender_id, body, sent_at) VALUES (1, 7, 'alice', 'hi', 1)"
EXTENT = "UPDATE conversations SET last_seq = 7 WHERE id = 1"
ERASE = "UPDATE messages SET body = '' WHERE conversation_id = 1 AND seq = 1"


def filled_before(url: str) -> Database:
    opened = database(url)
    with at_revision(opened, BEFORE) as connection:
        before_counts(connection)
    return opened


def revision_of(opened: Database) -> str:
    with opened.reading() as connection:
        found: str = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    return found


@pytest.mark.parametrize(
    ("said", "said_meanwhile"),
    [([MEMBERS], [LIST]), ([MESSAGES], [LIST]), ([MEMBERS], [LOCK, SAY, EXTENT]), ([LOCK], [SAY, EXTENT, POINTERS, MOVE]),
     ([ERASE], [LOCK, MOVE])],
    ids=["members first", "messages first", "members before a commit", "commit", "erasure"],
)  # fmt: skip
def test_an_upgrade_never_deadlocks_with_an_older_program_that_serves(
    new_database_url: str, said: list[str], said_meanwhile: list[str]
) -> None:
    """It begins in the middle of a transaction, and waits where it must; the transaction goes on then."""
    if new_database_url.startswith("sqlite"):
        return  # who writes waits for the upgrade, and who reads reads what was there before
    opened = filled_before(new_database_url)
    upgrade = threading.Thread(target=migrate.upgrade, args=[opened.engine])
    with opened.engine.connect() as serving:
        with serving.begin():
            for statement in said:
                serving.execute(text(statement))
            upgrade.start()
            wait_until(lambda: not upgrade.is_alive() or is_waiting(opened))
            for statement in said_meanwhile:  # raises where the database ends a deadlock by this one
                serving.execute(text(statement))
        upgrade.join(SECONDS)
    assert revision_of(opened) == FOLLOWING[-1]
    opened.close()


def test_while_a_dump_reads_all_tables_an_older_program_writes_and_the_upgrade_waits(
    new_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever comes behind a lock that is waited for waits for it too, and a dump may take an hour."""
    if new_database_url.startswith("sqlite"):
        return  # where a dump is a copy of the file
    monkeypatch.setattr(migrate, "LOCK_MS", 200)
    monkeypatch.setattr(migrate, "PAUSE_SECONDS", 0.2)
    opened = filled_before(new_database_url)
    upgrade = threading.Thread(target=migrate.upgrade, args=[opened.engine])
    with opened.engine.connect() as dump:
        with dump.begin():
            for statement in (LIST, MESSAGES):
                dump.execute(text(statement))
            upgrade.start()
            wait_until(lambda: is_waiting(opened))
            with opened.engine.connect() as serving, serving.begin():
                serving.execute(text(f"SET LOCAL statement_timeout = '{SECONDS}s'"))
                for statement in (LOCK, SAY, EXTENT):
                    serving.execute(text(statement))
            assert upgrade.is_alive()
        upgrade.join(SECONDS)
    assert revision_of(opened) == FOLLOWING[-1]
    opened.close()


def is_waiting(opened: Database) -> bool:
    """Whether somebody waits for a table of this database."""
    with opened.reading() as connection:
        return connection.execute(text(WAITING)).first() is not None


def wait_until(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < until


WAITING = """
SELECT 1 FROM pg_locks WHERE NOT granted AND relation IS NOT NULL
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
LOCKED = """
SELECT DISTINCT relname FROM pg_locks JOIN pg_class ON pg_class.oid = relation
WHERE pid = pg_backend_pid() AND mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
AND relkind = 'r' AND relname = ANY(:tables)
"""


def test_no_script_locks_two_tables_that_others_use(new_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever holds one of them may want the other one: a program that serves is at both in either order."""
    if new_database_url.startswith("sqlite"):
        return  # which has one lock
    opened = filled_before(new_database_url)
    locked: dict[str, list[str]] = {}

    def look(connection: Connection, revision: str) -> None:
        tables = inspect(connection).get_table_names()
        run_scripts(connection, revision)
        locked[revision] = list(connection.execute(text(LOCKED), {"tables": tables}).scalars())

    run_scripts = migrate.run_scripts
    monkeypatch.setattr(migrate, "run_scripts", look)
    migrate.upgrade(opened.engine)
    opened.close()
    assert [*locked] == FOLLOWING
    assert locked["0023"] == ["members"], "need a lock for this to mean anything"
    assert {revision: tables for revision, tables in locked.items() if len(tables) > 1} == {}


def test_rows_are_filled_in_steps_while_nobody_waits_for_a_whole_table(
    new_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if new_database_url.startswith("sqlite"):
        return  # which has one lock
    opened = filled_before(new_database_url)
    monkeypatch.setattr(migrate, "STEP_ROWS", 2)
    changed = [0]  # rows, by each transaction
    locked: list[int] = []  # the numbers of those that locked a table

    def count(_connection: Connection, cursor: Any, statement: str, *_: Any) -> None:
        if re.match(r"\s*(INSERT INTO (?!alembic)|UPDATE (?!alembic)|WITH)", statement):
            changed[-1] += cursor.rowcount

    def look(connection: Connection) -> None:
        if connection.scalars(text(LOCKED), {"tables": ["conversations", "members", "messages"]}).all():
            locked.append(len(changed) - 1)
        changed.append(0)

    event.listen(opened.engine, "after_cursor_execute", count)
    event.listen(opened.engine, "commit", look)
    migrate.upgrade(opened.engine)
    opened.close()
    assert locked, "need a lock for this to mean anything"
    assert [changed[number] for number in locked] == [0] * len(locked)
    # Three conversations and their listings, one of them with oneself; the conversations; their members.
    assert [rows for rows in changed if rows] == [2 + 4, 1 + 1, 2, 1, 2, 2, 1]


def test_an_upgrade_that_is_interrupted_at_each_step_goes_on_beside_an_older_program(
    new_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, serving = filled_before(new_database_url), OlderProgram(new_database_url)
    monkeypatch.setattr(migrate, "STEP_ROWS", 1)
    left = [0]

    def break_off(_connection: Connection) -> None:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1

    event.listen(opened.engine, "commit", break_off)
    for last in range(100):
        left[0] = last
        with suppress(KeyboardInterrupt):
            migrate.upgrade(opened.engine)
            break
        serving.write()
    event.remove(opened.engine, "commit", break_off)
    scripts = len(FOLLOWING)
    assert last >= (scripts if new_database_url.startswith("sqlite") else 2 * scripts), "or it was not broken off"
    assert revision_of(opened) == FOLLOWING[-1]
    opened.close()
    serving.assert_mended()


def test_what_an_older_program_writes_between_the_steps_of_a_script_counts(
    new_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if new_database_url.startswith("sqlite"):
        return  # where each script is one step
    opened, serving = filled_before(new_database_url), OlderProgram(new_database_url)
    monkeypatch.setattr(migrate, "STEP_ROWS", 1)
    event.listen(opened.engine, "begin", lambda _connection: serving.write())
    migrate.upgrade(opened.engine)
    opened.close()
    assert serving.seqs[5] > 10, "need steps for this to mean anything"
    serving.assert_mended()


class OlderProgram:
    """A program of before 0021, which writes and reads beside an upgrade."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._database = database(url)
        self.seqs = {1: 6, 2: 4, 5: 0}  # the last one of each conversation; 5 begins with the first `write`

    def write(self) -> None:
        if revision_of(self._database) >= "0023":
            return  # what follows changes no rows
        with self._database.transaction() as writing:
            for id_, name in ((1, "bob"), (2, "Zoe"), (5, "dan")):
                self.seqs[id_] = seq = self.seqs[id_] + 1
                as_before(writing, id_, name, seq, 10 * id_ + seq)
            answered = "UPDATE messages SET sender_id = 'Zoe' WHERE conversation_id = 2 AND seq = :seq AND seq % 2 = 0"
            writing.execute(text(answered), {"seq": self.seqs[2]})
            read = "UPDATE members SET received_seq = :seq, read_seq = :seq WHERE conversation_id = 2 AND user_id = 'alice'"
            writing.execute(text(read), {"seq": self.seqs[2] - 1})

    def assert_mended(self) -> None:
        """Once a newer worker has looked, all is listed and counted as it should be."""
        self._database.close()
        storage = open_storage(self._url)
        for id_ in storage.listings.left_behind(storage.database, 0)[0]:
            storage.listings.mend(storage.database, id_)
        found = examine(storage.database, lambda _done, _total: None)
        assert (found.unread, found.lists) == ([], [])
        with storage.database.reading() as connection:
            assert_listed_rightly(connection)
        storage.close()


@pytest.mark.parametrize("broken", FOLLOWING)
def test_an_upgrade_that_was_interrupted_goes_on(
    new_database_url: str, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = filled_before(new_database_url)

    def run_and_break_off(connection: Connection, revision: str) -> None:
        run_scripts(connection, revision)
        if revision == broken:
            raise KeyboardInterrupt

    run_scripts = migrate.run_scripts
    with monkeypatch.context() as patched:
        patched.setattr(migrate, "run_scripts", run_and_break_off)
        with pytest.raises(KeyboardInterrupt):
            migrate.upgrade(opened.engine)
    kept = [BEFORE, *FOLLOWING][FOLLOWING.index(broken)]
    assert revision_of(opened) == kept, "what was not whole is undone, and what was whole is kept"
    assert migrate.upgrade(opened.engine) == (kept, FOLLOWING[-1])
    opened.close()
    storage = open_storage(new_database_url)
    assert_right(storage)
    assert unread_of(storage) == {"bob": 2, "Zoe": 2, "alice": 0}
    with storage.database.reading() as connection:
        assert_listed_rightly(connection)
    storage.close()


def test_what_an_older_program_writes_between_two_scripts_counts(
    new_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = filled_before(new_database_url)

    def run_and_serve(connection: Connection, revision: str) -> None:
        run_scripts(connection, revision)
        if revision > "0023":
            return
        seq = 4 + int(revision)
        as_before(connection, 2, "Zoe", seq - 20, seq)
        by_other = "UPDATE messages SET sender_id = 'Zoe' WHERE conversation_id = 2 AND seq = :seq"
        connection.execute(text(by_other), {"seq": seq - 20})
        read = "UPDATE members SET received_seq = :seq, read_seq = :seq WHERE conversation_id = 2 AND user_id = 'alice'"
        if revision == "0022":
            connection.execute(text(read), {"seq": seq - 20})

    run_scripts = migrate.run_scripts
    with monkeypatch.context() as patched:
        patched.setattr(migrate, "run_scripts", run_and_serve)
        migrate.upgrade(opened.engine)
    opened.close()
    storage = open_storage(new_database_url)
    assert unread_of(storage) == {"bob": 2, "Zoe": 1, "alice": 0}
    for id_ in storage.listings.left_behind(storage.database, 0)[0]:
        storage.listings.mend(storage.database, id_)
    assert_right(storage)
    with storage.database.reading() as connection:
        assert_listed_rightly(connection)
    storage.close()


def test_tables_that_had_the_counts_in_one_script_keep_them(new_database_url: str) -> None:
    opened = database(new_database_url)
    with at_revision(opened, "0023") as connection:
        before_counts(connection)
        connection.execute(text("UPDATE members SET read_sent = 5"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0022'"))
    migrate.upgrade(opened.engine)
    with opened.reading() as connection:
        assert connection.execute(text("SELECT DISTINCT read_sent FROM members")).scalars().all() == [5]
    opened.close()


def test_workers_that_start_at_once_run_each_script_once(
    new_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled_before(new_database_url).close()
    ran: list[str] = []

    def run(connection: Connection, revision: str) -> None:
        ran.append(revision)
        run_scripts(connection, revision)

    run_scripts = migrate.run_scripts
    monkeypatch.setattr(migrate, "run_scripts", run)
    workers = [database(new_database_url) for _ in range(4)]
    found = at_once(*[lambda worker=worker: migrate.upgrade(worker.engine) for worker in workers])
    assert ran == FOLLOWING
    assert {after for _, after in found} == {FOLLOWING[-1]}
    for worker in workers:
        worker.close()
