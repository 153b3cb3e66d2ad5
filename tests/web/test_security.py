"""Attacks, each by its name, against a real server with its limits on. What else is safe is tested beside
its code: passwords and tokens in test_auth.py and test_accounts.py, the upgrade in transport/, floods in
test_limits.py and transport/test_traps.py, a slow body in web/test_slow_body.py."""

from __future__ import annotations

import base64
import json
import os
import resource
import socket
import struct
import sys
import time
import unicodedata
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests

from chat import create_app
from chat.errors import BadSetting, ChatError
from chat.people.pictures import picture_of
from chat.protocol.profiles import Profile, checked
from chat.storage.records import Send
from chat.web.headers import CONTENT_SECURITY_POLICY
from tests.clients import Person
from tests.conftest import TOKEN_SECRET, Server, StartServer
from tests.site.members import make_site

SECONDS = 10
PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="module")
def open_server(_start: StartServer) -> Iterator[Server]:
    running = _start(CHAT_RATE_LIMITS="on")
    yield running
    running.end()


@pytest.fixture(scope="module")
def required(_start: StartServer) -> Iterator[Server]:
    running = _start(CHAT_RATE_LIMITS="on", CHAT_AUTH="required", CHAT_SIGNUP="open")
    yield running
    running.end()


def post(server: Server, path: str, **body: Any) -> requests.Response:
    return requests.post(f"{server.http}/api{path}", json=body, timeout=SECONDS)


# Headers.


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/static/js/app.js", 200),
        ("GET", f"/avatars/{'0' * 32}-96.webp", 404),
        ("GET", "/api/openapi.json", 200),
        ("GET", "/nothing", 404),
        ("GET", "/api/nothing", 404),
        ("GET", "/api/conversations", 401),
        ("POST", "/", 405),
        ("DELETE", "/api/accounts", 405),
        ("POST", "/api/session", 415),
        ("GET", "/ws", 426),
    ],
)
def test_every_response_tells_the_browser_what_not_to_do(
    open_server: Server, method: str, path: str, status: int
) -> None:
    answer = requests.request(method, open_server.http + path, timeout=SECONDS)
    assert answer.status_code == status
    assert answer.headers["Content-Security-Policy"] == f"{CONTENT_SECURITY_POLICY}; frame-ancestors 'self'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    may_load = "cross-origin" if path.startswith(("/static/", "/avatars/")) else "same-origin"
    assert answer.headers["Cross-Origin-Resource-Policy"] == may_load
    assert "microphone=()" in answer.headers["Permissions-Policy"]
    assert "Strict-Transport-Security" not in answer.headers, "not over plain HTTP"


def test_the_policy_is_the_narrow_one() -> None:
    rules = dict(rule.split(" ", 1) for rule in CONTENT_SECURITY_POLICY.split("; "))
    assert rules["default-src"] == rules["base-uri"] == rules["object-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert "unsafe" not in CONTENT_SECURITY_POLICY


@pytest.mark.parametrize(
    ("origins", "framed_by"),
    [
        ("", "'self'"),
        ("https://shop.example, http://127.0.0.1:5173", "'self' https://shop.example http://127.0.0.1:5173"),
        ("*", "'self'"),
        ("null, https://shop.example", "'self' https://shop.example"),
    ],
)
def test_only_sites_that_are_named_may_put_the_page_in_a_frame(origins: str, framed_by: str) -> None:
    client = create_app({"CHAT_ORIGINS": origins}).test_client()
    for path in ("/", "/api/nothing"):
        rules = client.get(path).headers["Content-Security-Policy"].split("; ")
        assert rules[-1] == f"frame-ancestors {framed_by}"
        assert len(rules) == 10, "need one policy, with no rule of an origin's"


@pytest.mark.parametrize(
    ("hosts", "may_show"),
    [
        ("", "'self' data:"),
        ("cdn.example, img.example.com", "'self' https://cdn.example https://img.example.com data:"),
        ("*", "'self' https: data:"),
    ],
)
def test_only_pictures_of_hosts_that_are_named_may_be_loaded(hosts: str, may_show: str) -> None:
    client = create_app({"CHAT_AVATAR_HOSTS": hosts}).test_client()
    rules = client.get("/").headers["Content-Security-Policy"].split("; ")
    assert f"img-src {may_show}" in rules


@pytest.mark.parametrize("host", ["a b", "a;script-src", "https://cdn.example", "*.example"])
def test_a_host_of_pictures_that_is_no_host_stops_the_start(host: str) -> None:
    with pytest.raises(BadSetting, match="CHAT_AVATAR_HOSTS"):
        create_app({"CHAT_AVATAR_HOSTS": host})


def test_over_tls_the_browser_is_told_to_stay_there() -> None:
    client = create_app({"CHAT_TRUSTED_PROXIES": 1}).test_client()
    through_tls = client.get("/", headers={"X-Forwarded-Proto": "https"})
    assert through_tls.headers["Strict-Transport-Security"] == "max-age=31536000"


@pytest.mark.parametrize(
    ("proxies", "said", "is_secure"),
    [
        (2, "https", True),  # the inner one passes it on, and adds nothing
        (2, "https, http", True),
        (2, "http", False),
        (2, "https, http, http", False),  # the first is the client's
        (1, "https, http", False),
    ],
)
def test_behind_two_proxies_the_outer_ones_scheme_counts(proxies: int, said: str, is_secure: bool) -> None:
    client = create_app({"CHAT_TRUSTED_PROXIES": proxies}).test_client()
    answer = client.get("/", headers={"X-Forwarded-Proto": said})
    assert ("Strict-Transport-Security" in answer.headers) == is_secure


def test_a_forged_header_of_a_proxy_is_not_believed_without_one() -> None:
    client = create_app().test_client()
    answer = client.get("/", headers={"X-Forwarded-Proto": "https"})
    assert "Strict-Transport-Security" not in answer.headers


# Faces and display names.


def png(width: int, height: int, packed: bytes = b"") -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + packed + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "picture_kind"),
        (b"<!doctype html><script>alert(1)</script>", "picture_kind"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n", "picture_kind"),
        (b"BM" + b"\0" * 200, "picture_kind"),
        (b"", "picture_kind"),
        (png(64, 64)[:60], "picture_kind"),
        (png(10_000, 10_000), "picture_size"),
        (png(100_000, 100_000), "picture_size"),
        (png(2_049, 1), "picture_size"),
        (png(8, 8, b"\xff\xff\xff\xffzTXt" + zlib.compress(b"a" * 1_000_000)), "picture_kind"),
        (b"\0" * 262_145, "too_long"),
    ],
    ids=["svg", "html", "eps", "bmp", "empty", "cut", "10000px", "bomb", "wide", "text", "long"],
)
def test_a_file_that_is_no_picture_of_a_face_is_refused_before_it_costs_anything(data: bytes, rule: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ChatError) as refused:
        picture_of(data)
    assert (refused.value.code, refused.value.field, refused.value.rule) == ("invalid_field", "image", rule)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40_000, "KB"


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("javascript:alert(1)", "bad_picture_address"),
        ("data:image/svg+xml,<svg/>", "bad_picture_address"),
        ("http://cdn.example/a.png", "bad_picture_address"),
        ("//elsewhere.example/a.png", "bad_picture_address"),
        ("/\\elsewhere.example/a.png", "bad_picture_address"),
        ("https://cdn.example@elsewhere.example/", "bad_picture_address"),
        ("https://[::1/", "bad_picture_address"),
        ("avatars/../static/icon.svg", "bad_picture_address"),
        ("https://cdn.example/a b.png", "bad_picture_address"),
        ("https://elsewhere.example/pixel.gif", "picture_host"),
        ("https://cdn.example.elsewhere.example/a.png", "picture_host"),
        ("https://CDN.example/a.png", None),
        ("/media/a.png", None),
    ],
)
def test_a_face_s_address_leads_to_hosts_that_are_named_and_nowhere_else(url: str, rule: str | None) -> None:
    if rule is None:
        assert checked(Profile(avatar_url=url), ["cdn.example"]).avatar_url == url
        return
    with pytest.raises(ChatError) as refused:
        checked(Profile(avatar_url=url), ["cdn.example"])
    assert (refused.value.field, refused.value.rule) == ("avatarUrl", rule)


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("<img src=x onerror=alert(1)>", None),
        ("\u202eevil\u202c", None),
        ("Z\u0335\u0321\u035a" * 20, None),
        ("👩‍👩‍👧", None),
        ("a\0b", "controls"),
        ("a\u2028b", "controls"),
        ("\u200b\u2060", "empty"),
        ("\u0301\u0301", "empty"),
        ("a" * 81, "too_long"),
    ],
    ids=ascii,
)
def test_a_display_name_is_any_line_of_text_that_can_be_seen(name: str, rule: str | None) -> None:
    if rule is None:
        assert checked(Profile(display_name=name), []).display_name == unicodedata.normalize("NFC", name)
        return
    with pytest.raises(ChatError) as refused:
        checked(Profile(display_name=name), [])
    assert (refused.value.field, refused.value.rule) == ("displayName", rule)


# The address behind a proxy.


def test_a_forged_x_forwarded_for_is_ignored(open_server: Server) -> None:
    forged = {"X-Forwarded-For": "198.51.100.66"}
    with Person(open_server.ws, "forger", additional_headers=forged):
        open_server.wait_for("init user='forger' address=127.0.0.1")
    open_server.wait_for("X-Forwarded-For is not read; behind a proxy set CHAT_TRUSTED_PROXIES=1")
    for _ in range(10):
        bad = {"userId": "forger", "password": "wrong one, this"}
        requests.post(f"{open_server.http}/api/session", json=bad, headers=forged, timeout=SECONDS)
    other = {"X-Forwarded-For": "198.51.100.67"}
    answer = requests.post(f"{open_server.http}/api/session", json=bad, headers=other, timeout=SECONDS)
    assert answer.status_code == 429, "another forged address is no new start"
    assert "198.51.100" not in open_server.log


def test_behind_a_proxy_its_own_entry_counts_and_the_clients_before_it_do_not(start_server: StartServer) -> None:
    server = start_server(CHAT_TRUSTED_PROXIES="1")
    headers = {"X-Forwarded-For": "198.51.100.66, 203.0.113.5"}
    with Person(server.ws, "alice", additional_headers=headers):
        server.wait_for(r"init user='alice' address=203\.0\.113\.5")
    assert "198.51.100.66" not in server.log


def test_an_address_is_one_whatever_port_its_proxy_writes_beside_it(start_server: StartServer) -> None:
    server = start_server(CHAT_TRUSTED_PROXIES="1", CHAT_RATE_LIMITS="on", CHAT_UPGRADES_PER_MINUTE="5")

    def statuses(address: str) -> list[int]:
        bad = {"userId": "guessed", "password": "wrong one, this"}
        url, ways = f"{server.http}/api/session", [{"X-Forwarded-For": address.format(n)} for n in range(12)]
        return [requests.post(url, json=bad, headers=way, timeout=SECONDS).status_code for way in ways]

    for address in ("203.0.113.7:5{:04}", "[2001:db8::7]:5{:04}", "2001:db8:0:9::{:x}", "::ffff:203.0.113.8"):
        assert statuses(address) == [401] * 10 + [429] * 2, address
    upgrades = [
        requests.get(f"{server.http}/ws", headers={"X-Forwarded-For": f"203.0.113.9:{port}"}, timeout=SECONDS)
        for port in range(50_000, 50_008)
    ]
    assert [answer.status_code for answer in upgrades] == [426] * 5 + [429] * 3, "refused ones count as well"


def test_many_guesses_at_once_are_no_more_than_one_by_one(open_server: Server) -> None:
    assert post(open_server, "/accounts", userId="guessed", password=PASSWORD).status_code == 201
    with ThreadPoolExecutor(40) as threads:
        answers = [threads.submit(post, open_server, "/session", userId="guessed", password=f"{n}") for n in range(40)]
        statuses = [answer.result().status_code for answer in answers]
    assert sorted(statuses) == [401] * 10 + [429] * 30


# Names that look like another's.


@pytest.mark.parametrize("name", ["admın", "аdmіn", "adrnin", "jօhn"])
def test_a_new_name_that_looks_like_anothers_is_refused_at_every_door(
    open_server: Server, required: Server, name: str
) -> None:
    for server in (open_server, required):
        post(server, "/accounts", userId="Admin", password=PASSWORD)
        answer = post(server, "/accounts", userId=name, password=PASSWORD)
        assert (answer.status_code, answer.json()["error"]["field"]) == (400, "userId"), answer.text
    with Person(open_server.ws) as mallory:
        mallory.send(type="init", userId=name, ref=1)
        refused = mallory.receive()
        assert (refused["code"], refused["field"]) == ("invalid_field", "userId")
        assert mallory.ask(type="ping")["type"] == "ack"
        mallory.send(type="init", userId="mallory")
        mallory.receive("ready")
        assert mallory.ask(type="chat", toUserId=name, message="hi")["field"] == "toUserId"
    assert post(open_server, "/session", userId=name).json()["error"]["field"] == "userId"


# Names and sessions. PASSWORD is the attacker's, OWNERS the owner's.

OWNERS = "quite another battery"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def status_of(server: Server, token: str) -> int:
    return requests.get(f"{server.http}/api/conversations", headers=bearer(token), timeout=SECONDS).status_code


def host_token(name: str) -> str:
    return jwt.encode({"sub": name, "iat": int(time.time()), "exp": int(time.time()) + 600}, TOKEN_SECRET, "HS256")


def test_a_stranger_cannot_sign_up_as_a_user_whom_the_hosts_token_or_a_message_has_named(required: Server) -> None:
    sender = post(required, "/accounts", userId="sender", password=PASSWORD).json()["token"]
    with Person(required.ws) as hosted:
        hosted.send(type="init", userId="Hosted", token=host_token("Hosted"))
        assert hosted.receive()["type"] == "ready"
        for name in ("Hosted", "HOSTED", "sender"):
            refusal = post(required, "/accounts", userId=name, password=PASSWORD)
            assert (refusal.status_code, refusal.json()["error"]["code"]) == (409, "name_taken"), name
            assert ("flask chat add-user" in refusal.json()["error"]["message"]) == (name != "sender")
        assert hosted.ask(type="chat", toUserId="sender", message="still here")["type"] == "ack"
    assert status_of(required, sender) == 200


def test_after_a_trial_in_open_mode_nobody_signs_up_as_one_who_took_part(
    start_server: StartServer, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/chat.db"
    trial = start_server(CHAT_DATABASE_URL=url)
    with Person(trial.ws, "alice") as alice:
        alice.ask(type="chat", toUserId="bob", message="hi")
    assert post(trial, "/session", userId="carol").status_code == 201
    trial.stop()
    server = start_server(CHAT_DATABASE_URL=url, CHAT_AUTH="required", CHAT_SIGNUP="open")
    for name in ("alice", "bob", "carol"):
        assert post(server, "/accounts", userId=name, password=PASSWORD).status_code == 409, name
    assert post(server, "/accounts", userId="new", password=PASSWORD).status_code == 201


def test_sign_up_is_closed_by_default_where_the_secret_is_set_from_outside(start_server: StartServer) -> None:
    server = start_server(CHAT_AUTH="required")
    refusal = post(server, "/accounts", userId="new", password=PASSWORD)
    assert (refusal.status_code, refusal.json()["error"]["code"]) == (403, "sign_up_closed")
    assert "flask chat add-user" in refusal.json()["error"]["message"]


def test_in_open_mode_a_name_of_the_hosts_is_nobody_elses(open_server: Server) -> None:
    squatter = post(open_server, "/session", userId="hosts").json()["token"]
    assert status_of(open_server, host_token("hosts")) == 200
    assert status_of(open_server, squatter) == 401, "a session that was begun before the owner came"
    assert post(open_server, "/session", userId="hosts").status_code == 401
    assert post(open_server, "/accounts", userId="hosts", password=PASSWORD).status_code == 409
    assert status_of(open_server, host_token("hosts")) == 200


def test_no_sign_in_that_is_in_flight_outlives_a_password_change(open_server: Server) -> None:
    own = post(open_server, "/accounts", userId="owner", password=PASSWORD).json()["token"]
    answers: list[requests.Response] = []
    with ThreadPoolExecutor(7) as threads:
        change = {"oldPassword": PASSWORD, "newPassword": OWNERS}
        url = f"{open_server.http}/api/password"
        changing = threads.submit(requests.put, url, json=change, headers=bearer(own), timeout=SECONDS)

        def sign_in_meanwhile() -> None:
            while not changing.done():
                answers.append(post(open_server, "/session", userId="owner", password=PASSWORD))

        for _ in range(6):
            threads.submit(sign_in_meanwhile)
    changed = changing.result()
    assert changed.status_code == 200
    stolen = [answer.json()["token"] for answer in answers if answer.status_code == 201]
    assert stolen, "need a sign-in that was under way for this to mean anything"
    assert {status_of(open_server, token) for token in stolen} == {401}
    assert status_of(open_server, changed.json()["token"]) == 200


def test_a_session_without_a_password_does_not_outlive_the_owner_who_gives_one(open_server: Server) -> None:
    own = post(open_server, "/session", userId="giver").json()["token"]
    with ThreadPoolExecutor(12) as threads:
        thief = [threads.submit(post, open_server, "/session", userId="giver") for _ in range(20)]
        body = {"userId": "giver", "password": OWNERS}
        url = f"{open_server.http}/api/accounts"
        given = requests.post(url, json=body, headers=bearer(own), timeout=SECONDS)
        stolen = [one.result().json()["token"] for one in thief if one.result().status_code == 201]
    assert given.status_code == 201
    assert {status_of(open_server, token) for token in [own, *stolen]} == {401}
    assert status_of(open_server, given.json()["token"]) == 200


def test_a_session_of_the_same_name_that_another_user_ends_is_another_session(open_server: Server) -> None:
    def token(name: str, seconds: int) -> str:
        return jwt.encode(minted(sub=name, jti="s1", exp=int(time.time()) + seconds), TOKEN_SECRET, "HS256")

    ended = requests.delete(f"{open_server.http}/api/session", headers=bearer(token("mal", 60)), timeout=SECONDS)
    assert ended.status_code == 204
    assert (status_of(open_server, token("mal", 600)), status_of(open_server, token("victor", 60))) == (401, 200)


def test_an_address_gives_only_a_few_free_names_a_password_an_hour(start_server: StartServer) -> None:
    server = start_server(CHAT_RATE_LIMITS="on")
    statuses = [post(server, "/accounts", userId=f"prank{n}", password=PASSWORD).status_code for n in range(12)]
    assert statuses == [201] * 10 + [429] * 2


# Other sites.


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain", ""])
@pytest.mark.parametrize("path", ["/accounts", "/session"])
def test_what_a_form_of_another_site_can_send_is_refused(open_server: Server, path: str, content_type: str) -> None:
    body = json.dumps({"userId": "victim", "password": PASSWORD})
    answer = requests.post(
        f"{open_server.http}/api{path}",
        data=body,
        headers={"Content-Type": content_type, "Origin": "https://elsewhere.example"},
        timeout=SECONDS,
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "not_json")
    assert post(open_server, "/session", userId="victim").json()["hasPassword"] is False


@pytest.mark.parametrize("path", ["/accounts", "/session", "/password"])
def test_a_get_changes_nothing(open_server: Server, path: str) -> None:
    query = f"?userId=victim&password={PASSWORD}"
    answer = requests.get(f"{open_server.http}/api{path}{query}", timeout=SECONDS)
    assert answer.status_code == 405


@pytest.mark.parametrize("path", ["/conversations", "/session", "/openapi.json"])
def test_no_other_site_may_read_an_answer(open_server: Server, path: str) -> None:
    answer = requests.options(
        f"{open_server.http}/api{path}",
        headers={"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "GET"},
        timeout=SECONDS,
    )
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


# Tokens.


def minted(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    return {"sub": "mallory", "iat": now, "exp": now + 600, **changes}


def unsigned() -> str:
    parts = [{"alg": "none", "typ": "JWT"}, minted()]
    return ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts
    ) + "."  # fmt: skip


TOKENS = {
    "none": None,
    "not a token": "abc",
    "algorithm none": unsigned(),
    "another algorithm": jwt.encode(minted(), TOKEN_SECRET * 2, algorithm="HS512"),
    "another secret": jwt.encode(minted(), "another secret of more than 32 bytes", "HS256"),
    "expired": jwt.encode(minted(exp=int(time.time()) - 5), TOKEN_SECRET, "HS256"),
    "not yet valid": jwt.encode(minted(nbf=int(time.time()) + 3600), TOKEN_SECRET, "HS256"),
    "another user's": jwt.encode(minted(sub="eve"), TOKEN_SECRET, "HS256"),
}


@pytest.mark.parametrize("name", TOKENS)
def test_without_a_good_token_nobody_comes_in(required: Server, name: str) -> None:
    with Person(required.ws) as mallory:
        mallory.send(type="init", userId="mallory", token=TOKENS[name])
        assert mallory.receive()["code"] in ("sign_in_needed", "not_signed_in")
        assert mallory.close_code() == 4501
    if name != "another user's":
        header = {"Authorization": f"Bearer {TOKENS[name]}"}
        answer = requests.get(f"{required.http}/api/conversations", headers=header, timeout=SECONDS)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "not_signed_in")
    if isinstance(TOKENS[name], str) and len(str(TOKENS[name])) > 20:
        assert str(TOKENS[name]) not in required.log


@pytest.mark.alone
def test_a_good_token_comes_in_until_its_session_is_ended(required: Server) -> None:
    account = post(required, "/accounts", userId="trent", password=PASSWORD).json()
    header = {"Authorization": f"Bearer {account['token']}"}
    with Person(required.ws) as trent:
        trent.send(type="init", userId="trent", token=account["token"])
        assert trent.receive()["type"] == "ready"
        began = time.monotonic()
        ended = requests.delete(f"{required.http}/api/session", headers=header, timeout=SECONDS)
        assert ended.status_code == 204
        assert trent.close_code() == 4501
        assert time.monotonic() - began < 2 + 1, "2 s are promised; 1 for a busy machine"
    answer = requests.get(f"{required.http}/api/conversations", headers=header, timeout=SECONDS)
    assert answer.status_code == 401
    assert account["token"] not in required.log


# One for another.


def test_nobody_sends_as_another(open_server: Server) -> None:
    with Person(open_server.ws, "ann") as ann, Person(open_server.ws, "ben") as ben:
        answer = ann.ask(type="chat", toUserId="ben", fromUserId="cy", message="hi")
        assert (answer["code"], answer["field"]) == ("forbidden", "fromUserId")
        assert ben.hears_nothing()


def test_anothers_conversation_answers_like_one_that_does_not_exist(open_server: Server) -> None:
    with Person(open_server.ws, "bea") as bea:
        assert bea.ask(type="chat", toUserId="cid", message="a secret")["type"] == "ack"
    token = post(open_server, "/session", userId="ann").json()["token"]
    header = {"Authorization": f"Bearer {token}"}
    answers = [
        requests.get(f"{open_server.http}/api/conversations/{other}/messages", headers=header, timeout=SECONDS)
        for other in ("bea", "cid", "nobody-at-all")
    ]
    [answer] = {(answer.status_code, answer.text) for answer in answers}
    assert answer[0] == 200
    assert json.loads(answer[1]).items() >= {"messages": [], "lastSeq": 0, "more": False}.items()


# Names.


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("", "length"),
        ("x" * 10_000, "length"),
        ("p\u0430ypal", "Cyrillic among Latin"),
        ("\u03bfmega-latin", "Greek among Latin"),
        ("evil\u202egnp", "turned around"),
        ("al\u200bice", "zero width"),
        ("alice\0", "NUL"),
        ("alice\r\nforged", "line end"),
        ("\x1b[31malice", "ESC"),
        ("' OR 1=1--", "SQL"),
        ("<img src=x onerror=alert(1)>", "markup"),
    ],
)
def test_a_name_that_could_pass_for_another_is_refused_with_its_field(
    open_server: Server, name: str, rule: str
) -> None:
    with Person(open_server.ws) as somebody:
        somebody.send(type="init", userId=name, ref=1)
        answer = somebody.receive()
        assert (answer["code"], answer["field"]) == ("invalid_field", "userId"), rule
    answer = post(open_server, "/session", userId=name)
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "userId"), rule


@pytest.mark.parametrize("spelling", ["ADMIN", "Admin", "\uff41\uff44\uff4d\uff49\uff4e"])
def test_another_spelling_of_a_protected_name_is_the_same_name(open_server: Server, spelling: str) -> None:
    post(open_server, "/accounts", userId="admin", password=PASSWORD)
    assert post(open_server, "/session", userId=spelling).status_code == 401
    assert post(open_server, "/accounts", userId=spelling, password=PASSWORD).status_code == 409


# Texts.


@pytest.mark.parametrize(
    "text",
    [
        "\u202eabc\u202c \u2066x\u2069",
        "Z" + "\u0301\u0316\u035c" * 50,
        "<img src=x onerror=alert(1)></script>",
        "javascript:alert(1)",
        "'; DROP TABLE messages; --",
        "%_\\",
        "line\r\nend \x1b[31m",
    ],
)
def test_a_message_is_stored_exactly_and_is_in_no_log(open_server: Server, text: str) -> None:
    with Person(open_server.ws, "dora") as dora:
        seq = dora.ask(type="chat", toUserId="emil", message=text)["seq"]
    token = post(open_server, "/session", userId="emil").json()["token"]
    page = requests.get(
        f"{open_server.http}/api/conversations/dora/messages",
        params={"before": seq + 1, "limit": 1},
        headers={"Authorization": f"Bearer {token}"},
        timeout=SECONDS,
    ).json()
    assert [message["message"] for message in page["messages"]] == [text]
    assert text not in open_server.log
    assert "\x1b" not in open_server.log


# Searching and signing in: every sign stands for itself.

WRITTEN = {
    "' OR 1=1--": "a quote",
    "50% of it": "a percent sign",
    "one_word": "an underscore",
    "nothing of all that": "none of them",
}


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("' OR 1=1--", ["' OR 1=1--"]),
        ("' OR '1'='1", []),
        ("%", ["50% of it"]),
        ("%%", []),
        ("o%t", []),
        ("_", ["one_word"]),
        ("on_", []),
        ("e_w", ["one_word"]),
        ("\0", []),
        ("of\0all", []),
        ('"of" OR "all"', []),
        ("\\", []),
    ],
)
def test_what_is_searched_for_stands_for_itself(open_server: Server, wanted: str, found: list[str]) -> None:
    with Person(open_server.ws, "sam") as sam:
        for text, client_id in WRITTEN.items():
            sam.ask(type="chat", toUserId="tom", message=text, clientId=client_id)
    token = post(open_server, "/session", userId="sam").json()["token"]

    def search() -> list[str]:
        answer = requests.get(
            f"{open_server.http}/api/search",
            params={"q": wanted},
            headers={"Authorization": f"Bearer {token}"},
            timeout=SECONDS,
        )
        assert answer.status_code == 200, answer.text
        return [message["message"] for message in answer.json()["messages"]]

    until = time.monotonic() + SECONDS
    while (now := search()) != found and time.monotonic() < until:
        time.sleep(0.1)  # the index may be a second behind
    assert now == found


@pytest.mark.parametrize("password", ["' OR 1=1--", "%%%%%%%%", "________", "\0" * 8])
def test_no_password_stands_for_another(open_server: Server, password: str) -> None:
    post(open_server, "/accounts", userId="una", password=PASSWORD)
    answer = post(open_server, "/session", userId="una", password=password)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "wrong_password")


# Pages of other sites.

PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
SHARED = ("/session", "/conversations", "/conversations/bob/messages", "/notifications/stream", "/nothing")


@pytest.fixture(scope="module")
def embedding(_start: StartServer) -> Iterator[Server]:
    running = _start(CHAT_RATE_LIMITS="on", CHAT_ORIGINS="https://site.example, http://localhost:5173")
    yield running
    running.end()


def asked_from(server: Server, origin: str, method: str, path: str, **headers: str) -> dict[str, str]:
    """What the answer to a request of a page says of sharing it."""
    url, headers = f"{server.http}{path}", {"Origin": origin, **headers}
    answer = requests.request(method, url, headers=headers, timeout=SECONDS, stream=True)
    answer.close()
    return {
        name: value for name, value in answer.headers.items() if name.startswith("Access-Control") or name == "Vary"
    }


@pytest.mark.parametrize("path", SHARED)
@pytest.mark.parametrize("origin", ["https://site.example", "http://localhost:5173"])
def test_a_page_of_a_listed_site_may_read_the_api_and_never_with_cookies(
    embedding: Server, origin: str, path: str
) -> None:
    token = post(embedding, "/session", userId="reader").json()["token"]
    for headers in ({}, {"Authorization": f"Bearer {token}"}):
        said = asked_from(embedding, origin, "GET", f"/api{path}", **headers)
        assert said.pop("Vary").split(", ")[0] == "Origin" or path != "/nothing"
        assert said == {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": "Retry-After"}


def test_a_preflight_is_told_the_methods_and_headers_of_the_path(embedding: Server) -> None:
    said = asked_from(embedding, "https://site.example", "OPTIONS", "/api/conversations/bob/messages", **PREFLIGHT)
    assert set(said["Access-Control-Allow-Methods"].split(", ")) == {"GET", "HEAD", "POST", "OPTIONS"}
    assert {"Authorization", "Content-Type"} <= set(said["Access-Control-Allow-Headers"].split(", "))
    assert said["Access-Control-Allow-Origin"] == "https://site.example"
    assert "Access-Control-Allow-Credentials" not in said


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "https://site.example.evil.example", "http://site.example", "https://[broken", "null"],
)
def test_a_page_of_another_site_is_not_let_read_the_api(embedding: Server, open_server: Server, origin: str) -> None:
    for method, headers in (("GET", {}), ("OPTIONS", PREFLIGHT)):
        for path in SHARED:
            said = asked_from(embedding, origin, method, f"/api{path}", **headers)
            assert said.keys() == {"Vary"}, "a cache must not give it another site's answer"
            assert "Origin" in said["Vary"]
            assert not [
                name for name in asked_from(open_server, origin, method, f"/api{path}", **headers) if name != "Vary"
            ]


def test_what_everybody_may_ask_names_no_user_and_no_place(tmp_path: Path) -> None:
    app = create_app({"CHAT_DATABASE_URL": f"sqlite:///{tmp_path}/private.db"})
    client, chat = app.test_client(), app.extensions["chat"]
    chat.storage.writer.commit([Send("alice", "bob", "hi", None)])
    (tmp_path / "private.db").rename(tmp_path / "aside.db")
    for path, status in (("/healthz", 200), ("/readyz", 503), ("/metrics", 401)):
        answer = client.get(path)
        assert answer.status_code == status, path
        for word in (str(tmp_path), "private", "alice", "sqlite"):
            assert word not in answer.text, path
    chat.stop()


def test_the_page_itself_is_not_shared_with_another_site(embedding: Server) -> None:
    for path in ("/", "/nothing", "/metrics"):
        said = asked_from(embedding, "https://site.example", "GET", path)
        assert "Access-Control-Allow-Origin" not in said, path


# The log.


def test_a_hundred_malformed_upgrades_cost_ten_short_lines_of_each_kind(start_server: StartServer) -> None:
    server = start_server(CHAT_RATE_LIMITS="on")
    before = len(server.log)
    faults = [
        b"Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: " + base64.b64encode(os.urandom(16)),
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short",
        b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + b"A" * 4_000,
    ]
    for number in range(100):
        with socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS) as sock:
            head = b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            sock.sendall(head + faults[number % len(faults)] + b"\r\n\r\n")
            assert sock.recv(100).split()[1] in (b"400", b"426")
    added = len(server.log) - before
    assert 20 * 20 < added < 20 * 200
    assert "Traceback" not in server.log


@pytest.mark.parametrize(
    "server", [["gunicorn", "-k", "gevent", "app:app"], ["app"]], ids=["gunicorn", "python app.py"]
)
def test_a_port_in_the_environment_does_not_open_the_server_to_the_network(
    start_server: StartServer, server: list[str]
) -> None:
    running = start_server(command=[sys.executable, "-m", *server], PORT="0")
    assert "0.0.0.0" not in running.log


# A site that says who is there.


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A browser with the cookie of such a site."""
    folder = str(tmp_path_factory.mktemp("members"))
    app, _ = make_site(
        folder=folder, CHAT_DATABASE_URL=f"sqlite:///{folder}/chat.db", CHAT_ORIGINS="http://friend.test"
    )
    browser = app.test_client()
    browser.get("/login?as=42")
    return browser


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}, 201),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "https://public.test"}, 201),  # a proxy that changes Host
        ({"Origin": "http://localhost"}, 201),
        ({}, 201),  # no browser
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://evil.test"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Origin": "http://sub.localhost"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://friend.test"}, 403),  # of CHAT_ORIGINS
        ({"Origin": "http://friend.test"}, 403),
        ({"Origin": "http://evil.test"}, 403),
        ({"Origin": "http://localhost.evil.test"}, 403),
        ({"Origin": "http://localhost:81"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
    ],
)
@pytest.mark.parametrize("body", [None, {"userId": "42"}])
def test_a_sites_cookie_gives_a_token_to_its_own_pages_alone(
    members: Any, headers: dict[str, str], status: int, body: dict[str, str] | None
) -> None:
    answer = members.post("/chat/api/session", headers=headers, json=body)
    assert answer.status_code == status
    assert "Access-Control-Allow-Credentials" not in answer.headers
    if status == 403:
        assert answer.json["error"]["rule"] == "cross_site"


def test_a_form_of_another_site_gets_nothing_by_a_sites_cookie(members: Any) -> None:
    """Whatever way its cookie comes along: a form sends a body that is no JSON, or GET."""
    assert members.post("/chat/api/session", data={"userId": "42"}).status_code == 415
    assert members.get("/chat/api/session").status_code == 405
    assert members.get("/chat/api/conversations").status_code == 401
    assert "SameSite=Lax" in members.get("/login?as=42").headers["Set-Cookie"]
