"""clients/node-example, which knows docs/protocol.md alone, against the real server on good days and bad ones."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chat import create_app
from tests.browser.test_bad_days import start_on
from tests.conftest import ROOT, Server, StartServer
from tests.notifications.test_notifications import push
from tests.npm import npm_package
from tests.test_workers import free_port

SECONDS = 40.0  # for what other tests hold up


class NodeClient:
    """A running example. `said` are the lines of JSON that it has printed."""

    def __init__(self, folder: Path, url: str, user_id: str, *options: str) -> None:
        self.said: list[dict[str, Any]] = []
        self._seen = 0
        self.process = subprocess.Popen(
            ["node", *options, "main.js", url, user_id, "--json"],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(json.loads(line))

    def write(self, *lines: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.writelines(f"{line}\n" for line in lines)
        self.process.stdin.flush()

    def wait(self, what: str, **fields: Any) -> dict[str, Any]:
        """Wait for the next such line, behind those that were waited for."""
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            for number, line in enumerate(self.said[self._seen :], self._seen):
                if line.items() >= {"what": what, **fields}.items():
                    self._seen = number + 1
                    return line
            time.sleep(0.02)
        raise AssertionError(f"{what} {fields} was not said: {self.said[self._seen :]}")

    def answer(self, command: str) -> dict[str, Any]:
        self.write(command)
        return self.wait("answer")

    def holds(self, with_user_id: str, texts: list[str]) -> None:
        """Wait until it holds these messages, in this order, each once."""
        until = time.monotonic() + SECONDS
        held: list[str] = []
        while held != texts and time.monotonic() < until:
            conversations = self.answer("/list")["conversations"]
            held = next((each["texts"] for each in conversations if each["withUserId"] == with_user_id), [])
            time.sleep(0.05)
        assert held == texts

    def stop(self) -> None:
        with self.process:  # closes its pipes
            self.process.kill()
            self._reader.join()


Start = Callable[[Server, str], NodeClient]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The example as somebody has it who copied it and ran `npm install`."""
    copied = tmp_path / "example"
    shutil.copytree(ROOT / "clients/node-example", copied)
    (copied / "node_modules").symlink_to(npm_package("ws").parent)
    return copied


@pytest.fixture
def start_client(folder: Path) -> Iterator[Start]:
    started: list[NodeClient] = []

    def start(server: Server, user_id: str) -> NodeClient:
        started.append(NodeClient(folder, server.http, user_id))
        started[-1].wait("online")
        return started[-1]

    yield start
    for client in started:
        client.stop()


def test_where_no_server_answers_the_example_says_so(folder: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    done = subprocess.run(
        ["node", "main.js", url, "alice"], cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert (done.returncode, done.stderr) == (1, f"No server answers at {url}: ECONNREFUSED\n")


def test_two_write_read_type_see_each_other_and_find_what_was_said(server: Server, start_client: Start) -> None:
    one, other = start_client(server, "ann"), start_client(server, "ben")
    one.write("/to ben", "안녕 ben")
    assert one.wait("sent")["seq"] == 1
    assert other.wait("message")["message"] == "안녕 ben"
    one.wait("receipt", userId="ben", received=1, read=0)
    other.write("/to ann", "/typing", "/read")
    one.wait("typing", fromUserId="ben")
    one.wait("receipt", userId="ben", read=1)
    assert [found["seq"] for found in one.answer("/search 안녕")["messages"]] == [1]
    other.write("/quit")
    one.wait("presence", userId="ben", status="offline")


def test_who_comes_back_has_every_page_of_what_was_missed_in_order(server: Server, start_client: Start) -> None:
    writer = start_client(server, "cora")
    texts = [f"message {number}" for number in range(450)]
    writer.write("/to dave", *texts)
    for text in texts:
        writer.wait("sent", message=text)
    reader = start_client(server, "dave")
    reader.holds("cora", texts)


def test_what_is_dismissed_on_one_device_goes_from_the_other_that_was_away_too(
    server: Server, start_client: Start
) -> None:
    one, other = start_client(server, "eve"), start_client(server, "eve")
    ids = [push(server, toUserId="eve", message=text).json()["id"] for text in ("first", "second", "third")]
    for client in (one, other):
        for id_ in ids:
            client.wait("notification", id=id_)
    one.write(f"/seen {ids[0]}")
    other.wait("seen", id=ids[0])
    one.write(f"/dismiss {ids[1]}")
    other.wait("dismissed", id=ids[1])
    other.stop()
    one.write(f"/dismiss {ids[2]}")
    one.wait("dismissed", id=ids[2])
    back = start_client(server, "eve")
    assert [each["id"] for each in back.answer("/list")["notifications"]] == [ids[0]]


def test_a_server_that_is_killed_twice_loses_and_doubles_nothing(
    start_server: StartServer, start_client: Start, tmp_path: Path
) -> None:
    server = start_on(start_server, 0, tmp_path)
    one, other = start_client(server, "fay"), start_client(server, "gus")
    texts = [f"message {number}" for number in range(60)]
    one.write("/to gus")
    for start in (0, 20, 40):
        one.write(*texts[start : start + 20])
        if start < 40:
            one.wait("sent", message=texts[start + 5])
            worker = server.worker_pid
            server.process.kill()
            server.process.wait()
            os.kill(worker, signal.SIGKILL)
            one.wait("offline")
            server = start_on(start_server, server.port, tmp_path)
            for client in (one, other):
                client.wait("online")
    one.wait("sent", message=texts[-1])
    for client, partner in ((one, "gus"), (other, "fay")):
        client.holds(partner, texts)


def test_who_is_rate_limited_waits_as_long_as_is_said_and_keeps_the_order(
    start_server: StartServer, start_client: Start
) -> None:
    server = start_server(CHAT_EVENTS_PER_SECOND="5")  # 20 at once
    one, other = start_client(server, "hal"), start_client(server, "ida")
    texts = [f"message {number}" for number in range(40)]
    one.write("/to ida", *texts)
    one.wait("sent", message=texts[-1])
    other.holds("hal", texts)


class EndingServer:
    """A server that ends one connection after the other: "4009,rate_limited,1" by an error event and a close code."""

    def __init__(self, folder: Path, *ends: str) -> None:
        shutil.copytree(ROOT / "tests/js/node-example", folder, dirs_exist_ok=True)
        self.process = subprocess.Popen(["node", "server.mjs", *ends], cwd=folder, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.http = f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def stop(self) -> None:
        with self.process:
            self.process.kill()


@pytest.fixture
def ended_by(folder: Path) -> Iterator[Callable[..., NodeClient]]:
    """Start a client at a server that ends its connections so. Its chance is 0.05 of the longest wait."""
    started: list[EndingServer | NodeClient] = []

    def start(*ends: str) -> NodeClient:
        server = EndingServer(folder, *ends)
        client = NodeClient(folder, server.http, "alice", "--import", "./chance.mjs")
        started.extend((server, client))
        return client

    yield start
    for each in reversed(started):
        each.stop()


def test_it_comes_back_after_each_close_code_as_the_page_says(ended_by: Callable[..., NodeClient]) -> None:
    soon = dict.fromkeys((1001, 1012), 50)
    with_backoff = dict.fromkeys((1002, 1005, 1006, 1007, 1009, 1011, 1013, 4008, 4009, 4010, 4502), 100)
    expected = soon | with_backoff
    client = ended_by(*map(str, expected))
    for code, retry_ms in expected.items():
        assert client.wait("offline", code=code)["retryMs"] == pytest.approx(retry_ms)
    client.wait("online")


def test_what_the_server_says_of_waiting_wins_over_the_backoff(ended_by: Callable[..., NodeClient]) -> None:
    client = ended_by("4009,rate_limited,1")
    assert client.wait("offline", code=4009)["retryMs"] >= 1000
    client.wait("online")


@pytest.mark.parametrize("end", ["4501,token_expired", "4501,signed_out", "4501,password_changed", "1008", "4503"])
def test_it_does_not_come_back_where_only_somebody_can_help_and_says_why(
    ended_by: Callable[..., NodeClient], end: str
) -> None:
    client = ended_by(end)
    code, _, error = end.partition(",")
    assert client.wait("ended")["code"] == (error or code)
    assert client.process.wait() == 3


def test_after_a_restored_backup_it_drops_what_it_holds_and_shows_what_is_new(
    start_server: StartServer, start_client: Start, tmp_path: Path
) -> None:
    server = start_on(start_server, 0, tmp_path)
    one, other = start_client(server, "jan"), start_client(server, "kim")
    one.write("/to kim", "first", "second")
    one.wait("sent", message="second")
    app = create_app({"CHAT_DATABASE_URL": f"sqlite:///{tmp_path}/chat.db", "CHAT_TOKEN_SECRET": "x" * 32})
    assert app.test_cli_runner().invoke(args=["chat", "backup", str(tmp_path / "copy.db")]).exit_code == 0
    one.write("third", "fourth")
    other.holds("jan", ["first", "second", "third", "fourth"])
    server.stop()
    assert app.test_cli_runner().invoke(args=["chat", "restore", str(tmp_path / "copy.db")]).exit_code == 0
    start_on(start_server, server.port, tmp_path)
    for client in (one, other):
        client.wait("reset")
        client.wait("online")
    one.write("another third")
    assert one.wait("sent")["seq"] == 3
    for client, partner in ((one, "kim"), (other, "jan")):
        client.holds(partner, ["first", "second", "another third"])


def test_a_session_goes_on_by_renewing_its_token(start_server: StartServer, start_client: Start) -> None:
    server = start_server(CHAT_TOKEN_TTL="4")
    client = start_client(server, "lea")
    for _ in range(3):
        client.wait("renewed")
    assert not [line for line in client.said if line["what"] in ("offline", "ended", "warning")]
