"""Sending and marking as read over HTTP, for programs that have no socket."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
import requests

from chat.config import Settings
from chat.storage.schema import messages
from tests.clients import SECONDS, Person
from tests.conftest import MakeChat, Server
from tests.web.conftest import Api, fault

HI = {"message": "hi", "clientId": "m1"}


def ask(api: Api, method: str, path: str, body: Any, user_id: str = "alice") -> Any:
    return api.client.open(f"/api{path}", method=method, json=body, headers=api.header(user_id))


def test_a_message_over_http_is_delivered_as_one_from_a_socket_and_once_however_often_it_is_sent(
    server: Server,
) -> None:
    token = requests.post(f"{server.http}/api/session", json={"userId": "alice"}, timeout=SECONDS).json()["token"]

    def send(to: str, body: dict[str, str]) -> requests.Response:
        url, headers = f"{server.http}/api/conversations/{to}/messages", {"Authorization": f"Bearer {token}"}
        return requests.post(url, json=body, headers=headers, timeout=SECONDS)

    with Person(server.ws, "bob") as bob, Person(server.ws, "alice") as alice:
        first, again = send("BOB", HI), send("bob", HI)
        event = bob.receive("chat")
        assert alice.receive("chat") == event
        assert (event["fromUserId"], event["toUserId"], event["clientId"]) == ("alice", "bob", "m1")
        stored = {"seq": 1, "timestamp": event["timestamp"], "delivered": True}
        stored |= {name: event[name] for name in ("conversationId", "id")}
        assert (first.status_code, first.json()) == (201, stored)
        assert (again.status_code, again.json()) == (200, stored | {"repeated": True})
        assert bob.ask(type="chat", toUserId="alice", message="ho")["seq"] == 2
        other = send("bob", HI | {"message": "another"})
        assert (other.status_code, other.json()["error"]["field"]) == (409, "clientId")
        assert send("carol", HI).json()["delivered"] is False


def test_who_may_not_write_by_a_socket_may_not_over_http(api_on_sqlite: Api) -> None:
    api = api_on_sqlite
    api.chat.blocking.block("stern", "annoying", skip=None)
    assert fault(ask(api, "POST", "/conversations/stern/messages", HI, "annoying")) == (403, "blocked", "toUserId")
    assert fault(ask(api, "POST", "/conversations/annoying/messages", HI, "stern")) == (403, "blocked", "toUserId")
    assert api.get("/conversations/stern/messages", "annoying").json["lastSeq"] == 0


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/conversations/bob/messages", {"message": ""}, (400, "invalid_field", "message")),
        ("/conversations/bob/messages", {"message": "a\0b"}, (400, "invalid_field", "message")),
        ("/conversations/bob/messages", {"clientId": "m1"}, (400, "missing_field", "message")),
        ("/conversations/bob/messages", {"message": "hi", "clientId": "x" * 65}, (400, "invalid_field", "clientId")),
        ("/conversations/bob/messages", {"message": "hi", "toUserId": "carol"}, (400, "unknown_field", "toUserId")),
        ("/conversations/ bob/messages", HI, (400, "invalid_field", "userId")),
        ("/conversations/bob/messages", {"message": "x" * Settings.max_message_bytes}, (413, "too_large", None)),
    ],
)
def test_a_message_that_breaks_a_rule_is_not_stored(
    api_on_sqlite: Api, path: str, body: Any, expected: tuple[int, str, str | None]
) -> None:
    assert fault(ask(api_on_sqlite, "POST", path, body, "careless")) == expected
    assert api_on_sqlite.get("/conversations", "careless").json["conversations"] == []


def test_a_message_as_long_as_an_event_may_be_is_taken(api_on_sqlite: Api) -> None:
    long = "x" * (Settings.max_message_bytes - 100)
    assert ask(api_on_sqlite, "POST", "/conversations/reader/messages", {"message": long}, "writer").status_code == 201


def test_the_limit_of_messages_counts_those_over_http(make_chat: MakeChat) -> None:
    api = Api(make_chat(rate_limits="on", messages_per_minute=1))
    assert ask(api, "POST", "/conversations/bob/messages", {"message": "1"}).status_code == 201
    answer = ask(api, "POST", "/conversations/bob/messages", {"message": "2"})
    assert fault(answer) == (429, "rate_limited", None)
    assert int(answer.headers["Retry-After"]) > 0


def test_to_have_read_over_http_is_told_to_the_other_one_and_only_moves_forward(server: Server) -> None:
    with Person(server.ws, "writer") as writer:
        for _ in range(2):
            writer.ask(type="chat", toUserId="reader", message="hi")
        session = requests.post(f"{server.http}/api/session", json={"userId": "reader"}, timeout=SECONDS).json()
        url, headers = f"{server.http}/api/conversations/writer", {"Authorization": f"Bearer {session['token']}"}
        for seq in (2, 1):
            answer = requests.put(f"{url}/read", json={"seq": seq}, headers=headers, timeout=SECONDS)
            assert (answer.status_code, answer.text) == (204, "")
        moved = writer.receive("receipt")
        assert (moved["userId"], moved["received"], moved["read"]) == ("reader", 2, 2)
        found = requests.get(url, headers=headers, timeout=SECONDS).json()
        assert (found["read"], found["received"], found["unread"]) == (2, 2, 0)


def test_reading_says_how_far(api_on_sqlite: Api) -> None:
    for body, expected in (({}, (400, "missing_field", "seq")), ({"seq": -1}, (400, "invalid_field", "seq"))):
        assert fault(ask(api_on_sqlite, "PUT", "/conversations/bob/read", body)) == expected


def test_messages_are_read_from_a_time_on(api_on_each: Api) -> None:
    api = api_on_each
    api.say(*[("bob", "alice", f"number {number}") for number in range(1, 8)])
    days = {seq: f"2026-01-0{seq}T09:00:00.000Z" for seq in range(1, 8)}
    with api.chat.storage.database.transaction() as connection:
        for seq, day in days.items():
            at = int(datetime.fromisoformat(day).timestamp() * 1000)
            connection.execute(messages.update().where(messages.c.seq == seq).values(sent_at=at))
    read = lambda **query: [  # noqa: E731
        message["seq"] for message in api.get("/conversations/bob/messages", **query).json["messages"]
    ]
    assert read(since=days[3], limit=2) == [3, 4]
    assert read(since="2026-01-03T18:00:01+09:00", limit=1) == [4], "a zone counts"
    assert read(since=days[3], after=5) == [6, 7]
    assert read(since="2025-01-01T00:00:00Z") == [1, 2, 3, 4, 5, 6, 7]
    assert read(since="2027-01-01T00:00:00Z") == []
    assert api.get("/conversations/nobody/messages", since=days[1]).json["messages"] == []
    for bad in ("yesterday", "2026-01-03T09:00:00"):
        assert fault(api.get("/conversations/bob/messages", since=bad)) == (400, "invalid_field", "since")
