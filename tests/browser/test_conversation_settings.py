"""Muting a conversation, marking it as unread and hiding it, on two screens of one person."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.pages import Called, OpenPage, choose_for_conversation, is_online, texts, write


def test_what_is_set_for_a_conversation_holds_on_all_screens_of_a_person(open_page: OpenPage, called: Called) -> None:
    alice, phone, bob = open_page("alice", to="bob"), open_page("alice", size=(360, 740)), open_page("bob", to="alice")
    write(bob, "one")
    expect(texts(alice)).to_have_text(["one"])
    rows = [page.locator("conversation-list nav li").filter(has_text=called("bob")) for page in (alice, phone)]

    choose_for_conversation(alice, "Mute")
    expect(alice.locator("conversation-header").get_by_role("img", name="Muted")).to_be_visible()
    for row in rows:
        expect(row.get_by_role("img", name="Muted")).to_be_visible()
    alice.goto(alice.url.split("#")[0] + "#")
    expect(alice.locator("#no-conversation")).to_be_visible()
    write(bob, "two")
    for row in rows:
        expect(row.locator(".count")).to_have_text("1")
    expect(phone).to_have_title(re.compile(r"^[^(]*$"))  # what is muted is not counted there

    rows[0].get_by_role("link").click()
    expect(texts(alice)).to_have_text(["one", "two"])
    choose_for_conversation(alice, "Mute")
    for row in rows:
        expect(row.get_by_role("img", name="Muted")).to_be_hidden()
    choose_for_conversation(alice, "Mark as unread")
    expect(alice.locator("#no-conversation")).to_be_visible()
    for row in rows:
        expect(row.get_by_text("marked as unread")).to_be_attached()
        expect(row.locator(".badge")).to_be_visible()
    phone.bring_to_front()
    rows[1].get_by_role("link").click()  # opening it takes the mark away, there and here
    for row in rows:
        expect(row.locator(".badge")).to_be_hidden()
    phone.get_by_role("link", name="Back to the list").click()

    rows[0].get_by_role("link").click()
    choose_for_conversation(alice, "Hide until the next message")
    for row in rows:
        expect(row).to_have_count(0)
    expect(alice.get_by_text("All conversations are hidden.")).to_be_visible()
    expect(alice.locator("undo-toast").get_by_role("status")).to_have_text(
        f"The conversation with {called('bob')} is hidden."
    )
    alice.get_by_role("button", name="Undo").click()
    for row in rows:
        expect(row).to_be_visible()
    expect(alice.locator("undo-toast")).to_have_text("")
    rows[0].get_by_role("link").click()
    choose_for_conversation(alice, "Hide until the next message")
    others = alice.get_by_role("button", name="Hidden conversations (1)", exact=True)
    sign = "button => getComputedStyle(button, '::after').content"
    closed = others.evaluate(sign)
    others.click()
    assert "▾" in closed, "it says that it opens"
    assert "▴" in others.evaluate(sign), "and that it closes"
    rows[0].get_by_role("link").click()
    choose_for_conversation(alice, "Show in the list again")
    expect(rows[1]).to_be_visible()
    choose_for_conversation(alice, "Hide until the next message")
    for row in rows:
        expect(row).to_have_count(int(row is rows[0]))  # there somebody looks at what is hidden
    alice.reload()
    is_online(alice)
    expect(alice.locator("conversation-list nav li")).to_have_count(0)
    write(bob, "three")
    for row in rows:
        expect(row).to_contain_text("three")
