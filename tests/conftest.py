"""Real servers for the tests: gunicorn as a user starts it, on a free port, stopped by its process id."""

from __future__ import annotations

import contextlib
import functools
import gc
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import hypothesis
import pytest
from werkzeug.routing import Rule

import chat.handlers
from chat import process
from chat.config import Settings
from chat.router import events
from chat.server import ChatServer
from tests.clock import Clock
from tests.forks import Forked, start_gunicorn
from tests.postgres import Postgres
from tests.redis import Redis
from tests.storage.conftest import begin_with_tables, open_storage

ROOT = Path(__file__).parent.parent
START_SECONDS = 60  # no promise, which bench/ measures: others use the machine too, and a start is all processor time
GUNICORN = [sys.executable, "-m", "gunicorn", "-k", "gevent", "-b", "127.0.0.1:0"]
TOKEN_SECRET = "a secret for the tests, 32 bytes."


# What needs a server, a browser, PostgreSQL or another process: left out by --quick (`make quick`).
SLOW_FIXTURES = {"_start", "postgres", "redis", "chromium", "process", "python", "site", "rotated", "generator"}
SLOW_FILES = {
    "test_clients.py",
    "test_faults.py", "test_files.py", "test_lease.py", "test_migrate.py", "test_openapi.py", "test_packaging.py", "test_plans.py",
    "test_node_example.py", "test_npm_packages.py", "test_readme.py", "test_script.py",
    "test_webhook.py",
}  # fmt: skip


# What Python tells of whoever starts a process.
PROCESS_EVENTS = {"subprocess.Popen", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.system"}

# Begun first: a test of a minute that is begun last is waited for by all others.
LONG_FILES = {"test_packaging.py"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="only what needs no other process")
    parser.addoption("--none-skipped", action="store_true", help="a test that is skipped fails the run")


def pytest_configure(config: pytest.Config) -> None:
    gc.set_threshold(20_000, 20, 50)  # most of what the tests make in a while is theirs until the end
    hypothesis.settings.register_profile("quick", max_examples=20, deadline=None)
    if config.getoption("--quick"):
        hypothesis.settings.load_profile("quick")
        sys.addaudithook(_refuse_processes)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out of --quick what is slow as a whole: importing it, with what it needs, takes longer than many tests."""
    if config.getoption("--quick") and (
        collection_path.name in SLOW_FILES or collection_path == ROOT / "tests/browser"
    ):
        return True
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    addressed = [item.nodeid for item in items if " at 0x" in item.nodeid]
    if addressed:  # each process of xdist would collect tests of other names, and none would run
        raise pytest.UsageError(f"these tests are named by an address in memory; give them ids: {addressed}")
    if config.getoption("--quick"):
        slow = [item for item in items if _is_slow(item)]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in set(slow)]
    items.sort(key=lambda item: item.path.name not in LONG_FILES)


def pytest_collection_finish() -> None:
    gc.freeze()  # the tests stay until the end: no collection need look for what refers to them


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Of `-n auto`: two for each core, as most tests wait for another process most of the time.

    Of --quick few wait, and one more than there are cores has work while they do.
    """
    cores = os.cpu_count() or 1
    return cores + 1 if config.getoption("--quick") else 2 * cores


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if session.config.getoption("--none-skipped") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _refuse_processes(event: str, _: tuple[object, ...]) -> None:
    """Fail a test of --quick that starts a process: that takes longer than many tests."""
    if event in PROCESS_EVENTS and "PYTEST_CURRENT_TEST" in os.environ:
        raise AssertionError(f"{event}: a test that starts a process is marked slow, so that --quick leaves it out")


def _is_slow(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    parameters = getattr(getattr(item, "callspec", None), "params", {}).values()
    marked = item.get_closest_marker("slow") is not None
    return marked or bool(fixtures & SLOW_FIXTURES) or "postgresql" in parameters


@pytest.fixture(scope="session", autouse=True)
def _urls_are_built_lazily() -> Iterator[None]:
    """What builds the URLs of a rule is compiled at its first use: each app has 56, and a test needs few of them."""
    compiled = Rule._compile_builder

    def lazily(rule: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        made = functools.cache(lambda: compiled(rule, append_unknown))
        return lambda own, **values: made()(own, **values)

    with mock.patch.object(Rule, "_compile_builder", lazily):
        yield


def own_storage(folder: Path) -> dict[str, str]:
    """Settings that keep a server's database in `folder`, and its tokens' secret in no file at all."""
    return {"CHAT_DATABASE_URL": f"sqlite:///{folder}/chat.db", "CHAT_TOKEN_SECRET": TOKEN_SECRET}


@pytest.fixture(autouse=True)
def _storage_of_an_app_in_this_process(_apps_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A create_app() in a test opens a new database with its tables, never that of the person who runs the tests.

    A tested site's chat is the process's, until its app is gone: another test does not meet it.
    """
    file = _apps_folder / f"{time.monotonic_ns()}.db"
    begin_with_tables(f"sqlite:///{file}")
    monkeypatch.setenv("CHAT_DATABASE_URL", f"sqlite:///{file}")
    monkeypatch.setenv("CHAT_TOKEN_SECRET", TOKEN_SECRET)
    yield
    process._served.clear()
    file.unlink()  # there are thousands


@pytest.fixture(scope="session")
def _apps_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all tests, most of which make no app: a new folder's number is looked for among all that there are."""
    return tmp_path_factory.mktemp("app")


MakeChat = Callable[..., ChatServer]


@pytest.fixture
def make_chat(tmp_path: Path) -> Iterator[MakeChat]:
    """Make chats in this process, each on a new SQLite file: make_chat(auth="required", database_url=...).

    The arguments are fields of Settings. Nothing is started; what is used is stopped at the end.
    """
    made: list[ChatServer] = []

    def make(**settings: Any) -> ChatServer:
        folder = tmp_path / f"chat{len(made)}"
        folder.mkdir()
        begin_with_tables(f"sqlite:///{folder}/chat.db")
        given = Settings(**{"token_secret": TOKEN_SECRET, "rate_limits": "off", **settings})
        made.append(ChatServer(given, events, str(folder), logging.getLogger("chat")))
        return made[-1]

    yield make
    for chat in made:
        chat.stop()


@pytest.fixture
def chat(make_chat: MakeChat) -> ChatServer:
    """A chat with default settings, but for its limits, which are off."""
    return make_chat()


@pytest.fixture
def clock() -> Clock:
    """A clock in hand, for what is made with `clock=`."""
    return Clock()


class Server:
    """A running server. `http` and `ws` are its base URLs, `log` all it has written so far."""

    def __init__(self, command: list[str], env: dict[str, str], log: Path, cwd: Path = ROOT) -> None:
        self._log = log
        env = {**os.environ, "PYTHONUNBUFFERED": "1", **env}
        log.write_bytes(b"")
        if command[:3] == GUNICORN[:3] and cwd == ROOT:
            self.process: subprocess.Popen[bytes] | Forked = start_gunicorn(command[3:], env, cwd, log)
        else:
            with log.open("ab") as output:
                self.process = subprocess.Popen(command, cwd=cwd, env=env, stdout=output, stderr=subprocess.STDOUT)
        self.port = int(self.wait_for(r"127\.0\.0\.1:(\d+)")[1])
        self.http = f"http://127.0.0.1:{self.port}"
        self.ws = f"ws://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    @property
    def worker_pid(self) -> int:
        """The process that serves; gunicorn's worker is the child of the one we started."""
        found = re.search(r"Booting worker with pid: (\d+)", self.log)
        return int(found[1]) if found else self.process.pid

    def wait_for(self, pattern: str, seconds: float = START_SECONDS) -> re.Match[str]:
        """Wait until the log matches `pattern`."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if found := re.search(pattern, self.log):
                return found
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"the log never said {pattern!r}:\n{self.log}")

    def wait_answer(self) -> None:
        """Wait until a worker takes requests; its master takes connections while it still loads its modules.

        An end of the connection is an answer too: of a server that does not start.
        """
        with contextlib.suppress(ConnectionError), socket.create_connection(("127.0.0.1", self.port)) as sock:
            sock.settimeout(START_SECONDS)
            sock.sendall(b"GET /nothing HTTP/1.0\r\n\r\n")
            sock.recv(1)

    def end(self) -> None:
        """Send SIGTERM and do not wait: for a second or more gunicorn's processes only sleep."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def stop(self) -> float:
        """Send SIGTERM and return how many seconds the process took to end."""
        start = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return time.monotonic() - start


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server, shared by all tests; each makes a database of its own."""
    if not Postgres.is_installed():
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    # Not below pytest's folder, which another run of pytest closes to other users, as PostgreSQL's is.
    with TemporaryDirectory(prefix="chat-postgres-") as folder:
        server = Postgres(Path(folder))
        server.start()
        yield server
        server.crash()  # at once: nobody will read its data


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    """A Redis, shared by the tests of one file, which may end it and start it again."""
    if not Redis.is_installed():
        pytest.skip("Redis is not installed (Debian: apt-get install redis-server)")
    running = Redis()
    running.start()
    yield running
    running.stop()


StartServer = Callable[..., Server]


@pytest.fixture(scope="session")
def _start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start(*arguments: str, app: str = "", command: list[str] | None = None, **env: str) -> Server:
        folder = tmp_path_factory.mktemp("server")
        app = app or os.environ.get("TEST_APP", "app:app")
        # Tests of other things send as fast as they can; test_limits.py and test_security.py say "on".
        own = own_storage(folder)
        begin_with_tables(own["CHAT_DATABASE_URL"])
        env = {**own, "CHAT_RATE_LIMITS": "off", "PYTHONPATH": str(ROOT / "tests/startup"), **env}
        server = Server(command or [*GUNICORN, *arguments, app], env, folder / "log")
        started.append(server)
        try:
            if command is None:
                server.wait_for("Booting worker")
                if "--certfile" not in arguments:  # a server that speaks TLS would log what it is asked in plain
                    server.wait_answer()
        except BaseException:  # no fixture would stop it
            server.stop()
            raise
        return server

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def start_server(_start: StartServer) -> Iterator[StartServer]:
    """Start servers with arguments and settings of their own: start_server(CHAT_MAX_SOCKETS="3").

    Each has a new database, unless CHAT_DATABASE_URL names another.
    """
    started: list[Server] = []

    def start(*arguments: str, **options: str) -> Server:
        started.append(_start(*arguments, **options))
        return started[-1]

    yield start
    for server in started:
        server.end()


@pytest.fixture(scope="module")
def server(_start: StartServer) -> Iterator[Server]:
    """A server with default settings and its database, shared by the tests of one file."""
    running = _start()
    yield running
    running.end()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def storing(
    request: pytest.FixtureRequest, _start: StartServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """As `server`, on each of the two engines: each test brings its own users."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('storing')}/chat.db"
    else:
        url = new_database(request.getfixturevalue("postgres"))
    running = _start(CHAT_DATABASE_URL=url)
    yield running
    running.end()


def new_database(postgres: Postgres) -> str:
    """The URL of a database with all tables."""
    url = postgres.create_database(f"storing_{time.monotonic_ns()}")
    open_storage(url).close()
    return url
