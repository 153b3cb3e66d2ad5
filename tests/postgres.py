"""A PostgreSQL server of the tests' own, from Debian's package: its data in a folder, on a free port."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg

BIN = Path("/usr/lib/postgresql/15/bin")  # where Debian's package puts what is not on PATH
START_SECONDS = 60
NAMES = (
    "SELECT string_agg(tablename, ',') FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
)
TABLES = """SELECT string_agg(concat(relname, attname, atttypid, attnotnull), ',' ORDER BY relname, attnum)
FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid WHERE relnamespace = 'public'::regnamespace"""


class Postgres:
    """Made by `Postgres(folder)`, run by `start`, as often as it was ended by `stop` or `crash`."""

    def __init__(self, folder: Path, is_durable: bool = False) -> None:
        self._data = folder / "db"
        self._log = folder / "log"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.server = f"postgresql+psycopg://postgres@127.0.0.1:{port}"  # without a database's name
        self._options = ["-p", str(port), "-k", str(folder)]
        # What a crash of its processes loses is the same without fsync, which only a power cut misses.
        for setting in ("listen_addresses=127.0.0.1", *(() if is_durable else ("fsync=off", "full_page_writes=off"))):
            self._options += ["-c", setting]
        self._emptied: str | None = None
        self._process: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0:
            for closed in (f for f in folder.parents if not f.stat().st_mode & 0o001):
                closed.chmod(0o711)  # the way to the folder
            shutil.chown(folder, "postgres")
        _run(["initdb", "-D", str(self._data), "-A", "trust", "-U", "postgres", "--no-sync"])

    @staticmethod
    def is_installed() -> bool:
        return bool(_tool("initdb") and _tool("postgres"))

    def start(self) -> None:
        """Start it, and return when it takes connections."""
        said = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as log:
            command = _as_postgres(["postgres", "-D", str(self._data), *self._options])
            self._process = subprocess.Popen(command, stderr=log)
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            if "ready to accept connections" in self._log.read_text()[said:]:
                return
            time.sleep(0.02)
        raise AssertionError(self._log.read_text())

    def stop(self) -> None:
        """A proper end that does not wait for its clients to leave."""
        self._end(signal.SIGINT)

    def crash(self) -> None:
        """All its processes end in the middle of what they do, and the next start has to recover."""
        self._end(signal.SIGQUIT)

    def kill(self) -> None:
        """kill -9 of all its processes."""
        for pid in self._pids():
            os.kill(pid, signal.SIGKILL)
        assert self._process is not None
        self._process.wait(START_SECONDS)
        self._process = None

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """SIGSTOP to all its processes; they go on at the end."""
        pids = self._pids()
        try:
            for pid in pids:  # the first one makes the others
                os.kill(pid, signal.SIGSTOP)
            yield
        finally:
            assert self._process is not None
            for pid in [
                *pids,
                self._process.pid,
            ]:  # the last is `runuser`, which stops itself when its child is stopped
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def _pids(self) -> list[int]:
        first = int((self._data / "postmaster.pid").read_text().split()[0])
        return [first, *map(int, Path(f"/proc/{first}/task/{first}/children").read_text().split())]

    def create_database(self, name: str) -> str:
        """Returns its URL."""
        self._say("postgres", f"CREATE DATABASE {name}")
        return f"{self.server}/{name}"

    def empty_database(self, make_tables: Callable[[str], None]) -> str:
        """The URL of one with all tables and nothing in them. It is the same each time: a new one takes 0.6 s.

        A test may change the tables: they are made anew then.
        """
        if self._emptied is None or self._tables() != self._emptied:
            self._say("postgres", "DROP DATABASE IF EXISTS emptied")
            make_tables(self.create_database("emptied"))
            self._emptied = self._tables()
        else:
            self._say("emptied", f"TRUNCATE {self._say('emptied', NAMES)} RESTART IDENTITY")
        return f"{self.server}/emptied"

    def _tables(self) -> str:
        """What tables there are, and of which revision they say they are."""
        try:
            return f"{self._say('emptied', TABLES)} {self._say('emptied', 'SELECT version_num FROM alembic_version')}"
        except psycopg.Error:  # there is no such table
            return ""

    def _say(self, database: str, statement: str) -> Any:
        """The first value that the statement returns, if it returns any."""
        server = self.server.replace("+psycopg", "")
        with psycopg.connect(f"{server}/{database}", autocommit=True) as connection:
            said = connection.execute(statement)  # type: ignore[call-overload]
            return said.fetchone()[0] if said.description else None

    def _end(self, number: int) -> None:
        assert self._process is not None
        lines = (self._data / "postmaster.pid").read_text().split()
        os.kill(int(lines[0]), number)
        self._process.wait(START_SECONDS)
        self._process = None


def _run(command: list[str]) -> None:
    subprocess.run(_as_postgres(command), check=True, capture_output=True)


def _tool(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path=str(BIN))


def _as_postgres(command: list[str]) -> list[str]:
    """The server refuses to run as root; Debian's package makes a user for it."""
    path = [str(_tool(command[0])), *command[1:]]
    return ["runuser", "-u", "postgres", "--", *path] if os.geteuid() == 0 else path
