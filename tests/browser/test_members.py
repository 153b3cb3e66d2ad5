"""A site's members: the page goes by the site's own sign-in, as a person sees it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.pages import HIDE, is_online, texts, write
from tests.conftest import Server, StartServer

REFUSED = re.compile(r"the server responded with a status of (401|404) ")  # nobody is signed in; nobody is called so


@pytest.fixture(autouse=True)
def _refusals_are_meant(context: Any, complaints: list[str]) -> Iterator[None]:
    yield
    complaints[:] = [line for line in complaints if not REFUSED.search(line)]


@pytest.fixture(scope="module")
def server(_start: StartServer) -> Iterator[Server]:
    running = _start(app="tests.site.members:app")
    yield running
    running.end()


def test_the_page_follows_who_is_signed_in_on_the_site(server: Server, context: Any) -> None:
    site, page, other_tab = server.http, context.new_page(), context.new_page()
    for one in ("aB3", "ab3"):  # two people
        page.goto(f"{site}/login?as={one}&next=/chat/")
        is_online(page)

    other_tab.goto(f"{site}/logout")
    sign_in = page.get_by_role("link", name="Sign in")
    expect(sign_in).to_have_attribute("href", f"{site}/login?next=%2Fchat%2F")
    expect(page.get_by_role("heading", name="You are not signed in.")).to_be_visible()
    expect(page.get_by_label("Your name")).to_be_hidden()
    expect(page.locator("#chat")).to_be_hidden()

    other_tab.goto(f"{site}/login?as=Alice+Smith")
    page.evaluate(HIDE, False)  # as one comes back to the tab
    is_online(page)
    for to in ("ab3", "aB3"):
        page.evaluate("to => { location.hash = `#${to}`; }", to)
        expect(page.locator("conversation-header")).to_contain_text(to)
        write(page, f"a secret of Alice to {to}")
        expect(page.locator("conversation-list")).to_contain_text(f"a secret of Alice to {to}")
    assert (
        page.evaluate("Object.values({...sessionStorage, ...localStorage}).some((kept) => kept.includes('eyJ'))")
        is False
    )

    page.evaluate("location.hash = '#nobody'")
    expect(page.locator("#name-note")).to_have_text("There is no such person here.")
    page.get_by_label("Search names").fill("nobody")
    expect(page.locator("search-box .outcome")).to_have_text("No person and no message found.")
    page.get_by_label("Search names").fill("")

    other_tab.goto(f"{site}/login?as=aB3")  # without signing out before
    page.evaluate(HIDE, False)
    expect(page.get_by_text("a secret of Alice to ab3")).to_have_count(0)
    is_online(page)
    expect(page.get_by_text("a secret of Alice to aB3").first).to_be_visible()


def send(phone: Any, text: str) -> None:
    """There Enter breaks the line."""
    phone.get_by_label("Write a message").fill(text)
    phone.get_by_role("button", name="Send").tap()


def test_the_widget_follows_who_is_signed_in_on_the_site_and_a_phone_writes_to_it(
    server: Server, context: Any, phone: Any
) -> None:
    site, page, other_tab = server.http, context.new_page(), context.new_page()
    page.goto(f"{site}/shop")
    button = page.locator("chat-widget .open")
    button.click()
    page.wait_for_url(f"{site}/login?next=%2Fshop")

    page.goto(f"{site}/login?as=50&next=/shop")
    expect(button).to_have_attribute("aria-label", "Chat")
    phone.goto(f"{site}/login?as=51&next=/chat/%2350")
    is_online(phone)
    send(phone, "Still interested?")
    expect(button).to_have_attribute("aria-label", "Chat, 1 unread")
    expect(page.locator("chat-widget .count")).to_have_text("1")

    other_tab.goto(f"{site}/logout")
    expect(button).to_have_attribute("aria-label", "Chat")
    other_tab.goto(f"{site}/login?as=50")
    page.evaluate(HIDE, False)  # as one comes back to the tab
    expect(button).to_have_attribute("aria-label", "Chat, 1 unread")
    page.evaluate("chatWidget.open('51')")
    inside = page.frame_locator("chat-widget iframe")
    expect(texts(inside)).to_have_text(["Still interested?"])
    expect(button).to_have_attribute("aria-label", "Chat")
    field = inside.get_by_label("Write a message")
    field.fill("Yes, I am.")
    field.press("Enter")
    expect(texts(phone)).to_have_text(["Still interested?", "Yes, I am."])
    assert phone.evaluate("document.documentElement.scrollWidth") == 390
    send(phone, "Good.")
    expect(texts(inside)).to_have_text(["Still interested?", "Yes, I am.", "Good."])

    page.evaluate("chatWidget.close()")
    page.evaluate("document.querySelector('chat-widget').setAttribute('with', 'nobody-7')")
    button.click()
    expect(inside.locator("#name-note")).to_have_text("There is no such person here.")
    expect(inside.locator("#conversation-name")).to_have_text("nobody-7")

    held: list[Any] | None = []  # the page in the frame hears first that nobody is there, and the widget later

    def hold(route: Any) -> None:
        if held is not None and route.request.frame == page.main_frame:
            held.append(route)
        else:
            route.continue_()

    page.route("**/api/session", hold)
    other_tab.goto(f"{site}/logout")
    inside.get_by_role("link", name="Sign in").click()
    waiting, held = held, None
    for route in waiting:
        route.continue_()
    page.wait_for_url(f"{site}/login?next=%2Fshop")
