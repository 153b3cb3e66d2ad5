"""Notifications on the page: the banners, the bell with its list, and what the server is told of them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.browser.notices import NoticeServer, written
from tests.browser.pages import HIDE, OpenPage, click, expect, is_online, wait_until


@pytest.fixture
def notices() -> NoticeServer:
    return NoticeServer()


def banners(page: Any) -> Any:
    return page.locator(".banner")


def bell(page: Any) -> Any:
    return page.get_by_role("button", name="Notifications")


def panel(page: Any) -> Any:
    return page.get_by_role("dialog", name="Notifications")


def rows(page: Any) -> Any:
    return panel(page).get_by_role("listitem")


def open_bell(page: Any) -> None:
    click(bell(page))
    expect(panel(page)).to_be_visible()
    colour = panel(page).evaluate("panel => getComputedStyle(panel).backgroundColor")
    assert re.fullmatch(r"rgb\(.*\)", colour), "what is below does not show through"


def is_told(page: Any, notices: NoticeServer, kind: str, *numbers: int) -> None:
    """The server has been told this of these, once each, and of no others."""
    told = wait_until(page, lambda: notices.told(kind), lambda told: len(told) >= len(numbers))
    page.wait_for_timeout(100)  # for one too many
    told = notices.told(kind)
    assert sorted(told) == sorted(numbers)


# The banners


def test_a_banner_has_its_level_title_text_link_and_close_button(open_page: OpenPage, notices: NoticeServer) -> None:
    page = open_page("alice", prepare=notices.prepare)
    is_online(page)
    notices.push("<i>Hello</i>", title="A title", level="warning", link="/x")
    notices.push("bad link", level="odd", link="javascript:alert(1)")
    region = page.get_by_role("region", name="Notifications")
    urgent, calm = region.get_by_role("alert"), region.get_by_role("status")
    expect(urgent).to_have_text("Warning: A title <i>Hello</i> Open")
    expect(calm).to_have_text("Information: bad link")
    link = urgent.get_by_role("link", name="Open")
    expect(link).to_have_attribute("href", f"{page.url.split('#')[0]}x")
    expect(link).to_have_attribute("rel", "noopener noreferrer")
    expect(calm.get_by_role("link")).to_have_count(0)
    click(urgent.get_by_role("button", name="Dismiss"))
    expect(banners(page)).to_have_count(1)
    click(calm.get_by_role("button", name="Dismiss"))
    expect(region).to_have_count(0)


@pytest.mark.parametrize(
    ("level", "role"), [("info", "status"), ("success", "status"), ("warning", "alert"), ("error", "alert")]
)
def test_a_screen_reader_is_told_each_level_as_urgently_as_it_is(
    open_page: OpenPage, notices: NoticeServer, level: str, role: str
) -> None:
    page = open_page("alice", prepare=notices.prepare)
    is_online(page)
    region = page.locator(f"chat-banners [role={role}]")
    expect(region).to_have_count(1)  # before there is anything in it, or it is not read out
    notices.push("news", level=level)
    expect(region.locator(".banner")).to_contain_text("news")
    expect(region).to_have_attribute("aria-atomic", "false")


def test_more_than_three_banners_stand_in_groups_and_no_error_waits_in_one(
    open_page: OpenPage, notices: NoticeServer
) -> None:
    page = open_page("alice", prepare=notices.prepare)
    is_online(page)
    for number in range(3):
        notices.push(f"number {number}")
    expect(banners(page)).to_have_count(3)
    notices.push("number 3")
    expect(banners(page)).to_have_text(["Information: number 3"])  # the newest, and the others behind a number
    expect(page.get_by_role("button", name="3 more")).to_be_visible()
    errors = [f"disk {number} is full " + "to the brim " * 20 for number in range(5)]
    for text in errors:
        notices.push(text, level="error")
    expect(banners(page)).to_have_text([*(f"Error: {text}".strip() for text in errors), "Information: number 3"])
    one_line = banners(page).last.bounding_box()["height"]
    # To a pixel: while a banner moves in, a browser's floats differ from one look to the next.
    assert [box.bounding_box()["height"] < one_line + 1 for box in banners(page).all()] == [True] * 6
    banners(page).first.hover()
    assert banners(page).first.bounding_box()["height"] > 2 * one_line, "under the pointer all of it can be read"
    close = banners(page).get_by_role("button", name="Dismiss")
    click(close.last)
    expect(banners(page).last).to_contain_text("number 2")
    click(close.nth(0))
    click(page.get_by_role("button", name="Dismiss: Error (4)"))
    expect(banners(page)).to_have_text([f"Information: number {number}" for number in range(3)])
    expect(page.get_by_text("Error (")).to_have_count(0)
    notices.push("the last")
    click(page.get_by_role("button", name="3 more"))
    expect(rows(page)).to_have_count(4)
    expect(banners(page)).to_have_count(0)


def test_a_banner_hides_by_itself_with_its_group_and_an_error_shrinks_to_a_line(
    open_page: OpenPage, notices: NoticeServer
) -> None:
    page = open_page("alice", prepare=lambda p: (p.clock.install(), notices.prepare(p)))
    is_online(page)
    for level in ("error", "info", "warning"):
        notices.push(f"this is {level}\nin three\nlines", level=level)
    expect(banners(page)).to_have_count(3)
    page.clock.run_for(6000)
    expect(banners(page)).to_have_count(3)
    whole = banners(page).first.bounding_box()["height"]
    page.clock.run_for(4000)
    expect(banners(page)).to_have_count(1)
    # A browser places boxes at 64ths of a pixel, and says so in floats.
    assert banners(page).bounding_box()["height"] == pytest.approx(whole, abs=0.001)
    page.clock.run_for(60_000)
    expect(banners(page)).to_contain_text("Error: this is error")
    assert banners(page).bounding_box()["height"] < whole / 1.5
    expect(bell(page)).to_have_accessible_name("Notifications")  # all were seen
    page.evaluate(HIDE, True)
    for number in range(4):
        notices.push(f"number {number}")
    expect(banners(page)).to_have_count(2)
    page.evaluate(HIDE, False)
    expect(bell(page)).to_have_accessible_name("Notifications, 3 new")
    page.clock.run_for(9000)
    expect(banners(page)).to_have_count(1)
    expect(bell(page)).to_have_accessible_name("Notifications, 3 new")  # they wait there, and come up no more
    open_bell(page)
    expect(rows(page)).to_have_count(7)


def test_a_banner_stays_under_the_pointer_and_the_keyboard_and_in_a_hidden_tab(
    open_page: OpenPage, notices: NoticeServer
) -> None:
    page = open_page("alice", prepare=lambda p: (p.clock.install(), notices.prepare(p)))
    is_online(page)
    notices.push("stay")
    stays = banners(page)
    page.bring_to_front()
    stays.hover()
    page.clock.run_for(30_000)
    expect(stays).to_be_visible()
    stays.get_by_role("button").focus()
    page.mouse.move(5, 400)
    page.clock.run_for(30_000)
    expect(stays).to_be_visible()
    page.evaluate(HIDE, True)
    page.locator("#wanted").focus()
    page.clock.run_for(30_000)
    expect(stays).to_be_visible()
    page.evaluate(HIDE, False)
    page.clock.run_for(9000)
    expect(stays).to_have_count(0)


def test_closing_a_banner_takes_the_keyboard_back_to_where_it_was(open_page: OpenPage, notices: NoticeServer) -> None:
    page = open_page("alice", to="bob", prepare=notices.prepare)
    is_online(page)
    expect(page.locator("textarea")).to_be_focused()
    notices.push("one")
    notices.push("two")
    expect(banners(page)).to_have_count(2)
    close = banners(page).get_by_role("button", name="Dismiss")
    close.first.focus()
    page.keyboard.press("Enter")
    expect(close).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("textarea")).to_be_focused()


def test_the_same_notification_again_changes_its_banner(open_page: OpenPage, notices: NoticeServer) -> None:
    page = open_page("alice", prepare=notices.prepare)
    is_online(page)
    notices.say(type="notification", id="backup", message="half of it", level="error")
    expect(banners(page)).to_contain_text("half of it")
    notices.say(type="notification", id="backup", message="all of it", level="success")
    expect(page.get_by_role("status").filter(has_text="all of it")).to_be_visible()
    expect(banners(page)).to_have_count(1)


def test_what_a_host_application_emits_without_an_id_is_shown_and_kept_to_this_tab(
    open_page: OpenPage, notices: NoticeServer
) -> None:
    page = open_page("alice", prepare=notices.prepare)
    is_online(page)
    for _ in range(2):
        notices.say(type="notification", message="Your parcel is on its way.")
    expect(banners(page)).to_have_count(2)
    open_bell(page)
    expect(rows(page)).to_have_count(2)
    click(rows(page).first.get_by_role("button", name="Dismiss"))
    expect(rows(page)).to_have_count(1)
    assert notices.told("seen") == notices.told("dismiss") == []


@pytest.mark.parametrize("ahead", [-10, 10])
def test_a_notification_out_of_date_is_not_shown_and_one_that_gets_so_goes_by_the_servers_clock(
    open_page: OpenPage, notices: NoticeServer, ahead: int
) -> None:
    now = datetime.now(UTC)
    wrong = now + timedelta(minutes=ahead)
    page = open_page("alice", prepare=lambda p: (p.clock.install(time=wrong), notices.prepare(p)))
    is_online(page)
    notices.push("too late", level="error", expires=written(now - timedelta(seconds=1)))
    notices.push("in time", level="error", expires=written(now + timedelta(minutes=1)))
    expect(banners(page)).to_have_count(1)
    expect(banners(page)).to_contain_text("in time")
    notices.run_for(page, seconds=61)
    expect(banners(page)).to_have_count(0)


# What the server is told


def test_a_notification_is_seen_when_it_is_in_sight_and_told_once(open_page: OpenPage, notices: NoticeServer) -> None:
    page = open_page("alice", prepare=notices.prepare)
    is_online(page)
    page.evaluate(HIDE, True)
    number = notices.push("news")
    expect(banners(page)).to_have_count(1)
    expect(bell(page)).to_have_accessible_name("Notifications, 1 new")
    page.wait_for_timeout(300)
    assert notices.told("seen") == []
    page.bring_to_front()
    page.evaluate(HIDE, False)
    is_told(page, notices, "seen", number)
    expect(bell(page)).to_have_accessible_name("Notifications")


def test_a_banner_behind_the_newest_of_its_group_is_not_seen_yet(open_page: OpenPage, notices: NoticeServer) -> None:
    page = open_page("alice", prepare=notices.prepare)
    is_online(page)
    page.evaluate(HIDE, True)
    *_, last = numbers = [notices.push(f"number {n}") for n in range(4)]
    expect(banners(page)).to_have_count(1)
    page.bring_to_front()
    page.evaluate(HIDE, False)
    is_told(page, notices, "seen", last)
    click(banners(page).get_by_role("button", name="Dismiss"))
    is_told(page, notices, "seen", *numbers)
    is_told(page, notices, "dismiss", last)


def test_what_is_dismissed_in_one_tab_is_gone_in_all(open_page: OpenPage, notices: NoticeServer) -> None:
    one, other = (open_page("alice", prepare=notices.prepare) for _ in range(2))
    for page in (one, other):
        is_online(page)
    for text in ("everywhere", "stays"):
        notices.push(text, seen=True)
    for page in (one, other):
        open_bell(page)
        expect(rows(page)).to_have_text([re.compile("stays"), re.compile("everywhere")])
    click(rows(one).last.get_by_role("button", name="Dismiss"))
    for page in (one, other):
        expect(rows(page)).to_have_text([re.compile("stays")])


def test_a_banner_goes_when_it_is_dismissed_on_another_machine(open_page: OpenPage, notices: NoticeServer) -> None:
    page = open_page("alice", prepare=notices.prepare)
    is_online(page)
    number = notices.push("everywhere", level="error")
    is_told(page, notices, "seen", number)
    notices.say(type="seen", notificationId=number)
    page.wait_for_timeout(100)
    expect(banners(page)).to_have_count(1)  # it stands before somebody's eyes
    notices.say(type="dismissed", notificationId=number)
    expect(banners(page)).to_have_count(0)
    notices.say(type="notification", id=number, message="everywhere")  # sent before it was dismissed
    page.wait_for_timeout(100)
    expect(banners(page)).to_have_count(0)


def test_what_was_seen_in_one_tab_is_not_shown_in_the_other(open_page: OpenPage, notices: NoticeServer) -> None:
    hidden = open_page("alice", prepare=notices.prepare)
    is_online(hidden)
    hidden.evaluate(HIDE, True)
    visible = open_page("alice", prepare=notices.prepare)
    is_online(visible)
    notices.push("once is enough", level="error")
    expect(banners(visible)).to_have_count(1)
    expect(banners(hidden)).to_have_count(0)
    expect(bell(hidden)).to_have_accessible_name("Notifications")
    hidden.evaluate(HIDE, False)
    expect(banners(visible)).to_have_count(1)


def test_what_came_while_nobody_was_here_is_shown_once_over_reconnecting_and_a_restart(
    open_page: OpenPage, notices: NoticeServer
) -> None:
    early = notices.push("while away", level="error", age=3600)
    page = open_page("alice", prepare=notices.prepare)
    expect(banners(page)).to_have_text(["Error: while away"])
    is_told(page, notices, "seen", early)
    notices.is_deaf = True
    late = notices.push("not acknowledged", level="error")
    expect(banners(page)).to_have_count(2)
    is_told(page, notices, "seen", early, late)
    click(banners(page).last.get_by_role("button", name="Dismiss"))
    notices.is_deaf = False
    for _ in range(2):
        notices.cut()
        expect(page.locator("#chat")).not_to_have_attribute("data-connection", "online")
        is_online(page)
    assert wait_until(page, lambda: notices.told("dismiss"), bool)[-1] == late
    expect(banners(page)).to_have_text(["Error: while away"])
    wait_until(page, lambda: list(notices.records), lambda left: left == [early])
    assert list(notices.records) == [early]
    page.reload()
    is_online(page)
    open_bell(page)
    expect(rows(page)).to_have_count(1)
    expect(banners(page)).to_have_count(0)


def test_what_was_dismissed_elsewhere_while_the_line_was_down_goes_on_coming_back(
    open_page: OpenPage, notices: NoticeServer
) -> None:
    page = open_page("alice", prepare=notices.prepare)
    is_online(page)
    gone, stays = (notices.push(text, level="error") for text in ("gone", "stays"))
    is_told(page, notices, "seen", gone, stays)
    notices.is_down = True
    notices.cut()
    del notices.records[gone]
    notices.is_down = False
    expect(banners(page)).to_have_text(["Error: stays"])


# The bell


def test_the_bell_lists_notifications_with_their_time_and_a_page_more_when_asked(
    open_page: OpenPage, notices: NoticeServer
) -> None:
    noon = datetime(2030, 1, 1, 12, 5).astimezone()  # no minute and no day begins meanwhile
    notices.now = lambda: noon
    for number in range(40):
        notices.push(f"number {number}", seen=True, age=(40 - number) * 86_400)
    notices.push("the newest", title="Title", level="success", link="/build")
    page = open_page("alice", prepare=lambda page: (page.clock.install(time=noon), notices.prepare(page)))
    is_online(page)
    assert notices.lists == 0, "asked for when somebody looks"
    open_bell(page)
    expect(rows(page)).to_have_count(30)
    newest = rows(page).first
    expect(newest).to_contain_text("Success: Title the newest Open")
    expect(newest.locator("time")).to_have_text("12:05 PM")
    expect(rows(page).nth(1).locator("time")).to_contain_text("Yesterday")
    click(panel(page).get_by_role("button", name="Show earlier ones"))
    expect(rows(page)).to_have_count(41)
    expect(panel(page).get_by_role("button", name="Show earlier ones")).to_have_count(0)
    expect(rows(page).last).to_contain_text("number 0")


def test_a_list_longer_than_the_screen_is_seen_as_far_as_somebody_scrolls(
    open_page: OpenPage, notices: NoticeServer
) -> None:
    for number in range(30):
        notices.push(f"number {number}\n" * 3, age=60 - number)
    page = open_page("alice", prepare=notices.prepare)
    is_online(page)
    open_bell(page)
    expect(rows(page)).to_have_count(30)
    seen = wait_until(page, lambda: notices.told("seen"), lambda told: len(told) > 4)
    page.wait_for_timeout(200)
    seen = notices.told("seen")
    assert 4 < len(seen) < 20
    expect(bell(page)).to_have_accessible_name(f"Notifications, {30 - len(seen)} new")
    rows(page).filter(has_text="number 0").scroll_into_view_if_needed()
    assert 1 in wait_until(page, lambda: notices.told("seen"), lambda told: 1 in told)


def test_the_bell_by_keyboard_alone(open_page: OpenPage, notices: NoticeServer) -> None:
    for text in ("one", "two", "three"):
        notices.push(text, seen=True)
    page = open_page("alice", prepare=notices.prepare)
    is_online(page)
    page.bring_to_front()
    bell(page).focus()
    page.keyboard.press("Enter")
    expect(panel(page)).to_be_focused()
    expect(bell(page)).to_have_attribute("aria-expanded", "true")
    expect(rows(page)).to_have_count(3)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Sound")).to_be_focused()
    close = rows(page).get_by_role("button", name="Dismiss")
    while not close.first.evaluate("element => element === document.activeElement"):
        page.keyboard.press("Tab")
    for left in (2, 1):
        page.keyboard.press("Enter")
        expect(rows(page)).to_have_count(left)
        expect(close.first).to_be_focused()
    page.keyboard.press("Enter")
    expect(panel(page)).to_be_focused()
    expect(panel(page)).to_contain_text("No notifications.")
    page.keyboard.press("Escape")
    expect(panel(page)).to_be_hidden()
    expect(bell(page)).to_be_focused()
    expect(bell(page)).to_have_attribute("aria-expanded", "false")


def test_a_list_that_did_not_come_says_so_and_can_be_asked_for_again(
    open_page: OpenPage, notices: NoticeServer, complaints: list[str]
) -> None:
    notices.list_status = 503
    page = open_page("alice", prepare=notices.prepare)
    is_online(page)
    open_bell(page)
    expect(panel(page).get_by_role("alert")).to_have_text("The server has trouble with its database at the moment.")
    notices.list_status = 200
    notices.push("here", seen=True)
    click(panel(page).get_by_role("button", name="Try again"))
    expect(rows(page)).to_have_count(1)
    expect(panel(page).get_by_role("alert")).to_have_count(0)
    assert len(complaints) == 1
    assert "503" in complaints.pop()


def test_what_comes_while_the_list_is_open_stands_above_and_is_marked_as_new(
    open_page: OpenPage, notices: NoticeServer
) -> None:
    notices.push("seen before", seen=True)
    page = open_page("alice", prepare=notices.prepare)
    is_online(page)
    open_bell(page)
    expect(rows(page)).to_have_count(1)
    number = notices.push("just now")
    expect(rows(page).first).to_contain_text("just now")
    is_told(page, notices, "seen", number)
    expect(rows(page).first).to_contain_class("is-new")
    page.keyboard.press("Escape")
    open_bell(page)
    expect(rows(page).first).not_to_contain_class("is-new")


def test_the_sound_stays_muted_in_every_tab(open_page: OpenPage, notices: NoticeServer) -> None:
    one, other = (open_page("alice", prepare=notices.prepare) for _ in range(2))
    for page in (one, other):
        open_bell(page)
        expect(page.get_by_role("button", name="Sound")).to_have_attribute("aria-pressed", "true")
    click(one.get_by_role("button", name="Sound"))
    for page in (one, other):
        expect(page.get_by_role("button", name="Sound")).to_have_attribute("aria-pressed", "false")
    assert one.evaluate("localStorage.getItem('chat.muted')") == "true"


# How they look

CONTRASTS = """(selector) => [...document.querySelectorAll(selector)].filter((one) => one.checkVisibility()).map((one) => {
    const read = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const light = (colour) => read(colour).slice(0, 3).map((part) => part / 255)
        .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
        .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
    let ground = one;
    while ((read(getComputedStyle(ground).backgroundColor)[3] ?? 1) === 0) ground = ground.parentElement;
    const [dark, bright] = [getComputedStyle(one).color, getComputedStyle(ground).backgroundColor].map(light).sort((a, b) => a - b);
    return [one.className, (bright + 0.05) / (dark + 0.05)];
})"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(open_page: OpenPage, notices: NoticeServer, scheme: str) -> None:
    page = open_page("alice", prepare=notices.prepare)
    page.emulate_media(color_scheme=scheme)
    is_online(page)
    for level in ("info", "success", "warning", "error"):
        for _ in range(2):
            notices.push("text", title="title", link="/x", level=level)
    expect(banners(page)).to_have_count(5)
    texts = ".notice-title, .notice-message, .notice-link, .notice-close, .banners-more, .banners-errors strong"
    found = page.evaluate(CONTRASTS, texts)
    assert len(found) == 23
    open_bell(page)
    expect(rows(page)).to_have_count(8)
    inside = f"{texts}, .notice-time, .panel h2, .panel button:not(.notice-close), .count"
    found += page.evaluate(CONTRASTS, inside)
    assert len(found) > 30
    assert [pair for pair in found if pair[1] < 4.5] == []


def test_who_wants_less_motion_gets_none(open_page: OpenPage, notices: NoticeServer) -> None:
    page = open_page("alice", prepare=notices.prepare)
    is_online(page)
    notices.push("moving", level="error")
    expect(banners(page)).to_have_css("animation-name", "banner-in")
    page.emulate_media(reduced_motion="reduce")
    expect(banners(page)).to_have_css("animation-name", "none")


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_banners_and_list_fit_into_the_window(open_page: OpenPage, notices: NoticeServer, width: int) -> None:
    page = open_page("alice", prepare=notices.prepare, size=(width, 640))
    is_online(page)
    for _ in range(3):
        notices.push(f"{'long' * 30} and many words {'on and on ' * 30}", link="/x")
    expect(banners(page)).to_have_count(3)

    def is_inside(what: Any) -> None:
        box = what.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= 640

    for banner in banners(page).all():
        is_inside(banner)
        assert round(banner.get_by_role("button").bounding_box()["width"], 2) >= 24
    open_bell(page)
    expect(rows(page)).to_have_count(3)
    is_inside(panel(page))
    assert panel(page).evaluate("panel => panel.scrollWidth <= panel.clientWidth")


def test_on_a_phone_the_list_opens_over_a_conversation_too(open_page: OpenPage, notices: NoticeServer) -> None:
    page = open_page("alice", to="bob", prepare=notices.prepare, size=(390, 800))
    is_online(page)
    for number in range(5):
        notices.push(f"number {number}", level="warning")
    click(page.get_by_role("button", name="4 more"))
    expect(panel(page)).to_be_visible()
    expect(rows(page)).to_have_count(5)
    box = panel(page).bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    page.keyboard.press("Escape")
    expect(panel(page)).to_be_hidden()
    expect(page.locator("#conversation")).to_be_visible()
