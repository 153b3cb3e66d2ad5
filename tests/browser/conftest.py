"""Chromium for the tests: one browser for a file, one profile for a test, and pages that must not complain."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.browser.two_workers import TwoWorkers
from tests.conftest import Server, StartServer

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

# The first has the same engine and no window, and takes half of the time.
CHROMIUM_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
# No sandbox: CI runs as root. The others keep Chromium from asking for anything but our server.
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TIMEOUT_MS = 20_000  # how long what must come may take where other browsers run beside this one (see pages.py)

OpenPage = Callable[..., Any]
Called = Callable[[str], str]
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A running browser. Ended with the file, because Playwright's loop would disturb other tests."""
    path = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if path is None:
        pytest.skip(f"no browser found: none of {', '.join(CHROMIUM_NAMES)} is installed")
    playwright.expect.set_options(timeout=TIMEOUT_MS)
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of the database of `server`, for tests that put something into it themselves."""
    return f"sqlite:///{tmp_path_factory.mktemp('database')}/chat.db"


@pytest.fixture(scope="module")
def server(_start: StartServer, database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a database of its own, shared by the tests of one file.

    With TEST_TWO_WORKERS in the environment (`make two-workers`), two workers behind nginx.
    """
    if os.environ.get("TEST_TWO_WORKERS"):
        running: Server = TwoWorkers(_start, database, tmp_path_factory.mktemp("nginx"))
    else:
        running = _start(CHAT_DATABASE_URL=database)
    yield running
    running.end()


@pytest.fixture
def called() -> Called:
    """What somebody is called in this test alone: the server remembers those of the tests before."""
    number = next(_NUMBERS)
    return lambda name: f"{name}{number}"


@pytest.fixture
def complaints() -> list[str]:
    """What any page complained of: errors in the console, exceptions, breaches of the content policy."""
    return []


@pytest.fixture
def context(chromium: Any, server: Any, complaints: list[str]) -> Iterator[Any]:
    """A browser profile of its own, in English; all its pages share localStorage, as tabs do."""
    context = chromium.new_context(base_url=server.http, locale="en-US")
    context.set_default_timeout(TIMEOUT_MS)
    context.on("console", lambda line: complaints.extend([line.text] * (line.type == "error")))
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    yield context
    context.close()
    assert complaints == []


@pytest.fixture
def phone(chromium: Any, complaints: list[str]) -> Iterator[Any]:
    """A page on a phone, of nobody that `context` knows."""
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True, locale="en-US"
    )
    context.set_default_timeout(TIMEOUT_MS)
    context.on("console", lambda line: complaints.extend([line.text] * (line.type == "error")))
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    yield context.new_page()
    context.close()


@pytest.fixture
def open_page(context: Any, called: Called) -> OpenPage:
    """Open a tab: open_page("alice", to="bob") signs in as alice and opens the conversation with bob.

    The names get a number; see `called`.
    `prepare(page)` is called before anything is loaded, `size` is (width, height) in pixels.
    """

    def open_page(
        name: str | None = None,
        *,
        to: str = "",
        prepare: Callable[[Any], object] | None = None,
        size: tuple[int, int] = (1280, 800),
    ) -> Any:
        page = context.new_page()
        page.set_viewport_size({"width": size[0], "height": size[1]})
        if prepare:
            prepare(page)
        page.goto(f"/#{called(to)}" if to else "/")
        if name is not None:
            page.get_by_label("Your name").fill(called(name))
            page.keyboard.press("Enter")
            playwright.expect(page.locator("#chat")).to_be_visible()
        return page

    return open_page
