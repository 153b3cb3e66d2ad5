"""What the READMEs show works: their code is cut out of them and run, as a reader would."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from websockets.sync.client import ClientConnection, connect

from tests.conftest import ROOT, StartServer
from tests.test_docs import BLOCK

README, KOREAN = ((ROOT / name).read_text("utf-8") for name in ("README.md", "README.ko.md"))
EVENT, SITE = (code for language, code in BLOCK.findall(README) if language == "python")
MINT, MINT_IN_NODE = (
    code
    for _, code in BLOCK.findall((ROOT / "docs/site.md").read_text("utf-8"))
    if re.search(r"jwt\.encode|node:crypto", code)
)
SECRET = "the same thirty-two bytes for both"
MOST_LINES = 10
ANSWER_SECONDS = 10


@contextmanager
def signed_in(url: str, name: str) -> Iterator[ClientConnection]:
    with connect(url) as socket:
        socket.send(json.dumps({"type": "init", "userId": name}))
        assert receive(socket)["type"] == "ready"
        yield socket


def receive(socket: ClientConnection) -> dict[str, Any]:
    return json.loads(socket.recv(ANSWER_SECONDS))


def test_a_new_event_takes_ten_lines_and_works(start_server: StartServer, tmp_path: Path) -> None:
    assert len([line for line in EVENT.splitlines() if line]) <= MOST_LINES
    (tmp_path / "poke.py").write_text(EVENT)
    server = start_server("--pythonpath", str(tmp_path), app="poke:app", CHAT_RATE_LIMITS="on")
    with signed_in(server.ws, "alice") as alice, signed_in(server.ws, "bob") as bob:
        alice.send('{"type": "poke", "toUserId": "bob", "ref": 1}')
        assert receive(bob) == {"type": "poke", "fromUserId": "alice"}
        assert receive(alice) == {"type": "ack", "ref": 1, "reached": 1}
        alice.send('{"type": "poke", "toUserId": 7, "ref": 2}')
        answer = receive(alice)
        assert (answer["code"], answer["field"], answer["ref"]) == ("invalid_field", "toUserId", 2)


def test_a_flask_site_says_who_is_there(start_server: StartServer, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SITE)
    server = start_server("--pythonpath", str(tmp_path), app="shop:site", CHAT_RATE_LIMITS="on", CHAT_TOKEN_SECRET="")
    with requests.Session() as browser:
        home = browser.get(f"{server.http}/sign-in?as=7", timeout=ANSWER_SECONDS).text
        [script] = re.findall(r'src="(.*?)"', home)
        assert browser.get(f"{server.http}{script}", timeout=ANSWER_SECONDS).status_code == 200
        headers = {"Sec-Fetch-Site": "same-origin"}
        url = f"{server.http}/chat/api/session"
        session = browser.post(url, headers=headers, timeout=ANSWER_SECONDS).json()
        assert session["userId"] == "7"
        with connect(f"{server.ws}/chat/ws") as socket:
            socket.send(json.dumps({"type": "init", "userId": "7", "token": session["token"]}))
            assert receive(socket)["type"] == "ready"
            answer = browser.post(f"{server.http}/shipped/7", timeout=ANSWER_SECONDS)
            assert answer.json() == {"told": 1}
            while (shown := receive(socket))["type"] != "notification":
                pass
            assert shown["message"] == "Your parcel is on its way."
        assert browser.post(f"{server.http}/shipped/new", timeout=ANSWER_SECONDS).json() == {"told": 0}


PYTHON = [sys.executable, "-c", MINT + 'print(chat_token("지은"))']
NODE = ["node", "--input-type=module", "-e", MINT_IN_NODE + 'console.log(chatToken("지은"))']


@pytest.mark.parametrize("command", [PYTHON, NODE], ids=["Python", "Node"])
def test_a_site_makes_tokens_for_its_own_users(start_server: StartServer, command: list[str]) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed (Debian: apt-get install nodejs)")
    server = start_server(CHAT_AUTH="required", CHAT_TOKEN_SECRET=SECRET, CHAT_RATE_LIMITS="on")
    minted = subprocess.run(
        command,
        env={**os.environ, "CHAT_TOKEN_SECRET": SECRET},
        capture_output=True,
        check=True,
        encoding="utf-8",
        timeout=30,
    ).stdout.strip()
    with connect(server.ws) as socket:
        socket.send(json.dumps({"type": "init", "userId": "지은", "token": minted}))
        ready = receive(socket)
        assert (ready["type"], ready["userId"]) == ("ready", "지은")
    with connect(server.ws) as socket:
        socket.send(json.dumps({"type": "init", "userId": "민수", "token": minted}))
        assert receive(socket)["code"] == "not_signed_in", "it is nobody else's"
    asked = requests.get(
        f"{server.http}/api/conversations", headers={"Authorization": f"Bearer {minted}"}, timeout=ANSWER_SECONDS
    )
    assert asked.status_code == 200


def test_both_readmes_show_the_same_code() -> None:
    def without_comments(text: str) -> list[tuple[str, str]]:
        return [(language, re.sub(r" *# .*", "", code)) for language, code in BLOCK.findall(text)]

    assert without_comments(README) == without_comments(KOREAN)


@pytest.mark.parametrize("text", [README, KOREAN], ids=["README.md", "README.ko.md"])
def test_the_commands_of_a_readme_exist(text: str) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    commands = set(re.findall(r"(?:`|^)make ([a-z]+)", text, re.M))
    assert {"run", "test", "bench"} <= commands <= targets


@pytest.mark.parametrize(
    ("text", "size"), [(README, r"core is (\d+) files, some ([\d,]+) lines"), (KOREAN, r"파일 (\d+)개, 약 ([\d,]+)줄")]
)
def test_the_core_that_a_readme_names_is_as_long_as_it_says(text: str, size: str) -> None:
    found = re.search(size, text)
    assert found
    core = set(
        re.findall(r"\]\((chat/\S+\.py)\)", text[found.start() : text.index("\n\n", text.index("\n|", found.start()))])
    )
    lines = sum(len((ROOT / file).read_text("utf-8").splitlines()) for file in core)
    assert (len(core), round(lines, -2)) == (int(found[1]), int(found[2].replace(",", "")))
