"""Processes that hold a lease, for test_lease.py. Forked of one that has imported all they need: an import costs a second."""

from __future__ import annotations

import logging
import multiprocessing
import os
import threading
import time
import traceback
from multiprocessing.connection import Connection

from chat.errors import ChatError
from chat.storage import lease as waiting
from chat.storage.database import Database

ANSWER_SECONDS = 30
LAST = "last: "  # before what a process says as it ends

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload([__name__])


class Process:
    """Another process with a lease of its own."""

    def __init__(self, url: str) -> None:
        self._wire, theirs = _forks.Pipe()
        self._process = _forks.Process(target=_serve, args=(url, theirs), daemon=True)
        self._process.start()
        theirs.close()
        self._last = ""
        assert self._process.pid is not None
        self.pid = self._process.pid

    def tell(self, code: str) -> None:
        self._wire.send(code)

    def hears(self) -> str:
        """The next line that it says; "" when it has ended."""
        try:
            assert self._wire.poll(ANSWER_SECONDS)
            said = str(self._wire.recv())
        except EOFError:
            return ""
        if not said.startswith(LAST):
            return said
        self._last = said.removeprefix(LAST)
        return ""

    def do(self, code: str) -> str:
        self.tell(code)
        said = self.hears()
        assert said.startswith("done: "), said or self.last_words()
        return said.removeprefix("done: ")

    def last_words(self) -> str:
        self._process.join(ANSWER_SECONDS)
        return self._last

    def kill(self) -> None:
        self._process.kill()
        self._process.join(ANSWER_SECONDS)


class _Log(logging.Handler):
    """Says what is logged, and whatever else is to be said: one at a time."""

    def __init__(self, wire: Connection) -> None:
        super().__init__()
        self._wire = wire

    def emit(self, record: logging.LogRecord) -> None:
        self._wire.send(record.getMessage())


def _serve(url: str, wire: Connection) -> None:
    """Do each line that is told, and say how it went. Renews as a server does."""
    logging.basicConfig(handlers=[log := _Log(wire)], level="INFO", force=True)
    try:
        _follow(url, wire, logging.getLogger("chat"))
    except (EOFError, OSError):  # the test is over
        pass
    except BaseException as error:
        with log.lock:  # type: ignore[union-attr]
            wire.send(LAST + (str(error) if isinstance(error, SystemExit) else traceback.format_exc()))


def _follow(url: str, wire: Connection, log: logging.Logger) -> None:
    lease = waiting.Lease(Database(url, log), log)

    def renew() -> None:
        while lease.renew():
            time.sleep(0.3)

    def acquire(seconds: float) -> None:
        try:
            lease.acquire(seconds)
            threading.Thread(target=renew, daemon=True).start()
        except ChatError as error:
            raise SystemExit(f"{error.code}: {error.message}") from None

    def fork() -> int:
        if (child := os.fork()) == 0:
            time.sleep(60)
        return child

    known = {"lease": lease, "waiting": waiting, "acquire": acquire, "fork": fork, "os": os, "time": time}
    done = logging.getLogger("done")
    while True:
        done.info("done: %s", eval(wire.recv(), known))
