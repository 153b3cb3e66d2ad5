"""The page's modules as one script: it does what they do, and what cannot be joined is refused at the start."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from chat import create_app
from chat.errors import BadScript
from chat.web.scripts import joined
from tests.conftest import ROOT

MODULES = {
    "main.js": """
import {Counter, START as FROM} from "./parts/counter.js";
import {
  say,
} from "./say.js";
import "./parts/effect.js";

const counter = new Counter();
counter.add(2);
say(`${FROM} ${counter.total} ${globalThis.happened}`);
""",
    "parts/counter.js": """
/** A comment
 *  of several lines. */
import {say} from "../say.js";

export const START = 40; // behind which one is

const hidden = "not // a comment";

export class Counter {
  total = START;

  /** @param {number} more */
  add(more) {
    this.total += more;
    say(hidden);
  }
}
""",
    "parts/effect.js": 'import {double} from "../say.js";\n\nglobalThis.happened = double("x");\n',
    "say.js": """
export function say(text) {
  console.log(text);
}

export async function later() {}

export function double(text) {
  const lines = `
    kept ${text}`;
  return text + text + lines.length;
}
""",
}


def write(folder: Path, modules: dict[str, str]) -> Path:
    for name, source in modules.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(source)
    return folder / "main.js"


def run(script: Path) -> str:
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    return subprocess.run(["node", str(script)], capture_output=True, text=True, check=True).stdout


def test_the_joined_script_does_what_the_modules_do(tmp_path: Path) -> None:
    main = write(tmp_path, MODULES)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "joined.js").write_text(joined(main))
    said = run(main)
    assert said == "not // a comment\n40 42 xx11\n", "need modules that run for this to mean anything"
    assert run(tmp_path / "joined.js") == said


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ('import * as all from "./say.js";\n', "is not known"),
        ('import say from "./say.js";\n', "is not known"),
        ('import {say} from "somewhere";\n', "is not known"),
        ("export default 1;\n", "is not known"),
        ("export {something};\n", "is not known"),
        ("export let changing = 1;\n", "is not known"),
        ('import {a} from "./nowhere.js";\n', "cannot be read"),
        ('import {a} from "./main.js";\n', "imports itself"),
    ],
)
def test_what_cannot_be_joined_is_refused(tmp_path: Path, source: str, reason: str) -> None:
    with pytest.raises(BadScript, match=reason):
        joined(write(tmp_path, {**MODULES, "main.js": source}))


def test_each_module_of_the_page_is_in_its_script_once() -> None:
    script = joined(ROOT / "static/js/app.js")
    for path in (ROOT / "static/js").rglob("*.js"):
        for line in path.read_text("utf-8").splitlines():
            if line.startswith("export class "):
                assert script.count(line.removeprefix("export ")) == 1, path


def test_the_script_is_kept_by_browsers_for_ever_and_named_by_what_it_holds() -> None:
    client = create_app().test_client()
    page = client.get("/").get_data(as_text=True)
    address = page.partition('<script type="module" src="')[2].partition('"')[0]
    script = client.get(address)
    assert (script.status_code, script.mimetype) == (200, "text/javascript")
    assert "immutable" in script.headers["Cache-Control"]
    assert script.headers["X-Content-Type-Options"] == "nosniff"
    assert client.get("/script/0123456789abcdef.js").status_code == 404


def test_the_modules_are_served_one_by_one_where_somebody_wants_to_read_them() -> None:
    client = create_app({"CHAT_SCRIPTS": "separate"}).test_client()
    assert 'src="/static/js/app.js"' in client.get("/").get_data(as_text=True)
    assert client.get("/static/js/app.js", buffered=True).status_code == 200
    debugged = create_app({"DEBUG": True}).test_client()
    assert 'src="/static/js/app.js"' in debugged.get("/").get_data(as_text=True)
