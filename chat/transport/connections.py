"""All of a worker's connections: the bound, the shared flush, the sweep and the goodbye.

Work that would cost each connection a timer or a callback of its own is done here once for all. Which
user is behind a connection is left to `sockets.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import gevent
from gevent import get_hub

from chat.config import Settings
from chat.transport.connection import CLOSING, OPEN, Connection
from chat.transport.runners import Runners

SWEEP_SECONDS = 1.0  # also how late a deadline may be noticed
PINGS_UNANSWERED = 2
NO_INIT = 4502
SERVICE_RESTART = 1012


class Connections:
    """Every connection of this worker, from its upgrade until its descriptor is free."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.runners = Runners()
        self.stopping = False
        self._stop_by = 0.0  # time.monotonic() when `stop` gives up; set by its first call
        self._all: set[Connection] = set()
        self._unflushed: list[Connection] = []  # got something to send in this turn of the loop
        self._sweeper: Any = None

    @property
    def loop(self) -> Any:
        """gevent's event loop of this process; asked for late, since a worker is forked."""
        return get_hub().loop

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Connection]:
        return iter(tuple(self._all))

    def add(self, connection: Connection) -> None:
        self._all.add(connection)
        if self._sweeper is None:
            self._sweeper = self.loop.timer(SWEEP_SECONDS, SWEEP_SECONDS, ref=False)
            self._sweeper.start(self._sweep)

    def discard(self, connection: Connection) -> None:
        self._all.discard(connection)

    # One write for all that a turn of the loop had to say to a socket.

    def flush_soon(self, connection: Connection) -> None:
        if not self._unflushed:
            self.loop.run_callback(self._flush)
        self._unflushed.append(connection)

    def _flush(self) -> None:
        unflushed, self._unflushed = self._unflushed, []
        for connection in unflushed:
            connection.flush()

    # One sweep for all heartbeats and deadlines.

    def _sweep(self) -> None:
        now = time.monotonic()
        heartbeat = max(1, round(self.settings.heartbeat_seconds / SWEEP_SECONDS))
        given_up = heartbeat * (PINGS_UNANSWERED + 1)
        for connection in self:
            if connection.deadline is not None and connection.deadline <= now:
                self._overdue(connection)
            elif connection.state is OPEN and not connection.busy:
                connection.silence += 1
                if connection.silence >= given_up:
                    connection.abort(f"1006 {PINGS_UNANSWERED} pings unanswered")
                elif connection.silence % heartbeat == 0:
                    connection.ping()

    def _overdue(self, connection: Connection) -> None:
        if connection.state is CLOSING:
            connection.abort("1006 did not hang up")
        else:
            connection.close(NO_INIT, "no init in time")

    # The goodbye.

    def stop(self) -> None:
        """Say goodbye to all: handle what was read, send 1012, wait until the peers have hung up.

        Blocks the calling greenlet until `stop_seconds` after the first call at most; a further
        call only waits for the first. Nobody is added afterwards: new upgrades get `Stopping`.
        """
        if not self.stopping:
            self.stopping = True
            now = time.monotonic()
            self._stop_by = now + self.settings.stop_seconds
            for connection in self:
                connection.pause()
            self._wait_while(self._any_busy, now + self.settings.stop_seconds / 2)
            for connection in self:
                connection.close(SERVICE_RESTART, "service restart")
        self._wait_while(self.__len__, self._stop_by)

    def _any_busy(self) -> bool:
        return any(connection.busy for connection in self)

    def _wait_while(self, condition: Callable[[], object], deadline: float) -> None:
        while condition() and time.monotonic() < deadline:
            gevent.sleep(0.01)
