"""Searching messages and people over HTTP."""

from __future__ import annotations

import logging

import pytest

from chat.storage import search
from chat.storage.records import Send
from tests.conftest import TOKEN_SECRET, MakeChat
from tests.people.test_presence import FakeSocket
from tests.web.conftest import Api, fault


def test_ones_own_messages_are_found_page_by_page(api_on_each: Api) -> None:
    api = api_on_each
    for n in range(5):
        api.say(("alice", "bob", f"hello {n}"), ("bob", "carol", f"hello, not yours {n}"))
    first = api.get("/search", q="  Hello ", limit=3).json
    assert [one["message"] for one in first["messages"]] == ["hello 4", "hello 3", "hello 2"]
    rest = api.get("/search", q="Hello", cursor=first["next"]).json
    assert [one["message"] for one in rest["messages"]] == ["hello 1", "hello 0"]
    assert rest["next"] is None


def test_a_found_message_carries_what_a_message_carries(api_on_each: Api) -> None:
    api_on_each.send(Send("bob", "alice", "hello", "c-1"), Send("alice", "bob", "hello", None))
    listed = api_on_each.get("/conversations/bob/messages").json["messages"]
    found = api_on_each.get("/search", q="hello").json["messages"]
    assert found == [{"withUserId": "bob", **message} for message in reversed(listed)]
    assert found[1]["clientId"] == "c-1"


def test_a_search_that_asks_for_nothing_or_too_much_is_refused(api_on_sqlite: Api) -> None:
    api = api_on_sqlite
    assert fault(api.get("/search")) == (400, "missing_field", "q")
    assert fault(api.get("/search", q="x" * 201)) == (400, "invalid_field", "q")
    assert fault(api.get("/search", q="x", cursor="made-up")) == (400, "invalid_field", "cursor")
    assert api.get("/search", q=" ").json == {"messages": [], "next": None, "epoch": api.chat.storage.epoch}
    assert api.client.get("/api/search?q=x").status_code == 401


def test_a_search_that_takes_too_long_is_answered_unavailable_and_the_database_is_not_said_to_fail(
    api_on_each: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    api_on_each.say(("alice", "bob", "hello"))
    monkeypatch.setattr(search, "SECONDS", 0)
    with caplog.at_level(logging.WARNING, "chat"):
        assert fault(api_on_each.get("/search", q="he")) == (503, "unavailable", None)
    assert not caplog.records
    monkeypatch.undo()
    assert len(api_on_each.get("/search", q="he").json["messages"]) == 1


def test_known_people_come_first_and_oneself_never(api_on_each: Api) -> None:
    api = api_on_each
    api.say(("ana", "zed", "hi"), ("Anton", "zed", "hi"), ("me", "Anya", "hi"), ("me", "bob", "hi"))
    names = lambda **query: [  # noqa: E731
        user["userId"] for user in api.get("/users", "me", **query).json["users"]
    ]
    assert names(q="AN") == ["Anya", "ana", "Anton"]
    assert names(q="an", limit=2) == ["Anya", "ana"]
    assert set(names()) == {"Anya", "bob"}
    assert names(q="m") == []
    assert names(q="%") == []
    assert names(q="NY") == ["Anya"], "of partners, whoever's name holds it"
    api.say(("me", "Zany", "hi"), ("me", "nyx", "hi"))
    assert names(q="ny") == ["nyx", "Zany", "Anya"]


def test_a_typed_name_is_told_as_the_server_writes_it_with_its_key(api_on_each: Api) -> None:
    api = api_on_each
    api.say(("WEIẞ", "kız", "hi"), ("kiz", "Me", "hi"))
    assert api.get("/users/weiß").json == {"userId": "WEIẞ", "keys": {"WEIẞ": "weiss"}}
    assert api.get("/users/STRASSE").json == {"userId": "STRASSE", "keys": {"STRASSE": "strasse"}}
    assert [api.get(f"/users/{name}").json for name in ("KIZ", "kız")] == [{"userId": "kiz"}, {"userId": "kız"}]
    assert fault(api.get("/users/a%20b")) == (400, "invalid_field", "userId")
    keys = {"WEIẞ": "weiss"}
    assert api.get("/users", "kız").json == {"users": [{"userId": "WEIẞ", "presence": "offline"}], "keys": keys}
    assert api.get("/conversations", "kız").json["keys"] == keys
    assert api.get("/conversations/weiß", "kız").json["keys"] == keys
    assert api.get("/search", "kız", q="hi").json["keys"] == keys
    assert api.client.put("/api/blocks/weiss", headers=api.header("kız")).status_code == 204
    assert api.get("/blocks", "kız").json["keys"] == keys
    assert "keys" not in api.get("/conversations", "WEIẞ").json


def test_on_an_open_server_one_sees_who_is_here_and_of_the_blocked_nothing(api_on_each: Api) -> None:
    api, chat = api_on_each, api_on_each.chat
    api.say(("zed", "alice", "hi"), ("gone", "alice", "hi"))
    for name in ("alice", "zed", "bob", "Bea", "mallory"):
        chat.online.add(name, FakeSocket())
    [away] = chat.online.of("bob")
    away.is_away = True
    here = [(user["userId"], user["presence"]) for user in api.get("/users", here="true").json["users"]]
    assert here == [("zed", "online"), ("Bea", "online"), ("bob", "away"), ("mallory", "online")], "partners first"
    assert [user["userId"] for user in api.get("/users", here="true", q="B", limit=1).json["users"]] == ["Bea"]
    chat.blocking.block("mallory", "alice", skip=None)
    assert [user["userId"] for user in api.get("/users", here="true", q="m").json["users"]] == []
    assert fault(api.get("/users", here="perhaps")) == (400, "invalid_field", "here")


def test_where_people_sign_in_one_sees_of_partners_alone_who_is_here(make_chat: MakeChat) -> None:
    api = Api(make_chat(auth="required", token_secret=TOKEN_SECRET))
    api.say(("bob", "alice", "hi"), ("bob", "stranger", "hi"))
    for name in ("bob", "stranger"):
        api.chat.online.add(name, FakeSocket())
    assert api.get("/users", here="true").json == {"users": [{"userId": "bob", "presence": "online"}]}
    assert api.get("/users", q="str").json == {"users": [{"userId": "stranger"}]}
