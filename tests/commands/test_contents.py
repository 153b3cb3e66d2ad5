"""How much is in a database, who, and whether it is whole: on each engine, and in one that is not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chat.storage.examination import MOST_FAULTS, begin_anew, examine
from chat.storage.records import Pointer, Send
from chat.storage.storage import Storage
from tests.commands import flask_chat
from tests.storage.conftest import open_storage


@pytest.fixture
def filled(database_url: str) -> str:
    """The URL of a database with three messages in two conversations."""
    storage = open_storage(database_url)
    storage.writer.commit([Send("alice", "bob", "hello", None), Send("bob", "alice", "hello you", None)])
    storage.writer.commit([Send("alice", "carol", "hello", None)], [Pointer("bob", "alice", 1, 1)])
    storage.accounts.disable("mallory")
    while storage.search_index.step():
        pass
    storage.close()
    return database_url


def run(url: str, *words: str) -> Any:
    return flask_chat(*words, CHAT_DATABASE_URL=url)


def test_stats_count_what_there_is(filled: str) -> None:
    found = json.loads(run(filled, "stats", "--json").stdout)
    assert found.pop("database_bytes") > 10_000
    assert found.pop("wal_bytes") >= 0
    assert found == {
        "users": 4, "with_password": 0, "disabled": 1, "conversations": 2, "messages": 3,
        "notifications": 0, "unseen_notifications": 0,
    }  # fmt: skip
    assert "messages                            3\n" in run(filled, "stats").stdout


def test_everybody_is_listed_once_by_their_names(filled: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.storage.overview.LISTED", 2)  # as many are read in one transaction
    lines = run(filled, "list-users").stdout.splitlines()
    assert [line.split()[-1] for line in lines] == ["alice", "bob", "carol", "mallory"]
    assert "shut out" in lines[-1]
    [one] = run(filled, "list-users", "--disabled", "--json").stdout.splitlines()
    found = json.loads(one)
    assert (found["name"], found["disabled"], found["password"]) == ("mallory", True, False)


def test_a_whole_database_passes(filled: str) -> None:
    done = run(filled, "check")
    assert done.exit_code == 0, done.output
    assert "ok    sequences    No gap is in the 3 messages of 2 conversations.\n" in done.stdout
    assert {line.split()[0] for line in done.stdout.splitlines()} <= {"ok", "skip"}


def broken(url: str, *statements: str) -> str:
    storage = open_storage(url)
    with storage.database.transaction() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    storage.close()
    done = run(url, "check")
    assert done.exit_code == 2, done.output
    return "\n".join(line for line in done.stdout.splitlines() if line.startswith("fail"))


def test_a_message_that_is_missing_in_the_middle_is_told(filled: str) -> None:
    said = broken(filled, "DELETE FROM messages WHERE seq = 1 AND body = 'hello' AND sender_id = 'alice'")
    assert "has 1 messages from 2 to 2, and should have 2 from 1 to 2. Stop the server, and restore a backup." in said
    assert "has 0 messages from None to None, and should have 1 from 1 to 1." in said


def test_a_pointer_beyond_the_last_message_is_told(filled: str) -> None:
    said = broken(filled, "UPDATE members SET received_seq = 9, read_seq = 9 WHERE user_id = 'bob'")
    assert "has read 9 of 9 received of 2." in said


DAMAGED = (
    "DELETE FROM listings WHERE user_id = 'carol'",
    "INSERT INTO listings (user_id, last_at, conversation_id) VALUES ('alice', 7, 1)",
    "INSERT INTO listings (user_id, last_at, conversation_id) VALUES ('mallory', 8, 2)",
    "UPDATE conversations SET first_sent = first_sent + 1 WHERE id = 1",
)


def test_lists_and_numbers_that_are_wrong_are_told_and_made_anew(filled: str) -> None:
    said = broken(filled, *DAMAGED)
    assert (
        "fail  lists        Conversation 2 is not in the list of carol, and should be. Stop the server, and run: "
        in said
    )
    assert "Conversation 1 is in the list of alice at 7, and should be at 1" in said
    assert "Conversation 2 is in the list of mallory at 8, and should not be there." in said
    assert (
        "fail  unread       Conversation 1 has 1 unread messages for alice, and 0 are told. Stop the server, " in said
    )
    assert "Conversation 1 has 0 unread messages for bob, and 1 are told." in said
    assert len(said.splitlines()) == 5
    assert run(filled, "lists-anew").exit_code == 0
    mended = run(filled, "check")
    assert mended.exit_code == 0, mended.output
    storage = open_storage(filled)
    assert [(one.state.with_user_id, one.state.unread) for one in storage.messages.overviews("bob", 9)] == [
        ("alice", 0)
    ]
    assert [(one.state.with_user_id, one.state.unread) for one in storage.messages.overviews("carol", 9)] == [
        ("alice", 1)
    ]
    assert {one.state.with_user_id for one in storage.messages.overviews("alice", 9)} == {"bob", "carol"}
    storage.close()


def test_of_wrong_rows_the_first_few_are_told(filled: str) -> None:
    many = "INSERT INTO listings (user_id, last_at, conversation_id) VALUES " + ", ".join(
        f"('mallory{number}', 8, 2)" for number in range(50)
    )
    assert len(broken(filled, many).splitlines()) == MOST_FAULTS


def test_what_an_older_program_has_written_is_no_fault(filled: str) -> None:
    storage = open_storage(filled)
    with storage.database.transaction() as connection:
        connection.exec_driver_sql(
            "UPDATE conversations SET counted_seq = 0, first_sent = 0, last_at = NULL WHERE id = 2"
        )
        connection.exec_driver_sql("DELETE FROM listings WHERE conversation_id = 2")
    done = run(filled, "check")
    assert done.exit_code == 1, done.output
    assert "warn  lists        1 conversations, which an older program has written to, " in done.stdout
    assert "fail" not in done.stdout
    for conversation in storage.listings.left_behind(storage.database, 0)[0]:
        storage.listings.mend(storage.database, conversation)
    storage.close()
    assert run(filled, "check").exit_code == 0


def test_an_index_that_lacks_messages_is_told_and_made_anew(sqlite_filled: Storage) -> None:
    database = sqlite_filled.database
    with database.transaction() as connection:
        connection.exec_driver_sql("INSERT INTO trigrams (trigrams) VALUES ('delete-all')")
    assert len(examine(database, lambda _done, _total: None).unindexed) == 3
    begin_anew(database)
    again = open_storage(database.engine.url.render_as_string())
    while again.search_index.step():
        pass
    found = examine(database, lambda _done, _total: None)
    again.close()
    assert (found.unindexed, found.messages) == ([], 3)


@pytest.fixture
def sqlite_filled(tmp_path: Any) -> Any:
    storage = open_storage(f"sqlite:///{tmp_path}/chat.db")
    storage.writer.commit([Send("alice", "bob", f"message {number}", None) for number in range(3)])
    while storage.search_index.step():
        pass
    yield storage
    storage.close()


def test_a_page_that_is_broken_is_told(sqlite_filled: Storage) -> None:
    url = sqlite_filled.database.engine.url
    with sqlite_filled.database.reading() as connection:
        page = connection.exec_driver_sql("SELECT rootpage FROM sqlite_master WHERE name = 'messages'").scalar()
    sqlite_filled.close()
    with open(str(url.database), "r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)
    done = run(url.render_as_string(), "check")
    assert (done.exit_code, "fail  file" in done.stdout) == (2, True), done.output
    assert "fail  sequences    What lies behind conversation 0 cannot be read" in done.stdout
