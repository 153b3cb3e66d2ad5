"""A site's members: the page goes by the site's own sign-in, as a person sees it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from playwright.sync_api import expect
from websockets.sync.client import connect

from tests.browser.pages import HIDE, is_online, write
from tests.conftest import Server, StartServer

SECONDS = 10
REFUSED = re.compile(r"the server responded with a status of 401 ")


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

    other_tab.goto(f"{site}/login?as=aB3")  # without signing out before
    page.evaluate(HIDE, False)
    expect(page.get_by_text("a secret of Alice to ab3")).to_have_count(0)
    is_online(page)
    expect(page.get_by_text("a secret of Alice to aB3").first).to_be_visible()


def test_the_widget_follows_who_is_signed_in_on_the_site(server: Server, context: Any) -> None:
    site, page, other_tab = server.http, context.new_page(), context.new_page()
    page.goto(f"{site}/shop")
    button = page.locator("chat-widget .open")
    button.click()
    page.wait_for_url(f"{site}/login?next=%2Fshop")

    page.goto(f"{site}/login?as=50&next=/shop")
    with requests.Session() as seller:
        seller.get(f"{site}/login?as=51", timeout=SECONDS)
        token = seller.post(f"{site}/chat/api/session", timeout=SECONDS).json()["token"]
    with connect(f"{server.ws}/chat/ws") as ws:
        ws.send(json.dumps({"type": "init", "userId": "51", "token": token}))
        ws.send(json.dumps({"type": "chat", "toUserId": "50", "message": "Still interested?"}))
        expect(button).to_have_attribute("aria-label", "Chat, 1 unread message")

    other_tab.goto(f"{site}/logout")
    expect(button).to_have_attribute("aria-label", "Chat")
    other_tab.goto(f"{site}/login?as=50")
    page.evaluate(HIDE, False)  # as one comes back to the tab
    expect(button).to_have_attribute("aria-label", "Chat, 1 unread message")
    page.evaluate("chatWidget.open('51')")
    inside = page.frame_locator("chat-widget iframe")
    expect(inside.locator(".message .text")).to_have_text(["Still interested?"])
    expect(button).to_have_attribute("aria-label", "Chat")

    other_tab.goto(f"{site}/logout")
    inside.get_by_role("link", name="Sign in").click()
    page.wait_for_url(f"{site}/login?next=%2Fshop")
