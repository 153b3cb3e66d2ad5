"""The HTTP side of notifications: what is refused and how, and what the list shows."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from werkzeug.test import TestResponse

from chat.notifications import notifier
from chat.notifications.draft import LINK_CHARS, LONGEST_SECONDS, MESSAGE_CHARS, MOST_USERS, TITLE_CHARS
from tests.conftest import MakeChat
from tests.storage.conftest import open_storage
from tests.web.conftest import Api, fault

HI = {"toUserId": "bob", "message": "hi"}


def push(api: Api, body: Any, headers: dict[str, str] | None = None, **more: str) -> TestResponse:
    given = api.service() if headers is None else headers
    return api.client.post("/api/notifications", json=body, headers={**given, **more})


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"message": None}, "invalid_field", "message"),
        ({"message": ""}, "invalid_field", "message"),
        ({"message": 7}, "invalid_field", "message"),
        ({"message": "a\0"}, "invalid_field", "message"),
        ({"message": "x" * (MESSAGE_CHARS + 1)}, "invalid_field", "message"),
        ({"title": ""}, "invalid_field", "title"),
        ({"title": "a\0"}, "invalid_field", "title"),
        ({"title": "x" * (TITLE_CHARS + 1)}, "invalid_field", "title"),
        ({"level": "loud"}, "invalid_field", "level"),
        ({"level": None}, "invalid_field", "level"),
        ({"expiresIn": 0}, "invalid_field", "expiresIn"),
        ({"expiresIn": -1}, "invalid_field", "expiresIn"),
        ({"expiresIn": 1.5}, "invalid_field", "expiresIn"),
        ({"expiresIn": LONGEST_SECONDS + 1}, "invalid_field", "expiresIn"),
        ({"toUserId": "b b"}, "invalid_field", "toUserId"),
        ({"toUserId": ""}, "invalid_field", "toUserId"),
        ({"toUserId": None}, "missing_field", "toUserId"),
        ({"toUserId": None, "everyone": False}, "missing_field", "toUserId"),
        ({"toUserId": None, "toUserIds": []}, "invalid_field", "toUserIds"),
        ({"toUserId": None, "toUserIds": ["bob", "b b"]}, "invalid_field", "toUserIds"),
        ({"toUserId": None, "toUserIds": ["x"] * (MOST_USERS + 1)}, "invalid_field", "toUserIds"),
        ({"toUserIds": ["carol"]}, "invalid_field", "toUserIds"),
        ({"everyone": True}, "invalid_field", "everyone"),
        ({"everyone": 1}, "invalid_field", "everyone"),
        ({"mesage": "hi"}, "unknown_field", "mesage"),
    ],
    ids=str,
)
def test_what_is_wrong_is_named_by_its_field(api_on_sqlite: Api, change: dict[str, Any], code: str, field: str) -> None:
    assert fault(push(api_on_sqlite, HI | change)) == (400, code, field)


@pytest.mark.parametrize(
    "link",
    [
        "", " ", "javascript:alert(1)", "JAVASCRIPT:alert(1)", "data:text/html,x", "ftp://a.example",
        "//evil.example", "/\\evil.example", "http:/a", "http://", "https:///a", "https://a b", "/a b",
        "here", "/a\n", "\t/a", "http://a\\b", "x" * LINK_CHARS, "/" + "x" * LINK_CHARS,
    ],
)  # fmt: skip
def test_a_link_leads_to_the_web_or_a_place_on_the_site(api_on_sqlite: Api, link: str) -> None:
    assert fault(push(api_on_sqlite, HI | {"link": link})) == (400, "invalid_field", "link")


@pytest.mark.parametrize("link", ["/", "/a?b=c#d", "http://a", "https://a.example:8/x/../y", "/한글/%20"])
def test_a_good_link_is_kept_as_it_is(api_on_sqlite: Api, link: str) -> None:
    body = HI | {"link": link, "toUserId": "linked"}
    assert push(api_on_sqlite, body).status_code == 201
    shown = api_on_sqlite.get("/notifications", "linked").json["notifications"][0]
    assert shown["link"] == link


def test_only_a_service_with_the_scope_may_push(api_on_sqlite: Api) -> None:
    api = api_on_sqlite
    assert fault(push(api, HI, {})) == (401, "not_signed_in", None)
    assert fault(push(api, HI, {"Authorization": "Bearer x.y.z"})) == (401, "not_signed_in", None)
    assert fault(push(api, HI, api.header("alice"))) == (403, "forbidden", None)
    assert fault(push(api, HI, api.service("metrics"))) == (403, "forbidden", None)
    assert fault(push(api, HI, api.service("notifying"))) == (403, "forbidden", None)
    assert push(api, HI, api.service("metrics notify")).status_code == 201
    late = {"Authorization": f"Bearer {api.chat.tokens.sign_service('ci', 'notify', -1)}"}
    assert fault(push(api, HI, late)) == (401, "not_signed_in", None)


def test_a_service_is_no_user(api_on_sqlite: Api) -> None:
    for path in ("/api/notifications", "/api/conversations"):
        answer = api_on_sqlite.client.get(path, headers=api_on_sqlite.service())
        assert fault(answer) == (401, "not_signed_in", None)


@pytest.mark.parametrize("key", ["x" * 201, "a b", "ü"])
def test_a_key_is_of_visible_ascii(api_on_sqlite: Api, key: str) -> None:
    answer = push(api_on_sqlite, HI, **{"Idempotency-Key": key})
    assert fault(answer) == (400, "invalid_field", "Idempotency-Key")


def test_an_empty_key_is_refused_too(api_on_sqlite: Api) -> None:
    answer = push(api_on_sqlite, HI, **{"Idempotency-Key": ""})
    assert fault(answer) == (400, "invalid_field", "Idempotency-Key")


@pytest.mark.alone
@pytest.mark.slow
def test_ten_thousand_of_the_longest_names_fit(api_on_each: Api) -> None:
    names = [f"{'한' * 58}{n:06}" for n in range(MOST_USERS)]
    assert len(json.dumps(names, ensure_ascii=False).encode()) > 1_500_000
    body = json.dumps({"toUserIds": names, "message": "hi"}, ensure_ascii=False).encode()
    began = time.monotonic()
    answer = api_on_each.client.post(
        "/api/notifications", data=body, content_type="application/json",
        headers=api_on_each.service(),
    )  # fmt: skip
    assert answer.status_code == 201
    assert time.monotonic() - began < 10
    more = api_on_each.client.post(
        "/api/notifications", data=b" " * 2_100_000 + body, content_type="application/json",
        headers=api_on_each.service(),
    )  # fmt: skip
    assert fault(more) == (413, "too_large", None)


def test_in_a_required_directory_the_first_unknown_one_is_named(database_url: str, make_chat: MakeChat) -> None:
    open_storage(database_url).close()
    api = Api(make_chat(database_url=database_url, auth="required"))
    api.chat.storage.accounts.keep_names(["bob"])
    assert push(api, HI).status_code == 201
    assert push(api, {"toUserIds": ["BOB"], "message": "hi"}).status_code == 201
    refused = push(api, {"toUserIds": ["bob", "nobody", "noone"], "message": "hi"})
    assert fault(refused) == (404, "unknown_user", "toUserIds")
    assert "nobody" in refused.json["error"]["message"]
    assert fault(push(api, {"toUserId": "nobody", "message": "hi"})) == (404, "unknown_user", "toUserId")


def test_the_list_shows_the_unseen_first_page_by_page(api_on_each: Api) -> None:
    api = api_on_each
    ids = [push(api, HI | {"message": f"m{n}"}).json["id"] for n in range(5)]
    api.chat.storage.notifications.see([(ids[4], "bob")])
    shown: list[int] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = api.get("/notifications", "BOB", **query).json
        assert page["unseen"] == 4
        shown += [notification["id"] for notification in page["notifications"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert shown == [*ids[3::-1], ids[4]]
    full = api.get("/notifications", "bob", limit=1).json["notifications"][0]
    assert full.keys() == {"notificationId", "id", "message", "level", "timestamp", "seen"}
    assert full["notificationId"] == full["id"]
    nothing = {"notifications": [], "unseen": 0, "next": None, "epoch": api.chat.storage.epoch}
    assert api.get("/notifications", "carol").json == nothing


@pytest.mark.parametrize("cursor", ["", "7", "x7", "u", "u-1", "u1234567890123456", "s7\n"])
def test_a_cursor_that_was_never_given_is_refused(api_on_sqlite: Api, cursor: str) -> None:
    answer = api_on_sqlite.get("/notifications", cursor=cursor)
    assert fault(answer) == (400, "invalid_field", "cursor")


def test_one_dismisses_ones_own_alone(api_on_each: Api) -> None:
    api = api_on_each
    id_ = push(api, HI).json["id"]

    def dismiss(user_id: str, which: object) -> TestResponse:
        return api.client.post(f"/api/notifications/{which}/dismiss", headers=api.header(user_id))

    assert fault(dismiss("carol", id_)) == (404, "not_found", "notificationId")
    assert fault(dismiss("bob", id_ + 1)) == (404, "not_found", "notificationId")
    assert fault(dismiss("bob", "x")) == (400, "invalid_field", "notificationId")
    assert fault(api.client.post(f"/api/notifications/{id_}/dismiss"))[0] == 401
    assert [dismiss("Bob", id_).status_code for _ in range(2)] == [204, 204]
    assert api.get("/notifications", "bob").json["notifications"] == []


def test_a_batch_is_its_services_affair(api_on_each: Api) -> None:
    api = api_on_each
    batch_id = push(api, {"toUserIds": ["a1", "b1"], "message": "hi"}).json["batchId"]

    def show(headers: dict[str, str], which: object = batch_id) -> TestResponse:
        return api.client.get(f"/api/notifications/batches/{which}", headers=headers)

    assert show(api.service()).json["total"] == 2
    assert fault(show(api.service(name="another"))) == (404, "not_found", "batchId")
    assert fault(show(api.service(), 10**9)) == (404, "not_found", "batchId")
    assert fault(show(api.service(), "x")) == (400, "invalid_field", "batchId")
    assert fault(show(api.header("alice"))) == (403, "forbidden", None)


def test_very_many_are_marked_as_seen_a_slice_at_a_time(api_on_each: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    api = api_on_each
    monkeypatch.setattr(notifier, "SLICE", 2)
    ids = [push(api, HI).json["id"] for _ in range(5)]
    answer = api.client.post("/api/notifications/seen", json={"upTo": ids[4]}, headers=api.header("bob"))
    assert (answer.status_code, api.get("/notifications", "bob").json["unseen"]) == (204, 0)
    changes = api.get("/notifications/changes", "bob").json
    assert [(one["change"], one["notificationId"]) for one in changes["changes"]] == list(enumerate(ids, 1))
