"""What docs/notifications.md shows works: each call is cut out of it and run, as a reader would."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from chat.notifications import draft
from chat.notifications.letter import signature
from chat.notifications.webhook import AGAIN_SECONDS, ANSWER_SECONDS, WAITING_BYTES
from chat.web import push as pushing
from tests.clients import Person
from tests.conftest import ROOT, TOKEN_SECRET, Server, StartServer
from tests.notifications.helpers import Reader, listed, push, token_of, tokens, wait_until_seen
from tests.test_docs import BLOCK, TIMESTAMP, fields_in, section

DOCUMENT = (ROOT / "docs" / "notifications.md").read_text("utf-8")
SHOWN = BLOCK.findall(DOCUMENT)


def code(mark: str) -> str:
    """The one block of code that holds `mark`."""
    [found] = [body for language, body in SHOWN if language not in ("text", "json") and mark in body]
    return found


def printed(mark: str) -> str:
    """What the document says that block prints."""
    [found] = [after for (_, body), (kind, after) in pairwise(SHOWN) if mark in body and kind == "text"]
    return found


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a token in it, as the document's first command makes."""
    (tmp_path / "token").write_text(tokens().sign_service("ci", "notify", 60) + "\n")
    return tmp_path


@pytest.fixture
def new_server(start_server: StartServer) -> Server:
    """Where the first notification has id 1."""
    return start_server(CHAT_RATE_LIMITS="on")


def run(server: Server, command: list[str], body: str, folder: Path, **more: str) -> str:
    """Run code of the document in `folder`, against `server`; what it prints."""
    body = body.replace("http://127.0.0.1:8000", server.http)
    body = body.replace("flask --app app", f"{sys.executable} -m flask --app app")
    environment = {
        **os.environ, "CHAT_URL": server.http, "CHAT_TOKEN_SECRET": TOKEN_SECRET,
        "PYTHONPATH": str(ROOT), **more,
    }  # fmt: skip
    done = subprocess.run([*command, body], cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


SHELL, PYTHON, NODE = ["sh", "-c"], [sys.executable, "-c"], ["node", "--input-type=module", "-e"]


def test_the_token_is_made_and_used_with_curl(new_server: Server, tmp_path: Path) -> None:
    run(new_server, SHELL, code("--service ci > token"), tmp_path)
    shown = run(new_server, SHELL, code("curl -s http"), tmp_path)
    assert json.loads(shown) == json.loads(printed("curl -s http"))
    assert run(new_server, SHELL, code("curl -s http"), tmp_path) != shown, "repeated"
    [found] = listed(new_server, "bob")["notifications"]
    assert (found["message"], found["link"]) == ("The build is green", "/builds/7")


@pytest.mark.parametrize(
    ("command", "mark", "message"),
    [(PYTHON, "The backup failed", "The backup failed"), (NODE, "readFileSync", "Your parcel is on its way.")],
    ids=["python", "node"],
)
def test_a_program_pushes_one(server: Server, place: Path, command: list[str], mark: str, message: str) -> None:
    with Person(server.ws, "bob") as bob:
        assert run(server, command, code(mark), place) == "1\n"
        assert bob.receive("notification")["message"] == message
        wait_until_seen(server, "bob")  # so that the next test's bob is not sent it again


def test_a_shell_notifies_one_and_those_in_a_file(new_server: Server, place: Path) -> None:
    (place / "names.txt").write_text("carol\ndora\n")
    for mark in ("chat notify bob", "--from names.txt"):
        assert run(new_server, SHELL, code(mark), place).endswith(printed(mark))
    assert listed(new_server, "dora")["unseen"] == 1


def test_a_program_pushes_to_everyone_and_waits(server: Server, place: Path) -> None:
    with Person(server.ws, "erin") as erin:
        assert run(server, PYTHON, code('"everyone": True'), place) == "True\n"
        assert erin.receive("notification")["level"] == "warning"


def test_flask_code_of_another_process_notifies(server: Server, place: Path) -> None:
    run(server, PYTHON, code("from chat import notify"), place)
    waiting = listed(server, "bob")["notifications"]
    assert any(one["title"] == "Shop" and "expires" in one for one in waiting if "title" in one)


def test_a_stream_reads_as_it_is_shown(new_server: Server) -> None:
    push(new_server, toUserId="bob", message="The build is green", level="success", link="/builds/7")
    with Reader(new_server, "bob") as reader:  # has read the first line
        lines = reader.block()
    shown = printed("curl -sN").split("\n\n")
    assert shown[0] == "retry: 2000"
    changing = re.compile(rf"{TIMESTAMP.pattern}|(?<=^id: 1\.)\S{{12}}$", re.M)  # the epoch is each database's own
    assert changing.sub("", "\n".join(lines)) == changing.sub("", shown[1].strip())


def test_curl_reads_a_stream(new_server: Server, place: Path) -> None:
    push(new_server, toUserId="bob", message="hi")
    command = code("curl -sN").replace("curl -sN", "curl -sN --max-time 1").strip() + " || true"
    user_token = token_of(new_server, "bob")
    assert '"message":"hi"' in run(new_server, SHELL, command, place, user_token=user_token)


def test_the_receivers_check_takes_what_is_genuine_alone() -> None:
    names: dict[str, object] = {}
    exec(code("def is_genuine"), names)
    is_genuine, secret, body = names["is_genuine"], b"shared", b'{"userId": "bob"}'
    assert callable(is_genuine)

    def headers(stamp: int) -> dict[str, str]:
        signed = signature(secret, str(stamp), "id", body)
        return {"Chat-Timestamp": str(stamp), "Chat-Delivery": "id", "Chat-Signature": signed}

    now = int(time.time())
    assert is_genuine(headers(now), body, secret)
    assert not is_genuine(headers(now), body + b" ", secret)
    assert not is_genuine(headers(now), body, b"another")
    assert not is_genuine(headers(now - 1_000), body, secret)
    assert not is_genuine(headers(now) | {"Chat-Delivery": "another"}, body, secret)


def test_the_documents_figures_are_the_codes() -> None:
    fields = set(pushing.NewNotification.__struct_encode_fields__)
    assert fields_in(section(DOCUMENT, "## The request")) == fields
    waits = ", ".join(map(str, AGAIN_SECONDS[:-1])) + f" and {AGAIN_SECONDS[-1]} seconds"
    for figure in (
        f"1 to {draft.MESSAGE_CHARS:,} characters", f"1 to {draft.TITLE_CHARS} characters",
        f"up to {draft.LINK_CHARS:,} characters", f"up to {draft.LONGEST_SECONDS // 86_400} days",
        f"1 to {draft.MOST_USERS:,} names", f"{pushing.PUSH_BYTES:,} bytes",
        f"within {ANSWER_SECONDS} seconds", f"{WAITING_BYTES:,} bytes", waits,
    ):  # fmt: skip
        assert figure in DOCUMENT, figure
