"""How users are shown: what the site says is asked lazily and kept, what is stored is found, open pages hear of changes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from chat import Chat
from chat.people import profiles as profiles_module
from chat.protocol.profiles import Profile
from tests.clients import Person
from tests.conftest import TOKEN_SECRET, StartServer


@pytest.fixture
def site() -> Iterator[tuple[Flask, Chat, list[str], dict[str, Any]]]:
    """A site's app under test: whom it was asked for, and what it says."""
    app, asked, said = Flask("site"), [], {}
    app.config.update(TESTING=True, CHAT_TOKEN_SECRET=TOKEN_SECRET)
    chat = Chat(app)

    @chat.profile
    def profile_of(user_id: str) -> Any:
        asked.append(user_id)
        answer = said.get(user_id)
        if isinstance(answer, Exception):
            raise answer
        return answer

    yield app, chat, asked, said
    app.extensions["chat"].stop()


def test_a_site_is_asked_once_for_each_user_whom_somebody_looks_at_and_nobody_else(site: Any) -> None:
    app, _, asked, said = site
    said["42"] = {"display_name": " Alice Smith ", "avatar_url": "/a.png", "subtitle": None}
    profiles = app.extensions["chat"].profiles
    for _ in range(2):
        assert profiles.of(["42", "43"]) == {"42": Profile(display_name="Alice Smith", avatar_url="/a.png")}
    assert asked == ["42", "43"]


def test_what_a_site_said_is_asked_again_after_a_while_and_partners_hear_of_what_changed(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, chat, asked, said = site
    server, told = app.extensions["chat"], []
    server.storage.accounts.keep_names(["42", "bob"])
    monkeypatch.setattr(server.profiles._storage.last_seen, "partners", lambda user, most: ["bob"])
    monkeypatch.setattr(server.online, "emit", lambda frame, to: told.append(to))
    said["42"] = Profile(display_name="Alice")
    server.profiles.of(["42"], "eve")
    assert told == ["eve"], "who asks is told; to others nothing has changed"
    in_a_while = time.monotonic() + 301
    monkeypatch.setattr(profiles_module.time, "monotonic", lambda: in_a_while)
    said["42"] = Profile(display_name="Alice Smith")
    server.profiles.of(["42"])
    assert sorted(told[1:]) == ["42", "bob"]
    said["42"] = Profile(display_name="Alice Jones")
    with app.app_context():
        chat.profile_changed(42)
    assert server.profiles.of(["42"]) == {"42": Profile(display_name="Alice Jones")}
    assert asked == ["42"] * 3


@pytest.mark.parametrize(
    "bad",
    [
        ValueError("no database"),
        {"name": "Alice"},
        {"display_name": 7},
        {"display_name": "a" * 81},
        {"display_name": "a\nb"},
        {"display_name": "\ud800"},
        {"avatar_url": "javascript:alert(1)"},
        {"avatar_url": "https://tracker.example/pixel.gif"},
        "Alice",
    ],
    ids=repr,
)
def test_what_a_site_should_not_have_said_is_logged_and_what_was_known_stays(site: Any, bad: Any) -> None:
    app, _, _, said = site
    server = app.extensions["chat"]
    said["42"] = {"display_name": "Alice"}
    assert server.profiles.of(["42"])
    said["42"] = bad
    server.profiles.forget("42")
    assert server.profiles.of(["42"]) == {"42": Profile(display_name="Alice")}


def test_what_a_site_says_is_forgotten_when_many_others_were_asked_for(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, _, asked, _ = site
    monkeypatch.setattr(profiles_module, "KEPT", 3)
    profiles = app.extensions["chat"].profiles
    profiles.of([str(n) for n in range(5)])
    assert len(profiles._said) == 3
    profiles.of(["4", "0"])
    assert asked[5:] == ["0"]
    monkeypatch.setattr(profiles_module, "MOST_WAITING", 0)  # it cannot be asked of so many at once
    for n in range(10):
        profiles.forget(str(n))
    assert len(profiles._said) == 3


def test_a_site_that_takes_its_time_delays_no_ready_and_no_message_and_is_heard_of_when_it_has_answered(
    start_server: StartServer,
) -> None:
    server = start_server(app="tests.site.named:app")
    url = f"{server.ws}/chat/ws"
    with Person(url, "ann") as ann:
        assert ann.ask(type="chat", toUserId="bob", message="hi")["type"] == "ack"
        ann.send(type="init", userId="ann", sync=True)
        assert "profiles" not in ann.receive("ready"), "nobody has waited for it"
        assert ann.ask(type="chat", toUserId="bob", message="still here")["type"] == "ack", "in the meantime"
        told = {(event := ann.receive("profile"))["userId"]: event["profile"] for _ in range(2)}
        assert told == {name: {"displayName": f"{name.title()} of the site"} for name in ("ann", "bob")}
        ann.send(type="init", userId="ann", sync=True)
        assert ann.receive("ready")["profiles"] == told, "kept for a while"
