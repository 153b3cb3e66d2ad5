"""Owns whether this worker may be given sockets and requests: what a balancer asks, each second or all at once."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

import gevent

from chat.errors import Unavailable
from chat.storage.storage import Storage

KEPT_SECONDS = 1.0  # an answer: however many ask, the database is asked once
ANSWER_SECONDS = 2.0  # a database that takes longer does not answer
POLL_SECONDS = 0.01

READY, DEGRADED, NOT_READY = "ready", "degraded", "not_ready"
OK, NO_ANSWER = "ok", "The database does not answer."
STOPPING = "This worker stops: its clients come back to another one."

Fault = Callable[[], str | None]  # what is wrong, in a sentence; None: nothing


class Looked(NamedTuple):
    """What was found, by the name of each check."""

    status: str
    checks: dict[str, str]


class Readiness:
    """The readiness of one worker. Other parts add checks to `must` and `should`, by a name; they must not block."""

    def __init__(
        self, storage: Storage, is_stopping: Callable[[], bool], clock: Callable[[], float] = time.monotonic
    ) -> None:
        # Without these the worker is not ready.
        self.must: dict[str, Fault] = {"stopping": lambda: STOPPING if is_stopping() else None}
        self.should: dict[str, Fault] = {}  # without these it is degraded, and goes on
        self._storage = storage
        self._clock = clock
        self._told: dict[str, str | None] = {}  # of the database; empty: it was never asked
        self._told_at = float("-inf")
        self._is_asking = False

    def look(self) -> Looked:
        """Return how things stand. Blocks the greenlet, ANSWER_SECONDS at most."""
        must = {name: fault() for name, fault in self.must.items()} | self._of_database()
        should = {name: fault() for name, fault in self.should.items()}
        status = NOT_READY if any(must.values()) else DEGRADED if any(should.values()) else READY
        return Looked(status, {name: fault or OK for name, fault in (must | should).items()})

    def _of_database(self) -> dict[str, str | None]:
        until = self._clock() + ANSWER_SECONDS
        if not self._is_asking and self._clock() >= self._told_at + KEPT_SECONDS:
            self._is_asking = True
            try:
                with suppress(gevent.Timeout), gevent.Timeout(ANSWER_SECONDS):
                    self._storage.in_thread(self._ask)
            except Unavailable:  # closed, or logged
                self._is_asking = False
        while self._is_asking and not self._is_fresh() and self._clock() < until:
            gevent.sleep(POLL_SECONDS)
        return self._told if self._is_fresh() else {"database": NO_ANSWER}

    def _is_fresh(self) -> bool:
        return bool(self._told) and self._clock() < self._told_at + KEPT_SECONDS + ANSWER_SECONDS

    def _ask(self) -> None:
        """Runs in a thread, which may stay there longer than it is waited for: no second one is sent after it."""
        found: dict[str, str | None] = {}
        try:
            found = self._storage.health.faults()
        finally:
            self._told, self._told_at = found, self._clock()
            self._is_asking = False
