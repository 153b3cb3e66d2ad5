"""The wire's words: what a text becomes, and what is said of one that becomes nothing."""

from __future__ import annotations

import json
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.errors import ChatError
from chat.protocol.structs import Chat, ChatMessage, Init, encode, error_event, timestamp
from chat.protocol.validation import Decoder, ref_of
from chat.router import events

BIG = "1" * 400
FIELDS = st.sampled_from(["type", "ref", "userId", "toUserId", "message", "\ud800", "chat", "init"])
DECODER = Decoder(
    [
        msgspec.defstruct("TaggedChat", [], bases=(Chat,), tag="chat"),
        msgspec.defstruct("TaggedInit", [], bases=(Init,), tag="init"),
    ]  # type: ignore[list-item]
)


def test_a_chat_becomes_its_struct_with_names_in_snake_case() -> None:
    chat = DECODER.decode(
        '{"type":"chat","fromUserId":"alice","toUserId":"밥","message":"안녕","clientId":"c1","ref":5}'
    )
    assert isinstance(chat, Chat)
    assert (chat.from_user_id, chat.to_user_id, chat.message) == ("alice", "밥", "안녕")
    assert (chat.client_id, chat.ref) == ("c1", 5)


def test_what_is_sent_has_names_in_camel_case_and_leaves_out_none() -> None:
    message = ChatMessage(
        from_user_id="a", to_user_id="b", message="<안녕>", timestamp="t", seq=1, conversation_id="~c", id="~c.1"
    )
    assert encode(message) == (
        '{"type":"chat","fromUserId":"a","toUserId":"b","message":"<안녕>","timestamp":"t","seq":1,'
        '"conversationId":"~c","id":"~c.1"}'.encode()
    )


@pytest.mark.parametrize(
    ("text", "code", "field"),
    [
        ("", "bad_json", None),
        ("{", "bad_json", None),
        ("hello", "bad_json", None),
        ("[]", "bad_json", None),
        ("null", "bad_json", None),
        ("17", "bad_json", None),
        ('"init"', "bad_json", None),
        ("[" * 10_000, "bad_json", None),
        ('{"a":' * 10_000, "bad_json", None),
        ('{"type":"init","userId":"a"} {}', "bad_json", None),
        ("{}", "missing_field", "type"),
        ('{"type":"chat","message":"hi"}', "missing_field", "toUserId"),
        ('{"type":"chat","message":"hi","toUserId":"b","conversationId":"~c"}', "invalid_field", "conversationId"),
        ('{"type":"nope"}', "unknown_event", "type"),
        ('{"type":"x - at `$.foo`"}', "unknown_event", "type"),
        ('{"\\ud800":NaN}', "bad_json", None),
        ('{"' + "n" * 100 + '":NaN}', "bad_json", None),
        ('{"type":"chat","toUserId":"b","message":"m","x":"' + "x" * 5_000 + '","y":NaN}', "unknown_field", "x"),
        ('{"type":7}', "invalid_field", "type"),
        ('{"type":null}', "invalid_field", "type"),
        ('{"type":"chat","toUserId":"a","message":"m","admin":true}', "unknown_field", "admin"),
        ('{"type":"init","userId":"a","v":"1"}', "invalid_field", "v"),
        ('{"type":"init","userId":"a","features":"x"}', "invalid_field", "features"),
        ('{"type":"init","userId":17}', "invalid_field", "userId"),
        ('{"type":"init","userId":null}', "invalid_field", "userId"),
        ('{"type":"init","userId":""}', "invalid_field", "userId"),
        ('{"type":"init","userId":" "}', "invalid_field", "userId"),
        ('{"type":"init","userId":"a\\n"}', "invalid_field", "userId"),
        ('{"type":"init","userId":"a\\u001b[31mb"}', "invalid_field", "userId"),
        ('{"type":"init","userId":"a\\u202eb"}', "invalid_field", "userId"),
        ('{"type":"init","userId":"a\\u200bb"}', "invalid_field", "userId"),
        ('{"type":"init","userId":"\\u3164"}', "invalid_field", "userId"),
        ('{"type":"init","userId":"' + "a" * 65 + '"}', "invalid_field", "userId"),
        ('{"type":"init","userId":"' + "a" * 300 + '"}', "invalid_field", "userId"),
        ('{"type":"init","userId":"a","ref":1.5}', "invalid_field", "ref"),
        ('{"type":"init","userId":"a","ref":' + BIG + "}", "invalid_field", "ref"),
        ('{"type":"chat","toUserId":"b","message":' + BIG + "}", "invalid_field", "message"),
        ('{"type":"chat","toUserId":"b","message":""}', "invalid_field", "message"),
        ('{"type":"chat","toUserId":"b","message":"a\\u0000"}', "invalid_field", "message"),
        ('{"type":"chat","toUserId":"b","message":"m","clientId":"a\\u0000"}', "invalid_field", "clientId"),
        ('{"type":"chat","toUserId":"b","message":NaN}', "invalid_field", "message"),
        ('{"type":"chat","toUserId":"b","message":-Infinity}', "invalid_field", "message"),
        ('{"type":"chat","toUserId":"b","message":"\\ud83d"}', "invalid_field", "message"),
        ('{"type":"chat","toUserId":"b","message":[[]]}', "invalid_field", "message"),
        ('{"type":"chat","toUserId":"b","message":' + "[" * 10_000 + "]" * 10_000 + "}", "invalid_field", "message"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bad_input_is_told_by_code_and_field(text: str, code: str, field: str | None) -> None:
    with pytest.raises(ChatError) as refused:
        DECODER.decode(text)
    assert (refused.value.code, refused.value.field) == (code, field)
    assert refused.value.message.endswith(".")
    assert "`" not in refused.value.message
    assert refused.value.rule is not None or code == "unknown_event"


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()) | FIELDS, inner),
    max_leaves=8,
)


@pytest.mark.slow
@given(st.dictionaries(st.text(st.characters()) | FIELDS, JSON).map(json.dumps))
def test_whatever_an_object_holds_its_error_can_be_sent(text: str) -> None:
    answer = b""
    try:
        DECODER.decode(text)
    except ChatError as error:
        answer = encode(error_event(error, ref_of(text)))
    assert len(answer) < 2_000


@given(st.text() | st.from_regex(r'\{"type":"(chat|init)",".{0,30}\}', fullmatch=True))
def test_no_text_raises_anything_but_a_chat_error(text: str) -> None:
    try:
        DECODER.decode(text.encode("utf-8", "replace").decode())
    except ChatError as error:
        encode(error_event(error, ref_of(text)))  # and what is said of it can always be sent


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ('{"ref":"a","x":NaN}', "a"),
        ('{"ref":0}', 0),
        ('{"message":"' + "x" * 60_000 + '","ref":"long"}', "long"),
        ('{"ref":""}', ""),
        ('{"ref":true}', None),
        ('{"ref":1.5}', None),
        ('{"ref":' + BIG + "}", None),
        ('{"ref":"' + "a" * 65 + '"}', None),
        ('{"ref":"\\ud800"}', None),
        ('{"ref":1', None),
        ('["ref"]', None),
        ("[" * 10_000, None),
    ],
    ids=lambda value: str(value)[:30],
)
def test_the_ref_of_a_bad_event_is_found_where_there_is_one(text: str, ref: object) -> None:
    found = ref_of(text)
    assert found == ref
    assert type(found) is type(ref)


def test_a_timestamp_is_iso_8601_in_utc_with_milliseconds() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", timestamp())


def test_every_event_of_this_chat_has_a_handler() -> None:
    assert events.payloads.keys() == {
        "init", "chat", "typing", "received", "read", "away", "back", "dismiss", "seen", "ping",
        "block", "unblock",
    }  # fmt: skip
