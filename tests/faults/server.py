"""A server that is made to be killed: gunicorn on one port and one database, however often it is started."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from websockets.sync.client import connect

from tests.conftest import ROOT
from tests.faults.checker import Conversation, Message
from tests.faults.databases import ALL, COUNT, Database, SqliteFile, messages_of
from tests.forks import Forked, start_gunicorn

READY_SECONDS = 30  # when a server that is not back is given up, not what is promised
SECRET = "a secret of the tests, of no use elsewhere"


class Mortal:
    """A server. `start` may be called again after each `kill_all` or `stop`.

    `has_its_imports` says whether a start may begin with what it would import. Where a table says how long one takes,
    it may not.

    Args:
        folder: for its log and, without `database`, for a database of its own.
    """

    has_its_imports = True
    application = "app:app"

    def __init__(self, folder: Path, database: Database | None = None, **env: str) -> None:
        self.database = database or SqliteFile(folder / "chat.db")
        self._log = folder / "log"
        self._env = {
            "CHAT_DATABASE_URL": self.database.url,
            "CHAT_TOKEN_SECRET": SECRET,
            "CHAT_LOG_LEVEL": "WARNING",  # thousands of lines about who came and left help nobody
            "CHAT_RATE_LIMITS": "off",  # everything is sent as fast as it goes
            **env,
        }
        self._process: Forked | subprocess.Popen[bytes] | None = None
        self.first_start_seconds = 0.0  # how fast this machine starts a server, just now
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.http = f"http://127.0.0.1:{self.port}"
        self.ws = f"ws://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    @property
    def master_pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def worker_pid(self) -> int:
        """The newest worker, which gunicorn may have started by itself after another's death."""
        return int(re.findall(r"Booting worker with pid: (\d+)", self.log)[-1])

    def start(self) -> float:
        """Start it, and return after how many seconds it said `ready`."""
        begin = time.monotonic()
        bind = f"127.0.0.1:{self.port}"
        arguments, env = ["-k", "gevent", "-b", bind, self.application], {**os.environ, **self._env}
        if self.has_its_imports:
            self._process = start_gunicorn(arguments, env, ROOT, self._log)
        else:
            with self._log.open("ab") as log:
                command = [sys.executable, "-m", "gunicorn", *arguments]
                self._process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)
        self.wait_ready()
        seconds = time.monotonic() - begin
        self.first_start_seconds = self.first_start_seconds or seconds
        return seconds

    def wait_ready(self) -> None:
        """Wait until somebody can sign in, which needs the database as well."""
        until = time.monotonic() + READY_SECONDS
        while True:
            try:
                with connect(self.ws, proxy=None, open_timeout=1) as ws:
                    ws.send('{"type": "init", "userId": "probe", "sync": true}')
                    assert '"ready"' in str(ws.recv(timeout=5))
                    return
            except Exception:
                if time.monotonic() > until:
                    raise AssertionError(f"not back in time:\n{self.log[-3000:]}") from None
                time.sleep(0.02)

    def kill_worker(self) -> float:
        """kill -9; gunicorn starts the next. Returns after how many seconds that one said `ready`."""
        begin = time.monotonic()
        os.kill(self.worker_pid, signal.SIGKILL)
        self.wait_ready()
        return time.monotonic() - begin

    def kill_all(self) -> None:
        """kill -9 of the master, before it sees its worker go, and of the worker."""
        assert self._process is not None
        worker = self.worker_pid
        self._process.kill()
        os.kill(worker, signal.SIGKILL)
        self._process.wait()
        _wait_gone(worker)
        self._process = None

    def stop(self) -> None:
        """SIGTERM, and what it takes."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self.kill_all()
        self._process = None

    # What lies in the database.

    def stored(self) -> dict[Conversation, list[Message]]:
        return messages_of(self.database.ask(ALL))

    def count(self) -> int:
        return int(self.database.ask(COUNT)[0][0])

    def integrity(self) -> str:
        return self.database.integrity()


def _wait_gone(pid: int) -> None:
    """The worker is not our child: nobody tells us of its end."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (ProcessLookupError, FileNotFoundError):
            return
        if state == "Z":
            return
        time.sleep(0.005)
    raise AssertionError(f"process {pid} is still there")
