"""Firefox, as its own WebDriver BiDi drives it (https://w3c.github.io/webdriver-bidi/), without a driver between.

Playwright brings a Firefox of its own, which not every machine can fetch; this is the one that is installed.
"""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

NAMES = ("firefox", "firefox-esr")
START_SECONDS = 30
SECONDS = 10  # until what is waited for is seen
# Whether an element is where it was two frames before.
STANDS_STILL = """(async (element) => {
    const place = () => { const {x, y} = element.getBoundingClientRect(); return `${x} ${y}`; };
    const before = place();
    for (let n = 0; n < 2; n++) await new Promise(requestAnimationFrame);
    return place() === before;
})(document.querySelector(%s))"""
ENTER, ESCAPE, TAB = "\ue007", "\ue00c", "\ue004"  # keys as WebDriver writes them


class Firefox:
    """A running browser. `complaints`: what its pages wrote to the console as an error."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._ids = itertools.count(1)
        self.complaints: list[str] = []
        self.call("session.new", capabilities={})
        self.call("session.subscribe", events=["log.entryAdded"])

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """One command; its result. Events that come meanwhile are noted.

        Raises:
            RuntimeError: Firefox refused it.
        """
        id_ = next(self._ids)
        self._socket.send(json.dumps({"id": id_, "method": method, "params": params}))
        while True:
            said = json.loads(self._socket.recv(START_SECONDS))
            if said.get("method") == "log.entryAdded" and said["params"]["level"] == "error":
                self.complaints.append(said["params"]["text"])
            elif said.get("id") == id_ and said["type"] == "error":
                raise RuntimeError(f"{method}: {said['message']}")
            elif said.get("id") == id_:
                return dict(said["result"])

    def open(self, url: str) -> Tab:
        tab = Tab(self, self.call("browsingContext.create", type="window")["context"])
        tab.go(url)
        return tab


class Tab:
    def __init__(self, firefox: Firefox, context: str) -> None:
        self._firefox = firefox
        self._context = context

    def go(self, url: str) -> None:
        self._firefox.call("browsingContext.navigate", context=self._context, url=url, wait="complete")

    def reload(self) -> None:
        self._firefox.call("browsingContext.reload", context=self._context, wait="complete")

    def look(self, expression: str) -> Any:
        """What a script's expression gives: a text, a number, true or false, or None."""
        found = self._firefox.call(
            "script.evaluate", expression=expression, target={"context": self._context}, awaitPromise=True
        )
        assert found["type"] == "success", found
        return found["result"].get("value")

    def text(self, selector: str) -> str | None:
        """What somebody can read there; None where it cannot be seen."""
        return self.look(
            f"(e => e && e.checkVisibility() ? e.innerText.trim() : null)"
            f"(document.querySelector({json.dumps(selector)}))"
        )

    def sees(self, selector: str, text: str) -> None:
        """Wait until this text stands there.

        Raises:
            AssertionError: it does not within SECONDS.
        """
        until = time.monotonic() + SECONDS
        while (found := self.text(selector)) is None or text not in found:
            assert time.monotonic() < until, f"{selector}: {found!r}, and not {text!r}"
            time.sleep(0.05)

    def focus(self, selector: str) -> None:
        self.look(f"document.querySelector({json.dumps(selector)}).focus()")

    def type(self, keys: str) -> None:
        """Press these keys, one after the other."""
        presses = [{"type": type_, "value": key} for key in keys for type_ in ("keyDown", "keyUp")]
        keyboard = {"type": "key", "id": "keyboard", "actions": presses}
        self._firefox.call("input.performActions", context=self._context, actions=[keyboard])

    def click(self, selector: str) -> None:
        """Click in its middle, once it stands still: what moves between press and release is not clicked."""
        until = time.monotonic() + SECONDS
        while not self.look(STANDS_STILL % json.dumps(selector)):
            assert time.monotonic() < until, f"{selector} moves"
        found = self._firefox.call(
            "browsingContext.locateNodes", context=self._context, locator={"type": "css", "value": selector}
        )
        origin = {"type": "element", "element": {"sharedId": found["nodes"][0]["sharedId"]}}
        move = {"type": "pointerMove", "x": 0, "y": 0, "origin": origin}
        press, lift = ({"type": type_, "button": 0} for type_ in ("pointerDown", "pointerUp"))
        mouse = {"type": "pointer", "id": "mouse", "actions": [move, press, lift]}
        self._firefox.call("input.performActions", context=self._context, actions=[mouse])


def installed() -> str | None:
    """Where Firefox is; None: nowhere."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def running(path: str, profile: Path, **preferences: Any) -> Iterator[Firefox]:
    """Start Firefox with a profile of its own; end it by its process id."""
    lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in preferences.items()]
    (profile / "user.js").write_text("\n".join(lines))
    command = [path, "--headless", "--no-remote", "--profile", str(profile)]
    log = profile / "log"
    with log.open("wb") as output:
        process = subprocess.Popen([*command, "--remote-debugging-port=0"], stdout=output, stderr=output)
    try:
        until = time.monotonic() + START_SECONDS
        while not (found := re.search(r"BiDi listening on (ws://\S+)", log.read_text("utf-8"))):
            is_starting = process.poll() is None and time.monotonic() < until
            assert is_starting, log.read_text("utf-8")
            time.sleep(0.05)
        with connect(f"{found[1]}/session", max_size=None, compression=None) as socket:
            firefox = Firefox(socket)
            yield firefox
            firefox.call("browser.close")
        process.wait(START_SECONDS)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
