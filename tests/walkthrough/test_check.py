"""The checker of a server: its verdicts on the first server, on each answer, on the real one, and on servers half right."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from difflib import unified_diff
from itertools import pairwise
from threading import Thread
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from tests.conftest import StartServer
from tests.walkthrough.servers import LESSON, app_of, serving

import check  # isort: skip  (of LESSON, which `servers` has made known)
import client_sentences  # isort: skip
import person  # isort: skip
import sentences  # isort: skip
from verdicts import Red, Verdict, in_words, own_language  # isort: skip

FIRST = "first_server.py"
EXPECTED = {
    FIRST: [None, "tab_replaced", "forged", "own_hurt", "lost"],
    "answers/two_tabs.py": [None, None, "forged", "own_hurt", "lost"],
    "answers/own_name.py": [None, "tab_replaced", None, "own_hurt", "lost"],
    "answers/not_json.py": [None, "tab_replaced", "forged", None, "lost"],
    "answers/away.py": [None, "tab_replaced", "forged", "own_hurt", None],
    "answers/all_four.py": [None, None, None, None, None],
}


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """For servers that share this process, and its processor, with those who judge them and with other tests."""
    monkeypatch.setattr(person, "QUIET_SECONDS", 0.7)
    monkeypatch.setattr(person, "ANSWER_SECONDS", 3.0)


def key_of(address: str, one: Callable[[check.Room], None]) -> str | None:
    """The key of the sentence by which a check fails; None: it passes."""
    with check.Room(address) as room:
        try:
            one(room)
        except Red as red:
            return red.key
    return None


def test_the_first_server_passes_one_check_each_answer_one_more_and_all_four_together_all(
    patient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    apps = {file: app_of(LESSON / file, monkeypatch) for file in EXPECTED}
    with ExitStack() as stack, ThreadPoolExecutor(30) as pool:  # they wait for each other's silence, most of the time
        addresses = {file: f"ws://{stack.enter_context(serving(app))}/ws" for file, app in apps.items()}
        found = {
            file: [pool.submit(key_of, address, one) for one in check.CHECKS] for file, address in addresses.items()
        }
        assert {file: [future.result() for future in futures] for file, futures in found.items()} == EXPECTED


def test_the_real_server_passes_all_five_with_default_settings(patient: None, start_server: StartServer) -> None:
    verdicts = [*check.judge(f"{start_server(CHAT_RATE_LIMITS='on').ws}/ws")]
    assert verdicts == [Verdict(True)] * 5


def test_the_first_server_and_page_are_short_and_an_answer_changes_a_few_lines_only() -> None:
    lines = {file: (LESSON / file).read_text("utf-8").splitlines() for file in EXPECTED}
    assert len(lines[FIRST]) <= 30
    assert len((LESSON / "first.html").read_text("utf-8").splitlines()) <= 40
    for file in [name for name in EXPECTED if name not in (FIRST, "answers/all_four.py")]:
        own = [line.replace("../first.html", "first.html") for line in lines[file]]
        added = [line for line in unified_diff(lines[FIRST], own, n=0) if line[0] == "+" and line[:3] != "+++"]
        assert 1 <= len(added) < 12, file


# Servers that are half right.


class Whole:
    """A server that passes all five. The half right ones are it, but for one thing."""

    def __init__(self) -> None:
        self.tabs: dict[str, list[ServerConnection]] = {}
        self.waiting: dict[str, list[str]] = {}
        self.sockets: list[ServerConnection] = []

    def __call__(self, ws: ServerConnection) -> None:
        self.sockets.append(ws)
        user = ""
        try:
            for text in ws:
                try:
                    user = self.take(ws, user, json.loads(text))
                except (ValueError, TypeError, KeyError):
                    self.is_wrong(ws)
        except ConnectionClosed:
            pass
        finally:
            if user:
                self.leave(user, ws)

    def take(self, ws: ServerConnection, user: str, event: dict[str, Any]) -> str:
        if event["type"] == "init":
            self.come(event["userId"], ws)
            return str(event["userId"])
        if event["toUserId"] and self.may_write(user):
            self.send(self.text_of(event, user), event["toUserId"], user, ws)
        return user

    def come(self, user: str, ws: ServerConnection) -> None:
        self.tabs.setdefault(user, []).append(ws)
        ws.send('{"type": "ready"}')
        for text in self.missed(user):
            ws.send(text)

    def leave(self, user: str, ws: ServerConnection) -> None:
        self.tabs[user].remove(ws)

    def send(self, text: str, to: str, user: str, ws: ServerConnection) -> None:
        for tab in self.tabs.get(to) or []:
            tab.send(text)
        if not self.tabs.get(to):
            self.waiting.setdefault(to, []).append(text)

    def text_of(self, event: dict[str, Any], user: str) -> str:
        return json.dumps({**event, "fromUserId": user})

    def missed(self, user: str) -> list[str]:
        return self.waiting.pop(user, [])

    def may_write(self, user: str) -> bool:
        return bool(user)

    def is_wrong(self, ws: ServerConnection) -> None:
        ws.send('{"type": "error"}')


class Echoes(Whole):
    def send(self, text: str, to: str, user: str, ws: ServerConnection) -> None:
        ws.send(text)


class EchoesToo(Whole):
    def send(self, text: str, to: str, user: str, ws: ServerConnection) -> None:
        ws.send(text)
        super().send(text, to, user, ws)


class TellsEverybody(Whole):
    def send(self, text: str, to: str, user: str, ws: ServerConnection) -> None:
        for other in self.sockets:
            if other is not ws:
                other.send(text)


class AnswersNothing(Whole):
    def send(self, text: str, to: str, user: str, ws: ServerConnection) -> None:
        pass


class SendsPlainText(Whole):
    def text_of(self, event: dict[str, Any], user: str) -> str:
        return str(event["message"])


class SendsBinary(Whole):
    def send(self, text: str, to: str, user: str, ws: ServerConnection) -> None:
        for tab in self.tabs[to]:
            tab.send(text.encode())


class NamesNobody(Whole):
    def text_of(self, event: dict[str, Any], user: str) -> str:
        return json.dumps({"type": "chat", "message": event["message"]})


class KeepsTheFirstTab(Whole):
    def send(self, text: str, to: str, user: str, ws: ServerConnection) -> None:
        self.tabs[to][0].send(text)


class ForgetsTheUser(Whole):
    def leave(self, user: str, ws: ServerConnection) -> None:
        self.tabs.pop(user, None)


class SendsToTheClosed(Whole):
    def leave(self, user: str, ws: ServerConnection) -> None:
        pass

    def send(self, text: str, to: str, user: str, ws: ServerConnection) -> None:
        for tab in reversed(self.tabs[to]):
            try:
                tab.send(text)
            except ConnectionClosed:
                ws.close()
                return


class BelievesAnybody(Whole):
    def may_write(self, user: str) -> bool:
        return True

    def text_of(self, event: dict[str, Any], user: str) -> str:
        return json.dumps({**event, "fromUserId": user or event["fromUserId"]})


class GoesDeaf(Whole):
    def is_wrong(self, ws: ServerConnection) -> None:
        for _ in ws:
            pass


class Falls(Whole):
    def is_wrong(self, ws: ServerConnection) -> None:
        for other in self.sockets:
            other.close()


class KeepsTheLast(Whole):
    def missed(self, user: str) -> list[str]:
        return self.waiting.pop(user, [])[-1:]


class TurnsRound(Whole):
    def missed(self, user: str) -> list[str]:
        return self.waiting.pop(user, [])[::-1]


class NeverForgets(Whole):
    def missed(self, user: str) -> list[str]:
        return self.waiting.get(user, [])


class ClosesAtOnce(Whole):
    def __call__(self, ws: ServerConnection) -> None:
        pass


class WantsPasswords(Whole):
    def come(self, user: str, ws: ServerConnection) -> None:
        ws.close(4501)


class Babbles(Whole):
    """It is right, and says something else all the time: no check may wait for its silence."""

    def come(self, user: str, ws: ServerConnection) -> None:
        super().come(user, ws)
        Thread(target=self.babble, args=(ws,)).start()

    def babble(self, ws: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            while True:
                ws.send('{"type": "tick"}')
                time.sleep(0.05)


HALF_RIGHT = [
    (WantsPasswords, check.check_arrival, "sign_in"),
    (Babbles, check.check_tabs, None),
    (ClosesAtOnce, check.check_arrival, "closed_at_once"),
    (AnswersNothing, check.check_arrival, "nothing"),
    (Echoes, check.check_arrival, "echo"),
    (EchoesToo, check.check_arrival, "echo_too"),
    (TellsEverybody, check.check_arrival, "everybody"),
    (SendsPlainText, check.check_arrival, "not_json"),
    (SendsBinary, check.check_arrival, "not_text"),
    (NamesNobody, check.check_arrival, "wrong_event"),
    (KeepsTheFirstTab, check.check_tabs, "tab_deaf"),
    (ForgetsTheUser, check.check_tabs, "tabs_gone"),
    (SendsToTheClosed, check.check_tabs, "sender_hurt"),
    (BelievesAnybody, check.check_names, "nameless"),
    (GoesDeaf, check.check_no_json, "own_deaf"),
    (Falls, check.check_no_json, "all_hurt"),
    (KeepsTheLast, check.check_away, "one_lost"),
    (TurnsRound, check.check_away, "turned_round"),
    (NeverForgets, check.check_away, "again"),
]


@contextmanager
def running(handler: Any) -> Iterator[str]:
    with serve(handler, "127.0.0.1", 0, close_timeout=0.1) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}/ws"
        finally:
            server.shutdown()
            thread.join()


def test_each_half_right_server_gets_the_sentence_that_says_what_is_wrong_with_it(patient: None) -> None:
    with ExitStack() as stack, ThreadPoolExecutor(len(HALF_RIGHT) + 5) as pool:
        rows = [(Whole, one, None) for one in check.CHECKS] + HALF_RIGHT
        addresses = [stack.enter_context(running(server())) for server, _, _ in rows]
        keys = pool.map(lambda address, row: key_of(address, row[1]), addresses, rows)
        assert [*zip(rows, keys, strict=True)] == [(row, row[2]) for row in rows]


def answering(text: bytes) -> Callable[[socket.socket], None]:
    def answer(client: socket.socket) -> None:
        client.recv(4_096)
        client.sendall(text)

    return answer


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        ("silent", lambda client: client.recv(4_096) and client.recv(1)),
        ("no_http", answering(b"220 mail.example.com ESMTP\r\n")),
        ("no_http", lambda client: None),
        ("no_path", answering(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")),
        ("status", answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")),
        ("airplay", answering(b"HTTP/1.1 403 Forbidden\r\nServer: AirTunes/700\r\nContent-Length: 0\r\n\r\n")),
        ("refused", None),
    ],
)
def test_an_address_without_a_socket_gets_a_sentence_that_says_why(
    key: str, answer: Callable[[socket.socket], None] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(person, "HANDSHAKE_SECONDS", 0.5 if key == "silent" else 10.0)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        if answer is None:
            listening.close()
        else:

            def take_one() -> None:
                client, _ = listening.accept()
                with client:
                    answer(client)

            Thread(target=take_one, daemon=True).start()
        verdicts = [*check.judge(f"ws://127.0.0.1:{port}/ws")]
    assert [verdicts[0].key, *verdicts[1:]] == [key, *[Verdict(False)] * 4]


def ended_with(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | str | None:
    monkeypatch.setattr("sys.argv", ["check.py", *arguments])
    monkeypatch.setattr("sys.stdout.reconfigure", lambda **_: None, raising=False)
    with pytest.raises(SystemExit) as ended:
        check.main()
    return ended.value.code


def test_an_address_that_is_none_is_refused_or_gets_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert next(check.judge("ws://127.0.0.1:99999/ws")).key == "no_host"
    assert ended_with(monkeypatch, "http://127.0.0.1:5000") == 2
    assert "ws://127.0.0.1:5000/ws" in capsys.readouterr().err


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_checker_says_what_it_found_and_ends_with_1_where_a_check_fails(
    lang: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended_with(monkeypatch, "ws://127.0.0.1:1/ws", "--lang", lang) == 1
    said = capsys.readouterr().out
    assert "127.0.0.1:1" in said
    assert "app.py: main" in said
    assert ("서버를 켰나요?" in said) == (lang == "ko")


@pytest.mark.parametrize(
    ("variables", "system", "lang"),
    [
        ({"LANG": "ko_KR.UTF-8"}, None, "ko"),
        ({"LANG": "ko_KR.UTF-8", "LC_ALL": "en_US.UTF-8"}, "ko_KR", "en"),
        ({}, "Korean_Korea", "ko"),  # Windows
        ({}, None, "en"),
    ],
)
def test_the_checkers_speak_the_language_of_the_machine(
    variables: dict[str, str], system: str | None, lang: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("locale.getlocale", lambda: (system, None))
    assert own_language() == lang


@pytest.mark.parametrize("module", [sentences, client_sentences], ids=["server", "client"])
def test_each_sentence_stands_in_both_languages_and_leaves_the_same_blanks(module: Any) -> None:
    blanks = {"who", "to", "other", "got", "code", "seconds", "address"}
    for key, sentence in module.SENTENCES.items():
        english, korean = (set(re.findall(r"(?<!\{)\{(\w+)\}", text)) for text in (sentence.en, sentence.ko))
        assert english == korean <= blanks, key
        assert re.search("[가-힣]", sentence.ko), key
        said = [in_words(1, Verdict(True, key, dict.fromkeys(blanks, "x")), {"en": ["t"], "ko": ["t"]}, module.SENTENCES, lang)
                for lang in ("en", "ko")]  # fmt: skip
        assert all(sentence.place in text for text in said), key


def test_each_sentence_of_the_server_checker_is_said_by_it() -> None:
    code = "".join((LESSON / name).read_text("utf-8") for name in ("check.py", "person.py"))
    assert [key for key in sentences.SENTENCES if f'"{key}"' not in code] == []
    code = (LESSON / "check_client.py").read_text("utf-8")
    assert [key for key in client_sentences.SENTENCES if f'"{key}"' not in code] == []


def test_the_exercises_show_the_same_commands_and_lead_to_the_same_places_in_both_languages() -> None:
    english, korean = (
        (LESSON / "exercises" / name).read_text("utf-8").split("[", 1)[1].split("\n", 1)[1]
        for name in ("README.md", "README.ko.md")
    )
    for pattern in (r"```.*?```", r"\]\(([^)]*)\)", r"`(?:chat|static)/[\w/.-]+`"):
        found = [re.findall(pattern, text, re.S) for text in (english, korean)]
        assert sorted(found[0]) == sorted(link.replace("walkthrough.ko.md", "walkthrough.md") for link in found[1])
    assert all(a != b for a, b in pairwise(["", *re.findall(r"^#+ .*", korean, re.M)]))
