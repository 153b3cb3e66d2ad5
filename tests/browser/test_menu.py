"""One's own menu: what lies behind one's own face, by keyboard as by mouse."""

from __future__ import annotations

from tests.browser.pages import Called, OpenPage, choose, expect, is_online, open_menu, wait_until


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
    expect(menu.get_by_role("menuitem", name="Profile")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(menu.get_by_role("menuitem", name="Sign out")).to_be_focused()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    expect(menu.get_by_role("menuitem", name="Password")).to_be_focused()
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


def test_colours_and_size_are_chosen_kept_and_seen_in_all_tabs(open_page: OpenPage, called: Called) -> None:
    page, other = open_page("alice", to="bob"), open_page("carol")
    ground = "getComputedStyle(document.body).backgroundColor"
    size = "getComputedStyle(document.documentElement).fontSize"
    for tab in (page, other):
        tab.emulate_media(color_scheme="light")
    light = page.evaluate(ground)
    choose(page, "Dark")
    dark = page.evaluate(ground)
    assert dark != light
    schemes = "[...document.querySelectorAll('body *')].map((element) => getComputedStyle(element).colorScheme)"
    assert set(page.evaluate(schemes)) == {"dark"}, "nothing keeps the system's"
    expect(other.locator("html")).to_have_attribute("data-theme", "dark")
    assert other.evaluate(ground) == dark
    page.reload()
    is_online(page)
    assert page.evaluate(ground) == dark
    expect(open_menu(page).get_by_role("menuitemradio", name="Dark")).to_be_checked()
    page.route("**/script/*", lambda route: None)  # a slow line, on which the page stands before its script
    page.reload(wait_until="commit")
    wait_until(page, lambda: page.evaluate("document.body?.childElementCount ?? 0"), lambda count: count > 1)
    wait_until(page, lambda: page.evaluate(ground), lambda colour: colour != "rgba(0, 0, 0, 0)")  # the styles are there
    assert page.evaluate(ground) == dark
    page.unroute("**/script/*")
    page.reload()
    is_online(page)
    choose(page, "System")
    assert page.evaluate(ground) == light
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(ground) == dark
    choose(page, "Light")
    assert page.evaluate(ground) == light
    choose(page, "Large, for a projector")
    assert page.evaluate(size) == "24px"
    expect(other.locator("html")).to_have_attribute("data-size", "large")
    choose(page, "Large, for a projector")
    assert page.evaluate(size) == "16px"
    page.goto(f"/?projector&with={called('bob')}")  # of this page alone
    is_online(page)
    page.reload()
    is_online(page)
    assert page.evaluate(size) == "24px"
    expect(other.locator("html")).to_have_attribute("data-size", "")
    for width in (1024, 360):
        page.set_viewport_size({"width": width, "height": 700})
        assert page.evaluate("document.documentElement.scrollWidth") == width
