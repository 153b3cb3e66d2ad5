"""The wheel brings all that a site needs: built here, installed in an environment that knows no checkout, served."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from websockets.sync.client import connect

from chat.errors import BadSetting
from chat.resources import VERSION
from tests.conftest import ROOT, START_SECONDS, MakeChat, Server

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
NAME = PROJECT["name"]
INSTALL_SECONDS = 300  # on a machine that has to fetch every package
ANSWER_SECONDS = 10
SITE = """\
from flask import Flask

from chat import Chat

site = Flask(__name__)
Chat(site)
"""


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command, and return what it said."""
    said = subprocess.run(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=INSTALL_SECONDS
    )
    assert said.returncode == 0, said.stdout
    return said.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, made of the sdist, so that nothing is missing in either."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", folder, cwd=ROOT)
    [sdist] = folder.glob("*.tar.gz")
    pip_wheel = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    run(*pip_wheel, "-w", folder, sdist, cwd=folder)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a new environment, with the wheel and what it asks for."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    python = folder / "bin/python"
    pip = [sys.executable, "-m", "pip", "--python", python]
    run(*pip, "install", f"{NAME}[server] @ {wheel.as_uri()}", cwd=folder)
    run(*pip, "check", cwd=folder)
    return python


@pytest.fixture
def site(python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in [name for name in os.environ if name.startswith("CHAT_")]:
        monkeypatch.delenv(name)  # where the data lie without a setting is what is tested
    (tmp_path / "shop.py").write_text(SITE)
    command = [str(python), "-m", "gunicorn", "-k", "gevent", "-b", "127.0.0.1:0", "shop:site"]
    # gunicorn has a control socket in HOME.
    server = Server(command, {"HOME": str(tmp_path)}, tmp_path / "log", cwd=tmp_path)
    yield server
    server.stop()
    assert "Traceback" not in server.log


def test_an_installed_wheel_serves_a_site(site: Server, tmp_path: Path) -> None:
    page = requests.get(f"{site.http}/chat/", timeout=START_SECONDS).text  # its worker may still be loading
    [script] = re.findall(r'<script type="module" src="(.+?)"', page)
    assert script.startswith("/chat/script/"), "the page loads its bundle"
    for path, holds in {
        script: b"WebSocket",
        "/chat/static/js/chat-socket.js": b"WebSocket",
        "/chat/static/css/chat.css": b"color",
        "/chat/api/openapi.json": b'"openapi"',
    }.items():
        answer = requests.get(f"{site.http}{path}", timeout=ANSWER_SECONDS)
        assert (answer.status_code, holds in answer.content) == (200, True), path
    with connect(f"{site.ws}/chat/ws") as socket:
        socket.send(json.dumps({"type": "init", "userId": "alice"}))
        ready = json.loads(socket.recv(ANSWER_SECONDS))
        assert (ready["type"], ready["userId"]) == ("ready", "alice")
    kept = {path.name for path in (tmp_path / "instance").iterdir()}
    assert {"chat.db", "token_secret"} <= kept, "the data lie in the site's own folder"


def test_an_installed_chat_is_the_wheel_s_and_silent_under_every_warning(python: Path, tmp_path: Path) -> None:
    assert run(python, "-W", "error", "-c", "import chat", cwd=tmp_path) == ""
    where = run(python, "-c", "import chat; print(chat.__file__)", cwd=tmp_path).strip()
    assert Path(where).is_relative_to(python.parent.parent)


def test_the_checkout_is_imported_silently_under_every_warning() -> None:
    assert run(sys.executable, "-W", "error", "-c", "import chat", cwd=ROOT) == ""


def test_every_range_holds_the_version_that_the_tests_run_with() -> None:
    from packaging.requirements import Requirement

    extras = PROJECT["optional-dependencies"].values()
    ranges = [Requirement(text) for texts in (PROJECT["dependencies"], *extras) for text in texts]
    assert len(ranges) > 10, "need the ranges for this to mean anything"
    pinned = dict(re.findall(r"^([\w-]+)(?:\[\w+\])?==([\w.]+)", (ROOT / "requirements-dev.txt").read_text(), re.M))
    for wanted in ranges:
        assert wanted.specifier.contains(pinned[wanted.name]), wanted
    asked = set(re.findall(r"^([\w-]+)(?:\[\w+\])?==", (ROOT / "requirements.in").read_text("utf-8"), re.M))
    assert asked <= {wanted.name for wanted in ranges}, "what the server needs, a wheel asks for"


def test_the_changelog_has_an_entry_for_this_version() -> None:
    heads = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert VERSION in heads


def test_postgresql_without_its_package_stops_the_start_and_names_the_extra(
    make_chat: MakeChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)  # the import then fails, as where it is not installed
    with pytest.raises(BadSetting, match=re.escape(f'pip install "{NAME}[postgres]"')) as refused:
        make_chat(database_url="postgresql+psycopg://chat@127.0.0.1/chat")
    assert refused.value.field == "CHAT_DATABASE_URL"
    assert "postgres" in PROJECT["optional-dependencies"]
