"""What the tests of the page share: what people do, and servers and wires that misbehave on demand."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = playwright.expect

OpenPage = Callable[..., Any]
Called = Callable[[str], str]
# Makes a tab seem hidden to its page, or visible again.
HIDE = """(hidden) => {
    Object.defineProperty(document, "hidden", {configurable: true, get: () => hidden});
    Object.defineProperty(document, "visibilityState", {configurable: true, get: () => hidden ? "hidden" : "visible"});
    document.dispatchEvent(new Event("visibilitychange", {bubbles: true}));
}"""
LONGEST_SECONDS = 20  # as long as `expect` waits, where other browsers run beside this one
READY = {"type": "ready", "userId": "alice", "heartbeat": 25, "limits": {"frameBytes": 500}}


def write(page: Any, text: str) -> None:
    page.get_by_label("Write a message").fill(text)
    page.keyboard.press("Enter")


def click(button: Any) -> None:
    button.page.bring_to_front()  # a tab in the background draws seldom, and a click waits for that
    button.click()


def open_menu(page: Any) -> Any:
    """The menu behind one's own face, open."""
    page.bring_to_front()
    menu = page.locator("#my-menu")
    if not menu.is_visible():
        page.locator("#my-face").click()
    return menu


def choose(page: Any, name: str) -> None:
    """Take what is called so from one's own menu; what only checks something leaves it open."""
    menu = open_menu(page)
    menu.get_by_text(name, exact=True).click()
    if menu.is_visible():
        page.keyboard.press("Escape")


def choose_for_conversation(page: Any, name: str) -> None:
    """Take what is called so from the menu of the open conversation."""
    page.bring_to_front()
    page.locator("[popovertarget=conversation-menu]").click()
    page.locator("#conversation-menu").get_by_text(name, exact=True).click()
    if page.locator("#conversation-menu").is_visible():
        page.keyboard.press("Escape")


def new_message(page: Any) -> Any:
    """The field of a new message's dialog, open."""
    click(page.get_by_role("button", name="New message"))
    return page.get_by_role("combobox", name="Name of the other person")


def texts(page: Any) -> Any:
    return page.locator(".message .text")


def has_state(page: Any, name: str) -> None:
    expect(page.locator("#chat")).to_have_attribute("data-connection", name)


def has_left_state(page: Any, name: str) -> None:
    """Waits until the page has seen that its connection is not in this state any more."""
    expect(page.locator("#chat")).not_to_have_attribute("data-connection", name)


def is_online(page: Any) -> None:
    has_state(page, "online")


def sent_events(page: Any) -> list[dict[str, Any]]:
    """Fills with the events that the page sends from now on."""
    events: list[dict[str, Any]] = []
    page.on("websocket", lambda ws: ws.on("framesent", lambda frame: events.append(json.loads(frame))))
    return events


def wait_until(page: Any, look: Callable[[], Any], wanted: Callable[[Any], bool]) -> Any:
    """What `look` sees as soon as it is what we want, or after so long as anything here may take."""
    until = time.monotonic() + LONGEST_SECONDS
    while not wanted(found := look()) and time.monotonic() < until:
        page.wait_for_timeout(20)
    return found


def wait_longest(page: Any) -> None:
    """Waits that this page draws by chance are the longest possible, so that a test can see them."""
    page.add_init_script("Math.random = () => 0.999")


class FakeServer:
    """Stands in the server's place, for a page whose clock stands still unless a test runs it.

    It has no conversations and no history.

    `sockets` are the page's connections, the latest last; `heard` are its events.
    """

    def __init__(self, answer: Callable[[FakeServer, dict[str, Any]], None] | None = None) -> None:
        self.sockets: list[Any] = []
        self.heard: list[dict[str, Any]] = []
        self._answer = answer or FakeServer.be_ready

    def prepare(self, page: Any) -> None:
        wait_longest(page)
        page.clock.install(time="2030-01-01T09:00:00")
        page.clock.pause_at("2030-01-01T10:00:00")
        page.route_web_socket("**/ws", self._meet)
        nothing = {"token": "t", "conversations": [], "next": None, "messages": [], "lastSeq": 0, "more": False}

        def answer(route: Any) -> None:
            asked = json.loads(route.request.post_data or "{}")
            _, is_typed, name = route.request.url.partition("/api/users/")
            who = {"userId": unquote(name) if is_typed else asked.get("userId", ""), "hasPassword": False}
            route.fulfill(json=nothing | who)

        page.route("**/api/**", answer)

    def _meet(self, socket: Any) -> None:
        self.sockets.append(socket)
        socket.on_message(self._hear)

    def _hear(self, text: str) -> None:
        self.heard.append(json.loads(text))
        self._answer(self, self.heard[-1])

    def be_ready(self, event: dict[str, Any]) -> None:
        if event["type"] == "init":
            self.say(**READY)

    def say(self, **event: Any) -> None:
        self.sockets[-1].send(json.dumps(event))

    def types(self) -> list[str]:
        return [event["type"] for event in self.heard]


class Wire:
    """The real server behind a wire that can be cut, and that can garble what the server says.

    While `is_down` nobody gets through. `garble` turns each event of the server into those that arrive.
    """

    def __init__(self) -> None:
        self.sockets: list[Any] = []
        self.said: list[dict[str, Any]] = []
        self.is_down = False
        self.garble: Callable[[dict[str, Any]], list[dict[str, Any]]] = lambda event: [event]

    def prepare(self, page: Any) -> None:
        wait_longest(page)
        page.route_web_socket("**/ws", self._meet)

    def _meet(self, socket: Any) -> None:
        if self.is_down:
            socket.close(code=1012)
            return
        server = socket.connect_to_server()
        self.sockets.append(socket)

        def from_page(text: str) -> None:
            self.said.append(json.loads(text))
            server.send(text)

        def from_server(text: str) -> None:
            for event in self.garble(json.loads(text)):
                socket.send(json.dumps(event))

        socket.on_message(from_page)
        server.on_message(from_server)

    def cut(self, code: int = 1012) -> None:
        self.sockets[-1].close(code=code)

    def chats(self) -> list[dict[str, Any]]:
        """The chat events that the page has sent."""
        return [event for event in self.said if event["type"] == "chat"]
