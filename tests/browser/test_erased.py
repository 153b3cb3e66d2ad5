"""A conversation whose older messages were erased, as a person sees it."""

from __future__ import annotations

import time

from playwright.sync_api import expect

from chat.storage.records import Send
from tests.browser.pages import Called, OpenPage, is_online, texts, write
from tests.storage.conftest import open_storage

DAY_MS = 24 * 3600 * 1000


def store(url: str, sender: str, to: str, count: int, days_ago: float) -> None:
    storage = open_storage(url, clock=lambda: time.time() - days_ago * 24 * 3600)
    storage.writer.commit([Send(sender, to, f"{days_ago} days {n}", None) for n in range(count)])
    storage.close()


def erase(url: str) -> None:
    storage = open_storage(url)
    before_ms = int(time.time() * 1000) - DAY_MS
    for conversation in storage.erasure.old(0, before_ms)[0]:
        while storage.erasure.erase(conversation, before_ms):
            pass
    storage.close()


def test_what_was_erased_is_said_and_not_asked_for_for_ever(open_page: OpenPage, called: Called, database: str) -> None:
    alice, bob = called("alice"), called("bob")
    store(database, bob, alice, 120, days_ago=9)
    store(database, bob, alice, 5, days_ago=0)
    erase(database)
    asked: list[str] = []
    page = open_page("alice", to="bob", prepare=lambda p: p.on("request", lambda r: asked.append(r.url)))
    is_online(page)
    expect(texts(page)).to_have_count(5)
    expect(page.get_by_text("Earlier messages were erased.")).to_be_visible()
    page.wait_for_timeout(300)  # time for what would be asked again
    assert len([url for url in asked if "/messages" in url]) <= 2
    write(page, "and on it goes")
    expect(texts(page)).to_have_count(6)


def test_a_conversation_of_which_all_was_erased_goes_on(open_page: OpenPage, called: Called, database: str) -> None:
    store(database, called("bob"), called("alice"), 20, days_ago=9)
    erase(database)
    page = open_page("alice", to="bob")
    expect(texts(page)).to_have_text(["This message was erased."])
    expect(page.locator("conversation-list .preview")).to_have_text("This message was erased.")
    write(page, "hello again")
    expect(texts(page)).to_have_text(["This message was erased.", "hello again"])
