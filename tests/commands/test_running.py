"""`flask chat run`: a site that patches nothing, served under gevent while somebody writes it."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import click
import pytest
import requests
from flask import Flask
from flask.cli import ScriptInfo, run_command
from websockets.sync.client import connect

from chat import Chat, process
from tests.conftest import ROOT, Server

ANSWER_SECONDS = 10
COMMAND = [sys.executable, "-m", "flask", "--app", "shop", "chat", "run", "-p", "0"]
SERVING = r"Serving on http://127\.0\.0\.1:(\d+)"
SITE = """
from flask import Flask
from chat import Chat

site = Flask(__name__)
Chat(site)

@site.get("/")
def home():
    return "one"
"""


@pytest.mark.slow
def test_a_site_that_patches_nothing_is_served_and_started_anew_after_each_change(tmp_path: Path) -> None:
    shop = tmp_path / "shop.py"
    shop.write_text(SITE)
    env = {"PYTHONPATH": str(ROOT), "CHAT_DATABASE_URL": "", "CHAT_TOKEN_SECRET": ""}
    server = Server(COMMAND, env, tmp_path / "log", cwd=tmp_path)
    try:
        assert requests.get(server.http, timeout=ANSWER_SECONDS).text == "one"
        with connect(f"{server.ws}/chat/ws") as socket:
            socket.send('{"type": "init", "userId": "alice"}')
            assert json.loads(socket.recv(ANSWER_SECONDS))["type"] == "ready"
        assert {"chat.db", "token_secret"} <= {file.name for file in (tmp_path / "instance").iterdir()}
        shop.write_text(SITE + "a mistake")
        server.wait_for(r"shop\.py has changed: it starts anew\.")
        server.wait_for(r"SyntaxError[\s\S]*It waits for the next change")
        shop.write_text(SITE.replace("one", "the second"))
        port = server.wait_for(rf"waits for the next change[\s\S]*{SERVING}")[1]
        assert requests.get(f"http://127.0.0.1:{port}", timeout=ANSWER_SECONDS).text == "the second"
    finally:
        server.stop()
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://127.0.0.1:{port}", timeout=ANSWER_SECONDS)


@pytest.mark.slow
def test_when_the_second_process_is_over_the_first_one_can_be_ended_again() -> None:
    before = {ending: signal.getsignal(ending) for ending in (signal.SIGTERM, signal.SIGINT)}
    try:
        assert process.run_patched("platform") == 0
        assert [signal.getsignal(ending) for ending in before] == [signal.SIG_DFL] * 2
    finally:
        for ending, handler in before.items():
            signal.signal(ending, handler)


def test_flask_run_says_in_one_sentence_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with click.Context(run_command, obj=ScriptInfo(app_import_path="shop:make()")):
        Chat(Flask("shop", instance_path=str(tmp_path)))
    [sentence] = capsys.readouterr().err.splitlines()
    assert sentence.endswith("use  flask --app shop:make() chat run")


def test_nothing_is_said_where_another_command_loads_the_app(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with click.Context(click.Command("routes"), obj=ScriptInfo(app_import_path="shop")):
        Chat(Flask("shop", instance_path=str(tmp_path)))
    assert capsys.readouterr().err == ""


def test_a_command_that_makes_a_new_database_says_so_since_the_server_may_have_another(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CHAT_DATABASE_URL", raising=False)
    for _ in range(2):
        site = Flask("shop", instance_path=str(tmp_path))
        Chat(site)
        assert site.test_cli_runner().invoke(args=["chat", "stats"]).exit_code == 0
        site.extensions["chat"].stop()
    said = f"a new database is made, {tmp_path}/chat.db: is the server's CHAT_DATABASE_URL set here?"
    assert [record.message for record in caplog.records if "new database" in record.message] == [said]
