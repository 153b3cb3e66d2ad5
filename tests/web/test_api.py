"""What the API answers: sessions, conversations, messages, on both engines."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import text
from sqlalchemy.event import listen

from chat.people import passwords
from chat.protocol.conversation_ids import conversation_id
from chat.storage.records import Send
from chat.storage.unread import UNREAD_COUNTED
from chat.transport.connections import thread_id as native_thread
from tests.conftest import MakeChat
from tests.people.test_presence import FakeSocket
from tests.web.conftest import Api, app_of, fault

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")

# Sessions.


def test_a_session_gives_a_token_for_the_name_in_its_one_spelling(api_on_sqlite: Api) -> None:
    response = api_on_sqlite.post("/session", {"userId": unicodedata.normalize("NFD", "한글.é")})
    assert response.status_code == 201
    assert response.json.keys() == {"userId", "token", "expiresAt", "hasPassword"}
    assert response.json["userId"] == "한글.é"
    assert api_on_sqlite.chat.directory.admission_of(response.json["token"])[0] == "한글.é"
    left = datetime.fromisoformat(response.json["expiresAt"]) - datetime.now(UTC)
    assert MOMENT.fullmatch(response.json["expiresAt"])
    assert 590 < left.total_seconds() <= 600


def test_the_token_opens_what_is_the_users(api_on_sqlite: Api) -> None:
    token = api_on_sqlite.post("/session", {"userId": "newcomer"}).json["token"]
    for scheme in ("Bearer", "bearer", "BEARER"):
        headers = {"Authorization": f"{scheme} {token}"}
        response = api_on_sqlite.client.get("/api/conversations", headers=headers)
        assert response.status_code == 200
        assert response.json == {"conversations": [], "next": None, "epoch": api_on_sqlite.chat.storage.epoch}


# Conversations.


def test_a_conversation_is_shown_as_each_of_its_users_sees_it(api_on_each: Api) -> None:
    api_on_each.say(("bob", "alice", "hi"), ("alice", "bob", "안녕 👋"), ("bob", "alice", "how?"))
    api_on_each.point("alice", "bob", received=3, read=1)
    api_on_each.point("bob", "alice", received=2, read=2)
    [mine] = api_on_each.get("/conversations").json["conversations"]
    last = mine.pop("lastMessage")
    assert mine == {
        "withUserId": "bob",
        "lastSeq": 3,
        "received": 3,
        "read": 1,
        "theirReceived": 2,
        "theirRead": 2,
        "unread": 1,
        "presence": "offline",
        "conversationId": conversation_id("alice", "bob"),
        "members": [{"userId": "bob", "received": 2, "read": 2}],
    }
    assert MOMENT.fullmatch(last.pop("timestamp"))
    conversation = mine["conversationId"]
    assert last == {
        "seq": 3, "fromUserId": "bob", "toUserId": "alice", "message": "how?",
        "conversationId": conversation, "id": f"{conversation}.3",
    }  # fmt: skip
    by_name = api_on_each.get("/conversations/bob/messages").json
    assert api_on_each.get(f"/conversations/{conversation}/messages").json == by_name
    assert api_on_each.get(f"/conversations/{conversation}").json["conversationId"] == conversation
    assert fault(api_on_each.get(f"/conversations/{conversation}", "carol")) == (400, "invalid_field", "userId")
    [theirs] = api_on_each.get("/conversations", "bob").json["conversations"]
    assert (theirs["withUserId"], theirs["unread"], theirs["theirRead"]) == ("alice", 0, 1)


def test_one_conversation_is_shown_as_the_list_shows_it_with_how_the_other_one_is(api_on_each: Api) -> None:
    api_on_each.say(("bob", "alice", "hi"), ("alice", "carol", "hi"))
    chat = api_on_each.chat
    chat.storage.last_seen.note({"bob": 1_000})
    chat.online.add("carol", FakeSocket())
    carol, bob = api_on_each.get("/conversations").json["conversations"]
    assert (carol["presence"], "lastSeen" in carol) == ("online", False)
    assert (bob["presence"], bob["lastSeen"]) == ("offline", "1970-01-01T00:00:01.000Z")
    assert api_on_each.get("/conversations/BOB").json == bob
    assert api_on_each.get("/conversations/carol").json == carol
    assert fault(api_on_each.get("/conversations/nobody")) == (404, "not_found", "userId")
    chat.blocking.block("carol", "alice", skip=None)
    assert api_on_each.get("/conversations/carol").json["presence"] == "offline"


def test_unread_is_the_same_number_for_an_init_and_in_the_list_and_is_counted_to_a_bound(
    api_on_each: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api_on_each.say(("bob", "alice", "1"), ("alice", "bob", "2"), ("bob", "alice", "3"), ("alice", "bob", "4"))
    api_on_each.say(*[("carol", "alice", "hi")] * (UNREAD_COUNTED + 3))
    api_on_each.point("alice", "bob", received=1, read=1)
    listed = {one["withUserId"]: one["unread"] for one in api_on_each.get("/conversations").json["conversations"]}
    told = {one.with_user_id: one.unread for one in api_on_each.chat.storage.messages.standings("alice", 10)}
    assert listed == told == {"bob": 1, "carol": UNREAD_COUNTED}


def test_a_note_to_oneself_is_from_and_to_the_same_user(api_on_each: Api) -> None:
    api_on_each.say(("alice", "alice", "milk"))
    [note] = api_on_each.get("/conversations").json["conversations"]
    assert (note["withUserId"], note["theirReceived"], note["theirRead"]) == ("alice", 0, 0)
    assert (note["lastMessage"]["fromUserId"], note["lastMessage"]["toUserId"]) == ("alice",) * 2


def _pages(api: Api, limit: int, between: Any = None) -> list[list[str]]:
    """The other users' names, page by page; `between` is called after each."""
    pages: list[list[str]] = []
    query: dict[str, Any] = {"limit": limit}
    while True:
        page = api.get("/conversations", **query).json
        pages.append([one["withUserId"] for one in page["conversations"]])
        if page["next"] is None:
            return pages
        query["cursor"] = page["next"]
        if between:
            between()


def test_pages_go_on_behind_a_conversation_that_an_older_program_has_written_to(api_on_each: Api) -> None:
    api_on_each.say(*[("alice", other, "hi") for other in ("bob", "carol", "dan", "eve")])
    with api_on_each.chat.storage.database.transaction() as connection:
        connection.execute(text("UPDATE messages SET sent_at = sent_at + 60000"))  # and the list says nothing of it
    more = iter(range(4))
    pages = _pages(api_on_each, 1, between=lambda: next(more))  # so that a test of pages without end ends
    assert sorted(name for page in pages for name in page) == ["bob", "carol", "dan", "eve"]


def test_conversations_are_paged_without_gap_or_repeat_in_a_single_millisecond_too(api_on_each: Api) -> None:
    api_on_each.chat.storage.database.own_clock._clock = lambda: 1_800_000_000.0
    others = [f"{name}{n}" for n in range(6) for name in ("bob", "김", "Ä", "a.b")]
    api_on_each.say(*[("alice", other, "hi") for other in others])
    for limit in (1, 7, 23, 24, 25, 100):
        pages = _pages(api_on_each, limit)
        shown = [name for page in pages for name in page]
        assert sorted(shown) == sorted(others)
        assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)


def test_a_page_of_conversations_with_long_last_messages_is_short(api_on_each: Api) -> None:
    moments = iter(range(1, 1_000))
    api_on_each.chat.storage.database.own_clock._clock = lambda: next(moments)
    for n in range(9):
        api_on_each.say((f"bob{n}", "alice", "김" * 21_000))  # 63,000 bytes
    names = [f"bob{n}" for n in range(8, -1, -1)]
    assert _pages(api_on_each, 100) == [names[:5], names[5:]]


def test_a_message_that_comes_while_one_pages_shifts_nobody(api_on_each: Api) -> None:
    moments = iter(range(1, 1_000))
    api_on_each.chat.storage.database.own_clock._clock = lambda: next(moments)
    for n in range(9):
        api_on_each.say(("alice", f"bob{n}", "hi"))

    def news() -> None:
        moment = next(moments)
        api_on_each.say((f"stranger{moment}", "alice", "hi"))  # a new conversation
        api_on_each.say(("bob8", "alice", "again"))  # one that was shown already

    pages = _pages(api_on_each, 3, between=news)
    assert [name for page in pages for name in page] == [f"bob{n}" for n in range(8, -1, -1)]


# Messages.


def test_messages_are_paged_by_seq_in_both_directions(api_on_each: Api) -> None:
    api_on_each.say(*[("alice", "bob", str(n)) for n in range(1, 11)])

    def seqs(**query: int) -> list[int]:
        answer = api_on_each.get("/conversations/bob/messages", **query).json
        assert answer["lastSeq"] == 10
        assert [m["message"] for m in answer["messages"]] == [str(m["seq"]) for m in answer["messages"]]
        return [message["seq"] for message in answer["messages"]]

    assert seqs() == list(range(1, 11))
    assert seqs(limit=3) == [8, 9, 10]
    assert seqs(limit=3, before=8) == [5, 6, 7]
    assert seqs(limit=3, after=0) == [1, 2, 3]
    assert seqs(limit=3, after=2, before=5) == [3, 4]
    assert seqs(after=10) == []
    assert seqs(before=0) == []
    assert seqs(after=2**53 - 1) == []
    assert len(seqs(before=2**53 - 1, limit=200)) == 10


def test_a_page_of_long_messages_is_short_and_says_that_there_are_more(api_on_each: Api) -> None:
    long = "김" * 21_000  # 63,000 bytes, about the longest that a frame can bring
    api_on_each.say(*[("alice", "bob", long)] * 12)
    pages: list[list[int]] = []
    more, after = True, 0
    while more:
        answer = api_on_each.get("/conversations/bob/messages", after=after, limit=200)
        assert len(answer.data) < 400_000
        more, found = answer.json["more"], [m["seq"] for m in answer.json["messages"]]
        pages.append(found)
        after = found[-1]
    assert pages == [[1, 2, 3, 4, 5], [6, 7, 8, 9, 10], [11, 12]]
    newest = api_on_each.get("/conversations/bob/messages").json
    assert ([m["seq"] for m in newest["messages"]], newest["more"]) == ([8, 9, 10, 11, 12], True)
    first = api_on_each.get("/conversations/bob/messages", before=3).json
    assert ([m["seq"] for m in first["messages"]], first["more"]) == ([1, 2], False)


@pytest.mark.parametrize(
    ("query", "more"),
    [
        ({"limit": 3}, True),
        ({"limit": 4}, False),
        ({"limit": 3, "after": 0}, True),
        ({"limit": 3, "after": 1}, False),
        ({"limit": 3, "before": 4}, False),
        ({"limit": 1, "after": 2, "before": 4}, False),
    ],
)
def test_more_tells_of_messages_in_the_direction_that_was_asked_for(
    api_on_each: Api, query: dict[str, int], more: bool
) -> None:
    api_on_each.say(*[("alice", "bob", "hi")] * 4)
    assert api_on_each.get("/conversations/bob/messages", **query).json["more"] is more


def test_a_message_says_its_client_id_where_it_has_one(api_on_each: Api) -> None:
    api_on_each.send(Send("bob", "alice", "hi", "c-1"), Send("alice", "bob", "ho", None))
    one, two = api_on_each.get("/conversations/bob/messages").json["messages"]
    assert (one["clientId"], one["fromUserId"], one["toUserId"]) == ("c-1", "bob", "alice")
    assert "clientId" not in two
    assert (two["fromUserId"], two["toUserId"]) == ("alice", "bob")


def test_an_unknown_conversation_is_empty_and_another_users_is_not_shown(api_on_each: Api) -> None:
    api_on_each.say(("bob", "carol", "secret"))
    empty = {"messages": [], "lastSeq": 0, "more": False, "epoch": api_on_each.chat.storage.epoch}
    assert api_on_each.get("/conversations/bob/messages").json == empty
    assert api_on_each.get("/conversations/carol/messages").json == empty
    assert api_on_each.get("/conversations/bob/messages", "carol").json["lastSeq"] == 1


@pytest.mark.parametrize(
    "name", ["a.b", ".a", "a..b", "a.", "messages", "x@messages", "openapi.json", "é", "김한글", "नमस्ते", "-" * 9 + "x"]
)
def test_any_name_can_stand_in_the_path(api_on_sqlite: Api, name: str) -> None:
    api_on_sqlite.say(("walker", name, "hi"))
    for spelling in ("NFC", "NFD"):
        path = quote(unicodedata.normalize(spelling, name), safe="")
        answer = api_on_sqlite.get(f"/conversations/{path}/messages", "walker")
        assert [m["toUserId"] for m in answer.json["messages"]] == [name]


# Every answer.


@pytest.mark.parametrize("path", ["/openapi.json", "/conversations", "/nothing", "/session", ""])
def test_answers_are_kept_by_nobody_and_are_what_they_say(api_on_sqlite: Api, path: str) -> None:
    for headers in ({}, api_on_sqlite.header("alice")):
        response = api_on_sqlite.client.get(f"/api{path}", headers=headers)
        assert response.mimetype == "application/json"
        assert response.headers["Cache-Control"] == "no-store"


def test_the_database_is_asked_only_in_threads(make_chat: MakeChat, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a slow disk, or a slow hash, would hold up every socket."""
    chat = make_chat()
    api, asked_in, hashed_in = Api(chat), set[int](), set[int]()
    listen(chat.storage.database.engine, "before_cursor_execute", lambda *_: asked_in.add(native_thread()))
    hashed = passwords.hashed

    def watched(password: str) -> str:
        hashed_in.add(native_thread())
        return hashed(password)

    monkeypatch.setattr(passwords, "hashed", watched)
    for path in ("/conversations", "/conversations/bob/messages", "/notifications", "/search?q=x", "/users?q=b"):
        asked_in.clear()
        assert api.get(path).status_code == 200
        assert asked_in, f"need a question to the database for {path} to mean anything"
        assert native_thread() not in asked_in, path
    asked_in.clear()
    assert api.post("/accounts", {"userId": "slow", "password": "correct horse"}).status_code == 201
    assert asked_in
    assert hashed_in
    assert native_thread() not in asked_in | hashed_in


# In a host's app.


def test_only_paths_below_the_prefix_answer_as_the_api_does(api_on_sqlite: Api) -> None:
    app = app_of(api_on_sqlite.chat, "/chat")
    app.get("/chatter")(lambda: "the host's")
    client = app.test_client()
    for path in ("/", "/api/conversations", "/chat", "/chat-room", "/nothing"):
        assert (client.get(path).status_code, client.get(path).mimetype) == (404, "text/html")
    assert client.post("/chatter").mimetype == "text/html"
    assert client.get("/chatter").text == "the host's"
    assert set(client.options("/chatter").headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
    for path in ("/chat/", "/chat/nothing", "/chat/api", "/chat/api/x", "/chat//api/x", "/chat/a\nb"):
        assert fault(client.get(path)) == (404, "not_found", None)
    header = api_on_sqlite.header("alice")
    assert client.get("/chat/api/conversations", headers=header).status_code == 200


def test_a_hosts_own_error_handlers_are_not_asked_for_the_apis_errors(api_on_sqlite: Api) -> None:
    app = app_of(api_on_sqlite.chat, "/chat")
    for what in (401, 404, 405, Exception):
        app.register_error_handler(what, lambda error: ("the host's", 418))
    client = app.test_client()
    assert client.get("/nothing").status_code == 418, "the host must have a handler for this to mean anything"
    assert fault(client.get("/chat/nothing")) == (404, "not_found", None)
    assert fault(client.put("/chat/api/session")) == (405, "method_not_allowed", None)
    assert fault(client.get("/chat/api/conversations")) == (401, "not_signed_in", None)


def test_a_host_may_have_a_converter_called_name(api_on_sqlite: Api) -> None:
    app = app_of(api_on_sqlite.chat, "/chat")
    assert "name" not in app.url_map.converters


def test_each_app_answers_by_its_own_chat(api_on_sqlite: Api, make_chat: MakeChat) -> None:
    strict = Api(make_chat(auth="required", signup="closed"))
    session = {"userId": "anybody"}
    assert fault(strict.post("/session", session)) == (401, "sign_in_needed", "password")
    assert api_on_sqlite.post("/session", session).status_code == 201
    assert fault(strict.post("/session", session)) == (401, "sign_in_needed", "password")
