"""Who is who, on a running server: passwords, tokens, and being sent away. The client is independent.

What a token must look like is tested in test_tokens.py, what a name may be in protocol/test_names.py.
"""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests

from chat import create_app
from tests.clients import Person
from tests.commands import flask_chat
from tests.conftest import Server, StartServer

PASSWORD = "correct horse battery"
SECRET = "a secret of more than thirty-two bytes"
SENT_AWAY_SECONDS = 2


@pytest.fixture(scope="module")
def open_server(_start: StartServer) -> Iterator[Server]:
    """Names without a password are free. Each test brings its own."""
    server = _start(CHAT_TOKEN_SECRET=SECRET)
    yield server
    server.end()


@pytest.fixture
def closed_server(start_server: StartServer, tmp_path: Path) -> Server:
    """Everybody signs in, and nobody makes an account."""
    return start_server(
        CHAT_DATABASE_URL=f"sqlite:///{tmp_path}/chat.db",
        CHAT_TOKEN_SECRET=SECRET,
        CHAT_AUTH="required",
        CHAT_SIGNUP="closed",
    )


def call(server: Server, method: str, path: str, token: str = "", **body: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    url = f"{server.http}/api{path}"
    return requests.request(method, url, json=body or None, headers=headers, timeout=20)


def protect(server: Server, name: str, password: str = PASSWORD, token: str = "") -> str:
    """Give a name a password; a token for it."""
    response = call(server, "POST", "/accounts", token, userId=name, password=password)
    assert response.status_code == 201, response.text
    token: str = response.json()["token"]
    return token


def error(response: requests.Response) -> tuple[int, str, str | None]:
    fault = response.json()["error"]
    return response.status_code, fault["code"], fault["field"]


def sign_in(server: Server, name: str, password: str) -> requests.Response:
    return call(server, "POST", "/session", userId=name, password=password)


def refused(server: Server, **init: Any) -> tuple[str, int]:
    """The error that an init gets, and the code that its socket is closed with."""
    person = Person(server.ws)
    person.send(type="init", **init)
    return person.receive("error")["code"], person.close_code()


# A free name, and one with a password.


@pytest.mark.alone
def test_a_name_is_anybodys_until_it_has_a_password(open_server: Server) -> None:
    own = call(open_server, "POST", "/session", userId="free").json()["token"]
    with Person(open_server.ws, "free") as first, Person(open_server.ws, "free"):
        token = protect(open_server, "free", token=own)
        began = time.monotonic()
        assert first.receive("error")["code"] == "name_protected"
        assert first.close_code() == 4501
        assert time.monotonic() - began < SENT_AWAY_SECONDS
    assert refused(open_server, userId="free") == ("sign_in_needed", 4501)
    assert refused(open_server, userId="FREE") == ("sign_in_needed", 4501)
    assert refused(open_server, userId="free", token="no.token") == ("not_signed_in", 4501)
    with Person(open_server.ws) as owner:
        owner.send(type="init", userId="free", token=token)
        assert owner.receive("ready")["userId"] == "free"
    assert error(call(open_server, "POST", "/session", userId="free"))[:2] == (401, "sign_in_needed")
    again = sign_in(open_server, "Free", PASSWORD)
    assert again.json()["userId"] == "free"


def test_a_password_is_given_once(open_server: Server) -> None:
    protect(open_server, "once")
    for name in ("once", "ONCE", "ｏｎｃｅ"):
        response = call(open_server, "POST", "/accounts", userId=name, password="another one")
        assert error(response) == (409, "name_taken", "userId")


def test_upper_and_lower_case_are_one_user_in_the_spelling_that_came_first(open_server: Server) -> None:
    with Person(open_server.ws, "Straße") as first, Person(open_server.ws, "STRASSE") as second:
        assert (first.ready["userId"], second.ready["userId"]) == ("Straße", "Straße")
        with Person(open_server.ws, "writer") as writer:
            assert writer.ask(type="chat", toUserId="strasse", message="hi")["seq"] == 1
        assert first.receive("chat")["toUserId"] == "Straße"
        assert second.receive("chat")["toUserId"] == "Straße"


def test_the_spelling_that_came_first_counts_after_a_restart(start_server: StartServer, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/chat.db"
    server = start_server(CHAT_DATABASE_URL=url)
    with Person(server.ws, "ada") as ada:
        ada.ask(type="chat", toUserId="Bob", message="1")
    server.stop()
    server = start_server(CHAT_DATABASE_URL=url)
    with Person(server.ws, "BOB") as bob, Person(server.ws, "ADA") as ada:
        assert bob.ready["userId"] == "Bob"
        assert ada.ready["userId"] == "ada"
        assert bob.receive("chat")["message"] == "1"


def test_a_name_that_an_older_session_holds_takes_no_password_from_a_younger_one(open_server: Server) -> None:
    first = call(open_server, "POST", "/session", userId="held").json()["token"]
    younger = call(open_server, "POST", "/session", userId="held").json()["token"]
    for token in ("", younger):
        refusal = call(open_server, "POST", "/accounts", token, userId="held", password=PASSWORD)
        assert error(refusal) == (409, "name_taken", "userId"), "one who came first holds it, with a socket or without"
        assert "before you" in refusal.json()["error"]["message"]
    another = call(open_server, "POST", "/session", userId="another").json()["token"]
    stolen = call(open_server, "POST", "/accounts", another, userId="held", password=PASSWORD)
    assert error(stolen) == (409, "name_taken", "userId"), "another user's token shows nothing"
    with Person(open_server.ws, "plain"):
        late = call(open_server, "POST", "/session", userId="plain").json()["token"]
        for token in ("", late):
            refusal = call(open_server, "POST", "/accounts", token, userId="plain", password=PASSWORD)
            assert error(refusal) == (409, "name_taken", "userId")
    protect(open_server, "held", token=first)
    with Person(open_server.ws, "alone"):
        pass
    protect(open_server, "alone")


# Passwords.


@pytest.mark.parametrize(
    ("password", "good"),
    [
        ("1234567", False),
        ("quartz-8", True),
        ("xy" * 512, True),
        ("xy" * 512 + "x", False),
        ("비밀번호 네 글자", True),
        ("🦊" * 7 + "🐻", True),
        ("aaaaaaaa", False),
        ("aAaAaAaA", False),
        (" " * 8, False),
        ("\u3000 " * 8, False),
        ("password1", False),
        ("PASSWORD1", False),
        ("iloveyou", False),
    ],
)
def test_a_password_has_its_length_and_is_none_of_the_commonest(open_server: Server, password: str, good: bool) -> None:
    name = f"pw{abs(hash(password)) % 10**9}"
    response = call(open_server, "POST", "/accounts", userId=name, password=password)
    if good:
        assert response.status_code == 201
        assert sign_in(open_server, name, password).status_code == 201
        assert sign_in(open_server, name, password[:-1]).status_code == 401
    else:
        assert error(response) == (400, "invalid_field", "password")


def test_a_password_is_not_the_name_itself_in_any_spelling(open_server: Server) -> None:
    for password in ("itsownname", "ItsOwnName", "ｉｔｓＯｗｎｎａｍｅ", " itsownname "):
        response = call(open_server, "POST", "/accounts", userId="itsOwnName", password=password)
        assert error(response) == (400, "invalid_field", "password"), password


def test_ten_wrong_passwords_leave_one_try_each_three_minutes_for_that_name_and_no_other(open_server: Server) -> None:
    protect(open_server, "target")
    protect(open_server, "bystander")
    for _ in range(10):
        assert error(sign_in(open_server, "target", "wrong wrong")) == (401, "wrong_password", None)
    response = sign_in(open_server, "target", PASSWORD)
    assert error(response) == (429, "rate_limited", None)
    assert 1 <= int(response.headers["Retry-After"]) <= 180
    assert sign_in(open_server, "bystander", PASSWORD).status_code == 201


@pytest.mark.alone
def test_an_unknown_name_is_refused_like_a_known_one_and_takes_as_long(open_server: Server) -> None:
    times: dict[str, list[float]] = {"known": [], "unknown": []}
    for number in range(15):
        protect(open_server, f"known{number}")
    for number in range(15):
        for kind in times:
            began = time.perf_counter()
            response = sign_in(open_server, f"{kind}{number}", "wrong wrong")
            times[kind].append(time.perf_counter() - began)
            assert error(response) == (401, "wrong_password", None)
    known, unknown = (statistics.median(seconds) for seconds in times.values())
    # Without the hash for nobody, an unknown name would be ten times as quick.
    assert 0.5 < unknown / known < 2, (known, unknown)


@pytest.mark.alone
def test_a_crowd_that_signs_in_does_not_hold_up_the_sockets(open_server: Server) -> None:
    protect(open_server, "crowd")
    with Person(open_server.ws, "waiting") as person, ThreadPoolExecutor(20) as threads:
        signing_in = [threads.submit(sign_in, open_server, "crowd", PASSWORD) for _ in range(20)]
        waits = []
        while not all(one.done() for one in signing_in):
            began = time.perf_counter()
            person.send(type="ping")
            person.receive("pong")
            waits.append(time.perf_counter() - began)
        assert {one.result().status_code for one in signing_in} == {201}
    assert len(waits) > 5, "need pings during the crowd for this to mean anything"
    assert statistics.median(waits) < 0.1


# Being sent away.


@pytest.mark.alone
def test_signing_out_ends_that_session_alone(open_server: Server) -> None:
    token = protect(open_server, "leaver")
    other = sign_in(open_server, "leaver", PASSWORD).json()["token"]
    with Person(open_server.ws) as gone, Person(open_server.ws) as stays:
        gone.send(type="init", userId="leaver", token=token)
        gone.receive("ready")
        stays.send(type="init", userId="leaver", token=other)
        stays.receive("ready")
        began = time.monotonic()
        assert call(open_server, "DELETE", "/session", token).status_code == 204
        assert gone.receive("error")["code"] == "signed_out"
        assert gone.close_code() == 4501
        assert time.monotonic() - began < SENT_AWAY_SECONDS
        assert stays.hears_nothing()
    assert error(call(open_server, "GET", "/conversations", token))[:2] == (401, "not_signed_in")
    assert call(open_server, "GET", "/conversations", other).status_code == 200
    assert refused(open_server, userId="leaver", token=token) == ("not_signed_in", 4501)


def test_a_renewed_token_is_of_the_same_session_and_signing_out_with_the_older_one_ends_both(
    open_server: Server,
) -> None:
    first = protect(open_server, "goes-on")
    renewed = call(open_server, "POST", "/session/renew", first)
    assert renewed.status_code == 201
    assert renewed.json().keys() == {"userId", "token", "expiresAt", "hasPassword"}
    fresh = renewed.json()["token"]
    assert len(call(open_server, "GET", "/sessions", fresh).json()["sessions"]) == 1
    with Person(open_server.ws) as tab:
        tab.send(type="init", userId="goes-on", token=first)
        assert tab.receive("ready")["expiresAt"] <= renewed.json()["expiresAt"]
        tab.send(type="init", userId="goes-on", token=fresh, ref=1)
        assert tab.receive("ready")["expiresAt"] == renewed.json()["expiresAt"]
        assert call(open_server, "DELETE", "/session", first).status_code == 204
        assert tab.receive("error")["code"] == "signed_out"
        assert tab.close_code() == 4501
    for token in (first, fresh):
        assert error(call(open_server, "POST", "/session/renew", token))[:2] == (401, "not_signed_in")


def test_a_new_password_ends_all_sessions_and_answers_with_a_new_one(open_server: Server) -> None:
    token = protect(open_server, "changer")
    with Person(open_server.ws) as tab:
        tab.send(type="init", userId="changer", token=token)
        tab.receive("ready")
        new = {"oldPassword": PASSWORD, "newPassword": "another one, better"}
        wrong = new | {"oldPassword": "wrong wrong"}
        assert error(call(open_server, "PUT", "/password", token, **wrong))[1] == "wrong_password"
        response = call(open_server, "PUT", "/password", token, **new)
        assert response.status_code == 200
        assert tab.receive("error")["code"] == "password_changed"
        assert tab.close_code() == 4501
    fresh = response.json()["token"]
    assert call(open_server, "GET", "/conversations", token).status_code == 401
    assert call(open_server, "GET", "/conversations", fresh).status_code == 200
    assert sign_in(open_server, "changer", PASSWORD).status_code == 401
    assert sign_in(open_server, "changer", "another one, better").status_code == 201


def command(environment: dict[str, str], *words: str, said: str = "") -> tuple[int, str]:
    done = flask_chat(*words, said=said, **environment)
    return done.exit_code, done.output


@pytest.mark.alone
def test_the_commands_add_change_disable_and_enable(closed_server: Server, tmp_path: Path) -> None:
    environment = {"CHAT_DATABASE_URL": f"sqlite:///{tmp_path}/chat.db", "CHAT_TOKEN_SECRET": SECRET}
    code, said = command(environment, "add-user", "Grace", "--password-stdin", said=PASSWORD)
    assert (code, said.strip().splitlines()[-1]) == (0, "Grace can sign in now.")
    code, said = command(environment, "add-user", "grace", "--password-stdin", said=PASSWORD)
    assert code == 1
    assert "has a password already" in said
    code, said = command(environment, "add-user", "x", "--password-stdin", said="short")
    assert code == 1
    assert "at least 8 characters" in said
    token = sign_in(closed_server, "grace", PASSWORD).json()["token"]
    with Person(closed_server.ws) as tab:
        tab.send(type="init", userId="Grace", token=token)
        tab.receive("ready")
        assert command(environment, "disable-user", "grace")[0] == 0
        began = time.monotonic()
        assert tab.receive("error")["code"] == "disabled"
        assert tab.close_code() == 4501
        assert time.monotonic() - began < SENT_AWAY_SECONDS
    assert error(sign_in(closed_server, "grace", PASSWORD)) == (401, "wrong_password", None)
    assert refused(closed_server, userId="grace", token=token) == ("not_signed_in", 4501)
    assert command(environment, "enable-user", "grace")[0] == 0
    assert sign_in(closed_server, "grace", PASSWORD).status_code == 201
    new = command(environment, "set-password", "grace", "--password-stdin", said="brand new one")
    assert new[0] == 0
    assert sign_in(closed_server, "grace", PASSWORD).status_code == 401
    assert sign_in(closed_server, "grace", "brand new one").status_code == 201


def test_a_programs_token_is_listed_and_taken_back_by_itself(closed_server: Server, tmp_path: Path) -> None:
    environment = {"CHAT_DATABASE_URL": f"sqlite:///{tmp_path}/chat.db", "CHAT_TOKEN_SECRET": SECRET}
    tokens = [command(environment, "token", "--service", name)[1].split()[-1] for name in ("ci", "shop")]
    command(environment, "add-user", "bob", "--password-stdin", said=PASSWORD)

    def push(token: str) -> int:
        return call(closed_server, "POST", "/notifications", token, toUserId="bob", message="hi").status_code

    assert [push(token) for token in tokens] == [201, 201]
    closed_server.wait_for("push service='ci' user='bob' id=1")
    [listed] = [line for line in command(environment, "tokens")[1].splitlines() if "  ci  notify  " in line]
    id_ = listed.split()[0]
    assert command(environment, "tokens", "--revoke", id_)[0] == 0
    until = time.monotonic() + 10
    while push(tokens[0]) != 401 and time.monotonic() < until:
        time.sleep(0.1)
    assert [push(token) for token in tokens] == [401, 201]
    assert f"{id_}  ci  notify  " in (after := command(environment, "tokens")[1])
    assert "revoked" in after
    code, said = command(environment, "tokens", "--revoke", id_)
    assert (code, f"There is no valid token with the id {id_}." in said) == (1, True)


def test_one_session_of_several_is_ended_from_another(open_server: Server) -> None:
    first = protect(open_server, "lister")
    second = sign_in(open_server, "lister", PASSWORD).json()["token"]
    listed = call(open_server, "GET", "/sessions", second).json()["sessions"]
    assert [one.get("current", False) for one in listed] == [True, False]
    other = listed[1]["sessionId"]
    stranger = call(open_server, "POST", "/session", userId="stranger").json()["token"]
    assert error(call(open_server, "DELETE", f"/sessions/{other}", stranger)) == (404, "not_found", "sessionId")
    with Person(open_server.ws) as tab:
        tab.send(type="init", userId="lister", token=first)
        tab.receive("ready")
        assert call(open_server, "DELETE", f"/sessions/{other}", second).status_code == 204
        assert tab.close_code() == 4501
    assert call(open_server, "GET", "/conversations", first).status_code == 401
    assert [one["sessionId"] for one in call(open_server, "GET", "/sessions", second).json()["sessions"]] == [
        listed[0]["sessionId"]
    ]
    open_server.wait_for("sign-in user='lister' address=127.0.0.1")
    open_server.wait_for("sign-out user='lister' address=127.0.0.1")


# Where everybody signs in.


def test_nobody_comes_in_without_a_token_where_it_is_required(closed_server: Server) -> None:
    assert refused(closed_server, userId="anybody") == ("sign_in_needed", 4501)
    assert error(call(closed_server, "POST", "/session", userId="anybody"))[1] == "sign_in_needed"
    made = call(closed_server, "POST", "/accounts", userId="anybody", password=PASSWORD)
    assert error(made) == (403, "sign_up_closed", None)


def test_people_make_accounts_where_that_is_open(start_server: StartServer, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/chat.db"
    server = start_server(CHAT_DATABASE_URL=url, CHAT_AUTH="required", CHAT_SIGNUP="open")
    alice, bob = protect(server, "alice"), protect(server, "bob")
    with Person(server.ws) as one, Person(server.ws) as two:
        one.send(type="init", userId="alice", token=alice)
        two.send(type="init", userId="bob", token=bob)
        two.receive("ready")
        assert one.ask(type="chat", toUserId="BOB", message="hi")["seq"] == 1
        assert two.receive("chat")["message"] == "hi"
        unknown = one.ask(type="chat", toUserId="nobody", message="hi")
        assert (unknown["code"], unknown["field"]) == ("unknown_user", "toUserId")


def test_a_host_applications_token_names_a_user_who_is_new_here(closed_server: Server) -> None:
    now = int(time.time())
    claims = {"sub": "host-user", "iat": now, "exp": now + 60}
    token = jwt.encode(claims, SECRET, "HS256")
    with Person(closed_server.ws) as person:
        person.send(type="init", userId="host-user", token=token)
        assert person.receive("ready")["userId"] == "host-user"
        assert person.ask(type="chat", toUserId="host-user", message="note")["seq"] == 1
    assert error(call(closed_server, "DELETE", "/session", token)) == (409, "conflict", None), "it names no session"
    assert call(closed_server, "GET", "/conversations", token).status_code == 200
    other = jwt.encode(claims | {"jti": "of the host"}, SECRET, "HS256")
    assert call(closed_server, "DELETE", "/session", other).status_code == 204
    assert call(closed_server, "GET", "/conversations", other).status_code == 401


@pytest.mark.parametrize(
    ("what", "claims", "secret", "algorithm"),
    [
        ("another user's", {"sub": "mallory"}, SECRET, "HS256"),
        ("expired", {"exp": 1_600_000_000}, SECRET, "HS256"),
        ("not yet valid", {"nbf": 32_000_000_000}, SECRET, "HS256"),
        ("another secret", {}, "another secret of thirty-two bytes or more", "HS256"),
        ("another algorithm", {}, SECRET * 2, "HS512"),
        ("no algorithm", {}, "", "none"),
    ],
)
def test_a_token_that_is_of_no_good_is_refused(
    open_server: Server, what: str, claims: dict[str, Any], secret: str, algorithm: str
) -> None:
    good = {"sub": "victim", "iat": int(time.time()), "exp": int(time.time()) + 600}
    token = jwt.encode(good | claims, secret, algorithm)
    assert refused(open_server, userId="victim", token=token) == ("not_signed_in", 4501), what
    if claims.get("sub") != "mallory":
        answer = call(open_server, "GET", "/conversations", token)
        assert error(answer)[:2] == (401, "not_signed_in"), what


def test_a_command_for_a_user_whom_nobody_knows_says_so_and_fails(tmp_path: Path) -> None:
    app = create_app({"CHAT_DATABASE_URL": f"sqlite:///{tmp_path}/chat.db", "CHAT_TOKEN_SECRET": SECRET})
    runner = app.test_cli_runner()
    commands = (["disable-user", "tpyo"], ["enable-user", "tpyo"], ["set-password", "tpyo"])
    for words in (*commands, ["tokens", "--revoke", "tpyo"]):
        said = runner.invoke(args=["chat", *words], input=f"{PASSWORD}\n")
        assert said.exit_code == 1, words
        assert re.fullmatch(r"Error: .*\btpyo\b.*\.\n", said.output), said.output
    accounts = app.extensions["chat"].storage.accounts
    assert accounts.find("tpyo")[0] is None
    said = runner.invoke(args=["chat", "disable-user", "theirs", "--unknown"])  # a site's user who has not come yet
    assert (said.exit_code, said.output) == (0, "theirs is shut out.\n")
    assert accounts.find("theirs")[0].disabled


def test_no_token_and_no_password_gets_into_the_log(open_server: Server) -> None:
    token = protect(open_server, "private", "a very private password")
    with Person(open_server.ws) as person:
        person.send(type="init", userId="private", token=token)
        person.receive("ready")
    sign_in(open_server, "private", "a wrong private password")
    assert "private" in open_server.log, "need lines for this to mean anything"
    for secret in (token, token.split(".")[2], "private password", SECRET):
        assert secret not in open_server.log


@pytest.mark.alone
def test_one_who_is_here_in_another_spelling_is_sent_away_too(start_server: StartServer, tmp_path: Path) -> None:
    environment = {"CHAT_DATABASE_URL": f"sqlite:///{tmp_path}/chat.db", "CHAT_TOKEN_SECRET": SECRET}
    server = start_server(**environment)
    with Person(server.ws, "Bob") as bob, Person(server.ws, "Dan") as dan:
        assert command(environment, "disable-user", "bob", "--unknown")[0] == 0
        began = time.monotonic()
        assert bob.close_code() in (1013, 4501)
        assert time.monotonic() - began < SENT_AWAY_SECONDS
        assert command(environment, "add-user", "DAN", "--password-stdin", said=PASSWORD)[0] == 0
        assert dan.close_code() in (1013, 4501)
    assert refused(server, userId="Bob") == ("sign_in_needed", 4501)
    assert refused(server, userId="Dan") == ("sign_in_needed", 4501)


def test_a_socket_ends_when_its_token_does(start_server: StartServer) -> None:
    server = start_server(CHAT_TOKEN_TTL="2")
    session = call(server, "POST", "/session", userId="late").json()
    with Person(server.ws) as late:
        late.send(type="init", userId="late", token=session["token"])
        assert late.receive("ready")["expiresAt"] == session["expiresAt"]
        assert late.receive("error")["code"] == "token_expired"
        assert late.close_code() == 4501


def test_a_fresh_token_in_a_new_init_keeps_the_socket(start_server: StartServer) -> None:
    server = start_server(CHAT_TOKEN_TTL="2")
    session = call(server, "POST", "/session", userId="stays").json()
    with Person(server.ws) as stays:
        stays.send(type="init", userId="stays", token=session["token"])
        stays.receive("ready")
        ends = time.monotonic() + 2.5
        while time.monotonic() < ends:  # beyond the end of the first
            session = call(server, "POST", "/session/renew", token=session["token"]).json()
            stays.send(type="init", userId="stays", token=session["token"])
            assert stays.receive("ready")["expiresAt"] == session["expiresAt"]
            time.sleep(0.5)
        stays.send(type="ping")
        stays.receive("pong")
