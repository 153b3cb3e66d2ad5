"""Blocking somebody, and taking it back, as a person sees it."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.pages import Called, OpenPage, choose, choose_for_conversation, click, is_online, texts, write


def block(page: Page) -> None:
    choose_for_conversation(page, "Block")
    click(page.get_by_role("dialog").get_by_role("button", name="Block"))
    expect(page.get_by_text("You have blocked this person.")).to_be_visible()


def test_somebody_is_blocked_and_unblocked_and_their_messages_come_and_go(open_page: OpenPage, called: Called) -> None:
    alice, bob = open_page("alice", to="bob"), open_page("bob", to="alice")
    write(bob, "hello")
    expect(texts(alice)).to_have_text(["hello"])
    header = alice.locator("conversation-header")
    expect(header).to_contain_text("Online")
    choose_for_conversation(alice, "Block")
    expect(alice.get_by_role("dialog", name=f"Block {called('bob')}?")).to_be_visible()
    click(alice.get_by_role("button", name="Cancel"))
    expect(alice.get_by_label("Write a message")).to_be_visible()
    block(alice)
    expect(alice.get_by_label("Write a message")).to_be_hidden()
    expect(header).to_contain_text("Offline")
    expect(bob.locator("conversation-header")).to_contain_text("Offline")
    write(bob, "are you there?")
    expect(bob.locator(".trouble:visible")).to_contain_text("One of you has blocked the other.")
    click(alice.locator("#blocked-note").get_by_role("button", name="Unblock"))
    expect(alice.get_by_label("Write a message")).to_be_visible()
    click(bob.get_by_role("button", name="Try again"))
    expect(texts(alice)).to_have_text(["hello", "are you there?"])


def test_the_list_of_blocked_people_leads_back_on_every_screen(open_page: OpenPage, called: Called) -> None:
    page, other = open_page("alice", to="mallory"), open_page("alice")
    is_online(page)
    is_online(other)
    expect(other.locator("#blocked")).to_be_hidden()
    block(page)
    choose(other, "Blocked people")
    dialog = other.get_by_role("dialog", name="Blocked people")
    expect(dialog.get_by_role("listitem")).to_contain_text([called("mallory")])
    page.reload()
    expect(page.get_by_text("You have blocked this person.")).to_be_visible()
    click(dialog.get_by_role("button", name=f"Unblock {called('mallory')}"))
    expect(dialog).to_contain_text("You have blocked nobody.")
    expect(page.get_by_label("Write a message")).to_be_visible()
    expect(page.locator("#blocked")).to_be_hidden()


def test_the_dialogs_speak_korean(open_page: OpenPage, called: Called) -> None:
    page = open_page("alice", to="mallory", size=(360, 740))
    is_online(page)
    block(page)
    page.get_by_role("link", name="Back to the list").click()
    choose(page, "한국어")
    choose(page, "차단한 사람")
    page.get_by_role("button", name=f"{called('mallory')} 차단 해제").click()
    expect(page.get_by_role("dialog")).to_contain_text("차단한 사람이 없습니다.")
