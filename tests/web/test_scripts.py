"""The page's script: bundled into one file, or module by module, and what a browser may keep of it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from chat import create_app
from tests.conftest import ROOT
from tests.npm import npm_package

SCRIPTS = ROOT / "static/js"
BUNDLE = SCRIPTS / "bundle/app.js"
NPM_SECONDS = 60
UNKNOWN = "/script/0123456789abcdef.js"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    url = f"sqlite:///{tmp_path_factory.mktemp('scripts')}/chat.db"
    return create_app({"CHAT_DATABASE_URL": url}).test_client()


def address_of_script(client: FlaskClient) -> str:
    page = client.get("/").get_data(as_text=True)
    return page.partition('<script type="module" src="')[2].partition('"')[0]


def modules() -> list[Path]:
    found = [path for path in SCRIPTS.rglob("*.js") if path.parent != BUNDLE.parent and path.parent.name != "widget"]
    assert len(found) > 40, "need the modules for this to mean anything"
    return found


@pytest.mark.slow
def test_the_bundle_is_what_esbuild_makes_of_the_modules() -> None:
    npm_package("esbuild")
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed (Debian: apt-get install nodejs npm)")
    made = subprocess.run(
        ["npm", "run", "--silent", "bundle"], cwd=ROOT / "tests/js", capture_output=True, timeout=NPM_SECONDS
    )
    assert made.returncode == 0, made.stderr.decode()
    assert made.stdout == BUNDLE.read_bytes(), "stale: make bundle"


@pytest.mark.slow
def test_the_widget_is_what_esbuild_makes_of_its_modules(tmp_path: Path) -> None:
    npm_package("esbuild")
    command = ["node", "bundle-widget.mjs", str(tmp_path)]
    subprocess.run(command, cwd=ROOT / "tests/js", check=True, timeout=NPM_SECONDS)
    for name in ("chat-widget.js", "bundle/widget-banners.js", "bundle/widget-panel.js"):
        assert (tmp_path / name).read_bytes() == (SCRIPTS / name).read_bytes(), "stale: make bundle"


def test_every_element_of_the_page_is_in_the_bundle_once() -> None:
    bundle = BUNDLE.read_text("utf-8")
    defined = [
        line.partition('"')[2].partition('"')[0]
        for path in modules()
        for line in path.read_text("utf-8").splitlines()
        if line.startswith("customElements.define(")
    ]
    assert len(defined) > 10, "need the elements for this to mean anything"
    for name in defined:
        assert bundle.count(f'customElements.define("{name}"') == 1, name


def test_the_script_is_the_bundle_kept_for_ever_and_named_by_what_it_holds(client: FlaskClient) -> None:
    script = client.get(address_of_script(client))
    assert (script.status_code, script.mimetype) == (200, "text/javascript")
    assert script.data == BUNDLE.read_bytes()
    assert script.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert script.headers["X-Content-Type-Options"] == "nosniff"


def test_the_page_of_another_worker_gets_the_script_of_this_one_and_no_cache_keeps_it(client: FlaskClient) -> None:
    assert address_of_script(client) != UNKNOWN
    script = client.get(UNKNOWN)
    assert (script.status_code, script.mimetype) == (200, "text/javascript")
    assert script.data == BUNDLE.read_bytes()
    assert script.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("name", ["chat-socket.js", "banner.js", "app.js", "bundle/app.js"])
def test_who_embeds_a_module_gets_it_from_any_site_and_asks_each_time_whether_it_changed(
    client: FlaskClient, name: str
) -> None:
    module = client.get(f"/static/js/{name}", buffered=True)
    assert module.data == (SCRIPTS / name).read_bytes()
    assert module.headers["Cache-Control"] == "no-cache"
    assert module.headers["Access-Control-Allow-Origin"] == "*"
    again = client.get(f"/static/js/{name}", headers={"If-None-Match": module.headers["ETag"]}, buffered=True)
    assert again.status_code == 304


@pytest.mark.parametrize("config", [{"CHAT_SCRIPTS": "separate"}, {"DEBUG": True}])
def test_the_modules_are_loaded_one_by_one_where_somebody_wants_to_read_them(config: dict[str, object]) -> None:
    client = create_app(config).test_client()
    assert address_of_script(client) == "/static/js/app.js"
    assert client.get("/static/js/app.js", buffered=True).status_code == 200
    assert client.get(UNKNOWN).status_code == 200  # of a page from before the setting changed
