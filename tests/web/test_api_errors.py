"""How the API refuses: each error by its status, code and field."""

from __future__ import annotations

import base64
import logging
from typing import Any

import pytest
from argon2 import PasswordHasher
from werkzeug.exceptions import ImATeapot
from werkzeug.test import TestResponse

from chat.errors import Busy, ChatError, Unavailable
from chat.limits import BODY_BYTES
from chat.people import passwords
from chat.web.conversations import Place
from chat.web.cursors import cursor_of
from tests.conftest import MakeChat
from tests.web.conftest import Api, fault

BAD_BODIES: list[tuple[bytes, str, str | None]] = [
    (b"", "bad_json", None),
    (b"{", "bad_json", None),
    (b"null", "bad_json", None),
    (b"[]", "bad_json", None),
    (b'"alice"', "bad_json", None),
    (b"\xff", "bad_json", None),
    (b'{"userId": "\xff"}', "bad_json", None),
    (b'{"userId": "\\ud800"}', "bad_json", None),
    (b'{"userId": NaN}', "bad_json", None),
    (b'{"userId": "a"} {}', "bad_json", None),
    (b'\xef\xbb\xbf{"userId": "a"}', "bad_json", None),
    (b"[" * BODY_BYTES, "bad_json", None),
    (b'{"a":' * 3_000, "unknown_field", "a"),
    (b"{}", "missing_field", "userId"),
    (b'{"userid": "a"}', "unknown_field", "userid"),
    (b'{"userId": "a", "`\\n": 1}', "unknown_field", "`\n"),
    (b'{"userId": null}', "invalid_field", "userId"),
    (b'{"userId": 1}', "invalid_field", "userId"),
    (b'{"userId": ""}', "invalid_field", "userId"),
    (b'{"userId": " a"}', "invalid_field", "userId"),
    (b'{"userId": "a\\u0000"}', "invalid_field", "userId"),
    (b'{"userId": "a\\u202eb"}', "invalid_field", "userId"),
    (b'{"userId": "' + b"x" * 65 + b'"}', "invalid_field", "userId"),
    (b'{"userId": "' + b"x" * 10_000 + b'"}', "invalid_field", "userId"),
]


@pytest.mark.parametrize(("body", "code", "field"), BAD_BODIES, ids=lambda value: repr(value)[:30])
def test_a_body_that_does_not_fit_is_refused_by_field(
    api_on_sqlite: Api, body: bytes, code: str, field: str | None
) -> None:
    assert fault(api_on_sqlite.post("/session", body)) == (400, code, field)


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded"])
def test_a_body_must_say_that_it_is_json(api_on_sqlite: Api, content_type: str) -> None:
    response = api_on_sqlite.post("/session", {"userId": "alice"}, content_type)
    assert fault(response) == (415, "not_json", None)
    assert "Content-Type" in response.json["error"]["message"]
    charset = "application/json; charset=utf-8"
    assert api_on_sqlite.post("/session", {"userId": "alice"}, charset).status_code == 201


def test_a_body_beyond_the_bound_is_refused_and_one_within_is_not(api_on_sqlite: Api) -> None:
    body = b'{"userId": "alice"}'.ljust(BODY_BYTES)
    assert api_on_sqlite.post("/session", body).status_code == 201
    assert fault(api_on_sqlite.post("/session", body + b" ")) == (413, "too_large", None)


# Query and path.

BAD_QUERIES = [
    ("limit=", "limit"),
    ("limit=0", "limit"),
    ("limit=-1", "limit"),
    ("limit=101", "limit"),
    ("limit=ten", "limit"),
    ("limit=1.5", "limit"),
    ("limit=+5", "limit"),
    ("limit=%D9%A5", "limit"),  # an Arabic five
    ("limit=null", "limit"),
    ("limit=" + "9" * 400, "limit"),
    ("limit=5&limit=5", "limit"),
    ("limit=%FF", "limit"),
    ("limit=5%00", "limit"),
    ("cursor=", "cursor"),
    ("cursor=x", "cursor"),
    ("cursor=%00", "cursor"),
    ("cursor=한글", "cursor"),
    ("cursor=null", "cursor"),
    ("cursor=" + "A" * 2_000, "cursor"),
]


@pytest.mark.parametrize(("query", "field"), BAD_QUERIES, ids=lambda value: value[:20])
def test_a_parameter_that_breaks_its_rule_is_refused_by_name(api_on_sqlite: Api, query: str, field: str) -> None:
    response = api_on_sqlite.get(f"/conversations?{query}")
    assert fault(response) == (400, "invalid_field", field)
    assert field in response.json["error"]["message"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=201", "limit"),
        ("before=-1", "before"),
        ("before=null", "before"),
        ("after=9007199254740992", "after"),
        ("after=1&after=2", "after"),
        ("after=", "after"),
    ],
)
def test_the_bounds_of_a_page_of_messages_are_checked(api_on_sqlite: Api, query: str, field: str) -> None:
    response = api_on_sqlite.get(f"/conversations/bob/messages?{query}")
    assert fault(response) == (400, "invalid_field", field)


def test_a_misspelt_parameter_is_refused_and_not_passed_over(api_on_sqlite: Api) -> None:
    response = api_on_sqlite.get("/conversations?limits=5")
    assert fault(response) == (400, "unknown_field", "limits")
    response = api_on_sqlite.get("/conversations/bob/messages?cursor=x")
    assert fault(response) == (400, "unknown_field", "cursor")
    response = api_on_sqlite.get(f"/conversations?{'x' * 2_000}=")
    assert fault(response) == (400, "unknown_field", "x" * 64)


@pytest.mark.parametrize(
    "name",
    [
        "", "%20", "a%20", "%00", "a%00b", "a%0Ab", "%1F", "a%1Fb", "%E2%80%AE", "%C2%85",
        "x" * 65, "x" * 5_000, "e%CC%81" * 65, "a%2Fb", "..%2F..", "%27%20OR%201=1--", "%25", "_%25",
    ],
)  # fmt: skip
def test_a_name_in_the_path_that_is_none_is_refused(api_on_sqlite: Api, name: str) -> None:
    response = api_on_sqlite.get(f"/conversations/{name}/messages")
    assert fault(response) == (400, "invalid_field", "userId")


@pytest.mark.parametrize("name", [b"\xff", b"a\xc3", b"\xed\xa0\x80"])
def test_a_name_in_the_path_that_is_no_utf8_is_refused_and_not_mended(api_on_sqlite: Api, name: bytes) -> None:
    path = f"/api/conversations/{name.decode('latin-1')}/messages"
    response = api_on_sqlite.client.get(
        "/api", headers=api_on_sqlite.header("alice"), environ_overrides={"PATH_INFO": path}
    )
    assert fault(response) == (400, "invalid_field", "userId")


def _packed(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def test_a_cursor_that_was_tampered_with_is_refused(api_on_each: Api) -> None:
    api_on_each.say(("alice", "bob", "hi"), ("alice", "carol", "hi"))
    cursor = api_on_each.get("/conversations", limit=1).json["next"]
    good = api_on_each.get("/conversations", limit=1, cursor=cursor)
    assert len(good.json["conversations"]) == 1, "the cursor must work for this to mean anything"
    tampered = [cursor[1:], cursor[:-1], cursor + "A", cursor + "=", cursor + "\n", cursor * 2]
    tampered += [cursor[:n] + ("A" if cursor[n] != "A" else "B") for n in range(len(cursor))]
    tampered += [
        _packed(text)
        for text in (
            '[1, "bob"]', '[1,"bob",2]', '[-1,"bob"]', '["1","bob"]', '[1,2]', "[1]", "{}", "null",
            '[99999999999999999999,"bob"]', '[1,"a\\u0000"]', '[1,""]', '[1," bob"]', "[" * 500,
        )
    ]  # fmt: skip
    for wrong in tampered:
        response = api_on_each.get("/conversations", limit=1, cursor=wrong)
        assert fault(response) == (400, "invalid_field", "cursor"), wrong


def test_a_cursor_of_any_place_is_answered_by_what_lies_behind_it(api_on_each: Api) -> None:
    """Even when its conversation is not there: it is only a place."""
    api_on_each.say(("alice", "bob", "hi"))
    [overview] = api_on_each.chat.storage.messages.overviews("alice", 1)
    for other in ("zzz", "@-._0", "김"):
        cursor = cursor_of(Place(overview.last_message.sent_at, other))
        assert api_on_each.get("/conversations", cursor=cursor).status_code == 200
    cursor = cursor_of(Place(2**53 - 1, "bob"))
    assert len(api_on_each.get("/conversations", cursor=cursor).json["conversations"]) == 1


# Who one is, and what there is.


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic YTpi", "Bearer x", "Bearer a.b.c", "Bearer \xff"]
)  # fmt: skip
@pytest.mark.parametrize("path", ["/conversations", "/conversations/bob/messages"])
def test_who_shows_no_good_token_is_told_to_sign_in(api_on_sqlite: Api, path: str, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    response = api_on_sqlite.client.get(f"/api{path}", headers=headers)
    assert fault(response) == (401, "not_signed_in", None)
    assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["", "/", "/nothing", "/session/", "/limits/nothing", "/%FF"])
def test_what_is_not_served_is_not_found(api_on_sqlite: Api, path: str) -> None:
    assert fault(api_on_sqlite.get(path)) == (404, "not_found", None)


def test_a_method_that_a_path_does_not_take_is_refused_with_those_it_does(api_on_sqlite: Api) -> None:
    response = api_on_sqlite.client.delete("/api/accounts")
    assert fault(response) == (405, "method_not_allowed", None)
    assert set(response.headers["Allow"].split(", ")) == {"OPTIONS", "POST"}
    assert api_on_sqlite.client.post("/api/conversations").status_code == 405
    response = api_on_sqlite.client.delete("/api/notifications")
    assert response.headers["Allow"] == "GET, HEAD, OPTIONS, POST", "those of both of its operations"
    assert fault(api_on_sqlite.client.open("/api/accounts", method="BREW"))[0] == 405


def test_options_names_the_methods_of_a_path(api_on_sqlite: Api) -> None:
    response = api_on_sqlite.client.options("/api/session")
    assert (response.status_code, response.data) == (200, b"")
    assert response.headers["Allow"] == "DELETE, OPTIONS, POST"
    assert fault(api_on_sqlite.client.options("/api/nothing")) == (404, "not_found", None)


# Who asks too often.


def test_an_address_that_asks_too_often_is_refused_before_anything_else(make_chat: MakeChat) -> None:
    api = Api(make_chat(rate_limits="on", requests_per_minute=3))

    def ask(address: str | None) -> TestResponse:
        return api.client.get("/api/conversations", environ_base={"REMOTE_ADDR": address})

    assert [ask("2001:db8::1").status_code for _ in range(3)] == [401] * 3
    refused = ask("2001:db8::2")
    assert fault(refused) == (429, "rate_limited", None), "an IPv6 network is one address"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert ask("192.0.2.1").status_code == 401
    assert {ask(None).status_code for _ in range(9)} == {401}, "a proxy's socket has no address"


def test_ten_wrong_passwords_for_a_name_from_an_address_are_enough(
    make_chat: MakeChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64))  # two dozen are hashed
    api = Api(make_chat())
    good = {"userId": "Guessed", "password": "correct horse"}
    assert api.post("/accounts", good).status_code == 201

    def sign_in(password: str, name: str = "guessed", address: str = "2001:db8::1") -> TestResponse:
        return api.client.post(
            "/api/session", json={"userId": name, "password": password}, environ_base={"REMOTE_ADDR": address}
        )

    assert [sign_in("correct horse").status_code for _ in range(11)] == [201] * 11
    for _ in range(10):
        assert fault(sign_in("wrong one, this")) == (401, "wrong_password", None)
    refused = sign_in("correct horse", "GUESSED", "2001:db8::2")
    assert fault(refused) == (429, "rate_limited", None)
    assert 1 <= int(refused.headers["Retry-After"]) <= 180
    assert sign_in("correct horse", address="2001:db8:1::1").status_code == 201
    assert sign_in("wrong one, this", "another").status_code == 401


# What goes wrong inside.


@pytest.mark.parametrize("error", [Unavailable, Busy])
def test_a_store_that_is_unavailable_says_when_to_come_back(
    api_on_sqlite: Api, monkeypatch: pytest.MonkeyPatch, error: type[ChatError]
) -> None:
    monkeypatch.setattr(api_on_sqlite.chat.storage.messages, "overviews", _raising(error()))
    response = api_on_sqlite.get("/conversations")
    assert fault(response) == (503, error.code, None)
    assert response.headers["Retry-After"] == "5"


def test_a_bug_is_logged_with_its_traceback_and_tells_the_client_nothing(
    api_on_sqlite: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(api_on_sqlite.chat.storage.messages, "history", _raising(KeyError("/etc/secret")))
    with caplog.at_level(logging.ERROR, "chat"):
        response = api_on_sqlite.get("/conversations/bob/messages")
    assert fault(response) == (500, "internal", None)
    assert "secret" not in response.text
    assert "KeyError: '/etc/secret'" in caplog.text
    assert "Traceback" in caplog.text


def test_what_the_http_layer_refuses_keeps_its_status(api_on_sqlite: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_on_sqlite.chat.storage.messages, "history", _raising(ImATeapot()))
    response = api_on_sqlite.get("/conversations/bob/messages")
    assert fault(response) == (418, "bad_request", None)


def test_a_body_that_breaks_off_is_a_bad_request(api_on_sqlite: Api) -> None:
    response = api_on_sqlite.client.post(
        "/api/session", data=b"{}", content_type="application/json", environ_overrides={"CONTENT_LENGTH": "9"}
    )
    assert fault(response) == (400, "bad_request", None)


def _raising(error: Exception) -> Any:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail
