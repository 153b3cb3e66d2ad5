"""Between two of whom one has blocked the other nothing passes, on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from chat.errors import Blocked, Forbidden, InvalidField, RateLimited
from chat.people import blocking
from chat.people.blocking import Blocking
from chat.people.online import Online
from chat.server import ChatServer
from tests.clients import SECONDS, Person
from tests.conftest import MakeChat, Server, StartServer
from tests.notifications.helpers import a_name, token_of

# Over the wire.


def ask(server: Server, user_id: str, method: str, path: str = "") -> requests.Response:
    headers = {"Authorization": f"Bearer {token_of(server, user_id)}"}
    return requests.request(method, f"{server.http}/api/blocks{path}", headers=headers, timeout=SECONDS)


def listed(server: Server, user_id: str) -> list[str]:
    return [one["userId"] for one in ask(server, user_id, "GET").json()["blocked"]]


def history(server: Server, one: str, other: str) -> list[str]:
    headers = {"Authorization": f"Bearer {token_of(server, one)}"}
    url = f"{server.http}/api/conversations/{other}/messages"
    return [m["message"] for m in requests.get(url, headers=headers, timeout=SECONDS).json()["messages"]]


@contextmanager
def two(server: Server) -> Iterator[tuple[str, Person, str, Person]]:
    """Alice and bob, who have a conversation."""
    alice, bob = a_name("alice"), a_name("bob")
    with Person(server.ws) as a, Person(server.ws) as b:
        for name, person in ((alice, a), (bob, b)):
            person.send(type="init", userId=name, sync=True)
            person.receive("ready")
        b.ask(type="chat", toUserId=alice, message="before")
        assert a.receive("chat")["message"] == "before"
        yield alice, a, bob, b


def test_a_blocked_ones_messages_are_answered_blocked_and_are_not_stored(storing: Server) -> None:
    with two(storing) as (alice, a, bob, b):
        assert a.ask(type="block", userId=bob.upper())["type"] == "ack"
        answer = b.ask(type="chat", toUserId=alice, message="after")
        assert (answer["code"], answer["field"]) == ("blocked", "toUserId")
        assert a.ask(type="chat", toUserId=bob, message="mine")["code"] == "blocked"
        assert history(storing, alice, bob) == ["before"]
        assert b.ask(type="chat", toUserId=a_name("carol"), message="hi")["type"] == "ack", "others take it"
        assert a.ask(type="unblock", userId=bob)["type"] == "ack"
        assert b.ask(type="chat", toUserId=alice, message="again")["delivered"]
        assert history(storing, alice, bob) == ["before", "again"]


def test_typing_presence_and_receipts_of_a_blocked_one_end(storing: Server) -> None:
    with two(storing) as (alice, a, bob, b):
        a.ask(type="chat", toUserId=bob, message="to read")
        a.ask(type="block", userId=bob)
        assert b.receive("presence") == {"type": "presence", "userId": alice, "status": "offline"}
        for event in ({"type": "typing", "toUserId": alice}, {"type": "read", "withUserId": alice, "seq": 2}):
            assert b.ask(**event)["type"] == "ack"
        with Person(storing.ws) as again:
            again.send(type="init", userId=alice, sync=True)
            [standing] = again.receive("ready")["conversations"]
            assert standing["presence"] == "offline"
            assert "lastSeen" not in standing
        b.close()
        assert a.hears_nothing(), "neither typing nor a receipt"


def test_unblocking_tells_each_how_the_other_is(storing: Server) -> None:
    with two(storing) as (alice, a, bob, b):
        a.ask(type="block", userId=bob)
        b.receive("presence")
        a.ask(type="unblock", userId=bob)
        assert b.receive("presence") == {"type": "presence", "userId": alice, "status": "online"}


def test_a_stranger_learns_nothing_by_blocking_and_unblocking(storing: Server) -> None:
    nosy, victim = a_name("nosy"), a_name("victim")
    with Person(storing.ws, victim), Person(storing.ws) as n:
        n.send(type="init", userId=nosy, sync=True)
        n.receive("ready")
        for kind in ("block", "unblock"):
            n.ask(type=kind, userId=victim)
        n.send(type="ping")
        heard: list[dict[str, Any]] = []
        while not heard or heard[-1]["type"] != "pong":
            heard.append(n.receive("pong"))
        assert [one for one in heard if one.get("status") == "online"] == []


def test_the_api_blocks_lists_and_unblocks_and_other_screens_are_told(storing: Server) -> None:
    alice, mallory = a_name("alice"), a_name("mallory")
    with Person(storing.ws, alice) as a:
        assert ask(storing, alice, "PUT", f"/{mallory}").status_code == 204
        assert a.receive("blocking") == {"type": "blocking", "userId": mallory, "blocked": True}
        assert ask(storing, alice, "PUT", f"/{mallory}").status_code == 204
        assert listed(storing, alice) == [mallory]
        assert listed(storing, mallory) == [], "nobody is told who has blocked them"
        assert ask(storing, alice, "DELETE", f"/{mallory}").status_code == 204
        assert a.receive("blocking")["blocked"] is False
        assert listed(storing, alice) == []
        assert ask(storing, alice, "PUT", f"/{alice}").json()["error"]["field"] == "userId"


def test_a_block_outlives_a_restart(start_server: StartServer, tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path}/chat.db"
    first = start_server(CHAT_DATABASE_URL=url)
    with Person(first.ws, "alice") as a:
        a.ask(type="block", userId="bob")
    first.stop()
    second = start_server(CHAT_DATABASE_URL=url)
    with Person(second.ws, "bob") as b:
        assert b.ask(type="chat", toUserId="alice", message="hi")["code"] == "blocked"


# In memory.


@pytest.fixture
def asked(chat: ChatServer, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Whose blocks the database is asked for."""
    users: list[str] = []
    of = chat.storage.blocks.of
    monkeypatch.setattr(chat.storage.blocks, "of", lambda user_id: users.append(user_id) or of(user_id))
    return users


def test_messages_ask_the_database_once_a_user_and_what_is_kept_is_bounded(
    chat: ChatServer, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocking, "KNOWN", 10)
    for _ in range(100):
        chat.blocking.check("alice", "bob")
    assert asked == ["alice"]
    for number in range(50):
        chat.blocking.check(f"user{number}", "bob")
    assert len(chat.blocking._known) == 10


def test_of_those_who_are_online_what_is_known_is_kept(chat: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocking, "KNOWN", 10)
    monkeypatch.setattr(chat.blocking._online, "of", lambda user_id: ("a socket",) if user_id == "alice" else ())
    for name in ("alice", *(f"user{number}" for number in range(50))):
        chat.blocking.check(name, "bob")
    assert len(chat.blocking._known) == 10
    assert chat.blocking.may_be_told("alice", "bob")


def test_what_an_init_has_read_is_kept_unless_something_changed_meanwhile(chat: ChatServer, asked: list[str]) -> None:
    nothing: blocking.Apart = (frozenset(), frozenset())
    chat.blocking.learn("alice", nothing, chat.blocking.writes)
    assert chat.blocking.apart_from("alice") == frozenset()
    assert asked == []
    before = chat.blocking.writes
    chat.blocking.block("bob", "carol")
    chat.blocking.learn("carol", nothing, before)  # read before that
    assert chat.blocking.apart_from("carol") == {"bob"}
    chat.blocking.learn("bob", nothing, chat.blocking.writes)
    assert chat.blocking.apart_from("bob") == {"carol"}, "what is known already counts"


def test_users_who_have_blocked_nobody_and_whom_nobody_has_blocked_share_what_is_kept_of_that(chat: ChatServer) -> None:
    for name in ("alice", "bob"):
        chat.blocking.check(name, "carol")
    assert chat.blocking._known["alice"] is chat.blocking._known["bob"]


def test_a_change_while_a_users_blocks_are_read_is_not_forgotten(
    chat: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = chat.storage.blocks.of

    def slow(user_id: str) -> Any:
        found = of(user_id)
        if user_id == "bob":
            monkeypatch.setattr(chat.storage.blocks, "of", of)
            chat.blocking.block("alice", "bob")  # after the look, before its answer
        return found

    chat.blocking.check("alice", "bob")
    monkeypatch.setattr(chat.storage.blocks, "of", slow)
    monkeypatch.setattr(chat.storage, "in_thread", lambda function, *args: function(*args))
    with pytest.raises(Blocked):
        chat.blocking.check("bob", "alice")


def test_who_is_not_known_is_told_nothing(chat: ChatServer) -> None:
    assert not chat.blocking.may_be_told("alice", "bob")
    chat.blocking.check("alice", "bob")
    assert chat.blocking.may_be_told("alice", "bob")


def test_blocks_are_bounded_and_their_changes_limited(make_chat: MakeChat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocking, "MOST", 2)
    chat = make_chat()
    parts = Blocking(chat.storage, Online())
    with pytest.raises(InvalidField):
        parts.block("alice", "alice")
    for name in ("bob", "carol"):
        parts.block("alice", name)
    with pytest.raises(Forbidden, match="You have blocked"):
        parts.block("alice", "dora")
    with pytest.raises(RateLimited):  # noqa: PT012
        for _ in range(blocking.CHANGES_PER_MINUTE):
            parts.unblock("alice", "bob")
            parts.block("alice", "bob")
