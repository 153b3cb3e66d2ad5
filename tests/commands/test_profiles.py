"""How users are shown, from a file: all of it or nothing, by the server where one answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from chat.protocol.profiles import Profile
from tests.commands import flask_chat
from tests.conftest import TOKEN_SECRET, Server
from tests.storage.conftest import begin_with_tables, open_storage

NOBODY = "http://127.0.0.1:9"  # where nothing listens


def test_a_file_of_many_users_is_imported_with_a_bar(database_url: str) -> None:
    lines = ["user_id,display_name,avatar_url", "u1,Alice Smith,/a.png", 'u2,"Park, Bob",', "u3,,"]
    lines += [f"m{n},Member {n}," for n in range(1_200)]
    open_storage(database_url).close()
    options = {"CHAT_DATABASE_URL": database_url, "CHAT_URL": NOBODY}
    done = flask_chat("import-users", "-", said="\ufeff" + "\r\n".join(lines), **options)
    assert done.exit_code == 0, done.output
    assert "1203 users, of whom 1202 are new or shown otherwise now. No server answers" in done.stdout
    assert "Importing" in done.stderr
    storage = open_storage(database_url)
    alice = Profile(display_name="Alice Smith", avatar_url="/a.png")
    assert storage.profiles.of(["u1", "u2", "u3"]) == {"u1": alice, "u2": Profile(display_name="Park, Bob")}
    assert storage.profiles.named("member 1199", 5) == ["m1199"]
    assert not storage.accounts.unknown(["u3"]), "known, though nothing is said of them"
    storage.close()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "The first line must name the columns"),
        ("name\nAlice\n", "The first line must name the columns"),
        ("user_id,display_name\nu1,Alice\nu2\n", "Line 3: it has not as many columns"),
        ("user_id,display_name\nu1,Alice\nu2,Bob,1\n", "Line 3: it has not as many columns"),
        ("user_id,display_name\nu1,Alice\n,Bob\n", "Line 3: user_id must not be empty."),
        (f"user_id,display_name\nu1,Alice\nu2,{'b' * 81}\n", "Line 3: displayName must have at most 80"),
        ("user_id,avatar_url\nu1,/a.png\nu2,http://x/\n", "Line 3: avatarUrl must begin with https://"),
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_stored(text: str, why: str, tmp_path: Path) -> None:
    begin_with_tables(url := f"sqlite:///{tmp_path}/chat.db")
    done = flask_chat("import-users", "-", said=text, CHAT_DATABASE_URL=url, CHAT_URL=NOBODY)
    assert done.exit_code == 1
    assert why in done.stderr
    storage = open_storage(url)
    assert storage.profiles.of(["u1"]) == {}
    storage.close()


def test_a_server_that_answers_imports_them_and_knows_of_it(server: Server) -> None:
    done = flask_chat(
        "import-users", "-", said="user_id,subtitle\nu9,Sales\n", CHAT_URL=server.http, CHAT_TOKEN_SECRET=TOKEN_SECRET
    )
    if "No server answers" in done.stdout:
        pytest.fail(done.output)
    assert "1 users, of whom 1 are new" in done.stdout
    server.wait_for(r"profiles service='cli' users=1 changed=1")
