"""Starts gunicorn without its imports: the tests' side of tests/startup/forks.py."""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

STARTUP = Path(__file__).parent / "startup"


class Forked:
    """A process that was forked for us; what tests use of subprocess.Popen, under the same names."""

    def __init__(self, parent: _Parent, pid: int) -> None:
        self._parent = parent
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return its exit code, negative for a signal's number, or None while it runs."""
        if self.returncode is None:
            self.returncode = self._parent.ask(wait=self.pid)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; raise subprocess.TimeoutExpired after `timeout` seconds."""
        until = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if until is not None and timeout is not None and time.monotonic() > until:
                raise subprocess.TimeoutExpired(f"gunicorn, {self.pid}", timeout)
            time.sleep(0.01)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class _Parent:
    """The process that they are forked from. It ends with this one, whose end closes its input."""

    def __init__(self) -> None:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": f"{STARTUP}:{STARTUP.parent.parent}"}
        command = [sys.executable, str(STARTUP / "forks.py")]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        self._lock = threading.Lock()

    def ask(self, **order: Any) -> Any:
        """Give an order and return its answer."""
        orders, answers = self._process.stdin, self._process.stdout
        assert orders is not None
        assert answers is not None
        with self._lock:
            orders.write(json.dumps(order).encode() + b"\n")
            orders.flush()
            return json.loads(answers.readline())


_parent = functools.cache(_Parent)  # made with the first server


def start_gunicorn(arguments: list[str], env: dict[str, str], cwd: Path, log: Path) -> Forked:
    """Start gunicorn in a process of its own, as `python -m gunicorn *arguments` would be; it adds to `log`."""
    parent = _parent()
    return Forked(parent, parent.ask(arguments=arguments, env=env, cwd=str(cwd), log=str(log)))
