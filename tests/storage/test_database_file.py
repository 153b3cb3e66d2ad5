"""A database whose file is deleted or replaced under the running server acknowledges nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests

from chat.storage import migrate
from chat.storage.database_file import FileReplaced
from chat.storage.records import Send
from chat.storage.store import Store
from tests.clients import Person
from tests.conftest import StartServer


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


@pytest.mark.parametrize("suffix", ["", "-wal"])
def test_another_file_under_the_name_is_told_from_the_one_that_is_open(tmp_path: Path, suffix: str) -> None:
    store = Store(f"sqlite:///{tmp_path}/chat.db")
    migrate.upgrade(store.engine)
    for client_id in ("c1", "c2"):
        store.commit(send(client_id))
    file = tmp_path / f"chat.db{suffix}"
    copy = tmp_path / "copy"
    copy.write_bytes(file.read_bytes())
    copy.replace(file)
    for _ in range(2):
        with pytest.raises(FileReplaced):
            store.commit(send("c3"))
    store.close()


def test_the_wal_that_sqlite_makes_anew_for_a_new_writer_is_no_other_file(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/chat.db")
    migrate.upgrade(store.engine)
    wal = tmp_path / "chat.db-wal"
    for number in range(3):
        store.commit(send(f"a{number}"))
        store.commit(send(f"b{number}"))
        assert wal.exists()
        with pytest.raises(ZeroDivisionError), store.transaction():
            raise ZeroDivisionError  # the writer's connection is closed, and was the only one
        assert not wal.exists(), "need a new WAL for this to mean anything"
    assert len(store.history("alice", "bob", 10).messages) == 6
    store.close()


def test_a_database_without_a_file_is_not_looked_for() -> None:
    store = Store("sqlite://")
    with store.reading() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
    store.close()
