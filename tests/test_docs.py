"""The documents tell the truth: their examples are played, their tables compared with the code."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import itertools
import json
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from chat import errors
from chat.config import PREFIX, Settings
from chat.limits import BODY_BYTES
from chat.protocol import structs as protocol
from chat.protocol.told_limits import ToldLimits
from chat.router import events
from chat.rules import SENTENCES
from chat.server import ChatServer
from chat.storage.records import Send
from chat.web import conversations, messages, notifications, openapi, search
from chat.web import requests as reading
from chat.web.api import VIEWS
from clients import generate
from tests.conftest import ROOT, Server, StartServer
from tests.storage.conftest import open_storage
from tests.test_errors import CLASSES, made_errors, rules_in
from tests.walkthrough.servers import LESSON, serving

import client_sentences  # isort: skip  (of LESSON, which `servers` has made known)
import sentences  # isort: skip

DOCS = ROOT / "docs"
TEXTS = [ROOT / "static/js" / name for name in ("texts.js", "error-texts.js", "learn/texts.js", "widget/words.js")]
READMES = [ROOT / "README.md", ROOT / "README.ko.md"]
PROTOCOL = (DOCS / "protocol.md").read_text("utf-8")
OPERATIONS = (DOCS / "operations.md").read_text("utf-8")
WALKTHROUGHS = {name: (DOCS / name).read_text("utf-8") for name in ("walkthrough.md", "walkthrough.ko.md")}
ANSWER_SECONDS = 10
COMMAND_SECONDS = 60  # of a command that loads the whole program, beside other tests
EXPERIMENT_SECONDS = 120  # one kills a server and starts it again, perhaps beside other tests

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
LINE = re.compile(r"(?P<who>\w+(?: \d)?) +(?P<arrow>[→←]?) *(?P<what>.+)")
REFERENCE = re.compile(r"`([\w/.-]+\.(?:py|js|html)): ([\w.#]+)`")


def blocks(text: str, language: str) -> list[str]:
    return [body for found, body in BLOCK.findall(text) if found == language]


def section(text: str, heading: str) -> str:
    """What stands under the heading, a whole line of the document, up to the next of its rank."""
    start = text.index(f"\n{heading}\n") + len(heading) + 2
    end = re.search(rf"^#{{1,{heading.count('#')}}} ", text[start:], re.M)
    return text[start:][: end.start()] if end else text[start:]


def rows(text: str) -> list[list[str]]:
    """The cells of every table row, without heads and rulers."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    ruler = re.compile(r"[|-]+")
    heads = {i - 1 for i, line in enumerate(lines) if ruler.fullmatch(line)}
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for i, line in enumerate(lines)
        if i not in heads and not ruler.fullmatch(line)
    ]


# docs/protocol.md: the examples.

EXAMPLES = [block for block in blocks(PROTOCOL, "text") if "→" in block or "←" in block]
BROKEN = """
from gevent import monkey

monkey.patch_all()
from chat import create_app, events

@events.on("broken")
def broken(client, event):
    raise RuntimeError("the bug of the example")

app = create_app()
"""

DONE: dict[str, Callable[[ClientConnection], Any]] = {
    "(three bytes, as a binary message)": lambda ws: ws.send(b"\0\1\2"),
    "(close 1000)": lambda ws: ws.close(1000),
    "(a text of 65,537 bytes)": lambda ws: ws.send("x" * 65_537),
    "(a text in 1,025 frames)": lambda ws: ws.send(["x"] * 1_024),  # and an empty last one
    "(a text that is the byte ff)": lambda ws: ws.send(b"\xff", text=True),
    "(a frame with a reserved bit)": lambda ws: ws.socket.sendall(b"\xc1\x80\0\0\0\0"),
    "(waits for 10 seconds)": lambda ws: None,  # as `recv` does
}
STOPS = "(the server is told to stop)"
PEOPLE = re.compile(r"\b(alice|bob|carol)\b", re.IGNORECASE)
REQUEST = re.compile(r"(?P<method>GET|POST|PUT) (?P<path>/\S*) ?(?P<body>.*)")
ANSWER = re.compile(r"(?P<status>\d{3}) (?P<body>.*)")
VARIES = {
    "timestamp": TIMESTAMP,
    "since": TIMESTAMP,
    "lastSeen": TIMESTAMP,
    "expiresAt": TIMESTAMP,
    "token": re.compile(r"eyJhbGciOi.+"),
    "epoch": re.compile(r"[\w-]{12}"),
    "conversationId": re.compile(r"~[\w-]+"),
    "id": re.compile(r"~[\w-]+\.\d+"),
}
DRAWN = "restart"  # the event whose `retryAfter` is another one each time
# What each answer carries, and the page shows once and not in each example.
SAID_ONCE = {"v", "features", "server", "epoch", "conversationId", "id", "members"}
_numbers = itertools.count(1)


def without_what_varies(answer: Any) -> Any:
    """The answer, and what lies in it, with every time and token checked for its form and left out."""
    if isinstance(answer, list):
        return [without_what_varies(part) for part in answer]
    if not isinstance(answer, dict):
        return answer
    for name in answer.keys() & VARIES.keys():
        assert VARIES[name].fullmatch(answer[name]), answer
    if answer.get("type") == DRAWN:
        assert 1 <= answer["retryAfter"] <= 2
        return {"type": DRAWN}
    return {k: without_what_varies(v) for k, v in answer.items() if k not in VARIES}


def without_what_is_not_shown(found: Any, expected: Any) -> Any:
    """What was found, without what is SAID_ONCE where the example leaves it out."""
    if isinstance(found, list) and isinstance(expected, list):
        return list(itertools.starmap(without_what_is_not_shown, itertools.zip_longest(found, expected)))
    if not isinstance(found, dict) or not isinstance(expected, dict):
        return found
    return {
        k: without_what_is_not_shown(v, expected.get(k))
        for k, v in found.items()
        if k in expected or k not in SAID_ONCE
    }


def assert_same(found: Any, expected: Any) -> None:
    shown = without_what_is_not_shown(found, expected)
    assert without_what_varies(shown) == without_what_varies(expected)


class Conversation:
    """The people of one example, each with a real socket, and with a name that no other example has."""

    def __init__(self, server: Server, sockets: ExitStack) -> None:
        self._server = server
        self._sockets = sockets
        self._people: dict[str, ClientConnection] = {}
        self._answers: dict[str, requests.Response] = {}  # of HTTP, to whom asked last

    def play(self, example: str) -> None:
        number = next(_numbers)
        example = PEOPLE.sub(lambda name: f"{name[0]}{number}", example)
        lines = [LINE.fullmatch(line) for line in example.splitlines()]
        assert all(lines), f"a line of this example cannot be read:\n{example}"
        shown = {line["who"] for line in lines if '"init"' in line["what"]}
        for who in dict.fromkeys(line["who"] for line in lines):
            self._enter(who, say_init=who not in {*shown, "stranger"})
        for line in lines:
            who, what = line["who"], line["what"]
            if line["arrow"] == "←" and (answer := ANSWER.fullmatch(what)):
                found = self._answers.pop(who)
                assert found.status_code == int(answer["status"]), found.text
                expected = json.loads(answer["body"])
                assert_same(found.json(), expected)
            elif line["arrow"] == "←":
                self._expect(self._people[who], what)
            elif request := REQUEST.fullmatch(what):
                self._answers[who] = self._ask(who.split()[0], **request.groupdict())
            else:
                self._do(self._people[who], what)
        for ws in self._people.values():
            self._expect_no_more(ws)

    def _enter(self, who: str, say_init: bool) -> None:
        ws = self._sockets.enter_context(connect(self._server.ws, close_timeout=ANSWER_SECONDS))
        self._people[who] = ws
        if say_init:
            ws.send(json.dumps({"type": "init", "userId": who.split()[0], "sync": True}))
            assert json.loads(ws.recv(ANSWER_SECONDS))["type"] == "ready"

    def _ask(self, who: str, method: str, path: str, body: str) -> requests.Response:
        headers = {"Content-Type": "application/json"} if body else {}
        if who != "stranger":
            session = requests.post(f"{self._server.http}/api/session", json={"userId": who}, timeout=ANSWER_SECONDS)
            headers["Authorization"] = f"Bearer {session.json()['token']}"
        url = f"{self._server.http}{path}"
        return requests.request(method, url, data=body.encode(), headers=headers, timeout=ANSWER_SECONDS)

    def _do(self, ws: ClientConnection, what: str) -> None:
        if what == STOPS:
            self._server.process.send_signal(signal.SIGTERM)
        elif what.startswith("("):
            DONE[what](ws)
        else:
            ws.send(what)

    def _expect(self, ws: ClientConnection, what: str) -> None:
        if what.startswith("close "):
            with pytest.raises(ConnectionClosed):
                ws.recv(ANSWER_SECONDS)
            assert f"close {ws.close_code} {ws.close_reason}".strip() == what
            return
        expected = json.loads(what)
        found = self._next_event(ws, expected["type"])
        if expected["type"] == "ready":  # which has more limits than the examples show
            expected["limits"] = found["limits"] | expected["limits"]
        assert_same(found, expected)

    def _expect_no_more(self, ws: ClientConnection) -> None:
        if ws.close_code is None:
            ws.send('{"type": "ping"}')
            assert self._next_event(ws)["type"] == "pong"

    def _next_event(self, ws: ClientConnection, wanted: str = "") -> dict[str, Any]:
        """What came next; but for what comes when it comes, unless it is `wanted`."""
        while True:
            event: dict[str, Any] = json.loads(ws.recv(ANSWER_SECONDS))
            if event["type"] not in {"receipt", "presence"} - {wanted}:
                return event


@pytest.fixture(scope="module")
def documented(_start: StartServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server as it comes, and the one event more that the examples speak of."""
    folder = tmp_path_factory.mktemp("documented")
    (folder / "documented.py").write_text(BROKEN)
    # instead of the 10 and 5 that the examples wait
    quick = {"CHAT_INIT_SECONDS": "2", "CHAT_PRESENCE_SECONDS": "0", "CHAT_RATE_LIMITS": "on"}
    running = _start("--pythonpath", str(folder), "--keep-alive", "1", app="documented:app", **quick)
    yield running
    running.end()


def test_the_protocol_has_examples() -> None:
    assert len(EXAMPLES) > 20, "need examples for the tests below to mean anything"


@pytest.mark.parametrize("example", [e for e in EXAMPLES if STOPS not in e])
def test_an_example_of_the_protocol_is_true(documented: Server, example: str) -> None:
    with ExitStack() as sockets:
        Conversation(documented, sockets).play(example)


@pytest.mark.parametrize("example", [e for e in EXAMPLES if STOPS in e])
def test_the_example_of_a_server_that_stops_is_true(start_server: StartServer, example: str) -> None:
    with ExitStack() as sockets:
        Conversation(start_server(CHAT_RATE_LIMITS="on"), sockets).play(example)


UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.mark.parametrize(
    ("code", "headers"),
    [
        ("bad_handshake", {**UPGRADE, "Sec-WebSocket-Key": "short"}),
        ("bad_handshake", {**UPGRADE, "Connection": "keep-alive"}),
        ("origin_refused", {**UPGRADE, "Origin": "https://elsewhere.example"}),
        ("upgrade_required", {**UPGRADE, "Sec-WebSocket-Version": "8"}),
        ("upgrade_required", {}),
    ],
)
def test_a_refused_upgrade_is_answered_as_documented(documented: Server, code: str, headers: dict[str, str]) -> None:
    statuses = {row[1]: row[0] for row in rows(section(PROTOCOL, "## Connecting"))}
    answer = requests.get(f"{documented.http}/ws", headers=headers, timeout=ANSWER_SECONDS)
    assert f"`{answer.json()['error']['code']}`" == f"`{code}`"
    assert str(answer.status_code) == statuses[f"`{code}`"]


# docs/protocol.md: the tables.


def chat_errors() -> list[type[errors.ChatError]]:
    found = [e for _, e in inspect.getmembers(errors, inspect.isclass)]
    return [e for e in found if issubclass(e, errors.ChatError)]


def test_every_error_code_is_documented_and_no_other() -> None:
    refused = [row[1] for row in rows(section(PROTOCOL, "## Connecting"))]
    failed = [row[0] for row in rows(section(PROTOCOL, "## Error codes"))]
    over_http = [row[1] for row in rows(section(PROTOCOL, "### Errors over HTTP"))]
    at_start = ["`bad_setting`", "`wrong_tables`", "`database_in_use`"]
    documented = [*refused, *failed, *over_http, *at_start]
    assert sorted(f"`{code}`" for code in {e.code for e in chat_errors()}) == sorted(documented)


def test_every_rule_of_an_error_is_documented_with_its_code_and_sentence_and_no_other() -> None:
    documented = {rule.strip("`"): (code, said) for code, rule, said in rows(section(PROTOCOL, "## Rules of errors"))}
    plain = {rule: re.sub(r"(![r]|:,)\}", "}", said) for rule, said in SENTENCES.items()}
    assert {rule: said for rule, (_, said) in documented.items()} == plain
    for _, call in made_errors():
        for rule in rules_in(call):
            assert f"`{CLASSES[ast.unparse(call.func).rpartition('.')[2]].code}`" in documented[rule][0], rule


@pytest.mark.parametrize("heading", ["## Connecting", "### Errors over HTTP"])
def test_the_status_of_a_refused_request_is_documented(heading: str) -> None:
    by_code = {f"`{e.code}`": str(e.status) for e in chat_errors()}
    for status, code, _ in rows(section(PROTOCOL, heading)):
        assert by_code[code] == status


def test_every_path_of_the_api_is_documented_with_its_parameters() -> None:
    text = section(PROTOCOL, "## HTTP")
    for view in VIEWS:
        path = openapi.path_of(view.operation).replace("{", "<").replace("}", ">")
        assert f"`{view.operation.method} {path}`" in text, path
    for heading, struct in (
        ("### Listing conversations", conversations.ConversationsPage),
        ("### Reading messages", messages.MessagesPage),
        ("### Listing notifications", notifications.NotificationsPage),
        ("### Changes of notifications", notifications.ChangesPage),
        ("### Searching", search.MessagesQuery),
        ("### Finding people", search.UsersQuery),
    ):
        assert fields_in(section(text, heading)) == set(struct.__struct_encode_fields__)
    assert f"{BODY_BYTES:,} bytes" in text
    assert f"within {reading.BODY_SECONDS} seconds" in text


def test_the_types_of_clients_are_made_of_the_documents_as_they_are() -> None:
    stale = [file.name for file, text in generate.made().items() if file.read_text("utf-8") != text]
    assert not stale, "run `make clients`, and commit what it writes"


def test_the_shell_example_of_the_protocol_prints_what_it_shows(documented: Server) -> None:
    [code] = blocks(PROTOCOL, "sh")
    [printed] = [b for a, b in itertools.pairwise(BLOCK.findall(PROTOCOL)) if a == ("sh", code)]
    code = code.replace("127.0.0.1:8000", f"127.0.0.1:{documented.port}")
    run = subprocess.run(["sh", "-c", code], capture_output=True, text=True, timeout=20)
    shown = re.sub(r'(?<="epoch":")[\w-]{12}', "dQw4w9WgXcQ1", run.stdout.strip())
    assert (shown, run.stderr) == (printed[1].strip(), "")


def close_codes() -> dict[int, str | None]:
    """Every close code that the code names or uses, and its name in protocol.py where it has one."""
    is_code = range(1000, 5000).__contains__
    named = {v: k for k, v in vars(protocol).items() if k.isupper() and is_code(v)}
    found: dict[int, str | None] = {}
    for file in (ROOT / "chat/transport").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            for leaf in ast.walk(node) if isinstance(node, ast.Call | ast.Return) else ():
                if isinstance(leaf, ast.Constant) and type(leaf.value) is int and is_code(leaf.value):
                    found[leaf.value] = None
    return found | named


def test_every_close_code_is_documented_by_its_name() -> None:
    table = {int(row[0]): row[1] for row in rows(section(PROTOCOL, "## Close codes"))}
    used = close_codes()
    assert len(used) > 8, "need the codes for this to mean anything"
    for code, name in used.items():
        assert table[code] == (f"`{name}`" if name else table[code])
    assert {f"`{name}`" for name in used.values() if name} == set(table.values()) - {"none"}


def test_chat_socket_js_comes_back_as_documented() -> None:
    source = (ROOT / "static/js/chat-socket.js").read_text("utf-8")
    soon = set(json.loads(re.search(r"BACK_SOON = (\[.+?\])", source)[1]))
    final = re.search(r"isFinal = .*=> (.+);", source)[1]
    assert final == "code === 1008 || (code >= 4500 && code < 4600 && code !== 4502)"
    for row in rows(section(PROTOCOL, "## Close codes")):
        code, back = int(row[0]), row[3]
        if code != 1000:
            expected = (
                "soon"
                if code in soon
                else "no"
                if code == 1008 or (4500 <= code < 4600 and code != 4502)
                else "with backoff"
            )
            assert back == expected, code


def fields_in(text: str) -> set[str]:
    return {row[0].strip("*`") for row in rows(text)}


def test_every_event_of_a_client_is_documented_with_its_fields() -> None:
    text = section(PROTOCOL, "## From the client")
    structs = events.payloads
    assert {"init", "chat"} <= structs.keys(), "need the events for this to mean anything"
    for name, struct in structs.items():
        expected = set(struct.__struct_encode_fields__) - {"ref"}
        assert fields_in(section(text, f"### `{name}`")) == expected, name
    assert re.findall(r"^### `(.+)`$", text, re.M) == list(structs)


def test_every_event_of_the_server_is_documented_with_its_fields() -> None:
    text = section(PROTOCOL, "## From the server")
    structs = {s.__struct_config__.tag: s for s in protocol.ServerEvent.__subclasses__()}
    assert {"ready", "chat"} <= structs.keys(), "need the events for this to mean anything"
    for name, struct in structs.items():
        expected = set(struct.__struct_encode_fields__)
        assert fields_in(section(text, f"### `{name}`")) == expected, name
    limits = [name for row in rows(section(PROTOCOL, "### Limits by name")) for name in row[0].split(", ")]
    assert sorted(limits) == sorted(f"`{name}`" for name in ToldLimits.__struct_encode_fields__)
    for field in protocol.Standing.__struct_encode_fields__:
        assert f"`{field}`" in section(text, "### `ready`")
    documented = set(re.findall(r"^### `(.+)`$", text, re.M))
    assert documented == {*structs, "ack", "notification"}


# docs/operations.md.


def test_every_setting_is_documented_with_its_default_and_unit() -> None:
    table = {row[0].strip("`"): row[1:3] for row in rows(section(OPERATIONS, "## Settings"))}
    expected = {}
    for field in dataclasses.fields(Settings):
        default = "none" if field.default in ((), "") else f"`{_plain(field.default)}`"
        expected[PREFIX + field.name.upper()] = [default, field.metadata["unit"]]
    assert table == expected


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def test_the_settings_that_the_protocol_names_exist() -> None:
    known = {PREFIX + field.name.upper() for field in dataclasses.fields(Settings)}
    for file in [*DOCS.glob("*.md"), *READMES]:
        assert set(re.findall(r"CHAT_[A-Z_]+[A-Z]", file.read_text("utf-8"))) <= known, file.name


def shell(code: str, **replaced: str) -> str:
    """What an `sh` example of a document prints, run with this Python and with other places."""
    for old, new in replaced.items():
        assert old in code
        code = code.replace(old, new)
    run = subprocess.run(["sh", "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=COMMAND_SECONDS)
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.mark.slow
def test_the_commands_that_make_the_tables_and_a_backup_work(tmp_path: Path) -> None:
    commands = blocks(section(OPERATIONS, "## Storage"), "sh")
    [tables] = [line for c in commands for line in c.splitlines() if "init-db" in line]
    [backup] = [c for c in commands if "chat backup" in c]
    url = f"sqlite:///{tmp_path}/chat.db"
    flask = f"{sys.executable} -m flask"
    said = shell(tables, **{"postgresql+psycopg://chat@db.example.com/chat": url, "flask": flask})
    assert said.startswith(f"{url} is up to date (revision ")
    storage = open_storage(url)
    storage.writer.commit([Send("alice", "bob", "hi", None)])
    shell(f"CHAT_DATABASE_URL={url} {backup}", **{"backup.db": f"{tmp_path}/backup.db", "flask": flask})
    storage.close()
    assert (tmp_path / "backup.db").stat().st_mode & 0o777 == 0o600
    copy = open_storage(f"sqlite:///{tmp_path}/backup.db")
    assert [message.body for message in copy.messages.history("alice", "bob", 10).messages] == ["hi"]
    copy.close()


LOG_LEVELS = {"debug": "DEBUG", "info": "INFO", "warning": "WARNING", "error": "ERROR"} | {"exception": "ERROR"}


def test_the_doctors_lines_are_as_documented() -> None:
    shown = blocks(section(OPERATIONS, "## The doctor"), "text")[0].splitlines()
    sources = "".join((ROOT / f"chat/commands/{name}.py").read_text("utf-8") for name in ("doctor", "way_in"))
    assert {line[6:18].strip() for line in shown} <= {"settings", "database", "migrations"} | set(
        re.findall(r'Finding\(\s*\w+, "([a-z ]+)"', sources)
    )


@pytest.mark.slow
def test_the_rolling_restart_sends_signals_apart_and_ends_the_old_workers_when_all_new_ones_serve() -> None:
    """Signals of a kind that come at once are one: of four workers that were asked for, one began, and four ended."""
    [script] = [block for block in blocks(OPERATIONS, "sh") if "TTIN" in block]
    stubs = """
        cat() { echo 7; }
        kill() { echo "kill $1 $2"; }
        sleep() { echo "sleep $1"; echo "INFO chat the bus is there: worker=a" >> log; }
        journalctl() { tail -n +5 log; }  # so that four more seconds pass until all four are there
    """
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["bash", "-ec", stubs + script], cwd=folder, capture_output=True, text=True, check=True)
    begin, end = ["kill -TTIN 7", "sleep 1"] * 4, ["kill -TTOU 7", "sleep 8"] * 4
    assert done.stdout.splitlines() == [*begin, *["sleep 1"] * 4, *end]


def test_every_metric_is_documented(chat: ChatServer) -> None:
    documented = {
        name for row in rows(section(OPERATIONS, "## Metrics")) for name in re.findall("`([a-z]+_[a-z_]+)`", row[0])
    }
    shown = set(re.findall("^# TYPE (\\S+)", chat.metrics.exposition.text(), re.M))
    assert shown - {"process_virtual_memory_bytes", "process_max_fds"} == documented


def test_every_log_line_is_documented() -> None:
    documented = "\n".join(blocks(section(OPERATIONS, "## The log"), "text"))
    calls = [
        (node.func.attr, node.args[0].value)
        for file in (ROOT / "chat").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and ast.unparse(node.func.value).endswith("log")
        and node.func.attr in LOG_LEVELS
    ]
    assert len(calls) > 4, "need the log calls for this to mean anything"
    for method, text in calls:
        line = re.sub(r"%(?:\\\.\d+)?[a-z]", ".+", re.escape(text))
        assert re.search(f"{LOG_LEVELS[method]} chat {line}", documented), text


# docs/walkthrough.md and its Korean twin.


@pytest.mark.parametrize("name", WALKTHROUGHS)
def test_every_place_that_the_walkthrough_names_exists(name: str) -> None:
    references = REFERENCE.findall(WALKTHROUGHS[name])
    assert len(references) > 20, "need references for this to mean anything"
    assert_places_exist(references)


def test_every_place_of_the_real_code_that_a_checker_or_an_exercise_names_exists() -> None:
    found = [sentence.place for sentence in (*sentences.SENTENCES.values(), *client_sentences.SENTENCES.values())]
    assert_places_exist([(file, place) for file, _, place in (one.partition(": ") for one in found)])
    for file in (LESSON / "exercises").glob("*.md"):
        text = file.read_text("utf-8")
        assert [name for name in re.findall(r"`((?:chat|static)/[\w/.-]+)`", text) if not (ROOT / name).exists()] == []


def assert_places_exist(references: list[tuple[str, str]]) -> None:
    """Each is a file and a name in it."""
    for file, place in references:
        source = (ROOT / file).read_text("utf-8")
        names = _python_names(source) if file.endswith(".py") else None
        if names is None:
            assert re.search(rf"(?<![\w#]){re.escape(place.split('.')[-1])}\b", source), place
        else:
            assert place in names, f"{file}: {place}"


def _python_names(source: str) -> set[str]:
    """Functions, classes, methods and constants, as `Class.method`; nested functions by their own name."""
    names = set()

    def walk(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                names.add(prefix + child.name)
                walk(child, f"{prefix}{child.name}." if isinstance(child, ast.ClassDef) else "")
            elif isinstance(child, ast.Assign | ast.AnnAssign):
                targets = child.targets if isinstance(child, ast.Assign) else [child.target]
                names.update(prefix + t.id for t in targets if isinstance(t, ast.Name))

    walk(ast.parse(source), "")
    return names


def test_both_walkthroughs_show_the_same_code_and_the_same_places() -> None:
    english, korean = WALKTHROUGHS.values()
    assert BLOCK.findall(english) == BLOCK.findall(korean)
    assert REFERENCE.findall(english) == REFERENCE.findall(korean)


@pytest.mark.parametrize("minutes", [45, 90])
def test_a_plan_of_the_lesson_fills_its_minutes_alike_in_both_languages(minutes: int) -> None:
    headings = f"## A plan for {minutes} minutes", f"## {minutes}분 수업 계획"
    plans = [rows(section(text, heading)) for text, heading in zip(WALKTHROUGHS.values(), headings, strict=True)]
    times = [[tuple(int(minute) for minute in row[0].split("-")) for row in plan] for plan in plans]
    assert times[0] == times[1]
    assert [*itertools.chain(*times[0])][1:-1:2] == [*itertools.chain(*times[0])][2::2], "a gap between two rows"
    assert (times[0][0][0], times[0][-1][1]) == (0, minutes)


def test_both_glossaries_have_the_same_words_and_both_walkthroughs_as_many_questions() -> None:
    english, korean = WALKTHROUGHS.values()
    words = [[row[:2] for row in rows(section(text, heading))]
             for text, heading in ((english, "## Glossary"), (korean, "## 용어"))]  # fmt: skip
    assert words[0] == words[1]
    questions = [re.findall(r"^\*\*(\d+)\. ", text, re.M) for text in (english, korean)]
    assert questions[0] == questions[1] == [str(number) for number in range(1, 11)]


@pytest.mark.parametrize(
    "file",
    [READMES[1], *DOCS.rglob("*.ko.md"), *LESSON.glob("*sentences.py"), *TEXTS],
    ids=lambda file: f"{file.parent.name}/{file.name}",
)
def test_korean_is_written_as_developers_speak_it(file: Path) -> None:
    """요청 and 응답, not a question and its answer; a function is called and returns, and does not go round.

    And one word for one thing, the glossary's; and no particle that has to guess how the word before it ends.
    """
    text = re.sub(BLOCK, "", file.read_text("utf-8"))
    assert re.search("[가-힣]{3}", text), "need Korean for this to mean anything"
    unnatural = r"대답|돌아가고|돌려주는|불리기|읽히기|딕셔너리에서 꺼|그냥 넘|한쪽으로만|잠금|마당|붙임 기호"
    assert re.findall(unnatural, text) == []
    assert re.findall(r"튜토리얼|휴대폰|핸드쉐이크|쓰레드|커넥션|더하세요|웹소켓|안 읽은", text) == []
    assert re.findall(r".{12}(?:을\(를|이\(가|은\(는|와\(과|\(으\)로)", text) == []


def test_the_lesson_says_which_station_each_step_of_learn_shows() -> None:
    learn = (DOCS / "learn.md").read_text("utf-8")
    steps = [row[0] for row in rows(section(learn, "## The steps"))]
    for text in WALKTHROUGHS.values():
        [named] = [line for line in text.splitlines() if line.startswith("|") and "`push`" in line]
        assert re.findall("`[a-z]+`", named.replace("`/learn`", "")) == steps
        [minutes] = re.findall(r"^\| (?:minutes|분) \|((?: \d+ \|)+)$", text, re.M)
        assert [len(minutes.split("|")) - 1, sum(int(one) for one in re.findall(r"\d+", minutes))] == [len(steps), 45]


SHOWN = BLOCK.findall(WALKTHROUGHS["walkthrough.md"])
EXPERIMENTS = [
    (code, printed)
    for (language, code), (after, printed) in itertools.pairwise(SHOWN)
    if language == "python" and after == "text"
]


@pytest.fixture(scope="module")
def clock() -> Iterator[str]:
    """The third station's server, which a class starts by `flask run`. Gives host and port."""
    [code] = [code for language, code in SHOWN if language == "python" and '@app.get("/clock")' in code]
    module: dict[str, Any] = {"__name__": "clock"}
    exec(code, module)
    with serving(module["app"]) as address:
        yield address


@pytest.mark.parametrize(("code", "printed"), EXPERIMENTS)
def test_an_experiment_of_the_walkthrough_prints_what_it_shows(
    documented: Server, clock: str, code: str, printed: str
) -> None:
    """With default limits, and as it is pasted: line by line into `python`, which shows a value that nobody takes."""
    code = code.replace("127.0.0.1:8000", f"127.0.0.1:{documented.port}").replace("127.0.0.1:8001", clock)
    code = code.replace('"127.0.0.1", 8000', f'"127.0.0.1", {documented.port}')
    run = subprocess.run(
        [sys.executable, "-i", "-q"], input=code, cwd=ROOT, capture_output=True, text=True, timeout=EXPERIMENT_SECONDS
    )
    assert "Error" not in run.stderr, run.stderr
    expected = re.escape(printed).replace("…", ".+").replace(re.escape("asked with 68 "), r"asked with \d\d ")
    assert re.fullmatch(expected, run.stdout), run.stdout


def test_no_experiment_of_the_walkthrough_needs_a_shell() -> None:
    assert len(EXPERIMENTS) >= 9, "need the experiments for the test above to mean anything"
    assert {language for language, _ in SHOWN} == {"python", "text", "js", "jsx"}


# All of them.


@pytest.mark.parametrize("file", [*DOCS.rglob("*.md"), *READMES], ids=lambda file: f"{file.parent.name}/{file.name}")
def test_the_links_of_a_document_lead_somewhere(file: Path) -> None:
    text = re.sub(BLOCK, "", file.read_text("utf-8"))
    for link in re.findall(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"", text):
        path, _, heading = (link[0] or link[1]).partition("#")
        if path.startswith(("http:", "https:")):
            continue
        target = (file.parent / path) if path else file
        assert target.exists(), f"{file.name} links to {path}, which is not there"
        if heading:
            assert heading in _anchors(target.read_text("utf-8")), f"{path}#{heading}"


def _anchors(text: str) -> set[str]:
    """The names that GitHub gives to headings."""
    headings = re.findall(r"^#+ (.+)$", re.sub(BLOCK, "", text), re.M)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}
