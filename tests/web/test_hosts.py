"""The check of `Host`: whose name may lead to the chat, by which routes, and how it is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from chat import Chat, create_app
from tests.conftest import StartServer
from tests.transport.peers import upgrade_request
from tests.web.test_upgrade import Answer

STRANGER = "evil.example:8000"


def status(app: Flask, host: str, path: str = "/", bound: str = "127.0.0.1", **headers: str) -> Any:
    """The answer to a GET of `path` on a server that is bound to the address `bound`."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()} | {"Host": host}
    return app.test_client().get(path, headers=sent, environ_overrides={"SERVER_NAME": bound})


@pytest.mark.parametrize("path", ["/", "/api/conversations", "/api/openapi.json", "/static/icon.svg", "/ws"])
def test_on_this_machine_a_strangers_name_is_refused_on_every_route(path: str) -> None:
    answer = status(create_app(), STRANGER, path)
    assert (answer.status_code, answer.json["error"]["code"]) == (421, "wrong_host")
    assert "CHAT_HOSTS" in answer.json["error"]["message"]


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:8000", "chat.localhost", "127.1.2.3"]
)
def test_on_this_machine_its_own_names_are_served(host: str) -> None:
    assert status(create_app(), host).status_code == 200


def test_a_browser_gets_a_page_that_names_the_setting_in_both_languages() -> None:
    answer = status(create_app(), STRANGER, Accept="text/html,application/xhtml+xml,*/*;q=0.8")
    assert answer.status_code == 421
    assert answer.text.count("CHAT_HOSTS") == 2
    assert "운영자" in answer.text


@pytest.mark.parametrize("path", ["/api/health", "/metrics", "/healthz", "/readyz"])
def test_a_balancer_and_prometheus_ask_under_any_name(path: str) -> None:
    assert status(create_app(), STRANGER, path).status_code in (200, 401)


def test_the_health_of_a_server_is_its_databases(monkeypatch: pytest.MonkeyPatch) -> None:
    app = create_app()
    assert status(app, "localhost", "/api/health").json == {"status": "ok"}
    app.extensions["chat"].stop()
    assert status(app, "localhost", "/api/health").status_code == 503


def test_names_that_are_set_are_served_and_no_others() -> None:
    app = create_app({"CHAT_HOSTS": "Chat.Example.com, other.example"})
    for host, expected in {
        "chat.example.com": 200,
        "CHAT.example.com.:443": 200,
        "other.example": 200,
        "localhost": 421,
    }.items():
        assert status(app, host).status_code == expected, host
    assert status(create_app({"CHAT_HOSTS": "*"}), STRANGER).status_code == 200


@pytest.mark.parametrize(("proxies", "bound"), [(1, "127.0.0.1"), (0, "192.0.2.7")])
def test_elsewhere_all_names_are_served_until_it_is_set_and_the_log_warns_once(
    proxies: int, bound: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app({"CHAT_TRUSTED_PROXIES": proxies})
    for _ in range(2):
        assert status(app, "chat.example.com", bound=bound).status_code == 200
    assert caplog.text.count("CHAT_HOSTS is not set") == 1


def test_the_routes_of_a_host_application_are_its_own(tmp_path: Path) -> None:
    app = Flask("site", instance_path=str(tmp_path))
    app.add_url_rule("/shop", view_func=lambda: "a shop")
    Chat(app)
    assert status(app, STRANGER, "/shop").status_code == 200
    assert status(app, STRANGER, "/chat/").status_code == 421
    app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]
    assert status(app, "shop.example", "/chat/").status_code == 200, "behind a proxy of the host's"


def test_a_socket_of_a_rebound_page_is_refused(start_server: StartServer) -> None:
    server = start_server()
    rebound = upgrade_request(Host=STRANGER, Origin=f"http://{STRANGER}")
    answer = Answer(server, rebound)
    assert (answer.status, answer.error["code"]) == (421, "wrong_host")
