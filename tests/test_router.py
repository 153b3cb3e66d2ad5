"""The router: every event is answered once, and nothing that a handler does gets out of it."""

from __future__ import annotations

import json
import logging
from types import SimpleNamespace
from typing import Any

import pytest

from chat.client import Client
from chat.errors import Forbidden
from chat.metrics import Metrics
from chat.protocol.structs import Payload, UserId, encode
from chat.router import Events, Router


class Poke(Payload):
    to_user_id: UserId


class FakeClient:
    """A client without a socket: what it is sent can be read."""

    answer: Any = Client.answer

    def __init__(self, owner: str | None = "alice") -> None:
        self.owner = owner
        self.chat = SimpleNamespace(metrics=Metrics())
        self.sent: list[dict[str, Any]] = []

    def emit(self, event: Any) -> bool:
        self.sent.append(json.loads(encode(event)))
        return True


@pytest.fixture
def events() -> Events:
    return Events()


def dispatch(events: Events, text: str, client: FakeClient | None = None) -> list[dict[str, Any]]:
    client = client or FakeClient()
    Router(events, logging.getLogger("chat")).dispatch(client, text)
    return client.sent


def test_a_handler_gets_the_client_and_the_typed_payload(events: Events) -> None:
    seen = []
    events.on("poke", Poke)(lambda client, event: seen.append((client.owner, event)))
    dispatch(events, '{"type":"poke","toUserId":"bob"}')
    [(owner, event)] = seen
    assert owner == "alice"
    assert isinstance(event, Poke)
    assert event.to_user_id == "bob"


def test_what_a_handler_returns_is_the_ack_of_an_event_with_a_ref(events: Events) -> None:
    events.on("poke", Poke)(lambda client, event: {"hit": True})
    assert dispatch(events, '{"type":"poke","toUserId":"bob","ref":0}') == [{"type": "ack", "ref": 0, "hit": True}]
    assert dispatch(events, '{"type":"poke","toUserId":"bob"}') == []


def test_a_chat_error_becomes_an_error_with_the_ref(events: Events) -> None:
    @events.on("poke", Poke)
    def poke(client: Any, event: Poke) -> None:
        raise Forbidden("Not you.", "toUserId")

    error = {"type": "error", "code": "forbidden", "message": "Not you.", "field": "toUserId"}
    assert dispatch(events, '{"type":"poke","toUserId":"bob","ref":"r"}') == [{**error, "ref": "r"}]
    assert dispatch(events, '{"type":"poke","toUserId":"bob"}') == [error]


def test_a_handler_that_raises_is_an_internal_error_and_a_traceback_in_the_log(
    events: Events, caplog: pytest.LogCaptureFixture
) -> None:
    events.on("poke", Poke)(lambda client, event: 1 // 0)
    [error] = dispatch(events, '{"type":"poke","toUserId":"bob","ref":"r"}')
    assert (error["code"], error["ref"]) == ("internal", "r")
    assert "ZeroDivisionError" not in str(error), "the client learns nothing of our insides"
    assert "ZeroDivisionError" in caplog.text


def test_an_answer_that_is_not_json_is_one_error_and_no_ack(events: Events) -> None:
    events.on("poke", Poke)(lambda client, event: {"hit": object()})
    [error] = dispatch(events, '{"type":"poke","toUserId":"bob","ref":"r"}')
    assert (error["type"], error["code"], error["ref"]) == ("error", "internal", "r")


def test_an_event_before_init_is_refused_unless_it_may_come_before(events: Events) -> None:
    events.on("poke", Poke)(lambda client, event: {"hit": True})
    events.on("hello", before_init=True)(lambda client, event: {"hello": True})
    [error] = dispatch(events, '{"type":"poke","toUserId":"bob","ref":1}', FakeClient(None))
    assert (error["code"], error["ref"]) == ("not_initialised", 1)
    [ack] = dispatch(events, '{"type":"hello","ref":1}', FakeClient(None))
    assert ack["type"] == "ack"


def test_a_long_event_that_fails_is_answered_with_its_ref(events: Events) -> None:
    events.on("poke", Poke)(lambda client, event: None)
    long = "x" * 60_000
    for ref in (0, "", "r"):
        text = json.dumps({"type": "poke", "toUserId": "bob", "ref": ref, "other": long})
        [error] = dispatch(events, text)
        assert (error["code"], error["ref"]) == ("unknown_field", ref)


def test_a_second_handler_of_a_name_takes_the_firsts_place(events: Events) -> None:
    events.on("poke", Poke)(lambda client, event: {"by": 1})
    events.on("poke")(lambda client, event: {"by": 2})
    [ack] = dispatch(events, '{"type":"poke","ref":1}')
    assert ack["by"] == 2


def test_a_chat_knows_the_events_that_were_declared_before_it_was_made_and_no_later_ones(events: Events) -> None:
    events.on("poke", Poke)(lambda client, event: None)
    before, client = Router(events, logging.getLogger("chat")), FakeClient()
    events.on("late")(lambda client, event: None)
    before.dispatch(client, '{"type":"late","ref":1}')
    assert [event["code"] for event in client.sent] == ["unknown_event"]
    [ack] = dispatch(events, '{"type":"late","ref":1}')
    assert ack["type"] == "ack"


def test_no_message_text_gets_into_the_log(events: Events, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    events.on("poke", Poke)(lambda client, event: 1 // 0)
    for text in ('{"type":"poke","toUserId":"bob"}', '{"type":"poke","toUserId":"secret"', "secret"):
        dispatch(events, text)
    assert "ZeroDivisionError" in caplog.text, "need a log for this to mean anything"
    assert "secret" not in caplog.text
