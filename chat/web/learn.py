"""Owns the pages of /learn, the routes by which they compare ways of asking, and the upgrade of a pupil's socket."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import wraps
from secrets import token_hex
from typing import Any

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from chat.client import Client
from chat.config import Settings
from chat.errors import NotFound, RateLimited
from chat.learn.lesson import Lesson
from chat.learn.source import source_of
from chat.learn.steps import STEPS
from chat.protocol import handshake
from chat.router import Events
from chat.web.answers import json_response
from chat.web.rendering import page_response
from chat.web.requests import bearer_token, current_chat

SOCKET = "/learn/ws"
KEY = re.compile(r"[0-9a-f]{16}")  # what a page calls itself: drawn by chance, so that nobody meets another's news
WAIT_SECONDS = 20.0  # of a long poll, and between two signs of life of a stream
STREAM_SECONDS = 120.0
TEXT_BYTES = 400  # of news, whatever more is sent
SECRETS = ("cookie", "authorization")  # whose values no script is shown
View = Callable[..., ResponseReturnValue]


def add_learn_routes(blueprint: Blueprint, settings: Settings, events: Events) -> dict[str, Any]:
    """Register the lesson's pages and events, if there may be one; return what makes its sockets, by their paths."""
    if not Lesson.is_possible(settings):
        return {}
    lesson = Lesson(settings)
    lesson.declare(events)

    def route(path: str, method: str = "GET") -> Callable[[View], View]:
        def declare(view: View) -> View:
            @wraps(view)
            def checked(**arguments: str) -> ResponseReturnValue:
                if not is_learn_open(settings):
                    raise NotFound
                return view(**arguments)

            endpoint = f"learn_{view.__name__}"
            blueprint.add_url_rule(path, endpoint, checked, provide_automatic_options=False, methods=[method])
            return view

        return declare

    @route("/learn")
    def index() -> ResponseReturnValue:
        return _page("index")

    @route("/learn/<name>")
    def step(name: str) -> ResponseReturnValue:
        if name not in STEPS:
            raise NotFound
        return _page(name)

    @route("/learn/news", "POST")
    def tell() -> ResponseReturnValue:
        text = request.stream.read(TEXT_BYTES).decode(errors="ignore")
        number, text = lesson.boxes.add(_key(), text)
        lesson.tell_news(_key(), number, text)
        return json_response({"number": number})

    @route("/learn/news")
    def news() -> ResponseReturnValue:
        seconds = WAIT_SECONDS if "wait" in request.args else 0
        found = lesson.boxes.after(_key(), request.args.get("after", 0, int), seconds)
        response = json_response({"news": found, "requestBytes": request_bytes()})
        response.headers["Cache-Control"] = "no-store"
        return response

    @route("/learn/stream")
    def stream() -> ResponseReturnValue:
        key, asked = _key(), request_bytes()
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        parts = _stream(lesson, key, request.args.get("after", 0, int), asked)
        return Response(parts, mimetype="text/event-stream", headers=headers)

    @route("/learn/guest", "POST")
    def make_guest() -> ResponseReturnValue:
        """Make somebody whom a page may be, for who is signed in: what is tried stays out of their own conversations."""
        chat = current_chat()
        chat.directory.admission_of(bearer_token())
        name = f"learn-{token_hex(3)}"
        return json_response({"userId": name, "token": chat.tokens.sign(name)[0]})

    return {SOCKET: lambda sock, address: _pupil(lesson, sock, address)}


def is_learn_open(settings: Settings) -> bool:
    """Whether there is a lesson for the current request."""
    return Lesson.is_open(settings, request.environ.get("SERVER_NAME", ""))


def _page(name: str) -> Response:
    return page_response(f"learn/{name}.html", name=name, steps=STEPS, source_of=source_of)


def _key() -> str:
    key = request.args.get("key", "")
    return key if KEY.fullmatch(key) else ""


def _stream(lesson: Lesson, key: str, last: int, asked: int) -> Iterator[str]:
    yield f"event: begin\ndata: {asked}\n\n"
    end = time.monotonic() + STREAM_SECONDS
    with suppress(RateLimited):  # then it ends: the page may begin another one
        while time.monotonic() < end:
            found = lesson.boxes.after(key, last, WAIT_SECONDS)
            if not found:
                yield ": still here\n\n"
            for last, text in found:
                yield f"id: {last}\ndata: {' '.join(text.split())}\n\n"


def request_lines() -> list[str]:
    """Return the current request as its browser wrote it, but for the letters of headers' names and for secrets."""
    target = request.full_path if request.query_string else request.path
    headers = [f"{name}: {'…' if name.lower() in SECRETS else value}" for name, value in request.headers.items()]
    return [f"{request.method} {request.root_path}{target} HTTP/1.1", *headers]


def request_bytes() -> int:
    """Return how many bytes the current request had."""
    hidden = sum(len(request.headers.get(name, "…")) - 1 for name in SECRETS)
    return sum(len(line) + len("\r\n") for line in request_lines()) + len("\r\n") + hidden


def _pupil(lesson: Lesson, sock: Any, address: str) -> Any:
    """Make the socket of a pupil, and tell it of the handshake that it has just made."""
    if not is_learn_open(current_chat().settings):
        return Client(sock, current_chat(), address)
    client = lesson.join(sock, current_chat(), address, _key(), request.args.get("step", "")[:20])
    answer = handshake.answer(request.environ).decode().strip().split("\r\n")
    client.emit({"type": "handshake", "request": request_lines(), "answer": answer, "requestBytes": request_bytes()})
    return client
