"""examples/shop in three browsers: a buyer, the seller and an admin, as its README says."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.conftest import TIMEOUT_MS
from tests.browser.pages import expect, texts
from tests.conftest import ROOT, Server, StartServer

FOLDER = ROOT / "examples/shop"


@pytest.fixture(scope="module")
def server(_start: StartServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The shop, in a folder of its own, where its database will lie."""
    folder = shutil.copytree(FOLDER, tmp_path_factory.mktemp("examples") / "shop", ignore=lambda *_: {"instance"})
    running = _start("--pythonpath", str(folder), app="shop:create_app()", CHAT_TOKEN_SECRET="")
    yield running
    running.end()


def button(page: Any) -> Any:
    return page.locator("chat-widget > button.open, chat-widget button.open")


def frame(page: Any) -> Any:
    return page.frame_locator("chat-widget iframe")


def is_called(page: Any, name: str) -> None:
    expect(button(page)).to_have_attribute("aria-label", name)


def write(page: Any, text: str) -> None:
    field = frame(page).get_by_label("Write a message")
    field.fill(text)
    field.press("Enter")


NOBODY = "Failed to load resource: the server responded with a status of 401"  # the browser's own: nobody is signed in
FORBIDDEN = NOBODY.replace("401", "403")  # to a seller, the orders are


def test_a_buyer_asks_buys_is_told_and_leaves(chromium: Any, server: Server) -> None:
    complaints: list[str] = []

    def come(name: str) -> Any:
        context = chromium.new_context(base_url=server.http, locale="en-US")
        context.set_default_timeout(TIMEOUT_MS)
        context.on("console", lambda line: complaints.extend([line.text] * (line.type == "error")))
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        page = context.new_page()
        page.goto("/sign-in")
        page.get_by_label("Name").select_option(name)
        page.get_by_role("button", name="Sign in").click()
        is_called(page, "Chat")
        return page

    mina, jun, ada = come("Mina"), come("Jun"), come("Ada")

    mina.get_by_role("button", name="Ask the seller").click()
    expect(frame(mina).locator("#conversation-name")).to_have_text("Jun")
    write(mina, "Is it still there?")
    is_called(jun, "Chat, 1 unread")
    button(jun).click()
    frame(jun).get_by_text("Mina").first.click()
    expect(texts(frame(jun))).to_have_text(["Is it still there?"])
    write(jun, "It is.")
    expect(texts(frame(mina))).to_have_text(["Is it still there?", "It is."])

    mina.keyboard.press("Escape")
    mina.get_by_role("button", name="Buy it").click()
    ada.get_by_role("link", name="Orders").click()
    expect(ada.get_by_role("listitem")).to_contain_text("A red bicycle for Mina")
    ada.get_by_role("button", name="Ship it").click()
    expect(mina.locator("chat-widget .banner")).to_contain_text("It is on its way.")

    mina.get_by_role("button", name="Where are my orders?").click()
    expect(frame(mina).locator("#conversation-name")).to_have_text("Shop assistant")
    write(mina, "Well?")
    expect(texts(frame(mina))).to_have_text(["Well?", "Your orders: 1, on their way: 1."])
    expect(frame(mina).locator(".presence").first).to_contain_text("Online")

    jun.goto("/orders")
    expect(jun.get_by_role("heading")).to_have_text("Forbidden")
    tab = mina.context.new_page()
    tab.goto("/")
    tab.get_by_role("button", name="Sign out Mina").click()
    expect(frame(mina).locator("#conversation-name")).to_be_hidden()
    for page in (mina, jun, ada):
        page.context.close()
    assert [line for line in complaints if not line.startswith((NOBODY, FORBIDDEN))] == []
