"""The list of conversations: where it leads who has none yet, and what its rows say."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from tests.browser.pages import Called, OpenPage, click, expect, is_online, new_message, write
from tests.browser.test_finding import options, tell
from tests.conftest import Server, StartServer

DAY_SECONDS = 86_400
# How far from the left edge of its box a name's letters stand, in pixels.
INDENT = """(name) => {
    const range = document.createRange();
    range.selectNodeContents(name);
    return range.getBoundingClientRect().left - name.getBoundingClientRect().left;
}"""


def edge(row: Any, part: str, side: str) -> float:
    found: float = row.locator(part).evaluate("(part, side) => part.getBoundingClientRect()[side]", side)
    return found


@pytest.fixture(scope="module")
def server(_start: StartServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """With nobody of another file's tests."""
    running = _start(CHAT_DATABASE_URL=f"sqlite:///{tmp_path_factory.mktemp('list')}/chat.db")
    yield running
    running.stop()


def test_who_has_no_conversation_sees_who_is_here_and_how_to_invite(
    open_page: OpenPage, called: Called, context: Any
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    bob = open_page("bob")
    is_online(bob)
    expect(bob.get_by_text("No conversations yet.")).to_be_visible()
    expect(bob.get_by_text("anyone can write to anyone")).to_be_visible()
    expect(bob.get_by_text("Nobody else just now.")).to_be_visible()
    click(bob.get_by_role("button", name="Copy invitation link"))
    expect(bob.get_by_role("button", name="Link copied")).to_be_visible()
    invitation = bob.evaluate("navigator.clipboard.readText()")
    alice = open_page("alice")
    here = alice.get_by_role("region", name="Here now")
    expect(here.get_by_role("link")).to_have_count(1)
    expect(here.locator(".name")).to_have_text(called("bob"))
    expect(here.locator(".dot")).to_have_text("Online")
    new_message(alice)
    expect(options(alice)).to_have_text([called("bob")])
    alice.keyboard.press("Escape")
    click(here.get_by_role("link"))
    expect(alice.get_by_role("heading", name=called("bob"))).to_be_visible()
    expect(alice.get_by_text("No conversations yet.")).to_be_hidden()
    carol = open_page()
    carol.goto(invitation)
    carol.get_by_label("Your name").fill(called("carol"))
    carol.keyboard.press("Enter")
    expect(carol.get_by_role("heading", name=called("bob"))).to_be_visible()
    write(carol, "You invited me")
    row = bob.get_by_role("navigation").get_by_role("link", name=called("carol"))
    expect(row.locator(".preview")).to_have_css("font-weight", "600")
    assert edge(row, ".preview", "right") <= edge(row, ".badge", "left")
    click(row)
    expect(row.locator(".preview")).to_have_css("font-weight", "400")
    assert edge(row, ".preview", "right") == edge(row, "time", "right"), (
        "where nothing is counted, it has the whole line"
    )


def test_an_older_row_says_the_weekday_and_a_name_from_right_to_left_stays_at_its_face(
    open_page: OpenPage, called: Called
) -> None:
    alice = open_page("alice")
    is_online(alice)
    for sender, text in ((called("דוד"), "שלום"), (called("bob"), "hello")):
        tell(alice, sender, called("alice"), text)
    later = time.time() + 3 * DAY_SECONDS
    page = open_page("alice", prepare=lambda page: page.clock.install(time=later))
    row = page.get_by_role("link", name=called("דוד"))
    weekday = datetime.fromtimestamp(later - 3 * DAY_SECONDS).strftime("%A")
    expect(row.locator("time")).to_have_text(weekday)
    for part in (".name", ".preview"):
        assert row.locator(part).evaluate(INDENT) < 2
    assert page.get_by_role("link", name=called("bob")).locator(".name").evaluate(INDENT) < 2, "as other names do"
    click(row)
    expect(page.locator("#conversation-name")).to_be_visible()
    assert page.locator("#conversation-name").evaluate(INDENT) < 2
