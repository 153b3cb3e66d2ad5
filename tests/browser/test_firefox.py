"""The page in Firefox: what people do most, from signing in to a notification, and nothing in its console."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser import firefox
from tests.browser.firefox import ENTER, ESCAPE, Firefox, Tab
from tests.browser.pages import Called
from tests.conftest import Server
from tests.notifications.test_notifications import push, wait_until_seen


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    path = firefox.installed()
    if path is None:
        pytest.skip("no Firefox is installed (Debian: apt-get install firefox-esr)")
    languages = {"intl.accept_languages": "en-US", "intl.locale.requested": "en-US"}
    with firefox.running(path, tmp_path_factory.mktemp("firefox"), **languages) as running:
        yield running


@pytest.fixture
def complaints(browser: Firefox) -> Iterator[None]:
    yield
    assert browser.complaints == []


def enter(browser: Firefox, server: Server, name: str, to: str) -> Tab:
    tab = browser.open(f"{server.http}/#{to}")
    tab.sees("sign-in h1", "")
    tab.focus("#my-name")
    tab.type(name + ENTER)
    tab.sees("conversation-list .me .name", name)
    tab.sees("conversation-list .connection", "Online")
    return tab


@pytest.mark.usefixtures("complaints")
def test_two_people_write_to_each_other(browser: Firefox, server: Server, called: Called) -> None:
    alice, bob = called("alice"), called("bob")
    here = enter(browser, server, alice, bob)
    there = enter(browser, server, bob, alice)
    here.focus("#text")
    here.type(f"안녕, see https://example.com{ENTER}")
    there.sees(".message .text", "안녕, see https://example.com")
    assert there.look("document.querySelector('.message a').rel") == "noopener noreferrer"
    here.sees(".message.mine .label", "Read")
    there.focus("#text")
    there.type("half a dra")
    here.sees("conversation-header .typing", "typing")
    there.reload()
    there.sees(".message .text", "안녕")
    assert there.look("document.querySelector('#text').value") == "half a dra"
    there.focus("#text")
    there.type(f"ft{ENTER}")
    here.sees(".message:not(.mine) .text", "half a draft")
    here.sees("conversation-header .presence", "Online")
    there.sees(".message.mine .label", "Read")  # nothing more comes that moves the message
    there.click(".message.mine .menu-button")
    there.sees("message-menu [role=menuitem]", "Copy")
    there.type(ENTER)
    there.sees("#announcer", "Copied")
    assert there.look("document.querySelector('message-menu').matches(':popover-open')") is False


@pytest.mark.usefixtures("complaints")
def test_somebody_finds_a_message_and_reads_a_notification(browser: Firefox, server: Server, called: Called) -> None:
    alice, bob = called("alice"), called("bob")
    here = enter(browser, server, alice, bob)
    here.focus("#text")
    here.type(f"the needle{ENTER}")
    here.sees(".message .text", "the needle")
    here.focus("#wanted")
    here.type("needle")
    here.sees(".results .messages mark", "needle")
    here.type(ESCAPE)
    push(server, toUserId=alice, message="The build is red", level="error", link="/builds/7")
    here.sees(".banner", "The build is red")
    wait_until_seen(server, alice)
    here.click(".bell")
    here.sees("#notification-panel [role=listitem]", "The build is red")
    here.click("#notification-panel .notice-close")
    here.sees("#notification-panel .none", "No notifications.")
    here.type(ESCAPE)
    here.click("#my-face")
    here.click("#my-menu [value=dark]")
    assert here.look("getComputedStyle(document.body).colorScheme") == "dark"
    here.click("#my-menu [lang=ko]")
    here.sees("conversation-list .connection", "온라인")
