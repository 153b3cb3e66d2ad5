"""<chat-widget> on a site's own page, whose style is hostile and whose content policy is strict."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from websockets.sync.client import ClientConnection, connect

from tests.browser.pages import expect, texts
from tests.browser.test_embed import COLOURS, WIDGET, WIDGET_POLICY
from tests.conftest import ROOT, Server, StartServer
from tests.npm import npm_package

SECONDS = 10
MOST_BYTES = 12 * 1024  # of the widget, before it is opened
SCRIPTS = ("chat-widget.js", "bundle/widget-banners.js")  # the second one comes with the first notification
SITE = """
from flask import Flask, request
from chat import Chat, notify

app = Flask(__name__)
chat = Chat(app)
POLICY = "{policy}"
PAGE = '''<!doctype html>
<html lang="{{language}}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>A shop</title>
<link rel="stylesheet" href="/hostile.css">
{widget}
<main><h1>A shop</h1>
<button id="ask">Ask the seller</button></main>
</html>'''

@app.get("/")
@app.get("/<language>")
def page(language="en"):
    return PAGE.replace("{{language}}", language), {{"Content-Security-Policy": POLICY}}

@app.get("/hostile.css")
def style():
    return \"\"\"
        * {{ display: none !important; all: unset !important; color: red !important; font: 4px cursive !important; }}
        html {{ font-size: 4px !important; }}
        html, body, main, h1 {{ display: block !important; color: black !important; font: 16px serif !important; }}
        button, iframe, dialog, chat-banners {{ position: static !important; inset: 0 !important; width: 9px !important; }}
        {colours}
    \"\"\", {{"Content-Type": "text/css"}}

@app.get("/favicon.ico")
def icon():
    return "", 204

@app.post("/notify/<user>")
def push(user):
    return {{"sockets": notify(user, **request.get_json()).sockets}}
"""
# As docs/embed.md says; the style is the site's own.
POLICY = f"default-src 'none'; style-src 'self'; {WIDGET_POLICY.strip()}; require-trusted-types-for 'script'"
BOX = "element => (({width, height, right, bottom}) => [width, height, right, bottom])(element.getBoundingClientRect())"
AXE = """async () => (await axe.run({exclude: ["#ask"]}, {iframes: false})).violations.map(({id, nodes}) =>
    `${id}: ${nodes.map(({html, failureSummary}) => html.slice(0, 200) + failureSummary).join("; ")}`)"""


@pytest.fixture(scope="module")
def server(_start: StartServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A site with a chat in it."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "shop.py").write_text(SITE.format(policy=POLICY, widget=WIDGET, colours=COLOURS))
    running = _start("--pythonpath", str(folder), app="shop:app")
    yield running
    running.end()


@pytest.fixture
def bob(server: Server) -> Iterator[ClientConnection]:
    with connect(f"{server.ws}/chat/ws") as ws:
        ws.send(json.dumps({"type": "init", "userId": "bob"}))
        yield ws


def say(ws: ClientConnection, to: str, text: str) -> None:
    ws.send(json.dumps({"type": "chat", "toUserId": to, "message": text}))


def hears(ws: ClientConnection, text: str) -> None:
    while json.loads(ws.recv(SECONDS)).get("message") != text:
        pass


def notify(server: Server, user: str, **notification: Any) -> None:
    answer = requests.post(f"{server.http}/notify/{user}", json=notification, timeout=SECONDS)
    assert answer.status_code == 200, answer.text


def button(page: Any) -> Any:
    return page.locator("chat-widget > button.open, chat-widget button.open")


def is_called(page: Any, name: str) -> None:
    expect(button(page)).to_have_attribute("aria-label", name)


def frame(page: Any) -> Any:
    return page.frame_locator("chat-widget iframe")


def sign_in(page: Any, name: str) -> None:
    frame(page).get_by_label("Your name").fill(name)
    frame(page).get_by_label("Your name").press("Enter")
    expect(frame(page).locator("#chat")).to_have_attribute("data-connection", "online")


def wire(page: Any) -> list[tuple[str, int]]:
    """What the page loads from here on: the address and the bytes of each, headers too; of a socket its frames."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("Network.enable")
    devtools.send("Network.setCacheDisabled", {"cacheDisabled": True})
    addresses: dict[str, str] = {}
    loaded: list[tuple[str, int]] = []
    devtools.on("Network.requestWillBeSent", lambda said: addresses.update({said["requestId"]: said["request"]["url"]}))
    devtools.on(
        "Network.loadingFinished",
        lambda said: loaded.append((addresses.get(said["requestId"], ""), int(said["encodedDataLength"]))),
    )
    devtools.on(
        "Network.webSocketFrameReceived", lambda said: loaded.append(("socket", len(said["response"]["payloadData"])))
    )
    return loaded


def test_a_widget_counts_opens_writes_reads_and_closes(
    context: Any, server: Server, bob: ClientConnection, complaints: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    page = context.new_page()
    page.goto("/")
    is_called(page, "Chat")
    width, height, right, bottom = button(page).evaluate(BOX)
    assert (width, height) == (56, 56), "the style of the site does not reach it"
    assert (right, bottom) == (1280 - 32, 720 - 96), "what the site may set"
    expect(button(page)).to_have_css("background-color", "rgb(122, 31, 92)")
    button(page).focus()
    page.keyboard.press("Enter")
    expect(button(page)).to_have_attribute("aria-expanded", "true")
    assert page.locator("chat-widget dialog").evaluate("element => getComputedStyle(element).width") == "400px"
    sign_in(page, "alice")
    page.keyboard.press("Escape")
    expect(button(page)).to_be_focused()
    expect(button(page)).to_have_attribute("aria-expanded", "false")
    complaints.clear()  # the browser's own, of the answer that this site signs nobody in
    hears_from_bob_before_it_is_opened(page, server, bob, capsys)
    complaints.clear()
    page.evaluate("chatWidget.open('bob')")
    expect(texts(frame(page))).to_have_text(["one"])
    is_called(page, "Chat")
    write_in(page, "an answer")
    hears(bob, "an answer")
    say(bob, "alice", "two")
    expect(texts(frame(page))).to_have_text(["one", "an answer", "two"])
    is_called(page, "Chat")
    page.get_by_role("button", name="Close chat").click()
    say(bob, "alice", "three")
    expect(texts(frame(page)).last).to_have_text("three")
    is_called(page, "Chat, 1 unread")
    notify(server, "alice", message="The parcel left", level="error")
    expect(page.locator("chat-widget .banner")).to_have_text(["Error: The parcel left"])
    expect(frame(page).locator(".banner")).to_have_count(0)
    assert page.locator("chat-widget chat-banners").evaluate("element => getComputedStyle(element).position") == "fixed"
    page.evaluate("() => {" + (npm_package("axe-core") / "axe.min.js").read_text("utf-8") + "}")
    page.emulate_media(reduced_motion="reduce")
    button(page).click()
    is_called(page, "Chat")
    assert page.evaluate(AXE) == []
    page.locator("chat-widget .notice-close").click()
    expect(page.locator("chat-widget .banner")).to_have_count(0)


def test_on_a_phone_the_panel_is_the_whole_screen_and_speaks_korean(
    context: Any, server: Server, bob: ClientConnection, complaints: list[str]
) -> None:
    page = context.new_page()
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto("/ko")
    page.evaluate("document.querySelector('chat-widget').setAttribute('with', 'bob')")
    page.get_by_role("button", name="채팅", exact=True).click()
    frame(page).get_by_label("이름").first.fill("dora")
    page.keyboard.press("Enter")
    expect(frame(page).locator("#conversation-name")).to_have_text("bob")
    assert page.locator("chat-widget dialog").evaluate(BOX) == [390, 800, 390, 800]
    assert page.locator("chat-widget dialog").evaluate("element => element.matches(':modal')")
    notify(server, "dora", message="택배가 출발했어요")
    expect(page.locator("chat-widget dialog .banner")).to_have_text(["안내: 택배가 출발했어요"])
    top = page.locator("chat-widget dialog .banner").evaluate("element => element.getBoundingClientRect().top")
    assert top > page.locator("chat-widget .close").evaluate("element => element.getBoundingClientRect().bottom")
    page.get_by_role("button", name="닫기", exact=True).click()
    expect(page.locator("chat-widget .banner")).to_have_count(0)
    page.get_by_role("button", name="채팅 닫기").click()
    expect(button(page)).to_be_focused()
    page.evaluate("Object.defineProperty(navigator, 'language', {value: 'ko-KR'})")
    page.evaluate("document.documentElement.removeAttribute('lang')")  # then the browser's language counts
    say(bob, "dora", "안녕하세요")
    is_called(page, "채팅, 읽지 않은 메시지 1개")
    expect(page.locator("chat-widget .news")).to_have_text("채팅, 읽지 않은 메시지 1개")
    button(page).click()
    is_called(page, "채팅")
    page.get_by_role("button", name="채팅 닫기").click()
    page.evaluate("chatWidget.hidden = true")
    expect(button(page)).to_be_hidden()
    page.evaluate("chatWidget.open()")
    expect(page.locator("chat-widget dialog")).to_be_visible()
    complaints.clear()


def write_in(page: Any, text: str) -> None:
    frame(page).get_by_label("Write a message").fill(text)
    frame(page).get_by_label("Write a message").press("Enter")


def hears_from_bob_before_it_is_opened(
    page: Any, server: Server, bob: ClientConnection, capsys: pytest.CaptureFixture[str]
) -> None:
    say(bob, "alice", "one")
    is_called(page, "Chat, 1 unread")
    loaded = wire(page)
    page.reload()
    is_called(page, "Chat, 1 unread")
    expect(page.locator("chat-widget .count")).to_have_text("1")
    own = [(address, count) for address, count in loaded if "/chat/" in address or address == "socket"]
    with capsys.disabled():
        print(f"\nthe widget before it is opened: {sum(count for _, count in own):,} bytes: {own}")
    assert len(own) >= 3, "need script, session and socket for this to mean anything"
    assert sum(count for _, count in own) <= MOST_BYTES
    assert page.locator("chat-widget iframe").count() == 0


def test_its_scripts_are_small_with_the_banners_too() -> None:
    sizes = [len(gzip.compress((ROOT / "static/js" / name).read_bytes())) for name in SCRIPTS]
    assert min(sizes) > 1000, "need the scripts for this to mean anything"
    assert sum(sizes) <= MOST_BYTES
