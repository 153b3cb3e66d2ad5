"""A site with two workers: who is signed out at one has left the other."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.clients import SECONDS, Person
from tests.conftest import Server, StartServer
from tests.redis import Redis


@pytest.fixture
def workers(redis: Redis, start_server: StartServer, tmp_path: Path) -> list[Server]:
    settings = {"CHAT_DATABASE_URL": f"sqlite:///{tmp_path}/chat.db", "CHAT_BUS_URL": redis.url}
    return [start_server(app="tests.site.members:app", **settings) for _ in range(2)]


@pytest.fixture
def browser() -> Iterator[requests.Session]:
    """It keeps the site's cookie, which both workers know."""
    with requests.Session() as session:
        session.headers["Connection"] = "close"  # or a slow machine asks by one that the server closes just then
        yield session


def session(browser: requests.Session, server: Server, user_id: str) -> dict[str, str]:
    answer = browser.get(f"{server.http}/login", params={"as": user_id}, allow_redirects=False, timeout=SECONDS)
    assert answer.status_code == 302
    opened = browser.post(f"{server.http}/chat/api/session", timeout=SECONDS).json()
    return {"userId": opened["userId"], "token": opened["token"]}


def enter(server: Server, opened: dict[str, str]) -> Person:
    person = Person(f"{server.ws}/chat/ws")
    person.send(type="init", **opened)
    person.receive("ready")
    return person


@pytest.mark.alone  # which judges by time
def test_a_sign_out_at_one_worker_ends_sockets_streams_and_tokens_at_the_other_within_2_seconds(
    workers: list[Server], browser: requests.Session
) -> None:
    here, there = workers
    friend = enter(there, session(browser, there, "43"))
    opened = session(browser, there, "42")
    sockets = [enter(there, opened), enter(there, opened), enter(here, opened)]
    header = {"Authorization": f"Bearer {opened['token']}"}
    url = f"{there.http}/chat/api/notifications/stream"
    stream = requests.get(url, headers=header, stream=True, timeout=SECONDS)
    assert stream.status_code == 200, "need a token that counts there for this to mean anything"

    assert requests.post(f"{here.http}/sign-out/42", timeout=SECONDS).status_code == 200
    signed_out = time.monotonic()
    for socket in sockets:
        assert socket.receive("error")["code"] == "signed_out"
        assert socket.close_code() == 4501
    assert [*stream.iter_lines()][-1:] in ([b""], []), "it has ended"
    assert requests.get(url, headers=header, timeout=SECONDS).status_code == 401
    assert time.monotonic() - signed_out < 2

    assert friend.hears_nothing()
    back = browser.post(f"{there.http}/chat/api/session", timeout=SECONDS)  # still signed in on the site
    assert back.status_code == 201
    enter(there, {"userId": "42", "token": back.json()["token"]}).close()
    friend.close()
