"""The page's script without a page: its models under `node --test`, its types under tsc."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.conftest import ROOT

FOLDER = ROOT / "tests/js"
SECONDS = 120


def run(*command: str) -> subprocess.CompletedProcess[str]:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed (Debian: apt-get install nodejs npm)")
    return subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=SECONDS)


def test_the_models_do_what_their_tests_say() -> None:
    files = sorted(path.name for path in FOLDER.glob("*.test.js"))
    assert len(files) > 7, "need the tests for this to mean anything"
    done = run("node", "--test", *files)
    assert done.returncode == 0, done.stdout + done.stderr


def test_models_know_no_page_and_elements_no_socket() -> None:
    for path in (ROOT / "static/js/models").glob("*.js"):
        source = path.read_text("utf-8")
        assert "document." not in source, path
        assert "window." not in source, path
    for path in (ROOT / "static/js/elements").glob("*.js"):
        assert "WebSocket" not in path.read_text("utf-8"), path
