"""A site's own ids: compared as they are, beside a chat of names in the same process."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.clients import SECONDS, Person
from tests.conftest import ROOT, Server, StartServer
from tests.site.members import make_site

TWO_SITES = """
from gevent import monkey; monkey.patch_all()
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from chat import create_app
from tests.site.members import make_site
site, _ = make_site(CHAT_DATABASE_URL="sqlite:///{folder}/exact.db", folder="{folder}")
names = create_app({{"CHAT_DATABASE_URL": "sqlite:///{folder}/names.db"}})
site.wsgi_app = DispatcherMiddleware(site.wsgi_app, {{"/names": names}})
"""
ODD = [
    "42",
    str(uuid.UUID(int=7)),
    "aB3",
    "ab3",
    "Alice Smith",
    "a/b",
    "ünï",
    "x" * 64,
    "~abc",
    ".:*%",
    "\N{ZERO WIDTH JOINER}",
]


@pytest.fixture(scope="module")
def both_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("both")


@pytest.fixture(scope="module")
def both(_start: StartServer, both_folder: Path) -> Iterator[Server]:
    folder = both_folder
    (folder / "two_sites.py").write_text(TWO_SITES.format(folder=folder))
    running = _start(app="two_sites:site", PYTHONPATH=f"{folder}:{ROOT}")
    yield running
    running.end()


def member(server: Server, user_id: str) -> dict[str, str]:
    """A member of the site by its cookie, as the header of a request to the chat. Each signs in once."""
    kept: dict[str, dict[str, str]] = vars(server).setdefault("members", {})
    if user_id in kept:
        return kept[user_id]
    browser = requests.Session()
    browser.get(f"{server.http}/login", params={"as": user_id}, allow_redirects=False)
    session = browser.post(f"{server.http}/chat/api/session").json()
    assert session["userId"] == user_id
    return kept.setdefault(user_id, {"Authorization": f"Bearer {session['token']}"})


def enter(server: Server, user_id: str) -> Person:
    person = Person(f"{server.ws}/chat/ws")
    person.send(type="init", userId=user_id, token=member(server, user_id)["Authorization"].split()[1])
    person.ready = person.receive("ready")
    return person


def test_two_ids_that_differ_in_case_are_two_people_and_two_such_names_one(both: Server) -> None:
    upper, lower, writer = enter(both, "aNN"), enter(both, "ann"), enter(both, "Writer")
    assert "keys" not in writer.ready
    for to in ("aNN", "ann"):
        assert writer.ask(type="chat", toUserId=to, message=f"to {to}")["seq"] == 1
    assert upper.receive("chat")["message"] == "to aNN"
    heard = lower.receive("chat")
    assert (heard["message"], heard["fromUserId"]) == ("to ann", "Writer")
    assert "keys" not in heard
    assert upper.hears_nothing()

    folded, sender = Person(f"{both.ws}/names/ws", "aNN"), Person(f"{both.ws}/names/ws", "Writer")
    assert sender.ask(type="chat", toUserId="ANN", message="to one")["seq"] == 1
    assert folded.receive("chat")["keys"] == {"Writer": "writer", "aNN": "ann"}


@pytest.mark.parametrize("user_id", ODD)
def test_any_text_without_controls_is_an_id(both: Server, user_id: str) -> None:
    person, friend = enter(both, user_id), enter(both, "friend")
    said = friend.ask(type="chat", toUserId=user_id, message="hi")
    assert person.receive("chat")["message"] == "hi"
    assert person.ask(type="received", conversationId=said["conversationId"], seq=1)["type"] == "ack"
    messages = f"{both.http}/chat/api/conversations/{requests.utils.quote(user_id, safe='')}/messages"
    assert requests.get(messages, headers=member(both, "friend")).json()["lastSeq"] == 1
    assert user_id in {one["withUserId"] for one in conversations(both, "friend", limit=1)}


def conversations(server: Server, user_id: str, limit: int) -> list[dict[str, Any]]:
    """All of them, page by page."""
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        query = {"limit": limit, **({"cursor": cursor} if cursor else {})}
        page = requests.get(
            f"{server.http}/chat/api/conversations", params=query, headers=member(server, user_id)
        ).json()
        found, cursor = found + page["conversations"], page["next"]
    return found


@pytest.mark.parametrize("user_id", ["", "x" * 65, "a\nb", "a\x00", "\x7f", "\u202egnp", "\u2028"])
def test_no_other_text_is_an_id(both: Server, user_id: str) -> None:
    friend = enter(both, "friend")
    answer = friend.ask(type="chat", toUserId=user_id, message="hi")
    assert (answer["code"], answer["field"]) == ("invalid_field", "toUserId")


def test_nobody_is_found_by_another_case(both: Server) -> None:
    enter(both, "MixedCase"), enter(both, "mixedcase")
    asked = {
        q: requests.get(f"{both.http}/chat/api/users", params={"q": q}, headers=member(both, "asker")).json()
        for q in ("Mixed", "mixed")
    }
    assert [[one["userId"] for one in found["users"]] for found in asked.values()] == [["MixedCase"], ["mixedcase"]]


def test_a_stranger_to_the_site_is_unknown_whatever_their_case(both: Server) -> None:
    friend = enter(both, "friend")
    assert friend.ask(type="chat", toUserId="FRIEND", message="hi")["code"] == "unknown_user"


@pytest.mark.alone  # which judges by time
def test_another_process_of_the_site_sends_and_signs_out_through_the_one_that_serves(
    both: Server, both_folder: Path
) -> None:
    here, elsewhere = enter(both, "here"), enter(both, "elsewhere")
    app, chat = make_site(
        CHAT_DATABASE_URL=f"sqlite:///{both_folder}/exact.db", CHAT_URL=f"{both.http}/chat", folder=str(both_folder)
    )
    with app.app_context():
        told = chat.send_message("A new bot", "here", "hi")
        assert (told.seq, here.receive("chat")["fromUserId"]) == (1, "A new bot")
        url, mine = f"{both.http}/chat/api/notifications/stream", member(both, "here")
        stream = requests.get(url, headers=mine, stream=True, timeout=SECONDS)
        assert stream.status_code == 200
        chat.sign_out("here")
    signed_out = time.monotonic()
    assert list(stream.iter_lines())[-1:] in ([b""], []), "it has ended"
    assert requests.get(url, headers=mine, timeout=SECONDS).status_code == 401
    assert here.receive("error")["code"] == "signed_out"
    assert here.close_code() == 4501
    assert time.monotonic() - signed_out < 2
    assert elsewhere.hears_nothing()
