"""Whoever the site names exists: whom it notifies, who writes by its code, and whom its programs notify."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from chat import Chat, create_app, notify
from chat.errors import Blocked, ChatError, InvalidField, TooLarge, UnknownUser
from tests.site.members import make_site


@pytest.fixture
def site() -> tuple[Flask, Chat]:
    return make_site(TESTING=True)


def known(app: Flask, *user_ids: str) -> list[bool]:
    accounts = app.extensions["chat"].storage.accounts
    return [accounts.find(user_id)[0] is not None for user_id in user_ids]


def test_whom_the_site_notifies_is_known_from_then_on(site: tuple[Flask, Chat]) -> None:
    app, chat = site
    with app.app_context():
        assert known(app, "carol", "7", "8") == [False] * 3
        notify("carol", "It is on its way.")
        notify(["7", "8"], "It is on its way.")
        assert known(app, "carol", "7", "8") == [True] * 3
        assert chat.unread("carol").notifications == 1


def test_an_id_may_be_a_number_as_a_sites_database_has_it(site: tuple[Flask, Chat]) -> None:
    app, chat = site
    with app.app_context():
        notify(7, "It is on its way.")
        chat.notify([7, 8], "It has come.")
        chat.send_message(7, 8, "hi")
        assert (chat.unread(7).notifications, chat.unread(8).messages) == (2, 1)
        chat.sign_out(7)


def test_who_is_found_is_as_site_md_says_by_id_by_a_name_that_was_put_and_by_one_that_is_only_said(
    site: tuple[Flask, Chat],
) -> None:
    app, chat = site
    chat.profile(lambda user_id: {"display_name": f"Member {user_id}"})
    browser = app.test_client()
    browser.get("/login?as=7")
    token = browser.post("/chat/api/session").json["token"]

    def found(text: str) -> list[str]:
        answer = browser.get(f"/chat/api/users?q={text}", headers={"Authorization": f"Bearer {token}"})
        return [user["userId"] for user in answer.json["users"]]

    with app.app_context():
        chat.notify(81, "It is on its way.")
        chat.users.put(82, display_name="Jun Park")
        assert (found("8"), found("Park"), found("Member"), found("nobody")) == (["81", "82"], ["82"], [], [])
        chat.send_message(81, 7, "hi")
    browser.get("/chat/api/conversations", headers={"Authorization": f"Bearer {token}"})  # where 81 is shown
    assert (found("Member 81"), found("Member")) == (["81"], ["81"])


def test_whom_a_program_of_the_site_notifies_is_known_and_a_wrong_id_is_not(site: tuple[Flask, Chat]) -> None:
    app, _ = site
    token = app.extensions["chat"].tokens.sign_service("shop", "notify", 600)
    headers = {"Authorization": f"Bearer {token}"}

    def push(**whom: Any) -> Any:
        body = {"message": "hi", **whom}
        return app.test_client().post("/chat/api/notifications", json=body, headers=headers)

    assert push(toUserId="Carol Jones").status_code == 201
    assert push(toUserIds=["8", "9"]).status_code == 201
    assert known(app, "Carol Jones", "8", "9", "carol jones") == [True, True, True, False]
    for whom in ({"toUserId": "a\nb"}, {"toUserIds": ["10", "x" * 65]}):
        assert push(**whom).json["error"]["code"] == "invalid_field"
    assert known(app, "10") == [False]


def test_the_site_sends_a_message_in_somebodys_name_or_a_bots(site: tuple[Flask, Chat]) -> None:
    app, chat = site
    with app.app_context(), chat.record() as outbox:
        first = chat.send_message("bot", "carol", "Welcome", client_id="welcome-carol")
        again = chat.send_message("bot", "carol", "Welcome", client_id="welcome-carol")
        second = chat.send_message("carol", "bot", "Thanks")
    assert (first.sender, first.to, first.message) == ("bot", "carol", "Welcome")
    assert [one.seq for one in (first, again, second)] == [1, 1, 2]
    assert outbox.messages == [first, second]
    assert [one.message for one in chat.messages.history("carol", "bot")] == ["Welcome", "Thanks"]
    assert (chat.unread("carol").messages, chat.unread("bot").messages) == (1, 1)


def test_a_message_of_the_site_keeps_the_rules_of_one(site: tuple[Flask, Chat]) -> None:
    app, chat = site
    with app.app_context():
        for text, error in (
            ("", InvalidField),
            ("\0", InvalidField),
            ("\ud83d", InvalidField),
            ("x" * 70_000, TooLarge),
        ):
            with pytest.raises(error):
                chat.send_message("bot", "carol", text)
        with pytest.raises(InvalidField) as told:
            chat.send_message("bot", "a\nb", "hi")
        assert told.value.field == "to_id"
        app.extensions["chat"].blocking.block("carol", "bot")
        with pytest.raises(Blocked):
            chat.send_message("bot", "carol", "hi")
        assert chat.messages.history("bot", "carol") == []


def test_what_no_database_keeps_is_refused_by_its_field(site: tuple[Flask, Chat]) -> None:
    """It would fail the commit, and with it all messages that others send in the same moment."""
    app, chat = site
    half = "a\ud83d"
    with app.app_context():
        for field, call in (
            ("client_id", lambda: chat.send_message("bot", "carol", "hi", client_id=half)),
            ("client_id", lambda: chat.send_message("bot", "carol", "hi", client_id="a\0")),
            ("from_id", lambda: chat.send_message(half, "carol", "hi")),
            ("user_id", lambda: chat.users.get(half)),
            ("userId", lambda: chat.sign_out(half)),
            ("displayName", lambda: chat.users.put("carol", display_name=half)),
            ("avatarUrl", lambda: chat.users.put("carol", avatar_url=f"/{half}")),
            ("to", lambda: chat.notify(half, "hi")),
            ("message", lambda: chat.notify("carol", half)),
            ("title", lambda: chat.notify("carol", "hi", title=half)),
            ("link", lambda: chat.notify("carol", "hi", link=f"/{half}")),
        ):
            with pytest.raises(InvalidField) as told:
                call()
            assert told.value.field == field


def test_where_no_site_says_who_is_there_a_slip_makes_nobody() -> None:
    app = create_app({"TESTING": True, "CHAT_AUTH": "required"})
    with app.app_context():
        for call in (lambda: notify("carol", "hi"), lambda: notify(["carol"], "hi")):
            with pytest.raises(ChatError) as told:
                call()
            assert isinstance(told.value, UnknownUser)
    assert known(app, "carol") == [False]
