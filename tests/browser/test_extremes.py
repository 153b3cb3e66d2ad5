"""The page where it has less than usual: no colours of its own, no storage, a day that ends while it is open."""

from __future__ import annotations

from typing import Any

from tests.browser.pages import HIDE, FakeServer, OpenPage, choose, click, expect, is_online, texts, write

# What a browser does where somebody has blocked all cookies.
BLOCK = """for (const name of ["localStorage", "sessionStorage"])
    Object.defineProperty(window, name, {get() { throw new DOMException("denied", "SecurityError"); }});"""
PIXELS = """([place, pseudo]) => {
    const style = getComputedStyle(document.querySelector(place), pseudo);
    return {background: style.backgroundColor, shadow: style.boxShadow, outline: style.outlineStyle, display: style.display};
}"""


def test_forced_colours_show_what_is_open_who_is_there_and_that_one_is_online(open_page: OpenPage) -> None:
    for name in ("carol", "bob"):
        other = open_page(name, to="alice")
        is_online(other)
        write(other, "hi")
        if name == "carol":
            other.evaluate(HIDE, True)
    alice = open_page("alice", to="bob")
    is_online(alice)
    alice.emulate_media(forced_colors="active")
    rows = alice.locator("conversation-list nav li a")
    expect(rows).to_have_count(2)
    outline = "row => getComputedStyle(row).outlineStyle"
    marked = {row.get_attribute("aria-current"): row.evaluate(outline) for row in rows.all()}
    assert marked == {"page": "solid", None: "none"}
    online, away = (f'nav .dot[data-presence="{status}"]' for status in ("online", "away"))
    for dot in (online, away):
        expect(alice.locator(dot)).to_be_visible()
    there, gone = (alice.evaluate(PIXELS, [dot, None]) for dot in (online, away))
    assert there["background"] != gone["background"]
    assert (there["shadow"], gone["shadow"] != "none") == ("none", True), "a disc and a ring"
    for kind in (".main-button", ".quiet-button", "dialog"):  # whose grounds and shadows are gone
        for style in alice.locator(kind).evaluate_all("all => all.map(one => getComputedStyle(one).borderTopStyle)"):
            assert style == "solid", kind
        assert alice.locator(kind).count() > 0, f"need {kind}"
    canvas = alice.evaluate("getComputedStyle(document.body).backgroundColor")
    assert alice.evaluate(PIXELS, [".connection", "::before"])["background"] != canvas


def test_with_cookies_blocked_the_page_works_and_says_what_is_lost(open_page: OpenPage) -> None:
    page = open_page("alice", to="bob", prepare=lambda page: page.add_init_script(BLOCK))
    is_online(page)
    expect(page.get_by_text("This browser keeps nothing for this page.")).to_have_count(1)
    write(page, "still here")
    expect(page.locator(".message[data-state=stored]")).to_have_count(1)
    expect(page.locator(".banner")).to_have_count(1)  # which says it of all messages
    bob = open_page("bob", to="alice")
    expect(texts(bob)).to_have_text(["still here"])
    click(page.get_by_role("button", name="Dismiss"))
    expect(page.get_by_text("This browser keeps nothing for this page.")).to_have_count(0)


def test_in_a_full_browser_language_and_sound_are_still_chosen_and_it_says_what_is_lost(open_page: OpenPage) -> None:
    page = open_page("alice", prepare=FakeServer().prepare)
    is_online(page)
    expect(page.locator(".banner")).to_have_count(0)
    page.evaluate("() => (Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); })")
    choose(page, "Sound")
    expect(page.locator("#sound")).to_have_attribute("aria-checked", "false")
    expect(page.get_by_text("This browser keeps nothing for this page.")).to_have_count(1)
    choose(page, "한국어")
    expect(page.get_by_role("button", name="새 메시지")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "ko")


def test_at_midnight_and_on_return_today_becomes_yesterday_by_itself(open_page: OpenPage) -> None:
    fake = FakeServer()
    page = open_page("alice", to="bob", prepare=fake.prepare)  # it is ten o'clock
    is_online(page)

    def say(seq: int, timestamp: str) -> None:
        bob: Any = page.evaluate("location.hash.slice(1)")
        fake.say(type="chat", fromUserId=bob, toUserId="alice", message=f"number {seq}", timestamp=timestamp, seq=seq)

    say(1, "2029-12-31T23:00:00.000Z")
    say(2, "2030-01-01T09:30:00.000Z")
    days = page.locator(".day")
    expect(days).to_have_text(["Yesterday", "Today"])
    page.clock.fast_forward("13:59:50")
    expect(days).to_have_text(["Yesterday", "Today"])
    page.clock.fast_forward("00:20")
    expect(days).to_have_text(["Monday, December 31, 2029", "Yesterday"])
    say(3, "2030-01-02T00:00:05.000Z")
    expect(days).to_have_text(["Monday, December 31, 2029", "Yesterday", "Today"])
    page.evaluate(HIDE, True)
    page.clock.set_system_time("2030-01-03T08:00:00")  # the machine slept: no timer was due
    page.evaluate(HIDE, False)
    expect(days.nth(2)).to_have_text("Yesterday")
