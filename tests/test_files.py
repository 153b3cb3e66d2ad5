"""What one user makes by a command, root too, another user's server can use."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from chat import create_app
from chat.files import make_folder, open_own
from tests.conftest import ROOT, TOKEN_SECRET

NOBODY = 65_534
# Serves a database as another user: what is loaded later may lie where that one may not look.
SERVER = f"""
import os, sys
from gevent import monkey; monkey.patch_all()
from chat import create_app
from chat.errors import ChatError

def serve(file):
    chat = create_app({{"CHAT_DATABASE_URL": f"sqlite:///{{file}}", "CHAT_TOKEN_SECRET": {TOKEN_SECRET!r}}}).extensions["chat"]
    chat.start()
    chat.storage.write(chat.storage.accounts.keep_names, ["alice"])
    chat.stop()

serve(sys.argv[1])
if os.geteuid() == 0:
    os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})
try:
    serve(sys.argv[2])
except ChatError as error:
    sys.exit(error.message)
print("served")
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of another user's, if root runs the tests; else of who runs them."""
    with TemporaryDirectory(prefix="chat-folder-") as made:
        if os.geteuid() == 0:
            os.chown(made, NOBODY, NOBODY)
        yield Path(made)


def serve_as_its_owner(folder: Path, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", SERVER, f"{tmp_path}/first.db", f"{folder}/chat.db"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_what_root_makes_in_the_folder_of_the_servers_user_is_that_users(folder: Path, tmp_path: Path) -> None:
    app = create_app({"CHAT_DATABASE_URL": f"sqlite:///{folder}/chat.db"})
    assert app.test_cli_runner().invoke(args=["chat", "init-db"]).exit_code == 0
    chat = app.extensions["chat"]
    chat.start()  # the lock's file, and the WAL
    chat.storage.write(chat.storage.accounts.keep_names, ["bob"])
    make_folder(folder / "instance/below")
    os.close(open_own(folder / "instance/below/token_secret", os.O_WRONLY))
    made = [path for path in folder.rglob("*") if path.name != "instance"]
    assert {path.name for path in made} >= {"chat.db", "chat.db-wal", "chat.db-server", "below", "token_secret"}
    for path in made:
        assert (path.stat().st_uid, path.stat().st_mode & 0o077) == (folder.stat().st_uid, 0), path
    chat.stop()
    served = serve_as_its_owner(folder, tmp_path)
    assert served.stdout == "served\n", served.stderr


def test_a_server_that_cannot_write_its_database_does_not_start_and_says_why(folder: Path, tmp_path: Path) -> None:
    database = folder / "chat.db"
    assert create_app({"CHAT_DATABASE_URL": f"sqlite:///{database}"}).extensions["chat"].stop() is None
    database.chmod(0o444)
    if os.geteuid() == 0:
        os.chown(database, 0, 0)  # as a copy that root has put there
    refused = serve_as_its_owner(folder, tmp_path)
    assert (refused.returncode, refused.stdout) == (1, "")
    sentence = refused.stderr.splitlines()[-1]
    assert sentence.startswith("The database cannot be written: "), refused.stderr
    assert "Give its file and its folder to the server's user" in sentence
    assert "Traceback" not in refused.stderr
