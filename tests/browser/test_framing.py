"""Who may put the chat's page in a frame: its own site and those that CHAT_ORIGINS names; a stranger may not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.browser.pages import expect, wait_until
from tests.conftest import Server, StartServer

# Returns when the page's own listeners, which came first, have heard it.
SAID_BY_ITSELF = """said => new Promise(resolve => {
    addEventListener("message", resolve, {once: true});
    postMessage(said, "*");
})"""


class Around(BaseHTTPRequestHandler):
    """A site whose one page has the widget of a chat that lies elsewhere."""

    chat = ""

    def do_GET(self) -> None:
        script = f'<script type="module" src="{self.chat}/static/js/chat-widget.js"></script>'
        body = f'<!doctype html><html lang="en"><title>Around</title>{script}<chat-widget></chat-widget>'.encode()
        self.send_response(200 if self.path == "/" else 204)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(body if self.path == "/" else b"")

    def log_message(self, format: str, *args: Any) -> None:
        """No lines between those of the tests."""


@pytest.fixture(scope="module")
def sites() -> Iterator[list[str]]:
    """Two origins."""
    running = [ThreadingHTTPServer(("127.0.0.1", 0), Around) for _ in range(2)]
    for site in running:
        threading.Thread(target=site.serve_forever, daemon=True).start()
    yield [f"http://127.0.0.1:{site.server_port}" for site in running]
    for site in running:
        site.shutdown()
        site.server_close()


@pytest.fixture(scope="module")
def server(_start: StartServer, sites: list[str]) -> Iterator[Server]:
    running = _start(CHAT_ORIGINS=sites[0])
    Around.chat = running.http
    yield running
    running.end()


def test_the_panel_follows_whom_the_site_names(
    context: Any, server: Server, sites: list[str], complaints: list[str]
) -> None:
    page = context.new_page()
    lend = """async url => {
        const answer = await fetch(`${url}/api/session`, {method: "POST", headers: {"Content-Type": "application/json"}, body: '{"userId": "gina"}'});
        const session = await answer.json();
        const tokens = ["out of date"];
        chatWidget.session = () => ({...session, token: tokens.shift() ?? session.token});
    }"""
    page.goto(sites[0])
    page.evaluate(lend, server.http)
    page.get_by_role("button", name="Chat").click()
    inside = page.frame_locator("chat-widget iframe")
    expect(inside.locator("#chat")).to_have_attribute("data-connection", "online")
    page.evaluate("chatWidget.session = () => null")
    expect(inside.get_by_label("Your name")).to_be_visible()

    page.evaluate(lend, server.http)
    expect(inside.locator(".me .name")).to_have_text("gina")
    page.reload()
    page.evaluate("chatWidget.session = () => null")
    page.get_by_role("button", name="Chat").click()
    expect(inside.get_by_label("Your name")).to_be_visible()
    expect(inside.locator("#chat")).to_be_hidden()
    page.close()
    complaints.clear()


def test_a_site_that_is_named_frames_the_page_and_a_stranger_does_not(
    context: Any, server: Server, sites: list[str], complaints: list[str]
) -> None:
    known, stranger = context.new_page(), context.new_page()
    known.goto(sites[0])
    known.evaluate(
        """async url => {
            const answer = await fetch(`${url}/api/session`, {method: "POST", headers: {"Content-Type": "application/json"}, body: '{"userId": "erin"}'});
            const session = await answer.json();
            chatWidget.session = () => session;
        }""",
        server.http,
    )
    known.get_by_role("button", name="Chat").click()
    inside = known.frame_locator("chat-widget iframe")
    expect(inside.locator("#chat")).to_have_attribute("data-connection", "online")
    expect(inside.locator(".me .name")).to_have_text("erin")
    # A window that is not around it is not heard, nor one that says it is the panel.
    opened = "window.opened = []; addEventListener('hashchange', () => opened.push(location.hash))"
    known.frames[1].evaluate(opened)
    known.frames[1].evaluate(SAID_BY_ITSELF, {"chatWidget": "open", "userId": "mallory"})
    known.evaluate(SAID_BY_ITSELF, {"chatPage": "close"})
    expect(known.get_by_role("button", name="Chat", exact=True)).to_have_attribute("aria-expanded", "true")
    known.evaluate("chatWidget.open('frank')")
    expect(inside.locator("#conversation-name")).to_have_text("frank")
    assert known.frames[1].evaluate("opened") == ["#frank"]
    complaints.clear()
    stranger.goto(sites[1])
    stranger.get_by_role("button", name="Chat").click()
    refused = wait_until(stranger, lambda: [line for line in complaints if "frame-ancestors" in line], bool)
    assert refused, complaints
    assert stranger.frame_locator("chat-widget iframe").locator("sign-in").count() == 0
    known.close()
    stranger.close()
    complaints.clear()
