"""Notifications without HTTP of one's own: `notify` in Flask code, here and elsewhere, and the command."""

from __future__ import annotations

import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from unittest import mock

import pytest
import requests
from click.testing import Result

from chat import create_app, notify
from chat.errors import ChatError
from chat.notifications.remote import NotReached
from chat.resources import INSTANCE
from tests.clients import Person
from tests.commands import flask_chat
from tests.conftest import ROOT, TOKEN_SECRET, Server, StartServer
from tests.notifications.helpers import a_name, listed, push, token_of, tokens

SECONDS = 20

SITE = """
from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from chat import create_app, notify

site = Flask(__name__)
site.wsgi_app = DispatcherMiddleware(site.wsgi_app, {"/chat": create_app()})

@site.post("/ordered/<user>")
def ordered(user):
    return {"sockets": notify(user, "Thank you!", level="success", link="/orders/7").sockets}
"""


def settings(server: Server, **more: str) -> dict[str, str]:
    return {"CHAT_TOKEN_SECRET": TOKEN_SECRET, "CHAT_URL": server.http, **more}


def run(server: Server, *words: str, said: str = "", **more: str) -> Result:
    return flask_chat(*words, said=said, **settings(server, **more))


# From Flask code.


def test_a_site_that_the_chat_is_mounted_in_notifies_by_itself(start_server: StartServer, tmp_path: Path) -> None:
    (tmp_path / "ordering.py").write_text(SITE)
    server = start_server("--pythonpath", str(tmp_path), app="ordering:site")
    with Person(f"{server.ws}/chat/ws", "bob") as bob:
        answer = requests.post(f"{server.http}/ordered/BOB", timeout=SECONDS)
        assert answer.json() == {"sockets": 1}
        shown = bob.receive("notification")
        assert (shown["message"], shown["level"], shown["link"]) == ("Thank you!", "success", "/orders/7")


def elsewhere(server: Server, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT, env={**os.environ, **settings(server)}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def failure(server: Server, message: str, **more: str) -> ChatError:
    """What `notify` raises in this process, which serves no chat."""
    with mock.patch.dict(os.environ, settings(server, **more)), pytest.raises(ChatError) as raised:
        notify("bob", message)
    return raised.value


def test_another_process_of_the_installation_notifies_over_the_api(server: Server) -> None:
    bob, carol = a_name("bob"), a_name("carol")
    with Person(server.ws, bob) as person:
        code = f"from chat import notify\nprint(notify({bob!r}, 'From elsewhere', title='Cron').sockets)"
        done = elsewhere(server, "-c", code)
        assert (done.stdout, done.stderr) == ("1\n", "")
        assert person.receive("notification")["title"] == "Cron"
        with mock.patch.dict(os.environ, settings(server)):
            assert notify([bob, carol], "Both").batch_id
        assert person.receive("notification")["message"] == "Both"


def test_another_process_is_told_what_was_wrong(server: Server) -> None:
    refused = failure(server, "")
    assert (refused.code, refused.field) == ("invalid_field", "message")
    unreached = failure(server, "hi", CHAT_URL="http://127.0.0.1:1")
    assert (type(unreached), unreached.code) == (NotReached, "unavailable")


def test_the_secret_is_looked_for_where_the_server_keeps_it() -> None:
    assert create_app().instance_path == INSTANCE


# The command.


def test_the_command_notifies_one(server: Server) -> None:
    bob = a_name("bob")
    with Person(server.ws, bob) as person:
        done = elsewhere(
            server, "-m", "flask", "--app", "app", "chat", "notify", bob, "The build is green",
            "--title", "CI", "--link", "/7", "--level", "success", "--expires-in", "60",
        )  # fmt: skip
        assert (done.returncode, done.stdout, done.stderr) == (0, f"{bob}: sockets reached: 1.\n", "")
        shown = person.receive("notification")
        assert (shown["title"], shown["link"], shown["level"]) == ("CI", "/7", "success")
        assert "expires" in shown
    nobody = a_name("away")
    assert run(server, "notify", nobody, "hi").stdout == f"{nobody}: offline, so it waits.\n"


def test_the_command_notifies_everyone_in_a_file_or_everyone_there_is(server: Server, tmp_path: Path) -> None:
    names = [a_name("listed") for _ in range(150)]
    (tmp_path / "names").write_text("\n".join([*names, ""]))
    with Person(server.ws, names[7]) as person:
        done = run(server, "notify", "--everyone", "--from", str(tmp_path / "names"), "News")
        assert done.exit_code == 0, done.stderr
        assert done.stdout.endswith("150 users: sockets reached: 1.\n")
        assert person.receive("notification")["message"] == "News"
        done = run(server, "notify", "--from", "-", "More", said="\n".join(names[:3]))
        assert done.stdout.endswith("3 users: sockets reached: 0.\n")
        done = run(server, "notify", "--everyone", "To all")
        assert done.exit_code == 0, done.stderr
        assert person.receive("notification")["message"] == "To all"
    assert listed(server, names[149])["unseen"] == 1


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["notify", "bob"], 2, "Give NAME and MESSAGE"),
        (["notify", "--everyone", "bob", "hi"], 2, "Give MESSAGE alone"),
        (["notify", "bob", "hi", "--level", "loud"], 2, "loud"),
        (["notify", "bo b", "hi"], 1, "Error: toUserId must not hold white space."),
        (["notify", "bob", "hi", "--link", "javascript:alert(1)"], 1, "Error: link must begin with"),
    ],
)
def test_the_exit_code_says_who_is_wrong(server: Server, words: list[str], code: int, said: str) -> None:
    done = run(server, *words)
    assert (done.exit_code, said in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr


def test_the_exit_code_says_that_no_server_is_there(server: Server) -> None:
    done = run(server, "notify", "bob", "hi", CHAT_URL="http://127.0.0.1:1")
    assert (done.exit_code, done.stdout) == (3, "")
    assert done.stderr.startswith("Error: No chat server answers at http://127.0.0.1:1/api")


# Tokens of services, and what else they open.


def ask(server: Server, token: str, path: str = "/metrics") -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return requests.get(f"{server.http}{path}", headers=headers, timeout=SECONDS)


def test_the_command_makes_a_token_for_a_service(server: Server) -> None:
    token = run(server, "token", "--service", "ci").stdout.strip()
    assert tokens().service_of(token, "notify").svc == "ci"
    assert ask(server, token).status_code == 403
    watcher = run(server, "token", "--service", "prometheus", "--scope", "metrics").stdout.strip()
    assert ask(server, watcher).status_code == 200
    headers = {"Authorization": f"Bearer {watcher}"}
    answer = requests.post(f"{server.http}/api/notifications", headers=headers, timeout=SECONDS)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")


def test_metrics_count_what_happens_and_need_a_token(server: Server) -> None:
    watcher = tokens().sign_service("prometheus", "metrics", 60)
    assert ask(server, "").status_code == 401
    assert ask(server, token_of(server, "alice")).status_code == 403

    def counted() -> dict[str, float]:
        lines = ask(server, watcher).text.splitlines()
        return {k: float(v) for k, v in (line.split() for line in lines if line[0] != "#")}

    before, bob = counted(), a_name("bob")
    with Person(server.ws, bob) as person:
        push(server, toUserId=bob, message="hi")
        person.ask(type="chat", toUserId="carol", message="hi")
        after = counted()
    assert after["chat_sockets"] >= before["chat_sockets"] + 1
    assert after["chat_users_online"] == before["chat_users_online"] + 1
    assert after["chat_notifications_total"] == before["chat_notifications_total"] + 1
    assert after["chat_messages_total"] == before["chat_messages_total"] + 1
    assert after["chat_webhook_dead_letters_total"] == 0


def test_a_process_that_only_makes_the_app_notifies_over_the_api_too(server: Server) -> None:
    bob = a_name("bob")
    with Person(server.ws, bob) as person:
        code = f"from chat import notify\nimport app\nprint(notify({bob!r}, 'From cron').sockets)"
        done = elsewhere(server, "-c", code)
        assert done.stdout == "1\n", done.stderr
        assert person.receive("notification")["message"] == "From cron"


def test_a_site_notifies_by_itself_though_nobody_has_asked_the_chat_for_anything(
    start_server: StartServer, tmp_path: Path
) -> None:
    (tmp_path / "ordering.py").write_text(SITE)
    nowhere = {"CHAT_URL": "http://127.0.0.1:1"}
    server = start_server("--pythonpath", str(tmp_path), app="ordering:site", **nowhere)
    answer = requests.post(f"{server.http}/ordered/bob", timeout=SECONDS)
    assert answer.json() == {"sockets": 0}


def test_notify_on_a_pools_thread_is_refused_and_breaks_nothing(start_server: StartServer, tmp_path: Path) -> None:
    (tmp_path / "pooled.py").write_text(
        SITE
        + """
@site.post("/pooled/<user>")
def pooled(user):
    import gevent
    try:
        gevent.get_hub().threadpool.apply(notify, (user, "hi"))
    except RuntimeError as error:
        return str(error), 500
"""
    )
    server = start_server("--pythonpath", str(tmp_path), app="pooled:site")
    refused = requests.post(f"{server.http}/pooled/bob", timeout=SECONDS)
    assert (refused.status_code, "own thread" in refused.text) == (500, True)
    assert requests.post(f"{server.http}/ordered/bob", timeout=SECONDS).json() == {"sockets": 0}


def test_a_server_that_is_none_of_ours_is_named(server: Server) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as other:  # answers 501, in HTML
        Thread(target=other.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{other.server_port}"
        unreached = failure(server, "hi", CHAT_URL=url)
        other.shutdown()
    assert isinstance(unreached, NotReached)
    assert unreached.message.startswith(f"At {url}/api/notifications something else answers, with status 501. CHAT_URL")


def test_a_chat_with_another_secret_is_named_and_both_settings(server: Server) -> None:
    refused = failure(server, "hi", CHAT_TOKEN_SECRET="another" * 5)
    assert refused.code == "not_signed_in"
    assert refused.message.startswith(
        f"The chat at {server.http}/api has another CHAT_TOKEN_SECRET than this program. CHAT_URL"
    )


@pytest.mark.parametrize(
    "words",
    [
        ["token", "--service", "", "--scope", "notify"],
        ["token", "--service", "x" * 65],
        ["token", "--service", "ci", "--scope", "notfy"],
        ["token", "--service", "ci", "--days", "nan"],
        ["token", "--service", "ci", "--days", "0"],
    ],
)
def test_a_token_that_would_never_work_is_not_made(server: Server, words: list[str]) -> None:
    done = run(server, *words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


def test_the_command_said_again_with_its_key_sends_once(server: Server, tmp_path: Path) -> None:
    bob, carol = a_name("bob"), a_name("carol")
    names = tmp_path / "names.txt"
    names.write_text(f"\ufeff{bob}\n{carol}\n", encoding="utf-8")
    for _ in range(2):
        assert run(server, "notify", "--from", str(names), "--key", bob, "Once").exit_code == 0
    for user in (bob, carol):
        assert len(listed(server, user)["notifications"]) == 1
    names.write_bytes(b"\xff\xfe")
    done = run(server, "notify", "--from", str(names), "Never")
    assert (done.exit_code, "not UTF-8" in done.stderr) == (1, True)
