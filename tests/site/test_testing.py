"""A site's tests, as its developer writes them: an app factory, Flask's test client, and nothing patched."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from flask import Flask

from chat import Chat, process
from chat.server import ChatServer
from tests.conftest import ROOT
from tests.site.conftest import Site

SITE = """
from flask import Flask

from chat import Chat, notify

chat = Chat()

def create_app(config=None):
    app = Flask(__name__)
    app.config.update(config or {})
    chat.init_app(app)

    @app.post("/shipped/<user>")
    def shipped(user):
        return {"told": notify(user, "It is on its way.", title="Parcel", link="/orders/7", level="success").sockets}

    return app
"""
TESTS = """
import os, socket, threading, time
import gevent.monkey, pytest
from chat import notify
from chat.errors import ChatError
from shop import chat, create_app

@pytest.fixture
def app():
    app = create_app({"TESTING": True, "CHAT_WEBHOOK_URL": "http://127.0.0.1:8000/", "CHAT_WEBHOOK_SECRET": "x"})
    return app

@pytest.fixture(autouse=True)
def nothing_leaves(monkeypatch):
    def refuse(*_):
        raise AssertionError("something left the process")
    monkeypatch.setattr(socket.socket, "connect", refuse)
    before = os.listdir("/proc/self/task")
    yield
    until = time.monotonic() + 5  # a thread that was joined may need a moment to be gone
    while os.listdir("/proc/self/task") != before and time.monotonic() < until:
        time.sleep(0.01)
    assert os.listdir("/proc/self/task") == before

def test_what_is_notified_stands_in_the_outbox(app):
    assert not gevent.monkey.is_module_patched("socket")
    with chat.record() as outbox:
        assert app.test_client().post("/shipped/alice").json == {"told": 0}
    [one] = outbox
    assert (one.to, one.message, one.title) == ("alice", "It is on its way.", "Parcel")
    assert (one.level, one.link) == ("success", "/orders/7")

def test_many_are_notified_before_it_returns(app):
    with app.app_context(), chat.record() as outbox:
        notify(["alice", "bob"], "Hello")
    assert [one.to for one in outbox.notifications] == ["alice", "bob"]

def test_a_message_by_the_api_stands_there_too(app):
    client = app.test_client()
    token = client.post("/chat/api/session", json={"userId": "alice"}).json["token"]
    headers = {"Authorization": f"Bearer {token}"}
    with chat.record() as outbox:
        assert client.post("/chat/api/conversations/bob/messages", json={"message": "Hi"}, headers=headers).status_code == 201
    [one] = outbox.messages
    assert (one.sender, one.to, one.message, one.seq) == ("alice", "bob", "Hi", 1)
    assert client.get("/chat/api/conversations/bob/messages", headers=headers).json["messages"][0]["message"] == "Hi"

def test_two_apps_share_nothing(app):
    other = create_app({"TESTING": True})
    with app.app_context(), chat.record() as mine:
        with other.app_context(), chat.record() as theirs:
            notify("bob", "Theirs")
        notify("alice", "Mine")
    assert [one.message for one in mine] == ["Mine"]
    assert [one.message for one in theirs] == ["Theirs"]
    with chat.record() as both:
        for its in app, other:
            its.test_client().post("/shipped/carol")
    assert len(both) == 2

def test_each_test_begins_with_nothing(app):
    with app.app_context():
        assert app.extensions["chat"].storage.notifications.last_id() == 0

def test_a_mistake_is_told_as_in_a_running_site(app):
    with app.app_context(), pytest.raises(ChatError) as told:
        notify("alice", "x" * 100_000)
    assert told.value.field == "message"

def test_another_thread_may_notify(app):
    def work():
        with app.app_context():
            notify("alice", "From a thread")
    with chat.record() as outbox:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert [one.message for one in outbox] == ["From a thread"]

def test_without_a_context_it_leaves_neither(app):
    assert app.extensions["chat"].is_testing
    other = create_app({"TESTING": True})
    assert other.extensions["chat"].is_testing
    with pytest.raises(RuntimeError, match="app_context"):
        notify("alice", "Whose chat is it?")

def test_without_any_app_it_leaves_neither(monkeypatch):
    monkeypatch.setenv("CHAT_TESTING", "on")
    with pytest.raises(RuntimeError, match="app_context"):
        notify("alice", "Hello")
"""


def run_tests_of_a_site(folder: Path, tests: str, site: str = SITE, **env: str) -> str:
    """Write a site and its tests into a folder, run pytest there, and return what it says."""
    (folder / "shop.py").write_text(site)
    (folder / "test_shop.py").write_text(textwrap.dedent(tests))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "test_shop.py"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CHAT_")}
    done = subprocess.run(
        command, cwd=folder, env={**clean, "PYTHONPATH": str(ROOT), **env}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_site_is_tested_without_patches_and_nothing_leaves_the_process(tmp_path: Path) -> None:
    """Where the environment says where production's database and webhook are, they are left alone."""
    env = {"CHAT_DATABASE_URL": "postgresql+psycopg://production.invalid/chat", "TMPDIR": str(tmp_path)}
    assert re.search(r"9 passed", run_tests_of_a_site(tmp_path, TESTS, **env))
    assert not [*tmp_path.glob("chat-test-*")], "its folder has gone with the process"
    assert not (tmp_path / "instance").exists()


@pytest.mark.parametrize(
    ("said", "is_testing"), [({}, True), ({"CHAT_TESTING": False}, False), ({"CHAT_TESTING": "off"}, False)]
)
def test_an_app_with_testing_is_tested_unless_the_chat_says_otherwise(
    said: dict[str, object], is_testing: bool
) -> None:
    app = Flask("site")
    Chat(app)
    app.testing = True  # after init_app, as many factories are used
    other = Flask("other")
    other.config.update(TESTING=True, **said)
    Chat(other)
    assert app.extensions["chat"].is_testing
    assert other.extensions["chat"].is_testing == is_testing
    other.extensions["chat"].stop()


def test_a_server_that_only_tests_says_so_and_serves_no_socket(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    server: ChatServer = site.app.extensions["chat"]._get_current_object()
    with caplog.at_level(logging.WARNING):
        process.serve_as_worker(lambda: server, server.log)
    assert "no socket is served" in caplog.text
    assert not server.is_started
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "x" * 24,
    }
    answer = site.app.test_client().get("/chat/ws", headers=headers)
    assert answer.status_code == 503
    assert answer.json["error"]["code"] == "not_under_gevent"
