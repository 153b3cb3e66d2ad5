"""Databases for the tests: a new SQLite file each, and one PostgreSQL server with a new database each."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chat.storage import migrate
from chat.storage.store import Store

POSTGRES_BIN = Path("/usr/lib/postgresql/15/bin")  # where Debian's package puts what is not on PATH


def _postgres_tool(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path=str(POSTGRES_BIN))


def _as_postgres(command: list[str]) -> list[str]:
    """The server refuses to run as root; Debian's package makes a user for it."""
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else command


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a PostgreSQL server of our own, without the database's name."""
    initdb, server = _postgres_tool("initdb"), _postgres_tool("postgres")
    if not initdb or not server:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    data = tmp_path_factory.mktemp("postgres")
    if os.geteuid() == 0:
        for folder in [data, *data.parents[: len(data.relative_to("/tmp").parts)]]:
            folder.chmod(0o755)
        shutil.chown(data, "postgres")
    init = [initdb, "-D", str(data / "db"), "-A", "trust", "-U", "postgres", "--no-sync"]
    subprocess.run(_as_postgres(init), check=True, capture_output=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["-p", str(port), "-k", str(data), "-c", "listen_addresses=127.0.0.1"]
    with (data / "log").open("wb") as log:
        command = _as_postgres([server, "-D", str(data / "db"), *options])
        process = subprocess.Popen(command, stderr=log)
    url = f"postgresql+psycopg://postgres@127.0.0.1:{port}"
    _wait_for(port, process, data / "log")
    yield url
    postmaster = int((data / "db" / "postmaster.pid").read_text().split()[0])
    os.kill(postmaster, signal.SIGINT)  # fast shutdown
    process.wait(20)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until and process.poll() is None:
        if "ready to accept connections" in log.read_text():
            return
        time.sleep(0.05)
    raise AssertionError(log.read_text())


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new, empty database; every test that asks for it runs on both engines."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/chat.db"
    import psycopg

    server = request.getfixturevalue("postgres")
    name = f"chat_{time.monotonic_ns()}"
    with psycopg.connect(server.replace("+psycopg", "") + "/postgres", autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload]
    return f"{server}/{name}"


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    opened = Store(database_url)
    migrate.upgrade(opened.engine)
    yield opened
    opened.close()
