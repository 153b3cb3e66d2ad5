"""The page's script without a page: its models under `node --test`, its types under tsc."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys

import pytest

from chat.errors import InvalidField
from chat.protocol.names import checked_user_id, keys_of, name_key
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


def test_the_page_folds_no_name() -> None:
    folding = re.compile(r"\b(toLowerCase|toUpperCase|toLocaleLowerCase|toLocaleUpperCase|normalize)\(")
    folds = {path.name for path in (ROOT / "static/js").rglob("*.js") if folding.search(path.read_text("utf-8"))}
    # What is looked for in a message, letters of a keyboard; and app.js is all of them.
    assert folds - {"app.js"} == {"excerpt.js", "keys.js"}


KEYS = """
import {Names} from "../../static/js/models/names.js";
const names = new Names();
let told = "";
for await (const part of process.stdin) told += part;
const {letters, keys} = JSON.parse(told);
names.learn(letters, keys);
console.log(JSON.stringify(letters.map((letter) => names.keyOf(letter))));
"""


def test_of_all_letters_the_page_has_the_servers_own_key() -> None:
    letters = []
    for letter in map(chr, range(sys.maxunicode + 1)):
        try:
            letters.append(checked_user_id(letter, "userId"))
        except (InvalidField, UnicodeEncodeError):
            pass
    assert len(letters) > 100_000, "need the letters for this to mean anything"
    told = json.dumps({"letters": letters, "keys": keys_of(letters)})
    command = ["node", "--input-type=module", "--eval", KEYS]
    done = subprocess.run(command, cwd=FOLDER, input=told, capture_output=True, text=True, timeout=SECONDS)
    assert json.loads(done.stdout or "null") == [*map(name_key, letters)], done.stderr
