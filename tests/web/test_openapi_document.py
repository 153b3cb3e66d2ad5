"""The whole OpenAPI document, as those read it who make clients of it: valid, with true examples, and nothing of ours."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, get_type_hints

import msgspec
import pytest
from jsonschema import Draft202012Validator

from chat import errors
from chat.web.answers import Failed
from chat.web.api import VIEWS
from chat.web.openapi import answer_of, path_of
from chat.web.operations import View
from tests.conftest import MakeChat
from tests.web.conftest import Api, app_of

JSON = "application/json"
# Words of this program, of its libraries and of Python, which are nothing to who writes a client.
OURS = r"ChatError|msgspec|[Ss]truct\b|greenlet|gevent|Flask|SQL|journal|[Ww]orker|traceback|handler|UNSET|\bNone\b|__|Raises"
SENT: dict[str, tuple[bytes, str]] = {  # what is answered with the example of this code
    "bad_json": (b"{", JSON),
    "missing_field": (b"{}", JSON),
    "unknown_field": (b'{"colour": "red"}', JSON),
    "not_json": (b"{}", "text/plain"),
}


@pytest.fixture(scope="module")
def document(api_on_sqlite: Api) -> Any:
    return api_on_sqlite.client.get("/api/openapi.json").json


def operations(document: Any) -> Iterator[tuple[str, Any]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def failures(document: Any) -> Iterator[tuple[str, str, Any]]:
    for name, operation in operations(document):
        for status, response in operation["responses"].items():
            if status[0] in "45":
                yield name, status, response


def examples(document: Any) -> Iterator[tuple[str, str, str, Any]]:
    for name, status, response in failures(document):
        for code, example in response["content"][JSON]["examples"].items():
            yield name, status, code, example["value"]


def within(part: Any) -> Iterator[dict[str, Any]]:
    """Every object of the document, itself and those in it."""
    if isinstance(part, dict):
        yield part
    for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from within(inner)


def validator(document: Any, schema: Any) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": document["components"]})


def test_the_document_is_valid_openapi_3_1(document: Any) -> None:
    from openapi_spec_validator import validate  # half a second: only where it is used

    assert document["openapi"].startswith("3.1.")
    validate(document)


def test_no_field_of_a_schema_has_a_default_which_generators_would_ask_for(document: Any) -> None:
    for schema in within(document["components"]["schemas"]):
        assert "default" not in schema, schema
    assert document["components"]["schemas"]["NewNotification"]["required"] == ["message"]


def test_a_push_names_exactly_one_of_three_kinds_of_receivers(document: Any) -> None:
    schema = validator(document, {"$ref": "#/components/schemas/NewNotification"})
    one: dict[str, Any]
    for one in ({"toUserId": "bob"}, {"toUserIds": ["bob"]}, {"everyone": True}):
        assert schema.is_valid({"message": "hi", **one}), one
    assert schema.is_valid({"message": "hi", "toUserId": "bob", "toUserIds": None, "everyone": False})
    for wrong in ({}, {"everyone": False}, {"toUserId": None}, {"toUserId": "bob", "everyone": True}):
        assert not schema.is_valid({"message": "hi", **wrong}), wrong


def test_every_failure_lists_its_codes_and_shows_each(document: Any) -> None:
    for name, status, response in failures(document):
        content = response["content"][JSON]
        fault = content["schema"]["allOf"][1]["properties"]["error"]
        assert fault["properties"]["code"]["enum"] == [*content["examples"]], (name, status)
        schema = validator(document, content["schema"])
        for code, example in content["examples"].items():
            assert schema.is_valid(example["value"]), (name, code)
            assert example["value"]["error"]["code"] == code
            other = {"error": {**example["value"]["error"], "code": "of_another_status"}}
            assert not schema.is_valid(other), name


def test_no_code_but_internal_says_that_something_went_wrong(document: Any) -> None:
    seen = set()
    for name, _, code, value in examples(document):
        assert (value["error"]["message"] == errors.Internal.sentence) is (code == "internal"), (name, code)
        seen.add(code)
    assert len(seen) > 20, "need the codes for this to mean anything"


def test_the_examples_of_mistakes_name_a_field_that_the_operation_has(document: Any) -> None:
    for view in VIEWS:
        operation = document["paths"][path_of(view.operation)][view.operation.method.lower()]
        names = {parameter["name"] for parameter in operation["parameters"]}
        if "body" in (types := get_type_hints(view)):
            names |= {*types["body"].__struct_encode_fields__}
        for status in ("400", "404"):
            for code, example in (
                operation["responses"]
                .get(status, {})
                .get("content", {})
                .get(JSON, {"examples": {}})["examples"]
                .items()
            ):
                field = example["value"]["error"]["field"]
                if code in ("missing_field", "invalid_field", "not_found", "unknown_user"):
                    assert field in names, (view.__name__, code, field)


@pytest.mark.parametrize("code", SENT)
def test_a_bad_body_is_answered_with_the_very_example(document: Any, api_on_sqlite: Api, code: str) -> None:
    body, kind = SENT[code]
    tried = 0
    for name, status, shown, value in examples(document):
        method, path = name.split(" ")
        if shown != code or "requestBody" not in document["paths"][path][method]:
            continue
        [scopes] = [needed.get("serviceToken", ()) for needed in document["paths"][path][method]["security"][-1:]] or [
            ()
        ]
        headers = api_on_sqlite.service(" ".join(scopes)) if scopes else api_on_sqlite.header("alice")
        path = re.sub(r"{.*?}", "1", path)
        answer = api_on_sqlite.client.open(path, method=method, data=body, content_type=kind, headers=headers)
        assert (str(answer.status_code), answer.json) == (status, value), name
        tried += 1
    assert tried > 3, "need operations with a body for this to mean anything"


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.__name__)
def test_an_example_of_what_is_sent_or_answered_has_the_shape_of_its_type(document: Any, view: View) -> None:
    operation = view.operation
    described = document["paths"][path_of(operation)][operation.method.lower()]
    for response in described["responses"].values():
        content = response.get("content", {}).get(JSON, {})
        if "example" in content:
            assert not [*validator(document, content["schema"]).iter_errors(content["example"])]
            msgspec.convert(content["example"], answer_of(view))
        for example in content.get("examples", {}).values():
            msgspec.convert(example["value"], Failed)
    if "requestBody" in described:
        body = described["requestBody"]["content"][JSON]
        assert not [*validator(document, body["schema"]).iter_errors(body["example"])]
        msgspec.convert(body["example"], get_type_hints(view)["body"])


def test_a_name_has_at_most_64_characters_wherever_it_stands(document: Any) -> None:
    found = 0
    for part in within(document):
        for name, schema in part.get("properties", {}).items() if isinstance(part.get("properties"), dict) else ():
            if name.endswith("UserId") or name == "userId":
                lengths = {
                    inner["maxLength"]
                    for inner in within(schema)
                    if inner.get("type") == "string" and "maxLength" in inner
                }
                assert lengths <= {64}, (name, schema)
                found += len(lengths)
    assert found > 5, "need names for this to mean anything"


def test_who_is_told_to_come_back_is_told_when_and_who_must_sign_in_how(document: Any) -> None:
    for name, status, response in failures(document):
        headers = {"401": {"WWW-Authenticate"}, "429": {"Retry-After"}, "503": {"Retry-After"}}.get(status, set())
        assert response.get("headers", {}).keys() == headers, (name, status)
        for header in headers:
            assert response["headers"][header] == {"$ref": f"#/components/headers/{header}"}


def test_every_operation_stands_under_one_tag_that_is_described(document: Any) -> None:
    described = {tag["name"]: tag["description"] for tag in document["tags"]}
    assert all(described.values())
    used = {tag for _, operation in operations(document) for tag in operation["tags"]}
    assert used == described.keys()
    assert all(len(operation["tags"]) == 1 for _, operation in operations(document))


def test_the_document_says_where_it_is_served(document: Any, make_chat: MakeChat) -> None:
    assert document["servers"] == [{"url": "/"}]
    client = app_of(make_chat(), "/chat").test_client()
    assert client.get("/chat/api/openapi.json").json["servers"] == [{"url": "/chat"}]
    below = {"SCRIPT_NAME": "/site"}
    assert client.get("/chat/api/openapi.json", environ_overrides=below).json["servers"] == [{"url": "/site/chat"}]


def test_a_stream_of_events_is_described_by_an_example_and_by_the_type_of_each_event(document: Any) -> None:
    answer = document["paths"]["/api/notifications/stream"]["get"]["responses"]["200"]["content"]["text/event-stream"]
    seen = set()
    for block in answer["example"].strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        if "data" in fields:
            schema = validator(document, answer["x-events"][fields["event"]])
            assert not [*schema.iter_errors(json.loads(fields["data"]))]
            seen.add(fields["event"])
    assert seen == answer["x-events"].keys() == {"notification", "seen", "dismissed"}


def test_nothing_of_this_program_is_told_in_the_document(document: Any) -> None:
    said = [
        part[name]
        for part in within(document)
        for name in ("summary", "description")
        if isinstance(part.get(name), str)
    ]
    assert len(said) > 100, "need what is said for this to mean anything"
    for text in said:
        assert not re.search(OURS, text), text
