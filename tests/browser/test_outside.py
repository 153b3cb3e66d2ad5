"""What a person notices of the chat without looking at it: the tab's title and icon, the desktop, the sound."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.notices import NoticeServer
from tests.browser.pages import HIDE, Called, OpenPage, choose, click, expect, is_online, wait_until, write
from tests.browser.test_notices import bell, is_told, open_bell, panel

# The desktop and the loudspeaker of the tests: they write down what they are to show and to sound.
DESKTOP = """
    window.desktop = [];
    window.Notification = class {
        static permission = localStorage.permission ?? "default";
        static async requestPermission() {
            window.Notification.permission = localStorage.permission = "granted";
        }
        constructor(title, {body, tag}) {
            Object.assign(this, {title, body, tag, isOpen: true});
            window.desktop.push(this);
        }
        close() { this.isOpen = false; }
    };
    window.notes = [];
    window.AudioContext = class {
        currentTime = 0;
        resume() {}
        createGain() {
            return {gain: {setValueAtTime() {}, exponentialRampToValueAtTime() {}}, connect() {}};
        }
        createOscillator() {
            return {frequency: {}, connect: (next) => next, start() { window.notes.push(1); }, stop() {}};
        }
    };
"""
SHOWN = "desktop.filter((one) => one.isOpen).map(({title, body}) => [title, body])"
SETTLED_MS = 2200  # longer than what was read meanwhile is waited for


@pytest.fixture
def notices() -> NoticeServer:
    return NoticeServer()


@pytest.fixture
def open_tab(open_page: OpenPage, notices: NoticeServer) -> Any:
    """Open a tab of alice, with the desktop of the tests; hidden if that is said."""

    def open_tab(*, hidden: bool = False, real: bool = False, name: str = "alice") -> Any:
        def prepare(page: Any) -> None:
            page.add_init_script(DESKTOP)
            if not real:
                notices.prepare(page)

        page = open_page(name, prepare=prepare)
        is_online(page)
        if hidden:
            page.evaluate(HIDE, True)
        return page

    return open_tab


def allow(page: Any) -> None:
    page.evaluate("localStorage.permission = Notification.permission = 'granted'")


def settled(page: Any, look: str) -> Any:
    """What is there when nothing more comes."""
    page.wait_for_timeout(SETTLED_MS)
    return page.evaluate(look)


def came(page: Any, look: str) -> Any:
    """What comes, with what would come after it."""
    wait_until(page, lambda: page.evaluate(look), bool)
    return settled(page, look)


# The tab


def icon(page: Any) -> str:
    return page.locator('link[rel="icon"]').get_attribute("href")


def test_title_and_icon_count_messages_and_notifications_together(
    open_page: OpenPage, notices: NoticeServer, called: Called
) -> None:
    page = open_page("alice", prepare=notices.prepare)
    is_online(page)
    plain = icon(page)
    assert plain.endswith("icon.svg")
    page.evaluate(HIDE, True)
    number = notices.push("news")
    expect(page).to_have_title("(1) Chat")
    first = wait_until(page, lambda: icon(page), lambda href: href.startswith("data:image/png"))
    notices.say(
        type="chat",
        seq=1,
        fromUserId=called("bob"),
        toUserId=called("alice"),
        message="hi",
        timestamp="2026-01-31T09:30:00.000Z",
    )
    expect(page).to_have_title("(2) Chat")
    second = wait_until(page, lambda: icon(page), lambda href: href != first)
    assert second.startswith("data:image/png")
    assert second != first
    choose(page, "한국어")
    expect(page).to_have_title("(2) 채팅")
    notices.say(type="seen", notificationId=number)
    expect(page).to_have_title("(1) 채팅")
    page.evaluate(HIDE, False)
    click(page.get_by_role("link", name=called("bob")))
    expect(page).to_have_title("채팅")
    assert wait_until(page, lambda: icon(page), lambda href: href.endswith("svg")).endswith(plain)


# The desktop


def test_the_desktop_is_asked_for_by_a_button_and_never_by_itself(open_tab: Any, notices: NoticeServer) -> None:
    page = open_tab(hidden=True)
    notices.push("nobody asked")
    assert settled(page, "desktop") == []
    assert page.evaluate("Notification.permission") == "default"
    page.evaluate(HIDE, False)
    open_bell(page)
    button = panel(page).get_by_role("button", name="Show on the desktop too")
    click(button)
    expect(button).to_be_hidden()
    assert page.evaluate("Notification.permission") == "granted"


def test_a_browser_that_refuses_says_where_that_can_be_changed(open_tab: Any) -> None:
    page = open_tab()
    page.evaluate("Notification.permission = 'denied'")
    open_bell(page)
    expect(panel(page)).to_contain_text("shows none of them on the desktop")
    expect(panel(page).get_by_role("button", name="desktop")).to_have_count(0)


def test_a_hidden_tab_shows_a_notification_on_the_desktop_until_it_is_seen(
    open_tab: Any, notices: NoticeServer
) -> None:
    page = open_tab(hidden=True)
    allow(page)
    number = notices.push("The build is green", title="Build")
    assert came(page, SHOWN) == [["Build", "The build is green"]]
    notices.say(type="seen", notificationId=number)
    assert wait_until(page, lambda: page.evaluate(SHOWN), lambda shown: not shown) == []


def test_a_click_on_the_desktop_opens_the_list(open_tab: Any, notices: NoticeServer) -> None:
    page = open_tab(hidden=True)
    allow(page)
    number = notices.push("Look here")
    assert len(came(page, SHOWN)) == 1
    page.evaluate(HIDE, False)
    page.bring_to_front()
    page.evaluate("desktop[0].onclick()")
    expect(panel(page)).to_contain_text("Look here")
    is_told(page, notices, "seen", number)
    assert page.evaluate(SHOWN) == []


def test_what_was_seen_or_dismissed_within_a_moment_is_not_shown_on_the_desktop(
    open_tab: Any, notices: NoticeServer
) -> None:
    page = open_tab(hidden=True)
    allow(page)
    seen, dismissed = notices.push("seen"), notices.push("dismissed")
    expect(bell(page)).to_have_accessible_name("Notifications, 2 new")
    notices.say(type="seen", notificationId=seen)
    notices.say(type="dismissed", notificationId=dismissed)
    assert settled(page, "desktop.length") == 0


def test_of_many_hidden_tabs_one_shows_it_and_another_takes_over_when_that_is_closed(
    open_tab: Any, notices: NoticeServer
) -> None:
    tabs = [open_tab(hidden=True) for _ in range(3)]
    for tab in tabs:
        allow(tab)
    notices.push("once")
    counts = [came(tabs[0], "desktop.length"), *(settled(tab, "desktop.length") for tab in tabs[1:])]
    assert counts == [1, 0, 0]
    tabs.pop(0).close()
    waiting = "navigator.locks.query().then(({pending}) => pending.length)"
    assert wait_until(tabs[0], lambda: tabs[0].evaluate(waiting), lambda left: left == 1) == 1
    notices.push("again")
    assert [came(tabs[0], "desktop.length"), settled(tabs[1], "desktop.length")] == [1, 0]


def test_nothing_is_shown_on_the_desktop_while_another_tab_is_in_sight(open_tab: Any, notices: NoticeServer) -> None:
    speaker = open_tab(hidden=True)
    allow(speaker)
    in_sight = open_tab()
    notices.is_deaf = True  # so that only the tabs themselves can tell each other
    notices.push("here already")
    assert settled(speaker, "desktop.length") == 0
    in_sight.evaluate(HIDE, True)
    notices.push("now nobody looks")
    assert came(speaker, SHOWN) == [["Notifications", "now nobody looks"]]


def test_a_message_is_shown_on_the_desktop_until_it_is_read_and_leads_to_its_conversation(
    open_tab: Any, open_page: OpenPage, called: Called
) -> None:
    alice = open_tab(hidden=True, real=True)
    allow(alice)
    bob = open_page("bob", to="alice")
    is_online(bob)
    write(bob, "are you there?")
    assert came(alice, SHOWN) == [[called("bob"), "are you there?"]]
    alice.evaluate("desktop[0].onclick()")
    alice.evaluate(HIDE, False)
    expect(alice.locator(".message .text")).to_have_text(["are you there?"])
    alice.evaluate(HIDE, True)
    write(bob, "still there?")
    assert came(alice, SHOWN) == [[called("bob"), "still there?"]]
    alice.evaluate(HIDE, False)
    assert wait_until(alice, lambda: alice.evaluate(SHOWN), lambda shown: not shown) == []


# The sound


def test_a_notification_sounds_in_one_tab_and_in_none_when_muted(open_tab: Any, notices: NoticeServer) -> None:
    one, other = open_tab(), open_tab()
    notices.push("ding")
    heard = wait_until(one, lambda: one.evaluate("notes.length"), lambda length: length > 0)
    assert (heard, other.evaluate("notes.length")) == (2, 0)
    open_bell(one)
    one.get_by_role("button", name="Sound").click()
    one.wait_for_timeout(SETTLED_MS)
    notices.push("silent")
    expect(panel(one)).to_contain_text("silent")
    assert settled(one, "notes.length") == 2


def test_a_message_sounds_when_nobody_looks(open_tab: Any, open_page: OpenPage) -> None:
    alice = open_tab(real=True)
    bob = open_page("bob", to="alice")
    is_online(bob)
    write(bob, "seen at once")
    assert settled(alice, "notes.length") == 0
    alice.evaluate(HIDE, True)
    bob.evaluate(HIDE, True)
    write(bob, "listen")
    assert came(alice, "notes.length") == 2
