"""Messages are erased when they are old, beside everything else; and clients are told what there is no more."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import requests

from chat.errors import Unavailable
from chat.messages.retention import DAY_MS, MessageRetention
from chat.server import ChatServer
from chat.storage.message_erasure import SLICE
from chat.storage.records import Send
from tests.clients import SECONDS, Person
from tests.conftest import StartServer
from tests.notifications.helpers import token_of
from tests.storage.conftest import open_storage

DAY = DAY_MS / 1000


def retention(chat: ChatServer, days: int = 1, ahead: float = 2 * DAY) -> MessageRetention:
    """As it would be so many seconds later."""
    return MessageRetention(chat.storage, lambda function: function(), days=days, clock=lambda: time.time() + ahead)


def store(chat: ChatServer, count: int, to: str = "bob") -> None:
    chat.storage.writer.commit([Send("alice", to, f"number {n}", None) for n in range(count)])


def kept(chat: ChatServer, to: str = "bob") -> int:
    return sum(bool(message.body) for message in chat.storage.messages.history("alice", to, 1_000).messages)


def test_a_walk_erases_what_is_old_in_all_conversations(chat: ChatServer) -> None:
    store(chat, 3 * SLICE)
    store(chat, 2, to="carol")
    kept_days = retention(chat, days=3)
    kept_days.walk()
    assert (kept(chat), kept(chat, "carol")) == (3 * SLICE, 2), "not old enough"
    retention(chat).walk()
    assert (kept(chat), kept(chat, "carol")) == (0, 0)


def test_others_have_their_turn_between_two_slices(chat: ChatServer) -> None:
    store(chat, 3 * SLICE)
    left: list[int] = []
    walking = retention(chat)
    walking.pause = lambda: left.append(kept(chat))
    walking.walk()
    assert left == [2 * SLICE, SLICE, 0]


def test_a_server_that_stops_erases_nothing_more(chat: ChatServer) -> None:
    store(chat, 3 * SLICE)
    walking = retention(chat)
    walking.is_stopping = lambda: kept(chat) <= 2 * SLICE
    walking.walk()
    assert kept(chat) == 2 * SLICE


@pytest.mark.parametrize(("days", "walks"), [(0, 0), (1, 1)])
def test_nothing_is_erased_unless_days_are_set_and_then_not_all_the_time(
    chat: ChatServer, days: int, walks: int
) -> None:
    begun: list[object] = []
    walking = retention(chat, days)
    walking._spawn = lambda function: (begun.append(function), function())[0]
    walking._due = 0.0
    for _ in range(5):
        walking.sweep()
    assert len(begun) == walks


def test_a_walk_that_fails_is_tried_again(chat: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    store(chat, 3)
    walking = retention(chat)
    with monkeypatch.context() as broken:
        broken.setattr(chat.storage, "in_thread", lambda *_: (_ for _ in ()).throw(Unavailable()))
        walking.walk()
    walking._due = 0.0
    walking.sweep()
    assert kept(chat) == 0


def test_clients_are_told_from_where_on_a_conversation_is_kept(start_server: StartServer, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/chat.db"
    long_ago = open_storage(url, clock=lambda: time.time() - 10 * DAY)
    long_ago.writer.commit([Send("alice", to, f"number {n}", None) for to in ("bob", "carol") for n in range(300)])
    long_ago.close()
    storage = open_storage(url)
    storage.writer.commit([Send("alice", "bob", "new", None)])
    before_ms = int((time.time() - DAY) * 1000)
    for conversation in storage.erasure.old(0, before_ms)[0]:
        while storage.erasure.erase(conversation, before_ms):
            pass
    storage.close()
    server = start_server(CHAT_DATABASE_URL=url)
    with Person(server.ws, "bob") as bob:  # a plain client
        [standing] = bob.ready["conversations"]
        assert (standing["firstSeq"], standing["lastSeq"]) == (301, 301)
        assert bob.receive("chat")["message"] == "new"
    headers = {"Authorization": f"Bearer {token_of(server, 'carol')}"}
    api = f"{server.http}/api/conversations"
    page = requests.get(f"{api}/alice/messages?after=0", headers=headers, timeout=SECONDS).json()
    [tombstone] = page["messages"]
    assert (page["firstSeq"], page["lastSeq"], page["more"]) == (300, 300, False)
    assert (tombstone["seq"], tombstone["message"], tombstone["erased"]) == (300, "", True)
    [listed] = requests.get(api, headers=headers, timeout=SECONDS).json()["conversations"]
    assert (listed["firstSeq"], listed["lastMessage"]["erased"]) == (300, True)
    with Person(server.ws, "carol") as carol:
        assert carol.hears_nothing(), "a tombstone is no message"
        assert carol.ask(type="chat", toUserId="alice", message="still here?")["seq"] == 301
