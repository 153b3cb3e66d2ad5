"""A copy of the database is whole, is put back whole or not at all, and clients are told that it was."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from unittest import mock

import pytest
from click.testing import Result
from flask import Flask

from chat import create_app
from chat.server import ChatServer
from chat.storage.backup import back_up
from chat.storage.database import Database
from chat.storage.epoch import Epoch
from chat.storage.lease import Lease
from chat.storage.records import Send
from chat.storage.storage import Storage
from tests.conftest import TOKEN_SECRET
from tests.storage.conftest import at_revision, begin_with_tables, open_storage


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    """An app with a database in a file."""
    begin_with_tables(url := f"sqlite:///{tmp_path}/chat.db")
    app = create_app({"CHAT_DATABASE_URL": url, "CHAT_TOKEN_SECRET": TOKEN_SECRET})
    yield app
    app.extensions["chat"].stop()


def chat_of(app: Flask) -> ChatServer:
    made: ChatServer = app.extensions["chat"]
    return made


def run(app: Flask, *words: str | Path) -> Result:
    return app.test_cli_runner().invoke(args=["chat", *map(str, words)])


def say(app: Flask, *texts: str) -> None:
    chat_of(app).storage.writer.commit([Send("alice", "bob", text, None) for text in texts])


def texts(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [body for (body,) in connection.execute("SELECT body FROM messages ORDER BY seq")]


def epoch_of(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        value: str = connection.execute("SELECT value FROM epoch WHERE id = 1").fetchone()[0]
        return value


def test_an_epoch_is_made_once_and_only_renewed_when_asked(storage: Storage) -> None:
    epoch = Epoch(storage.database)
    made = epoch.value()
    assert made
    assert epoch.value() == made == Epoch(storage.database).value()
    assert epoch.renew() != made
    assert epoch.value() != made


def test_what_was_restored_is_what_was_backed_up_in_another_epoch(app: Flask, tmp_path: Path) -> None:
    copy, place = tmp_path / "copy.db", tmp_path / "chat.db"
    say(app, "one", "two")
    before = chat_of(app).storage.epoch
    token, _ = chat_of(app).tokens.sign("alice", 1)
    chat_of(app).lease.acquire()  # a server runs
    made = run(app, "backup", copy)
    assert made.exit_code == 0, made.output
    assert (texts(copy), copy.stat().st_mode & 0o777) == (["one", "two"], 0o600)
    assert sorted(path.name for path in tmp_path.glob("copy*")) == ["copy.db"]
    say(app, "three")
    refused = run(app, "restore", copy)
    assert (refused.exit_code, texts(place)) == (1, ["one", "two", "three"])
    assert "serves this database" in refused.output
    chat_of(app).lease.release()
    put_back = run(app, "restore", copy)
    assert put_back.exit_code == 0, put_back.output
    assert (texts(place), epoch_of(copy)) == (["one", "two"], before)
    assert epoch_of(place) != before
    served_again = create_app(dict(app.config)).extensions["chat"]
    assert served_again.storage.epoch == epoch_of(place)
    assert served_again.tokens.read(token).sub == "alice", "nobody has to sign in again"
    served_again.stop()
    assert not [*tmp_path.glob("*restoring*")]
    say(app, "another three")  # the numbers go on behind what was restored
    assert texts(place) == ["one", "two", "another three"]


def test_what_is_written_meanwhile_does_not_begin_a_backup_anew(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.storage.backup.PAGES", 1)
    say(app, "before")
    shown: list[tuple[int, int]] = []

    def progress(done: int, total: int) -> None:
        shown.append((done, total))
        assert len(shown) <= total, "it began anew"
        if len(shown) % 10 == 1:
            say(app, "meanwhile")

    back_up(chat_of(app).storage.database, tmp_path / "copy.db", progress)
    assert len(shown) > 20, "need a copy in many parts for this to mean anything"
    assert [done for done, _ in shown] == list(range(1, len(shown) + 1)), "each page once"
    assert shown[-1][0] == shown[-1][1]
    assert texts(tmp_path / "copy.db") == ["before"]


def test_servers_that_share_a_bus_keep_a_restore_out_too(app: Flask, tmp_path: Path) -> None:
    say(app, "one")
    assert run(app, "backup", tmp_path / "copy.db").exit_code == 0
    database = chat_of(app).storage.database
    serving = Lease(database, logging.getLogger("chat"), has_bus=True)
    serving.acquire()
    with mock.patch.object(chat_of(app), "lease", Lease(database, logging.getLogger("chat"), has_bus=True)):
        refused = run(app, "restore", tmp_path / "copy.db")
    serving.release()
    assert (refused.exit_code, "serves this database" in refused.output) == (1, True), refused.output


def test_a_copy_of_an_older_program_is_restored_with_the_newest_tables(app: Flask, tmp_path: Path) -> None:
    copy = Database(tmp_path / "older.db", logging.getLogger("chat"))
    with at_revision(copy, "0011"):
        pass
    copy.close()
    put_back = run(app, "restore", tmp_path / "older.db")
    assert put_back.exit_code == 0, put_back.output
    assert epoch_of(tmp_path / "chat.db")


def test_what_is_no_whole_copy_is_refused_and_changes_nothing(app: Flask, tmp_path: Path) -> None:
    say(app, "kept")
    copy = tmp_path / "copy.db"
    run(app, "backup", copy)
    foreign, broken, text = tmp_path / "foreign.db", tmp_path / "broken.db", tmp_path / "text"
    with closing(sqlite3.connect(foreign)) as connection:
        connection.execute("CREATE TABLE something (id)")
    whole = copy.read_bytes()
    broken.write_bytes(whole[: len(whole) // 2])
    text.write_text("no database")
    for path in (foreign, broken, text):
        refused = run(app, "restore", path)
        assert (refused.exit_code, "no whole copy" in refused.output) == (1, True), refused.output
    assert texts(tmp_path / "chat.db") == ["kept"]
    assert run(app, "restore", tmp_path / "nowhere").exit_code == 2


def test_a_backup_never_replaces_the_database_itself(app: Flask, tmp_path: Path) -> None:
    say(app, "kept")
    (tmp_path / "other-name.db").symlink_to(tmp_path / "chat.db")
    for name in ("chat.db", "other-name.db"):
        refused = run(app, "backup", tmp_path / name)
        assert (refused.exit_code, "is the database itself" in refused.output) == (1, True), refused.output
    failed = run(app, "backup", tmp_path / "no-folder" / "copy.db")
    assert (failed.exit_code, "No such file or directory" in failed.output) == (1, True), failed.output
    assert texts(tmp_path / "chat.db") == ["kept"]


def test_a_new_epoch_is_given_on_each_engine_while_no_server_runs(database_url: str) -> None:
    open_storage(database_url).close()
    app = create_app({"CHAT_DATABASE_URL": database_url, "CHAT_TOKEN_SECRET": TOKEN_SECRET})
    before = Epoch(chat_of(app).storage.database).value()
    renewed = run(app, "new-epoch")
    assert renewed.exit_code == 0, renewed.output
    assert Epoch(chat_of(app).storage.database).value() != before
    if not chat_of(app).storage.database.is_sqlite:
        refused = run(app, "backup", "copy.db")
        assert (refused.exit_code, "pg_dump" in refused.output) == (1, True), refused.output
    chat_of(app).stop()
