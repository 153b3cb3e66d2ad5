"""docs/embed.md is true: each of its examples, on a page of another site, in a browser, against a real server."""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
from websockets.sync.client import ClientConnection, connect

from chat.config import Settings
from tests.browser.pages import click, expect
from tests.conftest import ROOT, TOKEN_SECRET, Server, StartServer
from tests.npm import npm_package

TEXT = (ROOT / "docs/embed.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, re.M | re.S)
EXAMPLE = "127.0.0.1:8000"
SECONDS = 10
HOST_APPLICATION = """
from flask import request
from app import app
from chat import emit

@app.post("/notify/<user>")
def notify(user):
    return {"told": emit({"type": "notification", **request.get_json()}, to=user)}
"""


def blocks(language: str) -> list[str]:
    return [body for found, body in BLOCKS if found == language]


(WIDGET, PAGE), (COLOURS, STYLE) = blocks("html"), blocks("css")
(WIDGET_POLICY, POLICY), [ORIGINS] = blocks("text"), blocks("sh")
SITE, WORDS, TOKEN = blocks("js")
[COMPONENT], [VUE_COMPONENT] = blocks("jsx"), blocks("vue")


def test_every_block_of_the_document_is_tried_below() -> None:
    tried_of_widget = [WIDGET, COLOURS, WIDGET_POLICY]  # by test_widget.py
    tried = [*tried_of_widget, PAGE, SITE, WORDS, STYLE, ORIGINS, POLICY, TOKEN, COMPONENT, VUE_COMPONENT]
    assert [body for _, body in BLOCKS] == tried


class Site(SimpleHTTPRequestHandler):
    """A site of somebody else, with the Content-Security-Policy that the document asks for."""

    policy = ""

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", self.policy)
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def do_GET(self) -> None:
        if self.path == "/favicon.ico":
            self.send_response(204)
            self.end_headers()
        else:
            super().do_GET()

    def log_message(self, format: str, *args: Any) -> None:
        """No lines between those of the tests."""


class OtherSite:
    """A site on an origin of its own, whose files a test writes: put("index.html", ...)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._policy = type("SiteOfOneTest", (Site,), {})
        handler = functools.partial(self._policy, directory=str(folder))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.chat = EXAMPLE

    def use(self, server: Server) -> None:
        """Put this server's address where the document has an example."""
        self.chat = f"127.0.0.1:{server.port}"
        self._policy.policy = POLICY.strip().replace(EXAMPLE, self.chat)

    def put(self, name: str, text: str) -> None:
        assert EXAMPLE in text or name not in ("index.html", "site.js")
        (self._folder / name).write_text(text.replace(EXAMPLE, self.chat), "utf-8")

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OtherSite]:
    site = OtherSite(tmp_path_factory.mktemp("site"))
    yield site
    site.close()


@pytest.fixture(scope="module")
def server(_start: StartServer, _site: OtherSite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A chat server that knows the other site, in a host application that notifies."""
    folder = tmp_path_factory.mktemp("host")
    (folder / "host_application.py").write_text(HOST_APPLICATION)
    running = _start(
        "--pythonpath", str(folder), app="host_application:app", CHAT_ORIGINS=_site.origin, CHAT_RATE_LIMITS="on"
    )
    _site.use(running)
    yield running
    running.end()


@pytest.fixture
def site(_site: OtherSite, server: Server) -> OtherSite:
    _site.put("index.html", PAGE)
    _site.put("site.js", SITE)
    return _site


@pytest.fixture
def visit(context: Any, site: OtherSite) -> Callable[[], Any]:
    def visit() -> Any:
        page = context.new_page()
        page.goto(site.origin)
        return page

    return visit


@pytest.fixture
def bob(server: Server) -> Iterator[ClientConnection]:
    """Somebody at a program of their own."""
    with connect(server.ws) as ws:
        ws.send(json.dumps({"type": "init", "userId": "bob"}))
        while json.loads(ws.recv(SECONDS))["type"] != "ready":  # presence comes when it comes
            pass
        yield ws


def say(ws: ClientConnection, text: str) -> None:
    ws.send(json.dumps({"type": "chat", "toUserId": "alice", "message": text}))


def hears(ws: ClientConnection, text: str) -> None:
    """This message comes, after those that other tests have left behind."""
    while json.loads(ws.recv(SECONDS)).get("message") != text:
        pass


def notify(server: Server, **notification: Any) -> None:
    answer = requests.post(f"{server.http}/notify/alice", json=notification, timeout=SECONDS)
    assert answer.status_code == 200


def is_connected(page: Any) -> None:
    expect(page.locator("#connection")).to_have_text("online")


def test_a_plain_page_of_another_site_chats_and_shows_banners(
    visit: Callable[[], Any], server: Server, bob: ClientConnection
) -> None:
    page = visit()
    is_connected(page)
    say(bob, "hello <b>there</b>")
    expect(page.locator("#messages li")).to_have_text(["bob: hello <b>there</b>"])
    page.get_by_label("To bob:").fill("hello yourself")
    page.keyboard.press("Enter")
    hears(bob, "hello yourself")
    expect(page.locator("#messages li").last).to_have_text("alice: hello yourself")
    notify(server, message="The build is red", level="error", link="https://example.com/build")
    banner = page.get_by_role("alert").locator(".banner")
    expect(banner).to_contain_text("Error: The build is red")
    expect(banner.get_by_role("link")).to_have_attribute("href", "https://example.com/build")
    shadow, position = banner.evaluate(
        "banner => [getComputedStyle(banner).boxShadow, getComputedStyle(banner.closest('chat-banners')).position]"
    )
    assert shadow != "none"
    assert position == "fixed"
    click(banner.get_by_role("button", name="Dismiss"))
    expect(banner).to_have_count(0)


def test_the_same_notification_is_shown_once_however_often_it_is_sent(visit: Callable[[], Any], server: Server) -> None:
    page = visit()
    is_connected(page)
    for _ in range(2):
        notify(server, id=123456, message="once", level="error")
    expect(page.locator(".banner")).to_have_text(["Error: once"])
    click(page.get_by_role("button", name="Dismiss"))
    notify(server, id=123456, message="once", level="error")
    notify(server, message="another", level="error")
    expect(page.locator(".banner")).to_have_text(["Error: another"])


def test_the_words_can_be_the_sites_own(visit: Callable[[], Any], site: OtherSite, server: Server) -> None:
    site.put("site.js", SITE.replace("showBanners(socket);\n", WORDS))
    page = visit()
    is_connected(page)
    notify(server, message="Pause", level="warning", link="/x")
    banner = page.get_by_role("region", name="Mitteilungen").locator(".banner")
    expect(banner).to_have_text("Achtung: Pause Öffnen")
    expect(banner.get_by_role("button", name="Schließen")).to_be_visible()


def test_a_korean_page_gets_korean_banners(visit: Callable[[], Any], site: OtherSite, server: Server) -> None:
    site.put("index.html", PAGE.replace('lang="en"', 'lang="ko"'))
    page = visit()
    is_connected(page)
    notify(server, message="수업이 곧 시작됩니다", level="warning")
    expect(page.locator(".banner")).to_have_text("주의: 수업이 곧 시작됩니다")
    expect(page.get_by_role("button", name="닫기")).to_be_visible()


def test_the_colours_can_be_the_sites_own(visit: Callable[[], Any], site: OtherSite, server: Server) -> None:
    site.put("own.css", STYLE)
    site.put("index.html", PAGE.replace("</head>", '<link rel="stylesheet" href="own.css"></head>'))
    page = visit()
    is_connected(page)
    notify(server, message="yellow")
    expect(page.locator(".banner")).to_have_css("background-color", "rgb(255, 251, 232)")


def test_the_command_names_origins_as_the_server_reads_them() -> None:
    setting, *command = ORIGINS.split()
    name, _, value = setting.partition("=")
    assert command == ["gunicorn", "-k", "gevent", "app:app"]
    assert Settings.load({name: value}).origins == ("https://www.example.com", "http://localhost:5173")


def test_a_site_that_the_server_does_not_know_is_refused(
    context: Any, complaints: list[str], start_server: StartServer, site: OtherSite, server: Server
) -> None:
    stranger = start_server()
    site.use(stranger)
    site.put("index.html", PAGE)
    site.put("site.js", SITE)
    page = context.new_page()
    page.goto(site.origin)
    expect(page.locator("#connection")).to_have_text("waiting")
    page.close()
    assert complaints, "the browser's console tells why"
    assert all("403" in complaint for complaint in complaints)
    complaints.clear()
    site.use(server)


def test_the_page_gives_the_token_that_its_site_has_made(
    visit: Callable[[], Any], site: OtherSite, server: Server
) -> None:
    account = {"userId": "protected", "password": "a long enough one"}
    made = requests.post(f"{server.http}/api/accounts", json=account, timeout=SECONDS)
    assert made.status_code == 201
    [line] = [line for line in SITE.splitlines(keepends=True) if "new ChatSocket(" in line]
    site.put("site.js", SITE.replace(line, TOKEN))
    now = time.time()  # with its milliseconds: tokens from before the password do not count
    claims = {"sub": "protected", "iat": now, "exp": int(now) + 60}
    token = jwt.encode(claims, TOKEN_SECRET, algorithm="HS256")
    for given, state in (("", "ended"), (token, "online")):
        body = f'<body data-user="protected" data-chat-token="{given}">'
        site.put("index.html", PAGE.replace("<body>", body))
        site.put("chat-token", given)  # asked for where the first one is refused
        expect(visit().locator("#connection")).to_have_text(state)


# React and Vue

MAIN = """
import {StrictMode} from "react";
import {createRoot} from "react-dom/client";
import {createApp} from "vue";
import {Chat} from "./Chat.jsx";
import VueChat from "./VueChat.js";

const url = new URLSearchParams(location.search).get("url");
createRoot(document.querySelector("#root")).render(<StrictMode><Chat url={url} me="alice" other="bob" /></StrictMode>);
createApp(VueChat, {url, me: "dana", other: "bob"}).mount("#vue");
"""
COMPILE = """
import {readFileSync, writeFileSync} from "node:fs";
import * as sfc from "vue/compiler-sfc";
const {descriptor} = sfc.parse(readFileSync("Chat.vue", "utf8"));
writeFileSync("VueChat.js", sfc.compileScript(descriptor, {id: "chat", inlineTemplate: true}).content);
"""
ROOT_PAGE = (
    '<!doctype html><title>Both</title><div id="root"></div><div id="vue"></div>'
    '<script type="module" src="bundle.js"></script>'
)


def make(folder: Path, *command: str | Path) -> str:
    environment = {**os.environ, "NODE_PATH": str(folder / "node_modules")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def components(context: Any, site: OtherSite, server: Server, tmp_path: Path) -> Any:
    """The document's components on one page, put together as their projects do."""
    (tmp_path / "node_modules").symlink_to(npm_package("esbuild").parent)
    npm_package("vue")
    sources = {"Chat.vue": VUE_COMPONENT, "Chat.jsx": COMPONENT, "main.jsx": MAIN, "compile.mjs": COMPILE}
    for name, text in sources.items():
        (tmp_path / name).write_text(text, "utf-8")
    make(tmp_path, "node", "compile.mjs")
    aliases = [f"--alias:flask-chat-server-{name}={ROOT}/clients/{name}/useChat.js" for name in ("react", "vue")]
    defines = ["--define:process.env.NODE_ENV='development'", "--define:__VUE_OPTIONS_API__=false"]
    defines += [f"--define:__VUE_PROD_{name}__=false" for name in ("DEVTOOLS", "HYDRATION_MISMATCH_DETAILS")]
    options = ["--bundle", "--jsx=automatic", "--log-level=error", *defines, *aliases]
    site.put("bundle.js", make(tmp_path, tmp_path / "node_modules/.bin/esbuild", "main.jsx", *options))
    site.put("components.html", ROOT_PAGE)
    page = context.new_page()
    page.goto(f"{site.origin}/components.html?url={server.ws}/ws")
    return page


def test_the_components_chat_and_notify_and_hear_each_thing_once(
    components: Any, server: Server, bob: ClientConnection
) -> None:
    page = components
    expect(page.get_by_text("alice: online")).to_be_visible()
    expect(page.get_by_text("dana: online")).to_be_visible()
    say(bob, "to a component")
    expect(page.locator("#root li")).to_have_text(["bob: to a component"])
    page.get_by_label("Message").fill("from a component")
    page.keyboard.press("Enter")
    hears(bob, "from a component")
    expect(page.locator("#root li")).to_have_text(["bob: to a component", "alice: from a component"])
    notify(server, message="The build is green")
    expect(page.get_by_role("status")).to_have_text("The build is green")
    click(page.get_by_role("button", name="Say hello"))
    hears(bob, "hello")
    bob.send(json.dumps({"type": "chat", "toUserId": "dana", "message": "hello yourself"}))
    expect(page.locator("#vue li")).to_have_text(["bob: hello yourself"])
