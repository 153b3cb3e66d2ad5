"""What belongs to the process: a start that is refused, and the signals that gunicorn knows beside SIGTERM."""

from __future__ import annotations

import os
import re
import shlex
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chat import process
from tests.clients import Person
from tests.conftest import GUNICORN, ROOT, TOKEN_SECRET, MakeChat, StartServer, own_storage
from tests.storage.conftest import begin_with_tables

SECONDS = 60
FLASK = [sys.executable, "-m", "flask", "--app", "app"]
WAYS = {
    "gunicorn": [*GUNICORN, "app:app"],
    "app.py": [sys.executable, "app.py"],
    "flask run": [*FLASK, "run", "-p", "0"],
    "flask chat": [*FLASK, "chat", "doctor"],
}


def start(way: str, **env: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PORT": "0", **env}
    return subprocess.run(WAYS[way], cwd=ROOT, env=env, capture_output=True, text=True, timeout=SECONDS)


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_a_setting_that_cannot_be_used_ends_the_start_with_one_sentence(way: str) -> None:
    refused = start(way, CHAT_AUTH="maybe")
    assert refused.returncode not in (0, None)
    assert refused.stderr.count("CHAT_AUTH must be one of open, required, not 'maybe'.") == 1, refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.slow
@pytest.mark.parametrize("port", ["http", "99999"])
@pytest.mark.parametrize("way", ["gunicorn", "app.py"])
def test_a_port_that_is_none_ends_the_start_with_one_sentence(way: str, port: str) -> None:
    refused = start(way, PORT=port)
    assert refused.returncode not in (0, None)
    assert f"PORT must be a port, a number from 0 to 65535, not '{port}'." in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.slow
@pytest.mark.parametrize("way", ["gunicorn", "app.py", "flask chat"])
def test_a_newer_database_ends_the_start_with_one_sentence(way: str, tmp_path: Path) -> None:
    begin_with_tables(f"sqlite:///{tmp_path}/chat.db")
    database = sqlite3.connect(tmp_path / "chat.db")
    database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.commit()
    database.close()
    refused = start(way, CHAT_DATABASE_URL=f"sqlite:///{tmp_path}/chat.db", CHAT_TOKEN_SECRET=TOKEN_SECRET)
    assert refused.returncode not in (0, None)
    assert refused.stderr.count("The database is at revision 9999, which this program does not know") == 1
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])
def test_by_which_address_it_is_bound_is_not_asked_of_the_network(
    host: str, make_chat: MakeChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer may take seconds, and may be localhost: then a class got 421 from its teacher's machine."""
    made: list[dict[str, object]] = []

    def make(*_: object, **options: dict[str, object]) -> None:
        made.append(options["environ"])
        raise OSError(0, "enough is known")

    monkeypatch.setattr("gevent.pywsgi.WSGIServer", make)
    with pytest.raises(SystemExit):
        process.serve_by_pywsgi(None, make_chat(), host, 0)
    assert made == [{"SERVER_NAME": host}]


def test_a_second_gunicorn_that_usr2_starts_is_refused_and_the_first_serves_on(start_server: StartServer) -> None:
    # As a script: `python -m gunicorn` cannot start itself anew.
    command = [str(Path(sys.executable).with_name("gunicorn")), *GUNICORN[3:], "app:app"]
    server = start_server(command=command)
    server.wait_answer()
    with Person(server.ws, "alice") as alice:
        server.process.send_signal(signal.SIGUSR2)
        server.wait_for("the server does not start: One server serves a database, and process")
        server.wait_for("Shutting down: Master")
        assert server.log.count("Booting worker") == 2, "need a second worker for this to mean anything"
        with Person(server.ws, "bob") as bob:
            assert alice.ask(type="chat", toUserId="bob", message="are you there?")["delivered"]
            assert bob.receive("chat")["message"] == "are you there?"
    assert server.process.poll() is None


Rotated = tuple[Path, str, Callable[[str], re.Match[str]]]


@pytest.fixture
def rotated(tmp_path: Path) -> Iterator[Rotated]:
    """The documented command under way: its log, the documented end of a rotation, and a wait for a line in the log."""
    text = (ROOT / "docs/operations.md").read_text("utf-8")
    [command] = re.findall(r"^gunicorn .*--capture-output.*$", text, re.MULTILINE)
    [after] = re.findall(r"postrotate\n\s*(.*)\n\s*endscript", text)
    log, pid = tmp_path / "chat.log", tmp_path / "chat.pid"
    for old, new in (
        ("/var/log/chat/chat.log", str(log)),
        ("/run/chat/chat.pid", str(pid)),
        ("127.0.0.1:8000", "127.0.0.1:0"),
    ):
        assert old in command + after
        command, after = command.replace(old, new), after.replace(old, new)
    env = {**os.environ, **own_storage(tmp_path)}
    process = subprocess.Popen([sys.executable, "-m", *shlex.split(command)], cwd=ROOT, env=env)

    def wait_for(pattern: str) -> re.Match[str]:
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            if log.exists() and (found := re.search(pattern, log.read_text())):
                return found
            time.sleep(0.02)
        raise AssertionError(f"no {pattern!r} in the log:\n{log.read_text()}")

    yield log, after, wait_for
    process.terminate()
    process.wait(SECONDS)


def test_the_documented_rotation_goes_on_in_a_new_file(rotated: Rotated) -> None:
    log, after, wait_for = rotated
    port = wait_for(r"Listening at: http://127\.0\.0\.1:(\d+)")[1]
    wait_for("CHAT_AUTH=open")
    aside = log.rename(log.with_suffix(".1"))
    before = aside.read_text()
    assert "Booting worker" in before, "need gunicorn's own lines for this to mean anything"
    subprocess.run(["sh", "-c", after], check=True)
    until = time.monotonic() + SECONDS
    while not log.exists() and time.monotonic() < until:
        time.sleep(0.02)
    # The worker is told by its master, and may still write into the old file.
    while time.monotonic() < until:
        with Person(f"ws://127.0.0.1:{port}", "alice"):
            pass
        if "init user='alice'" in log.read_text():
            break
    wait_for("INFO chat init user='alice'")
