"""The menu of a message: opened by its button, a right click, a long press or a key."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.pages import OpenPage, expect, is_online, texts, wait_until, write


@pytest.fixture
def page(open_page: OpenPage, context: Any, server: Any) -> Any:
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server.http)
    page = open_page("alice", to="bob")
    is_online(page)
    for text in ("first", "second\nline", "see https://example.com"):
        write(page, text)
    expect(page.locator(".message[data-state=stored]")).to_have_count(3)
    page.bring_to_front()
    return page


def copied(page: Any) -> Any:
    expect(page.get_by_text("Copied")).to_have_attribute("role", "status")
    page.locator("#announcer").evaluate("element => (element.textContent = '')")
    return page.evaluate("navigator.clipboard.readText()")


def menu(page: Any) -> Any:
    return page.get_by_role("menu", name="Message actions")


def test_one_button_shows_beside_the_message_under_the_pointer_and_its_menu_copies(page: Any) -> None:
    shown = "() => [...document.querySelectorAll('.menu-button')].map(b => getComputedStyle(b).opacity)"
    page.get_by_label("Write a message").hover()
    assert page.evaluate(shown) == ["0", "0", "0"]
    texts(page).nth(1).hover()
    assert wait_until(page, lambda: page.evaluate(shown), lambda now: "1" in now) == ["0", "1", "0"]
    button = page.get_by_role("button", name="Message actions").nth(1)
    button.click()
    expect(menu(page).get_by_role("menuitem")).to_have_text(["Copy"])
    expect(button).to_have_attribute("aria-expanded", "true")
    button.click()
    expect(menu(page)).to_be_hidden()
    button.click()
    menu(page).get_by_role("menuitem").click()
    assert copied(page) == "second\nline"
    expect(menu(page)).to_be_hidden()
    expect(button).to_have_attribute("aria-expanded", "false")


def test_a_right_click_opens_it_there_and_the_focus_comes_back(page: Any) -> None:
    field = page.get_by_label("Write a message")
    field.focus()
    texts(page).first.click(button="right")
    place, text = menu(page).bounding_box(), texts(page).first.bounding_box()
    assert abs(place["y"] - text["y"]) < 40
    assert place["x"] + place["width"] <= 1280, "within the window"
    page.keyboard.press("Escape")
    expect(menu(page)).to_be_hidden()
    expect(field).to_be_focused()
    texts(page).first.click(button="right")
    page.mouse.click(640, 100)
    expect(menu(page)).to_be_hidden()
    texts(page).get_by_role("link").click(button="right")
    expect(menu(page)).to_be_hidden()  # the browser's own menu, which copies the address


def test_it_is_opened_and_gone_through_by_the_keyboard(page: Any) -> None:
    page.locator(".scroller").focus()
    for key in ("ArrowUp", "ArrowUp"):
        page.keyboard.press(key)
    page.keyboard.press("Control+c")
    assert page.evaluate("navigator.clipboard.readText()") == "second\nline"
    page.keyboard.press("Enter")
    for key in ("ArrowDown", "End", "Home", "ArrowUp"):
        page.keyboard.press(key)
        expect(menu(page).get_by_role("menuitem", name="Copy")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".message").nth(1)).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Message actions").first).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert copied(page) == "first"


def test_a_long_press_opens_it_and_a_finger_that_scrolls_does_not(page: Any) -> None:
    devtools = page.context.new_cdp_session(page)
    devtools.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    box = texts(page).nth(1).bounding_box()
    x, y = box["x"] + 20, box["y"] + 10

    def touch(kind: str, *points: dict[str, float]) -> None:
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(points)})

    touch("touchStart", {"x": x, "y": y})
    touch("touchMove", {"x": x, "y": y - 40})
    page.wait_for_timeout(600)
    touch("touchEnd")
    expect(menu(page)).to_be_hidden()
    touch("touchStart", {"x": x, "y": y})
    expect(menu(page)).to_be_visible()
    touch("touchEnd")
    expect(menu(page)).to_be_visible()
    menu(page).get_by_role("menuitem").click()
    assert copied(page) == "second\nline"
