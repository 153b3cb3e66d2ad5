"""Two sites on one server, one below the other's path: a browser that is signed in at both, by the same id."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.browser.pages import HIDE, Wire, expect, is_online, texts, write
from tests.conftest import ROOT, Server, StartServer

SECONDS = 10
# The red site at /, and the blue one at /blue and by its own name.
SITES = """
from gevent import monkey; monkey.patch_all()
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from tests.site.members import make_site

def made(name):
    app, chat = make_site(folder="{folder}/" + name, SESSION_COOKIE_NAME=name)
    chat.profile(lambda user_id: dict(display_name=f"{{user_id}} of {{name}}"))
    with app.app_context():
        chat.users.put("8", display_name=f"8 of {{name}}")

    @app.post("/say/<to>/<text>")
    def say(to, text):
        return {{"seq": chat.send_message("8", to, text).seq, "sockets": chat.notify(to, text).sockets}}

    return app

blue = made("blue")
by_path = DispatcherMiddleware(made("red"), {{"/blue": blue}})

def sites(environ, start_response):
    return (blue if environ.get("HTTP_HOST", "").startswith("blue.") else by_path)(environ, start_response)
"""
REFUSED = re.compile(r"the server responded with a status of 401 ")


@pytest.fixture(scope="module")
def server(_start: StartServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("sites")
    (folder / "two_sites.py").write_text(SITES.format(folder=folder))
    own = {"CHAT_DATABASE_URL": "", "CHAT_TOKEN_SECRET": ""}  # each site's lie in its own instance folder
    running = _start(app="two_sites:sites", PYTHONPATH=f"{folder}:{ROOT}", **own)
    yield running
    running.end()


def said(server: Server, site: str, text: str) -> None:
    """8 of this site writes to 7, and the site notifies them."""
    answer = requests.post(f"{server.http}{site}/say/7/{text}", timeout=SECONDS)
    assert answer.status_code == 200, answer.text


def is_called(page: Any, name: str) -> None:
    expect(page.locator("chat-widget .open")).to_have_attribute("aria-label", name)


def test_who_is_signed_in_at_two_sites_of_one_origin_meets_nothing_of_one_at_the_other(
    server: Server, context: Any, complaints: list[str]
) -> None:
    red, blue, tab = context.new_page(), context.new_page(), context.new_page()
    wire = Wire()
    wire.prepare(red)
    red.goto("/login?as=7&next=/chat/%238")
    is_online(red)
    expect(red.locator("conversation-header")).to_contain_text("8 of red")
    wire.is_down = True
    wire.cut()
    write(red, "for red alone")
    red.get_by_label("Write a message").fill("a red draft")
    expect(texts(red)).to_have_text(["for red alone"])

    blue.goto("/blue/login?as=7&next=/blue/chat/%238")
    is_online(blue)
    expect(blue.locator("conversation-header")).to_contain_text("8 of blue")
    expect(blue.get_by_label("Write a message")).to_have_value("")
    write(blue, "for blue alone")
    said(server, "/blue", "blue news")
    expect(texts(blue)).to_have_text(["for blue alone", "blue news"])
    expect(blue.locator(".banner")).to_contain_text("blue news")

    wire.is_down = False
    red.reload()
    expect(texts(red)).to_have_text(["for red alone"])
    expect(red.get_by_label("Write a message")).to_have_value("a red draft")
    expect(red.locator(".message.mine")).to_have_attribute("data-state", "stored")
    said(server, "", "red news")
    expect(texts(red)).to_have_text(["for red alone", "red news"])

    red.goto("/shop")
    red.evaluate("chatWidget.open('8')")
    expect(texts(red.frame_locator("chat-widget iframe"))).to_have_text(["for red alone", "red news"])
    is_called(red, "Chat")
    red.evaluate("chatWidget.close()")
    blue.goto("/blue/shop")
    blue.evaluate("chatWidget.open('8')")
    is_called(blue, "Chat")
    said(server, "", "again")
    is_called(red, "Chat, 1 unread")
    expect(red.locator("chat-widget .banner").filter(has_text="again")).to_be_visible()
    is_called(blue, "Chat")
    assert blue.locator("chat-widget .banner").filter(has_text="again").count() == 0
    expect(texts(blue.frame_locator("chat-widget iframe"))).to_have_text(["for blue alone", "blue news"])

    tab.goto("/logout")
    is_called(red, "Chat")
    said(server, "/blue", "still here")
    inside = blue.frame_locator("chat-widget iframe")
    expect(texts(inside).last).to_have_text("still here")
    blue.evaluate(HIDE, False)
    expect(inside.locator("#chat")).to_have_attribute("data-connection", "online")
    complaints[:] = [line for line in complaints if not REFUSED.search(line)]


@pytest.mark.parametrize("name", ["127.0.0.1", "blue.localhost"])
def test_a_token_of_one_site_says_nothing_at_the_other(server: Server, name: str) -> None:
    red, blue = requests.Session(), requests.Session()
    for browser in (red, blue):
        browser.headers["Connection"] = "close"  # or a slow machine asks by one that the server closes just then
    blue.headers["Host"] = f"{name}:{server.port}"
    below = "" if name.startswith("blue.") else "/blue"
    sites = {"red": (red, server.http), "blue": (blue, f"{server.http}{below}")}
    tokens = {}
    for site, (browser, url) in sites.items():
        browser.get(f"{url}/login?as=7", timeout=SECONDS, allow_redirects=False)
        tokens[site] = browser.post(f"{url}/chat/api/session", timeout=SECONDS).json()["token"]
    counts = {
        (site, owner): browser.get(
            f"{url}/chat/api/conversations", headers={"Authorization": f"Bearer {token}"}
        ).status_code
        for site, (browser, url) in sites.items()
        for owner, token in tokens.items()
    }
    assert counts == {("red", "red"): 200, ("blue", "blue"): 200, ("red", "blue"): 401, ("blue", "red"): 401}
