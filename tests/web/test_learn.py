"""The pages of /learn: where they are and where not, and that they show the code that runs."""

from __future__ import annotations

import html
import io
import json
import re
import socket
import textwrap
from types import SimpleNamespace
from typing import Any

import pytest

from chat import create_app
from chat.errors import UnknownEvent
from chat.learn import box
from chat.learn.lesson import Lesson
from chat.learn.source import source_of
from chat.learn.steps import STEPS
from chat.server import ChatServer
from tests.clients import Person
from tests.conftest import ROOT, StartServer
from tests.test_script import run

TEMPLATES = ROOT / "templates/flask_chat_server/learn"
KEY = "0123456789abcdef"


@pytest.mark.parametrize(
    ("config", "bound", "status"),
    [
        ({}, "127.0.0.1", 200),
        ({}, "::1", 200),
        ({}, "0.0.0.0", 404),
        ({}, "192.168.0.7", 404),
        ({"CHAT_LEARN": "on"}, "192.168.0.7", 200),
        ({"CHAT_LEARN": "off"}, "127.0.0.1", 404),
        ({"CHAT_TRUSTED_PROXIES": 1}, "127.0.0.1", 404),
    ],
)
def test_learn_is_there_on_this_machine_and_elsewhere_only_where_it_is_set(
    config: dict[str, object], bound: str, status: int
) -> None:
    client = create_app(config).test_client()
    for path in ("/learn", "/learn/frame", f"/learn/news?key={KEY}"):
        answer = client.get(path, environ_overrides={"SERVER_NAME": bound})
        assert answer.status_code == status, path
    page = client.get("/", environ_overrides={"SERVER_NAME": bound}).get_data(as_text=True)
    assert ('id="wire"' in page) == (status == 200), "the chat's page offers its frames where there is a lesson"


def test_where_learn_is_off_its_events_are_refused_and_its_socket_is_none(start_server: StartServer) -> None:
    server = start_server(CHAT_LEARN="off")
    answer = Person(server.ws, "alice").ask(type="learn", do="watch")
    assert (answer["type"], answer["code"]) == ("error", "unknown_event")
    with pytest.raises(Exception, match="404"):
        Person(f"{server.ws}/learn/ws")


def test_whoever_comes_to_another_address_than_a_loopback_one_is_refused_the_lessons_events(chat: ChatServer) -> None:
    lesson = Lesson(chat.settings)
    near, far = (SimpleNamespace(sock=SimpleNamespace(getsockname=lambda a=a: (a, 1))) for a in ("::1", "10.0.0.1"))
    lesson._check_open(near)
    with pytest.raises(UnknownEvent):
        lesson._check_open(far)


@pytest.mark.parametrize("step", STEPS)
def test_the_source_that_a_step_shows_is_its_files(step: str) -> None:
    page = create_app().test_client().get(f"/learn/{step}").get_data(as_text=True)
    shown = re.findall(r'data-place="([^"]+)".*?data-line="(\d+)"><code translate="no">(.*?)</code></pre>', page, re.S)
    assert [place for place, _, _ in shown] == [*STEPS[step]]
    for place, line, text in shown:
        source = source_of(place)
        lines = (ROOT / source.file).read_text("utf-8").splitlines()
        count = len(source.text.splitlines())
        part = "\n".join(lines[int(line) - 1 : int(line) - 1 + count])
        assert html.unescape(text) == textwrap.dedent(part), place
        assert source.name.rpartition(".")[2] in part.splitlines()[0] or part.lstrip().startswith("@"), place
        assert count > 2, place


TEXTS = 'import {texts} from "../../static/js/learn/texts.js"; console.log(JSON.stringify(texts));'


@pytest.mark.slow
def test_every_text_of_the_lesson_is_there_in_both_languages() -> None:
    done = run("node", "--input-type=module", "--eval", TEXTS)
    texts = json.loads(done.stdout)
    for key, said in texts.items():
        assert said.keys() == {"en", "ko"}, key
        assert all(said.values()), key
        assert re.search("[가-힣]", said["ko"]) or not re.search("[a-z]{3} [a-z]", said["ko"]), f"{key} is not Korean"
        assert re.findall(r"\{\w+\}", said["en"]) == sorted(re.findall(r"\{\w+\}", said["ko"]), key=said["en"].find), (
            key
        )
    pages = create_app().test_client()
    for step in ("", *STEPS):
        page = pages.get(f"/learn/{step}".rstrip("/")).get_data(as_text=True)
        keys = set(re.findall(r'data-(?:text|label)="([^"]+)"', page))
        assert len(keys) > 5
        assert keys <= texts.keys(), step


class Endless(io.RawIOBase):
    """A body that has no end that anybody waits for."""

    def __init__(self) -> None:
        self.given = 0

    def readinto(self, buffer: Any) -> int:
        buffer[:] = b"x" * len(buffer)
        self.given += len(buffer)
        assert self.given < 1_000
        return len(buffer)


def test_of_news_no_more_is_read_than_is_kept() -> None:
    client, body = create_app().test_client(), Endless()
    said = {"wsgi.input": body, "CONTENT_LENGTH": str(10**12)}
    assert client.post(f"/learn/news?key={KEY}", environ_overrides=said).json == {"number": 1}
    [[_, text]] = client.get(f"/learn/news?key={KEY}").json["news"]
    assert text == "x" * body.given


def test_who_would_wait_where_too_many_do_is_sent_away_and_asks_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(box, "MOST_WAITING", 0)
    client = create_app().test_client()
    assert client.get(f"/learn/news?key={KEY}").status_code == 200
    assert client.get(f"/learn/news?key={KEY}&wait=1").status_code == 429
    stream = client.get(f"/learn/stream?key={KEY}").iter_encoded()
    assert next(stream).startswith(b"event: begin\n")
    assert next(stream, None) is None


def test_every_step_has_its_page_and_its_script_and_no_other_is_there() -> None:
    assert {path.stem for path in TEMPLATES.glob("*.html")} == {"base", "index", *STEPS}
    assert {path.stem for path in (ROOT / "static/js/learn/steps").glob("*.js")} == {*STEPS}


def test_news_waits_in_the_box_of_its_pupil_alone() -> None:
    client = create_app().test_client()
    assert client.post(f"/learn/news?key={KEY}", data="hi").json == {"number": 1}
    assert client.get(f"/learn/news?key={KEY}&wait=1").json["news"] == [[1, "hi"]]
    assert client.get(f"/learn/news?key={KEY}&after=1").json["news"] == []
    assert client.get("/learn/news?key=fedcba9876543210").json["news"] == []
    stream = client.get(f"/learn/stream?key={KEY}").iter_encoded()
    assert next(stream).startswith(b"event: begin\ndata: ")
    assert next(stream) == b"id: 1\ndata: hi\n\n"


def test_the_bytes_of_a_request_are_those_that_came(start_server: StartServer) -> None:
    server = start_server()
    request = (
        f"GET /learn/news?key={KEY} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nCookie: a=bcd\r\nAccept: */*\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port)) as sock:
        sock.sendall(request.encode())
        said = b""
        while b"}" not in said:
            said += sock.recv(65_536)
    assert json.loads(said.partition(b"\r\n\r\n")[2])["requestBytes"] == len(request)
