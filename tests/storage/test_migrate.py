"""A database is brought to the newest tables by a command, or is refused."""

from __future__ import annotations

import logging
import os
import subprocess

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from click.testing import Result
from sqlalchemy import inspect, text

from chat import create_app
from chat.errors import Unavailable, WrongTables
from chat.protocol.names import name_key
from chat.storage import migrate
from chat.storage.accounts import Accounts
from chat.storage.database import Database
from chat.storage.search import Search
from tests.commands import flask_chat
from tests.conftest import GUNICORN, ROOT
from tests.storage.conftest import at_revision


def database(url: str) -> Database:
    return Database(url, logging.getLogger("chat"))


HEAD = migrate.revisions()[-1]


def init_db(url: str) -> Result:
    return flask_chat("init-db", CHAT_DATABASE_URL=url)


def set_revision(url: str, revision: str) -> None:
    opened = database(url)
    with opened.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :r"), {"r": revision})
    opened.close()


def test_init_db_makes_the_tables_and_can_be_run_again(new_database_url: str) -> None:
    made = init_db(new_database_url)
    assert made.exit_code == 0, made.stderr
    opened = database(new_database_url)
    assert {"conversations", "members", "messages"} <= set(inspect(opened.engine).get_table_names())
    opened.close()
    again = init_db(new_database_url)
    assert again.stdout == f"{new_database_url} is up to date (revision {HEAD}).\n"
    if new_database_url.startswith("postgresql"):  # SQLite's were made when the command was looked for
        assert made.stdout == f"{new_database_url} is now at revision {HEAD} (was: empty).\n"


def test_init_db_says_in_a_sentence_why_it_cannot(new_database_url: str) -> None:
    if new_database_url.startswith("sqlite"):
        return  # it is brought up to date, or refused, before the command is found
    elsewhere = new_database_url.replace("/chat_", "/no_chat_")
    failed = init_db(elsewhere)
    assert failed.exit_code == 1
    assert failed.stderr.startswith("Error: The database cannot be upgraded: ")
    assert "does not exist" in failed.stderr
    assert "Traceback" not in failed.stderr


def first_use(new_database_url: str) -> None:
    """Have an app's chat made, as its first request does."""
    create_app({"CHAT_DATABASE_URL": new_database_url}).extensions["chat"].stop()


def test_a_server_does_not_start_on_tables_that_are_missing_or_old(new_database_url: str) -> None:
    if new_database_url.startswith("sqlite"):
        return  # brought up to date at each start
    with pytest.raises(WrongTables, match=r"is empty, and .* Run: flask chat init-db"):
        first_use(new_database_url)
    started = subprocess.run(
        [*GUNICORN, "app:app"],
        cwd=ROOT, env={**os.environ, "CHAT_DATABASE_URL": new_database_url}, capture_output=True, text=True,
        timeout=60,
    )  # fmt: skip
    assert started.returncode != 0
    assert "Run: flask chat init-db" in started.stderr
    assert init_db(new_database_url).exit_code == 0
    first_use(new_database_url)
    set_revision(new_database_url, "0000")
    with pytest.raises(WrongTables, match=r"at revision 0000, .* Run: flask chat init-db"):
        first_use(new_database_url)


def test_the_tables_of_a_newer_program_are_left_alone(new_database_url: str) -> None:
    assert init_db(new_database_url).exit_code == 0
    set_revision(new_database_url, "9999")
    opened = database(new_database_url)
    with pytest.raises(WrongTables, match="revision 9999, which this program does not know"):
        migrate.upgrade(opened.engine)
    opened.close()
    with pytest.raises(WrongTables, match="9999"):
        first_use(new_database_url)


def test_the_revisions_are_those_that_alembic_finds_in_the_scripts() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrate.MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    assert migrate.revisions() == tuple(script.revision for script in scripts.walk_revisions())[::-1]
    assert migrate.revisions()[-1] == scripts.get_current_head()


def test_a_server_does_not_start_without_its_database() -> None:
    with pytest.raises(Unavailable, match="The database cannot be reached: "):
        first_use("postgresql+psycopg://nobody@127.0.0.1:1/nothing")


def test_names_of_the_first_tables_are_found_after_the_upgrade(new_database_url: str) -> None:
    opened = database(new_database_url)
    with at_revision(opened, "0001") as connection:
        connection.execute(text("INSERT INTO conversations (id, kind, key) VALUES (1, 'direct', 'x')"))
        for name in ("Ärmel", "armin", "Bob"):
            connection.execute(text("INSERT INTO members (user_id, conversation_id) VALUES (:name, 1)"), {"name": name})
    migrate.upgrade(opened.engine)
    search = Search(opened, name_key)
    assert search.names("A", 10) == ["armin"]
    assert search.names("ärm", 10) == ["Ärmel"]
    assert search.names("bob", 10) == ["Bob"]
    opened.close()


def test_names_from_before_look_like_new_ones_after_the_upgrade(new_database_url: str) -> None:
    opened = database(new_database_url)
    with at_revision(opened, "0005") as connection:
        insert = text("INSERT INTO accounts (key, name, created_at, changed_at) VALUES (:key, :name, 0, 0)")
        names = ["Admin", *(f"user{number}" for number in range(2_500))]
        connection.execute(insert, [{"key": name.lower(), "name": name} for name in names])
    migrate.upgrade(opened.engine)
    accounts = Accounts(opened, name_key)
    assert accounts.find_alike("admın") == (None, "Admin")
    assert accounts.find_alike("user2499")[0] is not None
    assert accounts.find_alike("usеr2499") == (None, "user2499"), "its e is Cyrillic"
    opened.close()
