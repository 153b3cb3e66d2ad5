"""The packages for npm, as `npm pack` makes them: what they hold, and that they do what their own tests say."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from chat.resources import VERSION
from tests.conftest import ROOT
from tests.npm import npm_package

CLIENTS = ROOT / "clients"
NAMES = ("react", "vue")
SECONDS = 120


def run(*command: Path | str, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def copied(checkout: Path) -> Path:
    """What the packages are made of, where no other worker of the tests makes them as well."""
    shutil.copytree(CLIENTS, checkout / "clients", ignore=shutil.ignore_patterns("dist", "__pycache__"))
    for name in ("LICENSE", "static/js/chat-socket.js"):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, checkout / name)
    (checkout / "tests/js").mkdir(parents=True)
    (checkout / "tests/js/node_modules").symlink_to(npm_package("esbuild").parent)
    return checkout


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that has installed both, and what they stand beside."""
    folder = tmp_path_factory.mktemp("project")
    modules = folder / "node_modules"
    modules.mkdir()
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed (Debian: apt-get install nodejs npm)")
    for name in ("react", "react-test-renderer", "vue", "@types"):
        (modules / name).symlink_to(npm_package(name))
    checkout = copied(folder / "checkout")
    for name in NAMES:
        run("npm", "pack", "--silent", "--pack-destination", str(folder), cwd=checkout / "clients" / name)
        with tarfile.open(folder / f"flask-chat-server-{name}-{VERSION}.tgz") as packed:
            packed.extractall(folder / name, filter="data")
        shutil.move(folder / name / "package", modules / f"flask-chat-server-{name}")
    for path in (CLIENTS / "tests").iterdir():
        shutil.copy(path, folder)
    (folder / "package.json").write_text('{"type": "module"}')
    return folder


def test_a_package_holds_one_script_its_types_and_nothing_of_ours_besides(project: Path) -> None:
    for name in NAMES:
        package = project / f"node_modules/flask-chat-server-{name}"
        held = {str(path.relative_to(package)) for path in package.rglob("*") if path.is_file()}
        types = {"listen.d.ts", "chat.d.ts", f"{name}/useChat.d.ts"}
        made = {"index.js", "LICENSE", "types/static/js/chat-socket.d.ts", *(f"types/clients/{file}" for file in types)}
        assert held == {"package.json", "README.md", *(f"dist/{file}" for file in made)}
        script = (package / "dist/index.js").read_text("utf-8")
        assert re.findall(r'from "([^"]+)"', script) == [name], "its framework is the project's own"
        said = json.loads((package / "package.json").read_text("utf-8"))
        assert said["version"] == VERSION
        assert "private" not in said


def test_both_do_what_their_tests_say(project: Path) -> None:
    said = run("node", "--test", "react.test.js", "vue.test.js", cwd=project)
    assert re.search(r"^\S+ pass 3$", said, re.M), said


def test_a_typescript_project_gets_their_types(project: Path) -> None:
    (project / "program.ts").write_text(
        """
        import {useChat as inReact, type Options} from "flask-chat-server-react";
        import {useChat as inVue} from "flask-chat-server-vue";
        const options: Options = {url: "ws://chat/ws", userId: "alice", onChat: ({seq, message}) => message.repeat(seq)};
        const sent: Promise<{seq?: number}> = inReact(options).sendMessage("bob", "hello");
        const name: "online" | string = inVue({...options, token: async () => "t"}).connection.value;
        // @ts-expect-error: no such option
        inReact({...options, onMessage: () => 1});
        // @ts-expect-error: a number is no name
        inVue({url: "ws://chat/ws", userId: 1});
        export {name, sent};
        """
    )
    compiler = npm_package("typescript") / "bin/tsc"
    strict = ("--strict", "--noEmit", "--target", "es2022", "--lib", "es2022,dom", "--types", "")
    run(compiler, *strict, "--module", "es2022", "--moduleResolution", "bundler", "program.ts", cwd=project)
