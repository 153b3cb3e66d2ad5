"""A site that says who is there: tokens for whom its cookie says, and what becomes of them when that one signs out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from chat import Chat
from chat.errors import BadSetting
from chat.web import site_session
from tests.site.members import make_site
from tests.storage.conftest import begin_with_tables

MakeSite = Callable[..., FlaskClient]


@pytest.fixture
def make(tmp_path: Path) -> MakeSite:
    def made(**config: Any) -> FlaskClient:
        begin_with_tables(url := f"sqlite:///{tmp_path}/chat.db")
        app, _ = make_site(folder=str(tmp_path), CHAT_DATABASE_URL=url, **config)
        return app.test_client()

    return made


@pytest.fixture
def browser(make: MakeSite) -> FlaskClient:
    """One browser, which keeps the site's cookie."""
    return make()


def sign_in(browser: FlaskClient, user_id: str) -> None:
    assert browser.get("/login", query_string={"as": user_id}).status_code == 302


def session(browser: FlaskClient, **body: Any) -> Any:
    return browser.post("/chat/api/session", json=body) if body else browser.post("/chat/api/session")


def status(browser: FlaskClient, token: str) -> int:
    asked = browser.get("/chat/api/conversations", headers={"Authorization": f"Bearer {token}"})
    return asked.status_code


def error(answer: Any) -> tuple[int, str, str | None]:
    return answer.status_code, answer.json["error"]["code"], answer.json["error"].get("rule")


def test_whoever_is_signed_in_on_the_site_gets_a_token_for_ten_minutes(browser: FlaskClient) -> None:
    sign_in(browser, "42")
    answer = session(browser)
    assert answer.status_code == 201
    assert (answer.json["userId"], answer.json["expiresIn"], answer.json["hasPassword"]) == ("42", 600, False)
    assert status(browser, answer.json["token"]) == 200


def test_who_is_not_signed_in_is_led_to_the_sites_own_sign_in(browser: FlaskClient, make: MakeSite) -> None:
    answer = session(browser)
    assert error(answer) == (401, "not_signed_in", "site_sign_in")
    assert answer.json["error"]["params"] == {"signInUrl": "/login"}
    assert session(make(CHAT_LOGIN_URL="/members?a=1")).json["error"]["params"] == {"signInUrl": "/members?a=1"}


def test_the_page_says_that_the_site_signs_in_and_offers_no_way_of_its_own(browser: FlaskClient) -> None:
    page = browser.get("/chat/").text
    assert 'data-auth="site"' in page
    assert "<sign-in hidden>" in page
    sign_in(browser, "42")
    token = session(browser).json["token"]
    renewed = browser.post("/chat/api/session/renew", json={}, headers={"Authorization": f"Bearer {token}"})
    assert error(renewed) == (403, "forbidden", "token_of_site")
    account = browser.post("/chat/api/accounts", json={"userId": "43", "password": "correct horse battery"})
    assert error(account) == (403, "sign_up_closed", None)


def test_a_page_of_one_user_gets_no_token_of_the_next_in_the_same_browser(browser: FlaskClient) -> None:
    sign_in(browser, "42")
    assert session(browser, userId="42").status_code == 201
    sign_in(browser, "43")
    assert error(session(browser, userId="42")) == (401, "not_signed_in", "another_on_site")
    assert session(browser).json["userId"] == "43"


def test_a_token_of_one_site_is_none_at_another_one_that_has_the_same_secret(tmp_path: Path) -> None:
    browsers = []
    for name in ("red", "blue"):
        folder = tmp_path / name
        folder.mkdir()
        app, _ = make_site(folder=str(folder), CHAT_DATABASE_URL=f"sqlite:///{folder}/chat.db")
        browsers.append(app.test_client())
        sign_in(browsers[-1], "42")
    tokens = [session(browser).json["token"] for browser in browsers]
    fingerprints = {browser.application.extensions["chat"].tokens.fingerprint for browser in browsers}
    assert len(fingerprints) == 1, "need one secret for this to mean anything"
    assert [[status(browser, token) for token in tokens] for browser in browsers] == [[200, 401], [401, 200]]


def test_signing_out_of_the_site_ends_every_token_of_the_user_and_no_one_elses(
    browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, friend = browser.application.test_client(), browser.application.test_client()
    tokens = {}
    for name, one, user_id in (("here", browser, "42"), ("other", other, "42"), ("friend", friend, "43")):
        sign_in(one, user_id)
        tokens[name] = session(one).json["token"]
    browser.get("/logout")
    assert [status(browser, tokens[name]) for name in ("here", "other", "friend")] == [401, 401, 200]
    assert error(session(browser)) == (401, "not_signed_in", "site_sign_in")
    back = session(other).json  # it is still signed in on the site
    assert status(other, back["token"]) == 200
    assert back["expiresIn"] <= site_session.SETTLING_SECONDS, (
        "its cookie may be on its way out: it has to show it again"
    )
    monkeypatch.setattr(site_session, "SETTLING_MS", -1)
    assert session(other).json["expiresIn"] == 600


def test_no_answer_of_the_chat_brings_back_a_cookie_that_signing_out_has_taken_away(browser: FlaskClient) -> None:
    sign_in(browser, "42")
    assert "Set-Cookie" in browser.get("/").headers, (
        "need a site that sets it with each answer for this to mean anything"
    )
    assert "Set-Cookie" not in session(browser).headers
    files = ("/static/css/chat.css", "/static/js/chat-widget.js", "/static/nothing.css")
    asked = (
        "/",
        "//",
        *files,
        "/api",
        "/api/",
        "/api/conversations",
        "/api/openapi.json",
        "/api/nothing",
        "/nothing",
        "/ws/",
    )
    for path in asked:
        for method in ("GET", "POST", "OPTIONS"):
            with browser.open(f"/chat{path}", method=method) as answer:
                assert "Set-Cookie" not in answer.headers, (method, path)
    assert "Set-Cookie" in browser.get("/chat").headers, "docs/security.md says why this one is the site's"


def test_when_the_sites_session_expires_the_chat_ends_with_its_token(
    browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(browser, "42")
    monkeypatch.setattr(site_session, "TOKEN_SECONDS", 0)
    ended = session(browser).json["token"]
    browser.application.config["PERMANENT_SESSION_LIFETIME"] = timedelta(seconds=-1)
    assert error(session(browser)) == (401, "not_signed_in", "site_sign_in")
    asked = browser.get("/chat/api/conversations", headers={"Authorization": f"Bearer {ended}"})
    assert error(asked) == (401, "not_signed_in", "token_out_of_date")


def test_a_sign_out_while_a_token_is_made_ends_that_one_too(browser: FlaskClient) -> None:
    sign_in(browser, "42")
    session(browser)
    chat = browser.application.extensions["chat"]
    who = chat.site_user

    def who_signs_out_elsewhere() -> Any:
        found = who()
        chat.directory.sign_out("42")
        return found

    chat.site_user = who_signs_out_elsewhere
    assert status(browser, session(browser).json["token"]) == 401


def test_chat_sign_out_ends_tokens_as_the_signal_does(tmp_path: Path) -> None:
    app, chat = make_site(folder=str(tmp_path), CHAT_DATABASE_URL=f"sqlite:///{tmp_path}/chat.db")
    browser = app.test_client()
    sign_in(browser, "42")
    token = session(browser).json["token"]
    with app.app_context():
        chat.sign_out("42")
        chat.sign_out("nobody")
    assert status(browser, token) == 401


def test_whoever_is_disabled_gets_no_token(browser: FlaskClient) -> None:
    sign_in(browser, "42")
    accounts = browser.application.extensions["chat"].storage.accounts
    accounts.disable("42")
    assert error(session(browser)) == (401, "disabled", None)


def test_what_the_site_calls_its_user_must_be_an_id(browser: FlaskClient) -> None:
    sign_in(browser, "x" * 65)
    assert session(browser).json["error"]["code"] == "invalid_field"


def test_an_open_chat_beside_identify_does_not_start(make: MakeSite) -> None:
    with pytest.raises(BadSetting, match=r"CHAT_AUTH=open does not go with chat\.identify"):
        assert make(CHAT_AUTH="open").application.extensions["chat"].settings


def test_identify_is_declared_before_the_chat_serves(tmp_path: Path) -> None:
    app, chat = Flask("names", instance_path=str(tmp_path)), Chat()
    app.config["CHAT_DATABASE_URL"] = f"sqlite:///{tmp_path}/chat.db"
    chat.init_app(app)
    assert app.extensions["chat"].settings.is_open
    with pytest.raises(RuntimeError, match="before the first request"):
        chat.identify(lambda: "42")


def test_a_factory_that_declares_it_anew_may_make_several_apps(tmp_path: Path) -> None:
    chat = Chat()
    for user_id in ("42", "43"):
        app = Flask(user_id, instance_path=str(tmp_path / user_id))
        app.config["CHAT_DATABASE_URL"] = f"sqlite:///{tmp_path / user_id}/chat.db"
        chat.init_app(app)
        chat.identify(lambda user_id=user_id: user_id)
        assert session(app.test_client()).json["userId"] == user_id
