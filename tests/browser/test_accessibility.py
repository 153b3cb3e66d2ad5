"""axe-core finds nothing on any screen: light, dark and in forced colours, wide, narrow and at 200 %."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.notices import NoticeServer
from tests.browser.pages import (
    OpenPage,
    choose,
    choose_for_conversation,
    click,
    expect,
    is_online,
    new_message,
    open_menu,
    texts,
    write,
)
from tests.browser.test_notices import banners, open_bell, rows
from tests.npm import npm_package

# In forced colours the system gives all of them; axe would compare those that the style sheet has.
RUN = """async (forced) => {
    const rules = {"color-contrast": {enabled: forced === "none"}};
    const {violations, passes} = await axe.run(document, {resultTypes: ["violations", "passes"], rules});
    return {
        passes: passes.length,
        violations: violations.map(({id, impact, nodes}) => `${impact} ${id}: ` +
            nodes.map(({html, failureSummary}) => `${html.slice(0, 200)} (${failureSummary})`).join("; ")),
    };
}"""
Look = Callable[[Any, str], None]


@pytest.fixture(params=["light", "dark"])
def colours(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def look(colours: str) -> Look:
    """Check what stands on the page just now: look(page, "the name of the screen")."""
    axe = (npm_package("axe-core") / "axe.min.js").read_text("utf-8")

    def look(page: Any, screen: str) -> None:
        if not page.evaluate("'axe' in window"):
            page.evaluate(f"() => {{ {axe} }}")  # by the debugger: the content policy allows no script of ours
        for forced in ("active", "none"):
            page.emulate_media(color_scheme=colours, reduced_motion="reduce", forced_colors=forced)
            page.wait_for_timeout(50)
            found = page.evaluate(RUN, forced)
            assert found["passes"] > 10, f"need rules that apply to {screen} for this to mean anything"
            assert found["violations"] == [], f"{screen}, forced colours: {forced}"

    return look


@pytest.mark.parametrize("size", [(1280, 800), (390, 800), (640, 400)], ids=["wide", "phone", "1280 at 200 %"])
def test_no_screen_has_a_fault_that_axe_knows(
    open_page: OpenPage, look: Look, size: tuple[int, int], complaints: list[str]
) -> None:
    alice = open_page(size=size)
    look(alice, "signing in")
    alice.get_by_label("Your name").fill("<b>")
    alice.keyboard.press("Enter")
    expect(alice.get_by_role("alert")).not_to_be_empty()
    look(alice, "signing in, refused")
    alice = open_page("alice", size=size)
    is_online(alice)
    look(alice, "an empty list")
    bob = open_page("bob", to="alice")
    write(bob, "hello, see https://example.com")
    write(bob, "and another")
    expect(alice.locator(".badge:visible")).to_have_count(1)
    look(alice, "a list with unread messages")
    new_message(alice).press_sequentially("bo")
    expect(alice.get_by_role("option").first).to_be_visible()
    alice.keyboard.press("ArrowDown")
    look(alice, "a new message")
    alice.get_by_label("Name of the other person").fill("a b")
    alice.keyboard.press("Enter")
    expect(alice.get_by_role("dialog").get_by_role("alert")).to_contain_text("No spaces")
    look(alice, "a name that is refused")
    complaints.clear()  # Chromium complains of the 400
    alice.keyboard.press("Escape")
    open_menu(alice)
    look(alice, "one's own menu")
    alice.keyboard.press("Escape")
    choose(alice, "Profile")
    expect(alice.get_by_role("dialog", name="Your profile")).to_be_visible()
    look(alice, "one's own profile")
    alice.keyboard.press("Escape")
    alice.get_by_label("Search names").fill("hello")
    expect(alice.locator("search-box mark").first).to_be_visible()
    look(alice, "results of a search")
    alice.get_by_label("Search names").fill("")
    click(alice.get_by_role("link", name="bob"))
    expect(alice.locator(".divider")).to_be_visible()
    look(alice, "a conversation with new messages")
    write(alice, "mine, with https://example.com/a/link")
    texts(alice).last.hover()
    expect(alice.locator(".message.mine .menu-button")).to_be_visible()
    look(alice, "a conversation with messages of both sides")
    write(alice, "with `code` and\n```\na block\n```")
    write(alice, "🙂")
    texts(alice).first.click(button="right")
    expect(alice.get_by_role("menuitem")).to_have_text(["Copy"])
    look(alice, "the menu of a message")
    alice.keyboard.press("Escape")
    choose_for_conversation(alice, "Mute")
    click(alice.locator("[popovertarget=conversation-menu]"))
    look(alice, "the menu of a conversation that is muted")


def test_no_dialog_has_a_fault_that_axe_knows(open_page: OpenPage, look: Look, complaints: list[str]) -> None:
    page = open_page("alice")
    is_online(page)
    look(page, "nobody is here yet")
    choose(page, "Large, for a projector")
    choose(page, "Dark")
    open_menu(page)
    look(page, "one's own menu, large and dark whatever the system has")
    page.keyboard.press("Escape")
    choose(page, "Keyboard shortcuts")
    look(page, "the keys")
    page.keyboard.press("Escape")
    page.evaluate("location.hash = 'bob'")
    page.get_by_role("button", name="Go to a day").click()
    look(page, "a day to go to")
    page.keyboard.press("Escape")
    page.evaluate("location.hash = ''")
    choose(page, "한국어")
    page.set_viewport_size({"width": 320, "height": 640})
    open_menu(page)
    look(page, "one's own menu, large, in Korean, on a narrow phone")
    page.keyboard.press("Escape")
    choose(page, "English")
    choose(page, "Password")
    expect(page.get_by_role("dialog")).to_be_visible()
    look(page, "the account")
    page.keyboard.press("Escape")
    page.context.set_offline(True)
    page.evaluate("dispatchEvent(new Event('offline'))")
    look(page, "offline")
    page.context.set_offline(False)
    # Looking may take as long as the page waits before it tries to connect.
    complaints[:] = [line for line in complaints if "ERR_INTERNET_DISCONNECTED" not in line]


@pytest.mark.parametrize("size", [(1280, 800), (390, 800)], ids=["wide", "phone"])
def test_no_notification_has_a_fault_that_axe_knows(open_page: OpenPage, look: Look, size: tuple[int, int]) -> None:
    notices = NoticeServer()
    page = open_page("alice", prepare=notices.prepare, size=size)
    is_online(page)
    open_bell(page)
    expect(page.get_by_text("No notifications.")).to_be_visible()
    look(page, "no notifications")
    page.keyboard.press("Escape")
    for level in ("info", "success", "warning"):
        notices.push("one with a link", level=level, title="A title", link="/x")
    expect(banners(page)).to_have_count(3)
    look(page, "three banners")
    for number in range(35):
        notices.push(f"number {number}", level="error")
    expect(page.get_by_role("button", name="Dismiss: Error (35)")).to_be_visible()
    look(page, "more than three banners")
    open_bell(page)
    expect(rows(page)).to_have_count(38)
    look(page, "the list of the bell")


def test_no_list_that_did_not_come_has_a_fault_that_axe_knows(
    open_page: OpenPage, look: Look, complaints: list[str]
) -> None:
    notices = NoticeServer()
    notices.list_status = 503
    page = open_page("alice", prepare=notices.prepare)
    is_online(page)
    open_bell(page)
    expect(page.locator(".wrong")).not_to_be_empty()
    look(page, "a list that did not come")
    complaints.clear()  # Chromium complains of the 503
