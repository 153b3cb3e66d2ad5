"""The AsyncAPI document and the socket are one: the same events, in both directions, with the same fields."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from chat.protocol import changes, notices, structs
from chat.protocol.structs import Payload, ServerEvent
from chat.router import Events, events
from tests.conftest import MakeChat
from tests.web.conftest import Api, app_of
from tests.web.test_openapi_document import OURS, within

PROTOCOL = (Path(__file__).parents[2] / "docs/protocol.md").read_text("utf-8")


@pytest.fixture(scope="module")
def document(api_on_sqlite: Api) -> Any:
    return api_on_sqlite.client.get("/api/asyncapi.json").json


def schema_of(document: Any, title: str) -> Draft202012Validator:
    schema = {"$ref": f"#/components/schemas/{title}", "components": document["components"]}
    return Draft202012Validator(schema)


def titles(document: Any, action: str) -> list[str]:
    found = [o["messages"] for o in document["operations"].values() if o["action"] == action]
    return [message["$ref"].rpartition("/")[2] for messages in found for message in messages]


def examples() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each event that an example of docs/protocol.md shows, and which way it went."""
    for arrow, text in re.findall(r"^\w+(?: 2)? +([→←]) (\{.*\})$", PROTOCOL, re.M):
        yield arrow, msgspec.json.decode(text)


def test_every_event_of_both_directions_is_in_the_document_and_no_other(document: Any) -> None:
    names = {title: message["name"] for title, message in document["components"]["messages"].items()}
    assert [names[title] for title in titles(document, "receive")] == [*events.payloads]
    told = {
        kind.__name__
        for kind in (vars(structs) | vars(changes) | vars(notices)).values()
        if isinstance(kind, type) and issubclass(kind, ServerEvent)
    }
    assert {*titles(document, "send")} == told - {"ServerEvent"}
    assert len(names) == len(document["channels"]["socket"]["messages"]) > 20


def test_what_has_nothing_to_say_is_left_out_and_never_null(document: Any) -> None:
    for part in within(document["components"]["schemas"]):
        assert part.get("type") != "null"
        assert "default" not in part
    message = document["components"]["schemas"]["ChatMessage"]
    assert "clientId" in message["properties"].keys() - {*message["required"]}


def test_a_field_that_is_one_of_few_lists_them(document: Any) -> None:
    schemas = document["components"]["schemas"]
    assert {*schemas["PresenceChange"]["properties"]["status"]["enum"]} == {"online", "away", "offline"}
    assert {*schemas["Standing"]["properties"]["presence"]["enum"]} == {"online", "away", "offline"}
    assert {*schemas["Notification"]["properties"]["level"]["enum"]} == {"info", "success", "warning", "error"}


def test_the_events_of_the_protocol_s_examples_fit_their_schemas(document: Any) -> None:
    by_name: dict[tuple[str, str], list[Draft202012Validator]] = {}
    for arrow, action in (("→", "receive"), ("←", "send")):
        for title in titles(document, action):
            name = document["components"]["messages"][title]["name"]
            by_name.setdefault((arrow, name), []).append(schema_of(document, title))
    fits = 0
    for arrow, event in examples():
        schemas = by_name.get((arrow, event.get("type", "")), [])
        # Most of what the server says there leaves out what stands in each, as the text of the page says.
        left_out = set() if arrow == "→" else {"required"}
        is_fit = any({error.validator for error in schema.iter_errors(event)} <= left_out for schema in schemas)
        assert is_fit or arrow == "→", event  # some of a client's are mistakes
        fits += is_fit
    assert fits > 80, "need the examples for this to mean anything"


def test_a_client_s_event_with_a_field_too_many_does_not_fit_but_an_init_does(document: Any) -> None:
    assert not schema_of(document, "SendTyping").is_valid({"type": "typing", "toUserId": "bob", "colour": "red"})
    assert schema_of(document, "SendInit").is_valid({"type": "init", "userId": "bob", "colour": "red"})


def test_a_site_s_own_event_is_described_by_its_chat_alone(make_chat: MakeChat) -> None:
    class Nudge(Payload):
        """Wake `user_id` up."""

        user_id: str

    own = Events()
    own.on("nudge", Nudge)(lambda client, event: None)
    chat, other = make_chat(), make_chat()
    chat.router.events = own
    found = app_of(chat).test_client().get("/api/asyncapi.json").json["components"]["schemas"]
    assert found["SendNudge"]["required"] == ["type", "userId"]
    assert found["SendNudge"]["description"] == "Wake `userId` up."
    assert "SendNudge" not in app_of(other).test_client().get("/api/asyncapi.json").json["components"]["schemas"]


def test_every_event_names_what_answers_it(document: Any) -> None:
    answered = {}
    for operation in document["operations"].values():
        if operation["action"] == "receive":
            title = operation["messages"][0]["$ref"].rpartition("/")[2]
            answered[title] = [message["$ref"].rpartition("/")[2] for message in operation["reply"]["messages"]]
    assert all(answers[-1] == "Failure" for answers in answered.values())
    assert answered["SendInit"] == ["Ready", "Ack", "Failure"]
    assert answered["SendChat"] == ["ChatAck", "Failure"]
    assert answered["SendRead"] == ["Ack", "Failure"]


def test_the_document_says_where_the_socket_is(document: Any, make_chat: MakeChat) -> None:
    assert document["servers"] == {"chat": {"host": "localhost", "pathname": "/", "protocol": "ws"}}
    assert document["channels"]["socket"]["address"] == "/ws"
    found = app_of(make_chat(), "/chat").test_client().get("/chat/api/asyncapi.json", base_url="https://a.example")
    assert found.json["servers"] == {"chat": {"host": "a.example", "pathname": "/chat", "protocol": "wss"}}


def test_nothing_of_this_program_is_told_in_the_document(document: Any) -> None:
    said = [part["description"] for part in within(document) if isinstance(part.get("description"), str)]
    assert len(said) > 15, "need what is said for this to mean anything"
    for text in said:
        assert not re.search(OURS, text), text
        assert not re.search(r"`\w+_\w+`", text), text
