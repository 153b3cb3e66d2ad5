"""One's own menu: what lies behind one's own face, by keyboard as by mouse."""

from __future__ import annotations

from tests.browser.pages import OpenPage, choose, expect, is_online, open_menu


def test_what_is_ones_own_lies_behind_ones_own_face(open_page: OpenPage) -> None:
    page = open_page("alice")
    is_online(page)
    face = page.get_by_role("button", name="Your menu")
    expect(face).to_have_text("a")
    for name in ("Password", "Sign out", "English"):
        expect(page.get_by_text(name, exact=True).last).to_be_hidden()
    face.focus()
    page.keyboard.press("Enter")
    menu = page.get_by_role("menu", name="Your menu")
    expect(face).to_have_attribute("aria-expanded", "true")
    expect(menu.get_by_role("menuitem", name="Password")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(menu.get_by_role("menuitem", name="Sign out")).to_be_focused()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    sound = menu.get_by_role("menuitemcheckbox", name="Sound")
    expect(sound).to_be_focused()
    expect(sound).to_be_checked()
    page.keyboard.press("Space")
    expect(sound).not_to_be_checked()
    expect(menu).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(face).to_be_focused()
    expect(face).to_have_attribute("aria-expanded", "false")
    choose(page, "Password")
    expect(page.get_by_role("dialog", name="Protect your name")).to_be_visible()
    page.keyboard.press("Escape")
    expect(face).to_be_focused()
    page.reload()
    is_online(page)
    expect(open_menu(page).get_by_role("menuitemcheckbox", name="Sound")).not_to_be_checked()
    menu.get_by_role("menuitemradio", name="한국어").click()
    expect(page.get_by_role("menuitemradio", name="한국어")).to_be_checked()
    expect(page.get_by_role("menuitem", name="로그아웃")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.locator("#my-menu")).to_be_hidden()
