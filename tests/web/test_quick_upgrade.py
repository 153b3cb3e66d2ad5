"""Which upgrades pass Flask by: none that something of the host's would have seen."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from flask import Blueprint, Flask, Request, request_started, signals
from flask.sessions import SecureCookieSessionInterface
from werkzeug.test import EnvironBuilder

from chat.config import Settings
from chat.errors import RateLimited
from chat.web import quick_upgrade
from chat.web.hosts import HostCheck
from chat.web.quick_upgrade import QuickUpgrade, pass_flask_by
from chat.web.upgrade import REFUSED


class Site:
    """A host's app with our two routes; `asked` are the environs that came to Flask, `taken` those that did not."""

    def __init__(self, app: Flask, monkeypatch: pytest.MonkeyPatch, hooks: Callable[[Flask], object] = bool) -> None:
        self.asked: list[dict[str, Any]] = []
        self.taken: list[dict[str, Any]] = []
        self.refusal: Exception | None = None
        hooks(app)
        pages = Blueprint("chat_pages", __name__)
        for path in ("/", "/ws"):
            pages.add_url_rule(path, f"socket:{path}", lambda: "flask's", websocket=True)
        pages.before_request(lambda: None)
        if "chat_pages.socket:/" not in app.view_functions:
            app.register_blueprint(pages, url_prefix="/chat")
        self._flask = app.wsgi_app
        app.wsgi_app = self._ask_flask  # type: ignore[method-assign]
        self.chat = cast(Any, SimpleNamespace(is_started=True, connections=None))
        hosts = HostCheck(Settings.load({}), "/chat", logging.getLogger("test"))
        self.quick = QuickUpgrade(app, "chat_pages", "/chat", hosts, lambda: self.chat)
        monkeypatch.setattr(quick_upgrade, "check_upgrade", self._check)
        monkeypatch.setattr(quick_upgrade, "taken_socket", lambda environ: environ["gunicorn.socket"])
        monkeypatch.setattr(quick_upgrade, "adopt", lambda _sock, environ, _make: self.taken.append(environ))

    def _ask_flask(self, environ: dict[str, Any], start_response: Any) -> Any:
        self.asked.append(environ)
        return self._flask(environ, start_response)

    def _check(self, *_: object) -> None:
        if self.refusal is not None:
            raise self.refusal

    def upgrade(self, path: str = "/chat/ws", host: str = "localhost", **changed: object) -> None:
        headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
        environ = EnvironBuilder(path=path, headers=headers).get_environ()
        environ |= {"gunicorn.socket": object(), "SERVER_NAME": "127.0.0.1", "HTTP_HOST": host, **changed}
        try:
            self.quick(environ, lambda *_: None)
        except StopIteration:
            assert environ is self.taken[-1]


def test_the_first_upgrade_goes_to_flask_and_the_next_ones_pass_it_by(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(Flask("host"), monkeypatch)
    for path in ("/chat/ws", "/chat/ws", "/chat/"):
        site.upgrade(path)
    assert (len(site.asked), len(site.taken)) == (1, 2)


def test_what_is_no_plain_upgrade_of_ours_goes_to_flask(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(Flask("host"), monkeypatch)
    site.upgrade()
    others: list[dict[str, Any]] = [
        {"path": "/chat"}, {"path": "/ws"}, {"path": "/chat/ws/"}, {"HTTP_UPGRADE": "h2c"},
        {"host": "evil.example"}, {"host": "local host"}, {"host": "localhost/x"},
        {"gunicorn.socket": None}, {"gunicorn.socket": ssl.SSLSocket.__new__(ssl.SSLSocket)},
    ]  # fmt: skip
    for other in others:
        site.upgrade(**other)
    assert (len(site.asked), site.taken) == (1 + len(others), [])
    site.chat.is_started = False
    site.upgrade()
    assert not site.taken, "which starts the chat, or says why not"


def test_a_refusal_is_counted_once_and_answered_by_flask(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(Flask("host"), monkeypatch)
    site.upgrade()
    site.refusal = RateLimited(1, "connections")
    site.upgrade()
    assert site.asked[-1][REFUSED] is site.refusal
    assert not site.taken


def test_a_refusal_before_gunicorn_read_the_request_is_answered_by_flask_and_not_counted_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site = Site(Flask("host"), monkeypatch)
    site.upgrade()
    site.refusal = refusal = RateLimited(1, "connections")
    sock = SimpleNamespace(fileno=lambda: 7)
    assert not site.quick.lets_pass({"gunicorn.socket": sock})
    site.refusal = RateLimited(2, "sockets_of_address")
    site.upgrade(**{"gunicorn.socket": sock})
    assert site.asked[-1][REFUSED] is refusal
    assert not site.quick.lets_pass({"gunicorn.socket": sock})
    site.quick.forget(sock)
    site.refusal = None
    site.upgrade(**{"gunicorn.socket": sock})
    assert len(site.taken) == 1


def with_sessions_of_its_own(app: Flask) -> None:
    app.session_interface = type("Own", (SecureCookieSessionInterface,), {})()


def with_requests_of_its_own(app: Flask) -> None:
    app.request_class = type("Own", (Request,), {})


def with_a_route_in_the_place_of_ours(app: Flask) -> None:
    app.add_url_rule("/chat/ws", "theirs", lambda: "", websocket=True)


SEES: dict[str, Callable[[Flask], object]] = {
    "before_request": lambda app: app.before_request(lambda: None),
    "after_request": lambda app: app.after_request(lambda response: response),
    "teardown_request": lambda app: app.teardown_request(lambda _: None),
    "teardown_appcontext": lambda app: app.teardown_appcontext(lambda _: None),
    "url_value_preprocessor": lambda app: app.url_value_preprocessor(lambda *_: None),
    "its own sessions": with_sessions_of_its_own,
    "its own requests": with_requests_of_its_own,
    "its own route": with_a_route_in_the_place_of_ours,
    "TRUSTED_HOSTS": lambda app: app.config.update(TRUSTED_HOSTS=["localhost"]),
    "hosts that are matched": lambda app: setattr(app.url_map, "host_matching", True),
}


@pytest.mark.parametrize("what", SEES)
def test_where_the_host_would_see_an_upgrade_all_go_to_flask(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(Flask("host"), monkeypatch, SEES[what])
    for _ in range(3):
        site.upgrade()
    assert (len(site.asked), site.taken) == (3, [])


def test_a_subclass_of_flask_may_see_all_it_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(type("Own", (Flask,), {})("host"), monkeypatch)
    for _ in range(3):
        site.upgrade()
    assert not site.taken


def test_where_something_is_wrapped_around_flask_it_sees_all(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Flask("host")
    site = Site(app, monkeypatch)  # which has wrapped it
    given = ("chat_pages", "/chat", cast(Any, None), lambda: site.chat)
    assert pass_flask_by(app, *given) == app.wsgi_app
    plain = Flask("plain")
    plain.view_functions |= app.view_functions
    assert isinstance(pass_flask_by(plain, *given), QuickUpgrade)


def test_hooks_that_the_host_adds_behind_us_and_views_that_it_wraps_count_too(monkeypatch: pytest.MonkeyPatch) -> None:
    for change in (
        lambda app: app.before_request_funcs.setdefault("chat_pages", []).append(lambda: None),
        lambda app: app.view_functions.update({"chat_pages.socket:/ws": lambda: ""}),
        lambda app: app.before_request(lambda: None),
    ):
        app = Flask("host")
        site = Site(app, monkeypatch)
        change(app)
        for _ in range(3):
            site.upgrade()
        assert not site.taken


@pytest.mark.parametrize("name", ["request_started", "request_finished", "request_tearing_down", "appcontext_pushed"])
def test_who_listens_to_a_signal_of_flasks_hears_of_upgrades(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(Flask("host"), monkeypatch)
    heard: list[object] = []
    site.upgrade()
    with getattr(signals, name).connected_to(lambda *_, **__: heard.append(1)):
        site.upgrade()
    assert heard
    assert not site.taken
    assert not request_started.receivers
    site.upgrade()
    assert site.taken, "they listen no more"
