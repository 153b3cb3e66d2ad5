"""The extension `Chat` in a site's own app: several chats, and a host whose own things stay its own."""

from __future__ import annotations

import gc
import json
import logging
import os
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from flask import Flask, abort, jsonify, redirect, request
from flask.json.provider import DefaultJSONProvider
from flask_login import LoginManager, current_user
from flask_wtf import CSRFProtect
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client, TestResponse

from chat import Chat, create_app, emit, events, notify, process
from chat.config import Settings
from chat.errors import BadSetting, ChatError, DatabaseInUse
from chat.resources import MIGRATIONS
from chat.server import ChatServer
from chat.storage import migrate
from tests.conftest import ROOT, TOKEN_SECRET, StartServer
from tests.transport.peers import RawClient, upgrade_request


def site(folder: Path, **config: object) -> Flask:
    """An app of somebody's own, with its instance folder in `folder`."""
    app = Flask("site", instance_path=str(folder), static_folder=None)
    app.config.update(CHAT_DATABASE_URL=f"sqlite:///{folder}/chat.db", **config)
    return app


def sign_in(app: Flask, user_id: str, prefix: str = "/chat") -> TestResponse:
    body = json.dumps({"userId": user_id})  # by itself: a host's JSON provider writes otherwise
    return app.test_client().post(f"{prefix}/api/session", data=body, content_type="application/json")


# One extension, any number of apps.


def test_each_app_has_a_chat_of_its_own(tmp_path: Path) -> None:
    chat = Chat()
    one, other = (site(tmp_path / name, CHAT_AUTH=auth) for name, auth in (("1", "required"), ("2", "open")))
    for app in (one, other):
        chat.init_app(app, url_prefix="/chat")
    first, second = (app.extensions["chat"] for app in (one, other))
    assert first.settings.auth == "required"
    assert second.settings.auth == "open"
    for part in ("storage", "directory", "online", "limits", "metrics", "webhook", "log", "router", "connections"):
        assert getattr(first, part) is not getattr(second, part), part
    assert isinstance(first, ChatServer)
    assert isinstance(one.extensions["chat"], ChatServer)


def test_an_open_chat_beside_a_required_one_opens_no_door(tmp_path: Path) -> None:
    required, opened = site(tmp_path / "1", CHAT_AUTH="required"), site(tmp_path / "2", CHAT_AUTH="open")
    Chat(required)
    Chat(opened)
    assert sign_in(opened, "alice").status_code == 201
    assert sign_in(required, "alice").status_code == 401
    assert sign_in(opened, "alice").status_code == 201


def test_two_chats_mounted_in_one_process_share_nothing(start_server: StartServer, tmp_path: Path) -> None:
    (tmp_path / "two_chats.py").write_text(
        "from gevent import monkey; monkey.patch_all()\n"
        "from flask import Flask\n"
        "from werkzeug.middleware.dispatcher import DispatcherMiddleware\n"
        "from chat import create_app\n"
        "site = Flask(__name__)\n"
        "def made(name, auth):\n"
        f"    return create_app({{'CHAT_DATABASE_URL': f'sqlite:///{tmp_path}/{{name}}.db', 'CHAT_AUTH': auth,\n"
        "        'CHAT_TOKEN_SECRET': name * 32})\n"
        "site.wsgi_app = DispatcherMiddleware(site.wsgi_app, {'/one': made('1', 'required'), '/two': made('2', 'open')})\n"
    )
    server = start_server(app="two_chats:site", PYTHONPATH=f"{tmp_path}:{ROOT}")
    with RawClient(server.port, path="/one/ws") as alice, RawClient(server.port, "bob", path="/two/ws") as bob:
        alice.send(type="init", userId="alice")
        assert alice.receive("error")["code"] == "sign_in_needed"
        assert alice.close_code() == 4501
        bob.send(type="chat", toUserId="bob", message="a note", ref=1)
        assert bob.receive("ack")["seq"] == 1


def test_a_second_init_app_on_one_app_is_refused(tmp_path: Path) -> None:
    app = site(tmp_path)
    chat = Chat(app)
    with pytest.raises(RuntimeError, match="has a chat already"):
        chat.init_app(app)


def test_a_setting_that_cannot_be_used_stops_init_app(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="CHAT_AUTH"):
        Chat(site(tmp_path, CHAT_AUTH="sometimes"))
    with pytest.raises(BadSetting, match="CHAT_TOKEN_SECRET"):
        Chat(site(tmp_path, CHAT_TOKEN_SECRET="short"))


def test_a_variable_that_is_no_setting_is_told_of_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CHAT_MAX_SOCKET", "1")
    create_app()
    assert caplog.text.count("there is no setting CHAT_MAX_SOCKET") == 1


def test_init_app_opens_no_database(tmp_path: Path) -> None:
    Chat(site(tmp_path / "site"))
    assert not (tmp_path / "site").exists()


def test_a_chats_data_lie_in_its_sites_instance_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CHAT_DATABASE_URL", "CHAT_TOKEN_SECRET"):
        monkeypatch.delenv(name)
    app = Flask("site", instance_path=str(tmp_path / "data"))
    Chat(app)
    assert sign_in(app, "alice").status_code == 201
    assert {"chat.db", "token_secret"} <= set(os.listdir(tmp_path / "data"))


@pytest.mark.parametrize("name", ["50%", "feature%2Flogin", "what?now", "a@b:c"])
def test_a_folder_may_have_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    folder = tmp_path / name
    shutil.copytree(MIGRATIONS, folder / "migrations")
    monkeypatch.setattr(migrate, "MIGRATIONS", folder / "migrations")
    monkeypatch.delenv("CHAT_DATABASE_URL")
    app = Flask("site", instance_path=str(folder))
    Chat(app)
    assert sign_in(app, "alice").status_code == 201
    assert (folder / "chat.db").is_file()
    assert os.listdir(tmp_path) == [name]


def test_no_folder_is_made_where_nothing_is_kept_in_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    app = Flask("site", instance_path=str(tmp_path / "file" / "instance"))  # which nobody can make
    app.config.update(CHAT_DATABASE_URL=f"sqlite:///{tmp_path}/chat.db", CHAT_TOKEN_SECRET=TOKEN_SECRET)
    Chat(app)
    assert sign_in(app, "alice").status_code == 201


def test_a_folder_that_cannot_be_made_is_named_with_the_settings_that_do_without(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    app = Flask("site", instance_path=str(tmp_path / "file" / "instance"))
    app.config.update(CHAT_DATABASE_URL=f"sqlite:///{tmp_path}/chat.db", CHAT_TOKEN_SECRET="")
    Chat(app)
    with pytest.raises(BadSetting, match=r"file/instance cannot be made.*CHAT_DATABASE_URL and CHAT_TOKEN_SECRET"):
        app.extensions["chat"].settings  # noqa: B018  (made at its first use)


def test_declarations_are_copied_when_an_app_is_bound(tmp_path: Path) -> None:
    declared = events.copy()
    before, after = site(tmp_path / "1"), site(tmp_path / "2")
    Chat(before, events=declared)

    @declared.on("poke")
    def poke(client: object, event: object) -> None:
        """Nothing is done."""

    Chat(after, events=declared)

    def answer(app: Flask) -> str:
        codes: list[str] = []

        class Caller:
            owner = "alice"

            def answer(self, ref: object, answer: object) -> None:
                codes.append(answer.code if isinstance(answer, ChatError) else "ack")

        app.extensions["chat"].router.dispatch(Caller(), '{"type": "poke", "ref": 1}')
        return codes[0]

    assert answer(before) == "unknown_event"
    assert answer(after) == "ack"
    assert "poke" not in events.payloads


@pytest.mark.slow
def test_three_hundred_apps_leave_no_thread_descriptor_or_log_handler(tmp_path: Path) -> None:
    def leftovers() -> tuple[int, int, int]:
        gc.collect()
        handlers = len(logging.getLogger("chat").handlers) + len(logging._handlerList)  # type: ignore[attr-defined]
        return threading.active_count(), len(os.listdir("/proc/self/fd")), handlers

    def make(number: int) -> None:
        app = create_app({"CHAT_DATABASE_URL": f"sqlite:///{tmp_path}/chat.db", "CHAT_TOKEN_SECRET": TOKEN_SECRET})
        if number % 30 == 0:  # made whole, and used
            assert sign_in(app, "alice", prefix="").status_code == 201
            app.extensions["chat"].stop()

    for number in (0, 1):
        make(number)
    before = leftovers()
    for number in range(300):
        make(number)
    # Fewer may be left: what an earlier test began ends when it likes.
    assert all(now <= then for now, then in zip(leftovers(), before, strict=True))


# emit and notify.


def test_emit_goes_to_the_current_applications_chat(tmp_path: Path) -> None:
    class Socket:
        owner: str | None = None
        frames: list[bytes]

        def __init__(self) -> None:
            self.frames = []

        def send(self, frame: bytes) -> bool:
            self.frames.append(frame)
            return True

    one, other = site(tmp_path / "1"), site(tmp_path / "2")
    sockets = Socket(), Socket()
    for app, its in zip((one, other), sockets, strict=True):
        Chat(app)
        app.extensions["chat"].online.add("alice", its)
    with other.app_context():
        assert emit({"type": "poke"}, to="alice") == 1
    assert [len(its.frames) for its in sockets] == [0, 1]
    assert emit({"type": "poke"}, to="alice") == 0, "this process serves none"


SEVERAL = """
from gevent import monkey; monkey.patch_all()
import sys
from flask import Flask
from chat import Chat, emit, notify, process
apps = []
for name in sys.argv[1:]:
    app = Flask("site", instance_path=name)
    Chat(app)
    process.serve(app.extensions["chat"])
    apps.append(app)
    if len(apps) == 1:
        print(emit({"type": "poke"}, to="alice"), notify("alice", "hi").sockets)
for call in (lambda: emit({"type": "poke"}, to="alice"), lambda: notify("alice", "hi")):
    try:
        call()
    except RuntimeError as error:
        print(error)
with apps[1].app_context():
    print(notify("alice", "hi").id)
"""


@pytest.mark.slow
def test_with_several_chats_and_none_current_the_error_says_how_to_say_which(tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CHAT_DATABASE")}
    done = subprocess.run(
        [sys.executable, "-c", SEVERAL, str(tmp_path / "1"), str(tmp_path / "2")],
        capture_output=True, text=True, timeout=60, cwd=ROOT, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "0 0"
    assert lines[1] == lines[2]
    assert "serves 2 chats" in lines[1]
    assert "app.app_context()" in lines[1]
    assert lines[3] == "1"


# A host's own things stay its own.


class ShoutingJson(DefaultJSONProvider):
    def dumps(self, obj: object, **kwargs: object) -> str:
        return json.dumps(obj).upper()


def host(folder: Path) -> Flask:
    """A site with a manner of its own in everything that an extension could touch."""
    app = Flask("site", instance_path=str(folder), static_folder=str(ROOT / "static/css"))
    app.json = ShoutingJson(app)
    app.config.update(CHAT_DATABASE_URL=f"sqlite:///{folder}/chat.db")

    @app.errorhandler(404)
    def lost(error: Exception) -> tuple[str, int]:
        return "the site's own page for what is lost", 404

    @app.errorhandler(Exception)
    def broken(error: Exception) -> tuple[str, int]:
        return f"the site's own page for {type(error).__name__}", 500

    @app.after_request
    def mark(response):  # type: ignore[no-untyped-def]
        response.headers["X-Site"] = "1"
        return response

    @app.get("/")
    def home() -> str:
        return "home" * 500

    @app.get("/json")
    def as_json() -> object:
        return jsonify(name="value")

    @app.get("/chatter")
    def chatter() -> str:
        abort(404)

    @app.get("/api/conversations")
    def api() -> str:
        raise KeyError("mine")

    return app


OF_THE_HOST = [
    ("GET", "/"), ("GET", "/json"), ("GET", "/chatter"), ("GET", "/nowhere"), ("POST", "/"), ("OPTIONS", "/json"),
    ("GET", "/api/conversations"), ("GET", "/static/chat.css"), ("GET", "/static/nowhere.css"), ("GET", "/ws"),
]  # fmt: skip


def test_a_hosts_routes_answer_byte_for_byte_as_without_us(tmp_path: Path) -> None:
    alone, with_us = host(tmp_path / "1"), host(tmp_path / "2")
    Chat(with_us)

    def answers(app: Flask) -> list[object]:
        client, found = app.test_client(), []
        for method, path in OF_THE_HOST:
            response = client.open(
                path, method=method, headers={"Accept-Encoding": "gzip", "Origin": "http://x.example"}
            )
            headers = {name: value for name, value in response.headers if name != "Date"}
            found.append((path, response.status, headers, response.data))
            response.close()
        return found

    assert sign_in(with_us, "alice").status_code == 201, "need the chat to have been used"
    assert answers(with_us) == answers(alone)


def test_a_hosts_error_handlers_do_not_answer_for_us(tmp_path: Path) -> None:
    app = host(tmp_path)
    Chat(app)
    client = app.test_client()
    unknown = client.get("/chat/nowhere")
    assert (unknown.status_code, unknown.json["error"]["code"]) == (404, "not_found")
    missing = client.get("/chat/static/nowhere.js")
    assert (missing.status_code, missing.json["error"]["code"]) == (404, "not_found")
    wrong = client.delete("/chat/api/conversations")
    assert (wrong.status_code, wrong.json["error"]["code"]) == (405, "method_not_allowed")
    assert set(wrong.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
    refused = client.get("/chat/api/conversations")
    assert (refused.status_code, refused.json["error"]["code"]) == (401, "not_signed_in")
    plain = client.get("/chat/ws")
    assert plain.json["error"]["code"] in ("upgrade_required", "not_under_gevent")


def test_our_headers_are_on_ours_alone(tmp_path: Path) -> None:
    app = host(tmp_path)
    Chat(app)
    client = app.test_client()
    assert "Content-Security-Policy" not in client.get("/").headers
    for path in ("/chat/", "/chat/api/openapi.json", "/chat/nowhere", "/chat/static/css/chat.css", "/chat/metrics"):
        response = client.get(path)
        assert response.headers["Content-Security-Policy"].startswith("default-src 'none'"), path
        assert response.headers["X-Site"] == "1", "the host's hooks see all that its app answers"
        response.close()


def test_without_a_slash_the_page_is_a_redirection_away(tmp_path: Path) -> None:
    app = host(tmp_path)
    Chat(app)
    response = app.test_client().get("/chat")
    assert response.status_code == 308
    assert response.headers["Location"].endswith("/chat/")
    mounted = Client(DispatcherMiddleware(Flask("site"), {"/chat": create_app()}))
    moved = mounted.get("/chat")
    assert moved.status_code in (301, 302, 307, 308)
    assert moved.headers["Location"].endswith("/chat/")


def test_the_page_finds_its_files_below_its_prefix(tmp_path: Path) -> None:
    app = host(tmp_path)
    Chat(app, url_prefix="/talk")
    html = app.test_client().get("/talk/").text
    assert 'href="/talk/static/css/chat.css"' in html
    assert 'src="/talk/script/' in html


@pytest.mark.parametrize(("proxies", "path"), [("1", "/behind/static/"), ("0", "/static/")])
def test_a_prefix_that_a_trusted_proxy_strips_is_honoured(proxies: str, path: str) -> None:
    app = create_app({"CHAT_TRUSTED_PROXIES": proxies})
    page = app.test_client().get("/", headers={"X-Forwarded-Prefix": "/behind"})
    assert f'href="{path}css/chat.css"' in page.text


def test_trusted_proxies_wrap_what_create_app_makes_alone(tmp_path: Path) -> None:
    app = site(tmp_path, CHAT_TRUSTED_PROXIES=2)

    @app.get("/from")
    def from_() -> str:
        return str(request.remote_addr)

    Chat(app)
    asked = {"X-Forwarded-For": "192.0.2.7, 192.0.2.8"}
    assert app.test_client().get("/from", headers=asked).text == "127.0.0.1"
    alone = create_app({"CHAT_TRUSTED_PROXIES": 2})
    alone.add_url_rule("/from", view_func=from_)
    assert alone.test_client().get("/from", headers=asked).text == "192.0.2.7"


def test_a_hosts_csrf_protection_guards_the_host_and_exempts_the_api(tmp_path: Path) -> None:
    app = host(tmp_path)
    app.config["SECRET_KEY"] = "a key"
    CSRFProtect(app)
    Chat(app)

    @app.post("/form")
    def form() -> str:
        return "taken"

    assert sign_in(app, "alice").status_code == 201
    assert app.test_client().post("/form").status_code != 200
    assert app.test_client().get("/chat/").status_code == 200
    for path in ("/chat/", "/chat/ws"):  # Flask-WTF asks each view for its name, a socket's too
        environ = {"HTTP_CONNECTION": "Upgrade", "HTTP_UPGRADE": "websocket"}
        upgrade = app.test_client().get(path, environ_overrides=environ)
        assert upgrade.get_json()["error"]["code"] == "not_under_gevent"


def test_each_view_has_a_name_as_a_hosts_own_has(tmp_path: Path) -> None:
    app = host(tmp_path)
    Chat(app)
    assert [endpoint for endpoint, view in app.view_functions.items() if not hasattr(view, "__name__")] == []


def test_a_hosts_login_hook_guards_the_page_and_can_let_the_api_pass(tmp_path: Path) -> None:
    app = host(tmp_path)
    app.config["SECRET_KEY"] = "a key"
    LoginManager(app).user_loader(lambda user_id: None)
    Chat(app)

    @app.before_request
    def ask_to_sign_in():  # type: ignore[no-untyped-def]
        if request.blueprint != "chat_api" and not current_user.is_authenticated:
            return redirect("/sign-in")
        return None

    page = app.test_client().get("/chat/")
    assert (page.status_code, page.headers["Location"]) == (302, "/sign-in")
    assert sign_in(app, "alice").status_code == 201


def test_a_hosts_log_stays_as_it_is(tmp_path: Path) -> None:
    logger = logging.getLogger("chat")
    before = [*logger.handlers], logger.level, [*logging.getLogger().handlers]
    app = site(tmp_path)
    Chat(app)
    assert app.extensions["chat"].settings.log_level == Settings().log_level
    assert ([*logger.handlers], logger.level, [*logging.getLogger().handlers]) == before


def test_notify_in_a_sites_process_that_serves_nothing_asks_the_server(tmp_path: Path) -> None:
    app = site(tmp_path, CHAT_URL="http://127.0.0.1:9")
    Chat(app)
    with app.app_context(), pytest.raises(ChatError, match=r"No chat server answers at http://127\.0\.0\.1:9"):
        notify("alice", "hi")


@pytest.mark.parametrize(("prefix", "path"), [("/chat", "/chat"), ("/help/chat/", "/help/chat"), ("", "")])
def test_the_default_url_leads_to_where_the_chat_is_mounted(tmp_path: Path, prefix: str, path: str) -> None:
    asks = site(tmp_path)
    Chat(asks, url_prefix=prefix)
    assert asks.extensions["chat"].settings.url == f"http://127.0.0.1:8000{path}"
    said = site(tmp_path / "said", CHAT_URL="https://example.com")
    Chat(said, url_prefix=prefix)
    assert said.extensions["chat"].settings.url == "https://example.com"


# Bad days.

LOOSE = """
from gevent import monkey; monkey.patch_all()
from flask import Flask
from chat import Chat
site = Flask(__name__)
site.url_map.strict_slashes = False
Chat(site)
"""


def test_a_host_with_loose_slashes_lets_no_other_sites_page_in(start_server: StartServer, tmp_path: Path) -> None:
    (tmp_path / "loose.py").write_text(LOOSE)
    server = start_server(app="loose:site", PYTHONPATH=f"{tmp_path}:{ROOT}")

    def status(path: str, **headers: str) -> int:
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as sock:
            sock.sendall(upgrade_request(path, **headers))
            return int(sock.recv(12).split()[1])

    for path in ("/chat/ws", "/chat/", "/chat", "/chat/ws/", "/chat//", "/chat/%2f", "/chat/ws%2f"):
        assert status(path, Origin="https://evil.example") != 101, path
    assert status("/chat/ws") == 101, "need the socket for this to mean anything"


AT_ONCE = """
from gevent import monkey; monkey.patch_all()
import sys, gevent
from flask import Flask
from chat import Chat, process
site = Flask("site", instance_path=sys.argv[1])
Chat(site)
chat = site.extensions["chat"]
acquire, times = chat.lease.acquire, []
def slow():
    times.append(1)
    gevent.sleep(0.2)
    acquire()
chat.lease.acquire = slow
def ask():
    return site.test_client().get("/chat/api/openapi.json").status_code
print([job.get() for job in gevent.joinall([gevent.spawn(ask) for _ in range(5)])], len(times))
"""


@pytest.mark.slow
def test_requests_that_come_while_the_chat_starts_wait_for_it(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", AT_ONCE, str(tmp_path)], capture_output=True, text=True, timeout=60, cwd=ROOT
    )
    assert done.stdout.strip() == "[200, 200, 200, 200, 200] 1", done.stderr


def test_without_gevents_patches_each_request_may_write_from_a_thread_of_its_own(tmp_path: Path) -> None:
    app = site(tmp_path)
    Chat(app)
    assert sign_in(app, "alice").status_code == 201, "need the chat to be made by another thread"
    statuses: list[int] = []

    def sign_up() -> None:
        body = {"userId": "bob", "password": "correct horse battery staple"}
        statuses.append(app.test_client().post("/chat/api/accounts", json=body).status_code)

    thread = threading.Thread(target=sign_up)
    thread.start()
    thread.join()
    assert statuses == [201]


def test_what_keeps_the_server_from_starting_is_for_its_log_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app = site(tmp_path)
    Chat(app)

    def refuse(chat: object) -> None:
        raise DatabaseInUse("process 4711 on 'db-host' has it")

    monkeypatch.setattr(process, "serve", refuse)
    answer = app.test_client().get("/chat/api/openapi.json")
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "unavailable")
    assert "db-host" not in answer.text
    assert "db-host" in caplog.text
    with app.test_request_context():
        assert emit({"type": "poke"}, to="alice") == 0
