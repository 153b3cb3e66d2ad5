"""Owns the five checks of a page that chats, yours or first.html.

    python docs/walkthrough/check_client.py docs/walkthrough/first.html

It needs flask-sock, as first_server.py does. It serves your page in a frame, is its server and its "teacher", and says
beside it what it finds. What it says stands in client_sentences.py.
"""

import argparse
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from flask import Flask, send_file
from flask_sock import Sock
from simple_websocket import ConnectionClosed, Server

from client_sentences import CLIENT_CHECKS, SENTENCES
from verdicts import Red, Verdict, in_words, shown

PERSON_SECONDS = 60.0  # for what a person has to do in the page
ANSWER_SECONDS = 3.0  # for what the page does by itself
BACK_SECONDS = 10.0
LOOK_SECONDS = 0.05
FIXED = re.compile(r"wss?://[\w.:/-]+")
SERVICE_RESTART = 1012


class Page:
    """The page that is judged: its newest socket, what it sent, and what it shows. Three threads use it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.user = ""
        self.shown = ""  # as the frame's document reads
        self.socket: Server | None = None
        self._opened: SimpleQueue[Server] = SimpleQueue()
        self._texts: SimpleQueue[str | bytes] = SimpleQueue()

    def serve(self, ws: Server) -> None:
        """Take in what one socket of the page says, until it is closed."""
        self._opened.put(ws)
        while True:
            self._texts.put(ws.receive())

    def wait_socket(self, seconds: float) -> bool:
        try:
            self.socket = self._opened.get(timeout=seconds)
        except Empty:
            return False
        return True

    def text(self, seconds: float) -> str | bytes | None:
        try:
            return self._texts.get(timeout=seconds)
        except Empty:
            return None

    def send(self, **event: object) -> None:
        assert self.socket is not None, "a socket is waited for first"
        try:
            self.socket.send(json.dumps(event))
        except ConnectionClosed:
            raise Red("hung_up") from None

    def write(self, message: str) -> None:
        self.send(
            type="chat", fromUserId="teacher", toUserId=self.user, message=message, timestamp="2026-01-31T09:30:00Z"
        )

    def shows(self, text: str) -> bool:
        until = time.monotonic() + ANSWER_SECONDS
        while text not in self.shown and time.monotonic() < until:
            time.sleep(LOOK_SECONDS)
        return text in self.shown


# The five checks, one after the other with one page.


def check_init(page: Page) -> None:
    if not page.wait_socket(PERSON_SECONDS):
        fixed = FIXED.search(page.file.read_text("utf-8"))
        if fixed:
            raise Red("fixed_address", seconds=f"{PERSON_SECONDS:g}", got=fixed[0])
        raise Red("no_page_socket", seconds=f"{PERSON_SECONDS:g}")
    text = page.text(ANSWER_SECONDS)
    if text is None:
        raise Red("no_init")
    event = _event(text)
    if event.get("type") != "init" or not isinstance(event.get("userId"), str) or not event["userId"]:
        raise Red("wrong_init", got=shown(event or text))
    page.user = event["userId"]


def check_shown(page: Page) -> None:
    page.write("<b>42</b> and 안녕")
    if not page.shows("42"):
        raise Red("not_shown")
    if not page.shows("<b>42</b>"):
        raise Red("made_html")


def check_sent(page: Page) -> None:
    while True:
        text = page.text(PERSON_SECONDS)
        if text is None:
            raise Red("not_sent", seconds=f"{PERSON_SECONDS:g}")
        event = _event(text)
        if event.get("type") == "chat" and all(isinstance(event.get(f), str) for f in ("toUserId", "message")):
            return
        if event.get("type") in (None, "chat", "init"):
            raise Red("wrong_chat", got=shown(event or text))


def check_unknown(page: Page) -> None:
    page.send(type="weather", degrees=21)
    page.write("after the weather")
    if not page.shows("after the weather"):
        raise Red("stopped")
    if "undefined" in page.shown:
        raise Red("shown_undefined")


def check_back(page: Page) -> None:
    assert page.socket is not None
    page.socket.close(SERVICE_RESTART, "service restart")
    if not page.wait_socket(BACK_SECONDS):
        raise Red("gone", seconds=f"{BACK_SECONDS:g}")


def _event(text: str | bytes) -> dict[str, Any]:
    """Return the event that a text is; {} if it is none."""
    try:
        event = json.loads(text)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


CHECKS: list[Callable[[Page], None]] = [check_init, check_shown, check_sent, check_unknown, check_back]


def judge(page: Page, tell: Callable[[int, Verdict], None]) -> None:
    """Tell of each check what became of it. If the first fails, there is nothing to try the others with."""
    is_hopeless = False
    for number, check in enumerate(CHECKS, 1):
        verdict = Verdict(not is_hopeless)
        try:
            if not is_hopeless:
                check(page)
        except Red as red:
            is_hopeless = number == 1
            verdict = Verdict(True, red.key, red.blanks)
        tell(number, verdict)


def make_app(file: Path) -> Flask:
    """Return the server: / is the judge's page, /page the one that is judged."""
    app = Flask(__name__)
    sock = Sock(app)
    current = [Page(file)]

    @app.get("/")
    def judges_page() -> object:
        return send_file("check_client.html")

    @app.get("/page")
    def judged_page() -> object:
        return send_file(file.resolve(), max_age=0)

    @sock.route("/ws")
    def pages_socket(ws: Server) -> None:
        current[0].serve(ws)

    @sock.route("/judge")
    def judge_socket(ws: Server) -> None:
        lang = ws.receive()
        page = current[0] = Page(file)

        def tell(number: int, verdict: Verdict) -> None:
            state = "failed" if verdict.key else "passed" if verdict.tried else "untried"
            text = in_words(number, verdict, CLIENT_CHECKS, SENTENCES, lang)
            ws.send(json.dumps({"number": number, "state": state, "text": text}))

        ws.send(json.dumps({"titles": CLIENT_CHECKS[lang]}))
        Thread(target=judge, args=(page, tell), daemon=True).start()
        while True:
            page.shown = ws.receive()

    return app


def main() -> None:
    parser = argparse.ArgumentParser(description="Judge a page that chats by five checks.")
    parser.add_argument("file", type=Path, help="the page, such as docs/walkthrough/first.html")
    parser.add_argument("--port", type=int, default=5001)
    options = parser.parse_args()
    if not options.file.is_file():
        parser.error(f"there is no file {options.file}")
    print(f"Open http://127.0.0.1:{options.port} (Ctrl-C stops)")
    make_app(options.file).run(port=options.port)


if __name__ == "__main__":
    main()
