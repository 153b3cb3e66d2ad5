"""Signing in, protecting a name and being sent away, as a person sees it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import Called, OpenPage, choose, click, is_online, texts, write
from tests.conftest import StartServer

REFUSED = re.compile(r"the server responded with a status of 40[01] ")
TOKEN = "sessionStorage.getItem('chat.token')"
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _refusals_are_meant(context: Any, complaints: list[str]) -> Iterator[None]:
    """Chromium writes each answer of 400 or 401 into its console; here they are what is asked for."""
    yield
    complaints[:] = [line for line in complaints if not REFUSED.search(line)]


def protect(page: Page, password: str, old: str = "") -> None:
    choose(page, "Password")
    expect(page.get_by_label("New password")).to_have_attribute("type", "password")
    if old:
        page.get_by_label("Current password").fill(old)
    page.get_by_label("New password").fill(password)
    click(page.get_by_role("button", name="Save"))
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.locator("undo-toast")).to_have_text("Your password was saved.")


def sign_in(page: Page, name: str, password: str = "") -> None:
    page.get_by_label("Your name").fill(name)
    if password:
        page.get_by_label("Password", exact=True).fill(password)
    click(page.get_by_role("button", name="Start chatting"))


def test_a_protected_name_asks_for_its_password_and_others_are_sent_away(open_page: OpenPage, called: Called) -> None:
    mine, theirs = open_page("owner"), open_page("owner")
    is_online(mine)
    is_online(theirs)
    protect(mine, PASSWORD)
    expect(theirs.get_by_role("alert")).to_have_text(
        "A password was set for this name, in another tab or place. Please sign in with it."
    )
    expect(theirs.get_by_label("Your name")).to_have_value(called("owner"))
    expect(theirs.get_by_label("Password", exact=True)).to_be_focused()
    is_online(mine)
    stranger = open_page()
    sign_in(stranger, called("owner"))
    expect(stranger.get_by_role("alert")).to_have_text("This name is protected. Please enter its password.")
    typed = theirs.get_by_label("Password", exact=True)
    theirs.get_by_role("checkbox", name="Show password").check()
    expect(typed).to_have_attribute("type", "text")
    theirs.get_by_role("checkbox", name="Show password").uncheck()
    expect(typed).to_have_attribute("type", "password")
    sign_in(theirs, called("owner"), "a wrong password")
    expect(theirs.get_by_role("alert")).to_have_text("Name and password do not go together.")
    sign_in(theirs, called("owner"), PASSWORD)
    is_online(theirs)


def test_a_name_that_the_server_refuses_is_told_as_such(open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, "ab가ב")
    expect(page.get_by_role("alert")).to_contain_text("These scripts cannot be mixed: Hangul, Hebrew, Latin.")
    expect(page.get_by_label("Your name")).to_be_focused()
    page.get_by_role("button", name="한국어").click()
    expect(page.get_by_role("alert")).to_have_text("다음 문자는 섞어 쓸 수 없습니다: Hangul, Hebrew, Latin")


def test_a_new_password_keeps_this_tab_and_its_messages(open_page: OpenPage) -> None:
    page = open_page("changer", to="friend")
    is_online(page)
    write(page, "before")
    protect(page, PASSWORD)
    protect(page, "another one, longer", old=PASSWORD)
    is_online(page)
    write(page, "after")
    expect(texts(page)).to_have_text(["before", "after"])
    page.reload()
    is_online(page)


def test_a_bad_password_is_told_in_the_dialog(open_page: OpenPage) -> None:
    page = open_page("careless")
    is_online(page)
    choose(page, "Password")
    for bad, why in (("short", "At least 8 characters"), ("password1", "among the commonest passwords")):
        page.get_by_label("New password").fill(bad)
        click(page.get_by_role("button", name="Save"))
        expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text(why)
    page.get_by_role("dialog").get_by_label("Show password").check()
    expect(page.get_by_label("New password")).to_have_attribute("type", "text")
    click(page.get_by_role("button", name="Cancel"))
    expect(page.get_by_role("dialog")).to_be_hidden()
    is_online(page)


def test_after_signing_out_the_token_is_of_no_use(open_page: OpenPage) -> None:
    page = open_page("leaver")
    is_online(page)
    token: Any = page.evaluate("sessionStorage.getItem('chat.token')")
    assert token
    choose(page, "Sign out")
    expect(page.get_by_label("Your name")).to_be_visible()
    status = page.evaluate(
        "(token) => fetch('api/conversations', {headers: {Authorization: `Bearer ${token}`}})"
        ".then((answer) => answer.status)",
        token,
    )
    assert status == 401


def test_the_page_says_that_free_names_are_anybodys(open_page: OpenPage) -> None:
    page = open_page()
    expect(page.get_by_text("anyone can use a name that has no password")).to_be_visible()


def test_a_token_is_renewed_before_it_ends_and_the_connection_goes_on(
    context: Any, start_server: StartServer, called: Called
) -> None:
    server = start_server(CHAT_TOKEN_TTL="4")
    page = context.new_page()
    sockets: list[Any] = []
    page.on("websocket", lambda socket: sockets.append(socket))
    page.goto(server.http)
    sign_in(page, called("stayer"))
    is_online(page)
    tokens: list[str] = []
    until = time.monotonic() + 30
    while len(tokens) < 3:
        if (token := page.evaluate(TOKEN)) not in tokens:
            tokens.append(token)
        assert time.monotonic() < until, tokens
        page.wait_for_timeout(50)
    is_online(page)
    assert len(sockets) == 1
    page.close()  # before its server


def test_who_stays_signed_in_is_so_in_all_tabs_and_leaves_them_together(
    context: Any, start_server: StartServer, called: Called
) -> None:
    server = start_server(CHAT_AUTH="required", CHAT_SIGNUP="open")
    first, second = context.new_page(), context.new_page()
    for page in (first, second):
        page.goto(server.http)
    expect(first.get_by_label("Keep me signed in")).to_be_checked()
    first.get_by_label("Your name").fill(called("keeper"))
    first.get_by_label("Password", exact=True).fill(PASSWORD)
    click(first.get_by_role("button", name="Create an account"))
    is_online(first)
    is_online(second)  # which waited at its form
    expect(first.get_by_text("You can write to anyone who has an account here.")).to_be_visible()
    expect(first.get_by_role("region", name="Here now")).to_be_hidden()
    protect(first, f"{PASSWORD} anew", PASSWORD)
    third = context.new_page()
    third.goto(f"{server.http}/#{called('keeper')}")
    for page in (first, second, third):
        is_online(page)
        expect(page.locator(".me .name")).to_have_text(called("keeper"))
    choose(first, "Sign out")
    expect(first.get_by_label("Your name")).to_have_value("")
    for page in (second, third):
        expect(page.get_by_role("alert").first).to_have_text("You signed out in another tab.")
        expect(page.get_by_label("Your name")).to_have_value(called("keeper"))
    second.get_by_label("Keep me signed in").uncheck()
    sign_in(second, called("keeper"), f"{PASSWORD} anew")
    is_online(second)
    second.reload()
    is_online(second)
    third.reload()
    expect(third.get_by_label("Your name")).to_be_visible()
    for page in (first, second, third):
        page.close()  # before their server
