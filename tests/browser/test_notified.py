"""A notification on its whole way: pushed by a program over HTTP, on the right person's screen once.

What the page makes of what the server says is tried bit by bit in test_notices.py, against a server that can be
told to misbehave; here both ends are the real ones.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.browser.pages import HIDE, Called, OpenPage, Wire, click, expect, has_left_state, has_state, is_online
from tests.browser.test_bad_days import BACK_MS, start_on
from tests.browser.test_notices import banners, bell, open_bell, rows
from tests.browser.test_reading import HIDDEN
from tests.clients import SECONDS
from tests.conftest import Server, StartServer
from tests.notifications.test_notifications import ask, listed, push, wait_until_seen

# Calls `shown` with the words of each banner that comes onto the page, in whatever place of it.
WATCH = """new MutationObserver((changes) => {
    for (const {addedNodes} of changes)
        for (const node of addedNodes)
            if (node.classList?.contains("banner")) shown(node.textContent);
}).observe(document, {childList: true, subtree: true})"""


def watch(page: Any) -> list[str]:
    """Fills with the banners that this tab shows, over reloads too."""
    shown: list[str] = []
    page.expose_function("shown", lambda text: shown.append(text))
    page.add_init_script(WATCH)
    return shown


def until_seen_over_wires(server: Server, user_id: str, page: Any) -> None:
    """A wire is this process's: it passes on what is said while the browser is asked something."""
    until = time.monotonic() + SECONDS
    while listed(server, user_id)["unseen"]:
        assert time.monotonic() < until, "it was never told as seen"
        page.wait_for_timeout(20)


def test_what_is_pushed_is_on_each_screen_once_over_reconnecting_and_a_restart(
    context: Any, start_server: StartServer, tmp_path: Path, complaints: list[str]
) -> None:
    server = start_on(start_server, 0, tmp_path)
    wires = [Wire(), Wire()]
    tabs, shown = [], []
    for wire in wires:
        page = context.new_page()
        wire.prepare(page)
        shown.append(watch(page))
        tabs.append(page)
        page.goto(server.http)
        page.get_by_label("Your name").fill("alice")
        page.keyboard.press("Enter")
        is_online(page)
    answer = push(server, toUserId="alice", message="The build is red", level="error")
    assert answer.json()["sockets"] == 2
    for page in tabs:
        expect(banners(page)).to_have_text(["Error: The build is red"])
    until_seen_over_wires(server, "alice", tabs[0])
    for page, wire in zip(tabs, wires, strict=True):
        wire.cut()
        has_left_state(page, "online")  # the page still says it for a moment
        has_state(page, "online")
    server.stop()
    with pytest.raises(requests.ConnectionError):
        push(server, toUserId="alice", message="nobody is there")
    for page in tabs:
        has_left_state(page, "online")
    again = start_on(start_server, server.port, tmp_path)
    for page in tabs:
        expect(page.locator("#chat")).to_have_attribute("data-connection", "online", timeout=BACK_MS)
    # A tab that comes back after another one has seen it shows no banner of it.
    assert push(again, toUserId="alice", message="The build is green", level="error").json()["sockets"] == 2
    for page in tabs:
        expect(banners(page)).to_have_text(["Error: The build is red", "Error: The build is green"])
    until_seen_over_wires(again, "alice", tabs[0])
    tabs[0].reload()
    is_online(tabs[0])
    open_bell(tabs[0])
    expect(rows(tabs[0])).to_have_count(2)
    for texts in shown:
        assert [text.count("The build") for text in texts] == [1, 1]
        assert "red" in texts[0]
        assert "green" in texts[1]
    for page in tabs:
        page.close()  # before their server
    complaints.clear()  # Chromium complains of each connection that was refused


def test_what_came_while_somebody_was_away_is_shown_when_they_come_back_and_not_again(
    open_page: OpenPage, server: Server, called: Called
) -> None:
    alice = called("alice")
    answer = push(server, toUserId=alice, message="Lunch is ready", title="Kitchen", link="/menu")
    assert answer.json()["sockets"] == 0
    first = open_page("alice")
    expect(banners(first)).to_have_count(1)
    expect(banners(first).get_by_role("link")).to_have_attribute("href", f"{server.http}/menu")
    wait_until_seen(server, alice)
    first.close()
    shown: list[list[str]] = []
    second = open_page("alice", prepare=lambda page: shown.append(watch(page)))
    is_online(second)
    open_bell(second)
    expect(rows(second)).to_have_count(1)
    assert shown == [[]]


def test_a_banner_on_a_page_that_is_being_left_is_shown_on_the_next_one(
    open_page: OpenPage, server: Server, called: Called
) -> None:
    """A site notifies while it answers a form: the old page is sent it, and goes."""
    page = open_page("alice")
    is_online(page)
    push(server, toUserId=called("alice"), message="Your order is taken")
    expect(banners(page)).to_have_count(1)
    page.reload()
    expect(banners(page)).to_have_count(1)
    wait_until_seen(server, called("alice"))


def test_dismissed_in_one_tab_is_gone_from_the_other_and_from_the_list(
    open_page: OpenPage, server: Server, called: Called
) -> None:
    one, other = open_page("alice"), open_page("alice")
    for page in (one, other):
        is_online(page)
    push(server, toUserId=called("alice"), message="Server restarts at noon", level="warning")
    push(server, toUserId=called("alice"), message="Really", level="warning")
    for page in (one, other):
        open_bell(page)
        expect(rows(page)).to_have_count(2)
    click(rows(one).last.get_by_role("button", name="Dismiss"))
    for page in (one, other):
        expect(rows(page)).to_have_count(1)
        expect(rows(page)).to_contain_text("Really")
        expect(page.get_by_text("Server restarts at noon")).to_have_count(0)
    assert [each["message"] for each in listed(server, called("alice"))["notifications"]] == ["Really"]


def test_it_counts_as_seen_when_somebody_can_see_it(open_page: OpenPage, server: Server, called: Called) -> None:
    alice = called("alice")
    page = open_page("alice")
    is_online(page)
    page.evaluate(HIDE, True)
    push(server, toUserId=alice, message="Psst", level="error")
    expect(banners(page)).to_have_count(1)
    expect(page).to_have_title("(1) Chat")
    page.wait_for_timeout(500)
    assert listed(server, alice)["unseen"] == 1
    page.evaluate(HIDE, False)
    expect(page).to_have_title("Chat")
    wait_until_seen(server, alice)


def test_what_expired_or_was_dismissed_by_a_program_meanwhile_is_not_shown(
    open_page: OpenPage, server: Server, called: Called
) -> None:
    alice = called("alice")
    push(server, toUserId=alice, message="Two seconds only", expiresIn=1)
    done = push(server, toUserId=alice, message="Dismissed elsewhere").json()["id"]
    assert ask(server, alice, "POST", f"/{done}/dismiss").status_code == 204
    time.sleep(1.1)
    push(server, toUserId=alice, message="Still true", level="error")
    page = open_page("alice")
    expect(banners(page)).to_have_text(["Error: Still true"])
    open_bell(page)
    expect(rows(page)).to_have_count(1)


def test_the_bell_counts_what_waits_and_lists_all_of_it_page_by_page(
    open_page: OpenPage, server: Server, called: Called
) -> None:
    alice = called("alice")
    for number in range(65):
        push(server, toUserId=alice, message=f"number {number}")
    page = open_page("alice", prepare=lambda page: page.add_init_script(HIDDEN))
    expect(bell(page)).to_have_accessible_name("Notifications, 65 new")
    open_bell(page)
    expect(rows(page)).not_to_have_count(0)
    while (listed_now := rows(page).count()) < 65:
        click(page.get_by_role("button", name="Show earlier ones"))
        expect(rows(page)).not_to_have_count(listed_now)
    expect(rows(page)).to_have_count(65)


def test_all_are_read_and_dismissed_at_once_on_all_screens_and_one_level_can_be_looked_at(
    open_page: OpenPage, server: Server, called: Called
) -> None:
    alice = called("alice")
    for number in range(55):
        push(server, toUserId=alice, message=f"number {number}", level="error" if number % 11 == 0 else "info")
    one, other = (open_page("alice", prepare=lambda page: page.add_init_script(HIDDEN)) for _ in range(2))
    expect(bell(other)).to_have_accessible_name("Notifications, 55 new")
    open_bell(one)
    expect(rows(one)).not_to_have_count(0)
    one.get_by_label("Which notifications").select_option("Error")
    expect(one.get_by_role("button", name="Dismiss all")).to_be_hidden()
    for row in rows(one).all():
        expect(row).to_contain_text("Error: number")
    one.get_by_label("Which notifications").select_option("All")
    click(one.get_by_role("button", name="Mark all as read"))
    for page in (one, other):
        expect(bell(page)).to_have_accessible_name("Notifications")
    assert listed(server, alice)["unseen"] == 0
    click(one.get_by_role("button", name="Dismiss all"))
    expect(one.get_by_text("No notifications.")).to_be_visible()
    open_bell(other)
    expect(other.get_by_text("No notifications.")).to_be_visible()
    assert listed(server, alice)["notifications"] == []


@pytest.mark.parametrize("size", [(1280, 800), (360, 640)], ids=["wide", "phone"])
def test_banners_leave_the_field_and_the_newest_message_free(
    open_page: OpenPage, server: Server, called: Called, size: tuple[int, int]
) -> None:
    page = open_page("alice", to="bob", size=size)
    is_online(page)
    page.get_by_label("Write a message").fill("the newest")
    click(page.get_by_role("button", name="Send"))
    page.get_by_label("Write a message").fill("\n" * 5)
    for number in range(5):
        push(server, toUserId=called("alice"), message=f"number {number} " + "with much to say " * 30, level="error")
    for number in range(5):
        push(server, toUserId=called("alice"), message=f"calm {number} " + "with much to say " * 30)
    expect(banners(page)).to_have_count(6)
    end = page.locator("chat-banners").bounding_box()
    for free in (page.locator(".message .bubble"), page.get_by_label("Write a message")):
        assert end["y"] + end["height"] <= free.bounding_box()["y"]
    page.get_by_role("button", name="4 more").scroll_into_view_if_needed()
    click(page.get_by_role("button", name="4 more"))
    expect(rows(page)).to_have_count(10)
