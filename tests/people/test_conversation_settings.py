"""What a user sets for a conversation is kept, and told to all of that user's screens and to nobody else."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from chat.errors import Forbidden
from chat.people import conversation_settings as room
from chat.protocol.conversation_settings import ConversationSettings
from chat.server import ChatServer
from chat.storage.storage import Storage
from tests.clients import SECONDS, Person
from tests.conftest import Server
from tests.notifications.helpers import a_name, token_of
from tests.storage import conftest as databases

database_url = databases.database_url
storage = databases.storage


def put(server: Server, user_id: str, other: str, **settings: Any) -> requests.Response:
    settings = {"muted": False, "markedUnread": False, "hiddenSeq": 0, **settings}
    headers = {"Authorization": f"Bearer {token_of(server, user_id)}"}
    url = f"{server.http}/api/conversations/{other}/settings"
    return requests.put(url, json=settings, headers=headers, timeout=SECONDS)


def test_all_screens_of_a_user_learn_and_one_that_was_away_learns_from_ready(server: Server) -> None:
    alice, bob = a_name("alice"), a_name("Bob")
    with Person(server.ws) as here, Person(server.ws) as other:
        for name, person in ((alice, here), (bob, other)):
            person.send(type="init", userId=name, sync=True)
            assert "settings" not in person.receive("ready")
        here.ask(type="chat", toUserId=bob, message="hi")
        assert put(server, alice, bob.lower(), muted=True, hiddenSeq=1).status_code == 204
        told = {"withUserId": bob, "muted": True, "markedUnread": False, "hiddenSeq": 1}
        assert here.receive("settings") == {"type": "settings", "settings": told, "keys": {bob: bob.lower()}}
        with Person(server.ws) as away:
            away.send(type="init", userId=alice, sync=True)
            ready = away.receive("ready")
            assert ready["settings"] == [told]
            assert ready["keys"][bob] == bob.lower()
        headers = {"Authorization": f"Bearer {token_of(server, alice)}"}
        listed = requests.get(f"{server.http}/api/conversations", headers=headers, timeout=SECONDS).json()
        assert [one["settings"] for one in listed["conversations"]] == [told]
        other.receive("chat")
        assert other.hears_nothing(), "the other one is not told"


def test_what_is_set_back_to_how_all_begin_leaves_no_row(storage: Storage) -> None:
    settings = storage.settings
    settings.put("alice", ConversationSettings(with_user_id="bob", muted=True))
    settings.put("alice", ConversationSettings(with_user_id="bob", marked_unread=True))
    settings.put("carol", ConversationSettings(with_user_id="bob", hidden_seq=2**53 - 1))
    assert settings.of("alice") == [ConversationSettings(with_user_id="bob", marked_unread=True)]
    settings.put("alice", ConversationSettings(with_user_id="bob"))
    assert settings.of("alice") == []
    assert [one.hidden_seq for one in settings.of("carol")] == [2**53 - 1]


def test_so_many_are_set_and_no_more(chat: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST", 2)
    for name in ("bob", "carol"):
        chat.conversation_settings.put("alice", ConversationSettings(with_user_id=name, muted=True))
    with pytest.raises(Forbidden) as refused:
        chat.conversation_settings.put("alice", ConversationSettings(with_user_id="dave", muted=True))
    assert (refused.value.rule, refused.value.field) == ("too_many_set", "userId")
    chat.conversation_settings.put("alice", ConversationSettings(with_user_id="bob", hidden_seq=3))
    chat.conversation_settings.put("alice", ConversationSettings(with_user_id="dave"))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"muted": 1}, "muted"),
        ({"hiddenSeq": -1}, "hiddenSeq"),
        ({"hiddenSeq": 2**53}, "hiddenSeq"),
        ({"mute": True}, "mute"),
    ],
)
def test_what_cannot_be_set_is_refused_by_name(server: Server, body: dict[str, Any], field: str) -> None:
    bob = a_name("bob")
    with Person(server.ws) as person:
        person.send(type="init", userId=bob, sync=True)
        person.receive("ready")
    answer = put(server, a_name("alice"), bob, **body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)
