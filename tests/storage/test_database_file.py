"""A database whose file is deleted or replaced under the running server acknowledges nothing."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
import requests

from chat.errors import BadSetting, Unavailable
from chat.protocol.names import name_key
from chat.storage.database_file import FileReplaced
from chat.storage.records import Send
from chat.storage.storage import Storage
from tests.clients import Person
from tests.conftest import StartServer
from tests.storage.conftest import JOURNAL_RECORDS, open_storage


def send(client_id: str) -> list[Send]:
    return [Send("alice", "bob", "hi", client_id)]


def test_no_ack_for_what_went_into_a_file_that_nobody_can_find(start_server: StartServer, tmp_path: Path) -> None:
    file, aside = tmp_path / "chat.db", tmp_path / "aside.db"
    server = start_server(CHAT_DATABASE_URL=f"sqlite:///{file}")
    with Person(server.ws) as alice:
        alice.send(type="init", userId="alice", sync=True)  # a plain client might be catching up just then
        alice.receive("ready")
        assert alice.ask(type="chat", toUserId="bob", message="1", clientId="c1")["seq"] == 1
        api = f"{server.http}/api"
        token = requests.post(f"{api}/session", json={"userId": "bob"}, timeout=10).json()["token"]
        file.rename(aside)
        for n in range(3):
            answer = alice.ask(type="chat", toUserId="bob", message="2", clientId="c2")
            assert (answer["type"], answer["code"]) == ("error", "unavailable")
            answer = alice.ask(type="received", withUserId="bob", seq=n)
            assert answer["code"] == "unavailable"
        headers = {"Authorization": f"Bearer {token}"}
        assert requests.get(f"{api}/conversations", headers=headers, timeout=10).status_code == 503
        assert not file.exists(), "no empty one is put in its place"
        assert server.log.count(f"{file} was deleted or replaced under the running server") == 1
        aside.rename(file)
        assert alice.ask(type="chat", toUserId="bob", message="2", clientId="c2")["seq"] == 2
        assert f"{file} is back" in server.log


@pytest.mark.parametrize(
    ("file", "why"), [("none/chat.db", "No such file or directory"), ("a file/chat.db", "Not a directory")]
)
def test_a_database_in_no_folder_stops_the_start_and_names_the_setting(tmp_path: Path, file: str, why: str) -> None:
    (tmp_path / "a file").touch()
    said = f"CHAT_DATABASE_URL: {tmp_path}/{file} cannot be made: {why}. Make its folder"
    with pytest.raises(BadSetting, match=re.escape(said)):
        Storage(f"sqlite:///{tmp_path}/{file}", name_key, logging.getLogger("chat"), JOURNAL_RECORDS)


@pytest.mark.parametrize("suffix", ["", "-wal"])
def test_another_file_under_the_name_is_told_from_the_one_that_is_open(tmp_path: Path, suffix: str) -> None:
    storage = open_storage(f"sqlite:///{tmp_path}/chat.db")
    for client_id in ("c1", "c2"):
        storage.writer.commit(send(client_id))
    file = tmp_path / f"chat.db{suffix}"
    copy = tmp_path / "copy"
    copy.write_bytes(file.read_bytes())
    copy.replace(file)
    for _ in range(2):
        with pytest.raises(FileReplaced):
            storage.writer.commit(send("c3"))
    storage.close()


def test_the_wal_that_sqlite_makes_anew_for_a_new_writer_is_no_other_file(tmp_path: Path) -> None:
    storage = open_storage(f"sqlite:///{tmp_path}/chat.db")
    wal = tmp_path / "chat.db-wal"
    for number in range(3):
        storage.writer.commit(send(f"a{number}"))
        storage.writer.commit(send(f"b{number}"))
        assert wal.exists()
        with pytest.raises(ZeroDivisionError), storage.database.transaction():
            raise ZeroDivisionError  # the writer's connection is closed, and was the only one
        assert not wal.exists(), "need a new WAL for this to mean anything"
    assert len(storage.messages.history("alice", "bob", 10).messages) == 6
    storage.close()


@pytest.mark.parametrize("repeats", [True, False], ids=["repeated", "not repeated"])
def test_what_was_stored_in_a_file_that_is_put_back_is_delivered_once_and_in_order(
    start_server: StartServer, tmp_path: Path, repeats: bool
) -> None:
    file, aside = tmp_path / "chat.db", tmp_path / "aside.db"
    server = start_server(CHAT_DATABASE_URL=f"sqlite:///{file}")
    with Person(server.ws, "alice") as alice, Person(server.ws, "bob") as bob, Person(server.ws) as tab:
        tab.send(type="init", userId="bob", sync=True)
        tab.receive("ready")
        assert alice.ask(type="chat", toUserId="bob", message="one", clientId="c1")["seq"] == 1
        file.rename(aside)
        assert alice.ask(type="chat", toUserId="bob", message="two", clientId="c2")["code"] == "unavailable"
        aside.rename(file)
        if repeats:
            again = alice.ask(type="chat", toUserId="bob", message="two", clientId="c2")
            assert (again["seq"], again["delivered"]) == (2, True)
        assert alice.ask(type="chat", toUserId="bob", message="three", clientId="c3")["seq"] == 3
        for socket in (bob, tab):
            heard = [socket.receive("chat") for _ in range(3)]
            assert [(event["message"], event["seq"]) for event in heard] == [("one", 1), ("two", 2), ("three", 3)]
            assert socket.hears_nothing()


def test_what_was_stored_is_delivered_though_nobody_writes_again(start_server: StartServer, tmp_path: Path) -> None:
    file, aside = tmp_path / "chat.db", tmp_path / "aside.db"
    server = start_server(CHAT_DATABASE_URL=f"sqlite:///{file}")
    with Person(server.ws, "alice") as alice, Person(server.ws, "bob") as bob:
        assert alice.ask(type="chat", toUserId="bob", message="one")["seq"] == 1
        file.rename(aside)
        assert alice.ask(type="chat", toUserId="bob", message="two")["code"] == "unavailable"
        aside.rename(file)
        assert [bob.receive("chat")["message"] for _ in range(2)] == ["one", "two"]


def test_a_folder_that_is_gone_for_a_moment_is_told_as_such_and_loses_nothing(
    start_server: StartServer, tmp_path: Path
) -> None:
    folder, aside = tmp_path / "data", tmp_path / "aside"
    folder.mkdir()
    server = start_server(CHAT_DATABASE_URL=f"sqlite:///{folder}/chat.db")
    token = requests.post(f"{server.http}/api/session", json={"userId": "bob"}, timeout=10).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    with Person(server.ws, "alice") as alice, Person(server.ws, "bob") as bob:
        assert alice.ask(type="chat", toUserId="bob", message="one")["seq"] == 1
        folder.rename(aside)
        folder.write_text("a file where the folder was: looking into it is another error than a missing file")
        assert alice.ask(type="chat", toUserId="bob", message="two")["code"] == "unavailable"
        for path in ("/conversations", "/conversations/alice/messages"):
            answer = requests.get(f"{server.http}/api{path}", headers=headers, timeout=10)
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
        folder.unlink()
        aside.rename(folder)
        assert alice.ask(type="chat", toUserId="bob", message="three")["seq"] == 3
        assert [bob.receive("chat")["message"] for _ in range(3)] == ["one", "two", "three"]
    assert "Traceback" not in server.log


def test_the_files_of_a_new_database_are_its_owners_alone(tmp_path: Path) -> None:
    storage = Storage(f"sqlite:///{tmp_path}/chat.db", name_key, logging.getLogger("chat"), JOURNAL_RECORDS)
    storage.writer.commit(send("c1"))
    for file in ("chat.db", "chat.db-wal", "chat.db-shm"):
        assert (tmp_path / file).stat().st_mode & 0o777 == 0o600, file
    storage.close()


def test_of_a_database_that_others_may_read_the_log_warns(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    open_storage(f"sqlite:///{tmp_path}/chat.db").close()
    assert "others on this machine" not in caplog.text
    (tmp_path / "chat.db").chmod(0o644)
    open_storage(f"sqlite:///{tmp_path}/chat.db").close()
    assert f"others on this machine may read {tmp_path}/chat.db" in caplog.text


@pytest.mark.parametrize(
    ("pragma", "reason"),
    [("max_page_count = 1", "database or disk is full"), ("query_only = ON", "attempt to write a readonly database")],
)
def test_the_log_says_what_the_database_says_of_a_failed_write(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, pragma: str, reason: str
) -> None:
    storage = open_storage(f"sqlite:///{tmp_path}/chat.db")
    with storage.database.transaction() as connection:
        connection.exec_driver_sql(f"PRAGMA {pragma}")
    names = [f"user-{number}" for number in range(2_000)]  # more than the file has room for
    with pytest.raises(Unavailable):
        storage.write(storage.accounts.keep_names, names)
    assert f"a single write failed (Accounts.keep_names): OperationalError: {reason}" in caplog.text
    assert "user-1" not in caplog.text
    storage.close()
