"""The keyboard: every place of the page is a few keys away, and a dialog says which."""

from __future__ import annotations

from datetime import datetime, timedelta

from chat.storage.records import Send
from tests.browser.pages import Called, OpenPage, click, expect, is_online, texts
from tests.browser.test_finding import tell
from tests.storage.conftest import open_storage

DAY_SECONDS = 24 * 3600


def test_keys_lead_to_the_search_through_the_list_and_back_to_writing(open_page: OpenPage, called: Called) -> None:
    page = open_page("alice")
    is_online(page)
    for other in ("carol", "bob"):
        tell(page, called(other), called("alice"), *(f"from {other} {number}" for number in range(60)))
    page.keyboard.press("Control+k")
    expect(page.get_by_label("Search names")).to_be_focused()
    page.keyboard.press("ArrowDown")
    rows = page.get_by_role("navigation", name="Conversations").get_by_role("link")
    expect(rows.nth(0)).to_be_focused()
    page.keyboard.press("End")
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    heading = page.locator("#conversation-name")
    expect(heading).to_have_text(called("bob"))
    composer = page.get_by_label("Write a message")
    page.evaluate(
        """document.activeElement.dispatchEvent(new KeyboardEvent("keydown",
            {key: "ㅏ", code: "KeyK", ctrlKey: true, bubbles: true, cancelable: true}))"""
    )
    expect(page.get_by_label("Search names")).to_be_focused()  # with a Korean keyboard, too
    page.keyboard.press("Escape")
    expect(composer).to_be_focused()
    page.keyboard.press("Alt+ArrowDown")
    expect(heading).to_have_text(called("carol"))
    page.keyboard.press("Alt+ArrowDown")  # there is none below
    page.keyboard.press("Alt+ArrowUp")
    expect(heading).to_have_text(called("bob"))
    page.get_by_role("button", name="59 new").or_(page.locator(".newer")).click()
    expect(texts(page).last).to_be_in_viewport()
    page.keyboard.press("Control+j")  # back up to the first of those that were new
    expect(page.locator(".divider")).to_be_in_viewport()
    page.keyboard.press("Escape")
    page.keyboard.type("a ? is written")
    expect(composer).to_have_value("a ? is written")
    page.get_by_role("region", name="Messages").focus()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_contain_text("Previous, next conversation")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(heading).to_have_text(called("bob"))
    page.keyboard.press("Control+/")
    expect(dialog).to_be_visible()


def test_a_day_far_back_is_gone_to_and_a_later_one_leads_to_the_newest(
    open_page: OpenPage, called: Called, database: str
) -> None:
    days_ago = 0
    now = datetime.now().astimezone()  # for all of it: midnight may come meanwhile
    storage = open_storage(database, clock=lambda: now.timestamp() - days_ago * DAY_SECONDS)
    for days_ago in range(80, 0, -1):
        storage.writer.commit(
            [Send(called("bob"), called("alice"), f"{days_ago} days {number}", None) for number in range(5)]
        )
    storage.close()
    page = open_page("alice", to="bob")
    is_online(page)

    def go_to(days_ago: int) -> None:
        click(page.get_by_role("button", name="Go to a day"))
        page.locator("#day").fill((now - timedelta(days=days_ago)).strftime("%Y-%m-%d"))
        page.keyboard.press("Enter")

    go_to(70)
    expect(page.locator(".message.is-found .text")).to_have_text("70 days 0")
    expect(page.locator(".message.is-found")).to_be_in_viewport()
    assert texts(page).count() <= 300
    go_to(0)
    expect(texts(page).last).to_have_text("1 days 4")
    expect(texts(page).last).to_be_in_viewport()
