"""What a site's own Python code asks of its chat: users, messages, what is unread."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from flask import Flask, render_template_string

from chat import Chat
from chat.errors import InvalidField
from chat.protocol.conversation_settings import ConversationSettings
from chat.storage.records import Pointer
from tests.site.conftest import Site


def test_history_is_read_page_by_page_backwards(site: Site) -> None:
    site.write(*[("alice", "bob", f"number {n}") for n in range(1, 6)], ("bob", "alice", "the last"))
    with site.app.app_context():
        last = site.chat.messages.history("bob", "alice", limit=2)
        assert [(one.sender, one.to, one.message, one.seq) for one in last] == [
            ("alice", "bob", "number 5", 5),
            ("bob", "alice", "the last", 6),
        ]
        assert abs((datetime.now(UTC) - last[0].sent_at).total_seconds()) < 60
        earlier = site.chat.messages.history("alice", "bob", before=last[0].seq)
        assert [one.seq for one in earlier] == [1, 2, 3, 4]
        assert site.chat.messages.history("alice", "nobody") == []


def test_a_page_is_whole_however_long_its_messages_are(site: Site) -> None:
    site.write(*[("alice", "bob", "x" * 60_000) for _ in range(20)])
    with site.app.app_context():
        assert [one.seq for one in site.chat.messages.history("alice", "bob", limit=18)] == [*range(3, 21)]


@pytest.mark.parametrize("limit", [0, 201])
def test_a_bad_limit_is_named(site: Site, limit: int) -> None:
    with site.app.app_context(), pytest.raises(InvalidField) as told:
        site.chat.messages.history("alice", "bob", limit=limit)
    assert told.value.field == "limit"


def test_a_badge_in_a_template_counts_what_is_unread_and_not_what_is_muted(site: Site) -> None:
    site.write(("alice", "bob", "one"), ("alice", "bob", "two"), ("carol", "bob", "three"), ("dave", "bob", "four"))
    site.storage.writer.commit([], [Pointer("bob", "alice", 1, 1)])
    site.storage.settings.put("bob", ConversationSettings(with_user_id="dave", muted=True))
    with site.app.app_context():
        site.chat.notify("bob", "Your parcel is on its way.")
        badge = "{% set unread = chat.unread('bob') %}{{ unread.messages }} in {{ unread.conversations }}, {{ unread.notifications }}"
        assert render_template_string(badge, chat=site.chat) == "2 in 2, 1"
        assert site.chat.unread("nobody") == (0, 0, 0)


def test_users_are_found_and_listed(site: Site) -> None:
    site.write(("alice", "Bob", "Hi"))
    site.storage.accounts.give_password("alice", "hash")
    with site.app.app_context():
        found = site.chat.users.get("Bob")
        assert found is not None
        assert (found.id, found.has_password, found.is_disabled, found.last_seen) == ("Bob", False, False, None)
        assert site.chat.users.get("nobody") is None
        assert [(one.id, one.has_password) for one in site.chat.users.list()] == [("alice", True), ("Bob", False)]


def test_how_somebody_is_shown_is_put_and_got_and_makes_them_known(site: Site) -> None:
    with site.app.app_context():
        site.chat.users.put("alice", display_name="Alice Smith", subtitle="Support", avatar_url="/static/alice.png")
        found = site.chat.users.get("alice")
        assert found is not None
        assert (found.display_name, found.subtitle, found.avatar_url) == ("Alice Smith", "Support", "/static/alice.png")
        site.chat.users.put("alice", display_name="Alice")
        [found] = site.chat.users.list()
        assert (found.id, found.display_name, found.subtitle) == ("alice", "Alice", None)
        with pytest.raises(InvalidField) as told:
            site.chat.users.put("alice", display_name="x" * 81)
    assert told.value.field == "displayName"


def test_without_a_context_it_is_the_chats_only_app(site: Site) -> None:
    site.write(("alice", "bob", "Hi"))
    assert len(site.chat.messages.history("alice", "bob")) == 1
    other = Flask("other")
    site.chat.init_app(other)
    with pytest.raises(RuntimeError, match="app_context"):
        site.chat.unread("bob")
    with pytest.raises(RuntimeError, match="app_context"), site.app.app_context():
        Chat().unread("bob") if site.app.extensions.pop("chat") else None


@pytest.mark.parametrize("nobody", [None, True, 1.5, b"bob", object()])
def test_what_is_no_id_is_named_and_makes_nobody(site: Site, nobody: Any) -> None:
    """`None` is what `current_user.get_id()` gives of a visitor: no message is to be from a user called None."""
    chat = site.chat
    calls = {
        "from_id": lambda: chat.send_message(nobody, "bob", "Hi"),
        "to_id": lambda: chat.send_message("bob", nobody, "Hi"),
        "to": lambda: chat.notify([nobody] if nobody == b"bob" else nobody, "Hi"),
    }
    for call in (chat.users.get, chat.users.put, chat.unread, chat.erase, chat.sign_out, chat.profile_changed):
        calls[f"user_id of {call.__name__}"] = partial(call, nobody)
    with site.app.app_context():
        for field, call in calls.items():
            with pytest.raises(InvalidField) as told:
                call()
            assert (told.value.field, told.value.rule) == (field.split()[0], "wrong_type")
        assert [*chat.users.list()] == []


def test_a_site_that_gives_its_user_and_not_the_id_is_told(site: Site) -> None:
    site.chat.identify(lambda: object())  # it would be another user each time
    told = site.app.test_client().post("/chat/api/session").get_json()["error"]
    assert (told["field"], told["rule"]) == ("userId", "wrong_type")


def test_numbers_and_uuids_are_ids(site: Site) -> None:
    @site.chat.identify
    def who() -> None:
        return None

    uuid = UUID(int=7)
    with site.app.app_context():
        assert site.chat.send_message(7, uuid, "Hi").seq == 1
        site.chat.notify(uuid, "One")
        site.chat.notify({7, uuid}, "Many")
        assert site.chat.unread(uuid) == (1, 1, 2)
        assert [user.id for user in site.chat.users.list()] == [str(uuid), "7"]


def test_a_text_that_is_none_and_an_empty_list_are_named(site: Site) -> None:
    with site.app.app_context():
        for call, fault in (
            (lambda: site.chat.send_message("alice", "bob", 5), ("message", "wrong_type")),  # type: ignore[arg-type]
            (lambda: site.chat.notify([], "Hi"), ("to", "empty")),
        ):
            with pytest.raises(InvalidField) as told:
                call()
            assert (told.value.field, told.value.rule) == fault


def test_a_bot_that_the_site_declares_is_online_where_it_is_listed(site: Site) -> None:
    site.write(("helper", "bob", "We answer."), ("alice", "bob", "Hi"))
    site.chat.bot("helper")
    client = site.app.test_client()
    token = client.post("/chat/api/session", json={"userId": "bob"}).get_json()["token"]
    listed = client.get("/chat/api/conversations", headers={"Authorization": f"Bearer {token}"}).get_json()
    assert {one["withUserId"]: one["presence"] for one in listed["conversations"]} == {
        "helper": "online",
        "alice": "offline",
    }
