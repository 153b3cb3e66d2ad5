"""All of a worker's connections: the bound, the shared flush, the sweep and the goodbye.

Work that would cost each connection a timer or a callback of its own is done here once for all. Which
user is behind a connection is left to `sockets.py`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

import gevent
from gevent import get_hub, monkey

from chat.config import Settings
from chat.limits import BURST_SECONDS, Limits, origin_of
from chat.protocol.structs import SERVICE_RESTART
from chat.transport.greenlets import Runners
from chat.transport.outbox import CLOSING, OPEN, Outbox
from chat.transport.peer import Peer

log = logging.getLogger("chat")

thread_id = monkey.get_original("_thread", "get_ident")  # of the native thread

SWEEP_SECONDS = 1.0  # also how late a deadline may be noticed
PINGS_UNANSWERED = 2
LAST_PONG_SECONDS = 0.3  # of a stop; whoever has not answered by then may be gone


class Connections:
    """Every connection of this worker, from its upgrade until its descriptor is free."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.limits = Limits(settings)
        self.runners = Runners()
        self.stopping = False
        self._stop_by = 0.0  # time.monotonic() when `stop` gives up; set by its first call
        self._all: set[Peer] = set()
        self._by_origin: dict[str, int] = {}  # origin_of(address) -> sockets, never 0
        self._unflushed: list[Outbox] = []  # got something to send in this turn of the loop
        self._sweeper: Any = None
        self._thread = 0  # the native thread whose loop all this lives on
        self.each_sweep: list[
            Callable[[], None]
        ] = []  # called once a second, and before the goodbye
        # Asked before the goodbye: what else of that which was read is not handled yet.
        self.still_busy: list[Callable[[], bool]] = []
        self.at_stop: list[Callable[[], None]] = []  # called when all that was read is handled

    @property
    def loop(self) -> Any:
        """gevent's event loop of this process; asked for late, since a worker is forked."""
        return get_hub().loop

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Peer]:
        return iter(tuple(self._all))

    def at(self, address: str) -> int:
        """How many sockets whoever this address stands for holds."""
        return self._by_origin.get(origin_of(address), 0)

    def add(self, connection: Peer) -> None:
        self._all.add(connection)
        origin = origin_of(connection.address)
        self._by_origin[origin] = self._by_origin.get(origin, 0) + 1
        self.start()

    def start(self) -> None:
        """Sweep from now on; to be called on the loop that all this is to live on."""
        if self._sweeper is None:
            self._thread = thread_id()
            self._sweeper = self.loop.timer(SWEEP_SECONDS, SWEEP_SECONDS, ref=False)
            self._sweeper.start(self._sweep)

    def discard(self, connection: Peer) -> None:
        if connection not in self._all:
            return
        self._all.remove(connection)
        origin = origin_of(connection.address)
        self._by_origin[origin] -= 1
        if not self._by_origin[origin]:
            del self._by_origin[origin]

    def spawn(self, function: Callable[..., object], *args: Any) -> None:
        """Call `function` soon, in a greenlet, where it may block. What it raises is logged."""
        self.loop.run_callback(self.runners.run, _call, function, args)

    # One write for all that a turn of the loop had to say to a socket.

    def flush_soon(self, connection: Outbox) -> None:
        """Have what the connection is given in this turn of the loop written at its end.

        Raises:
            RuntimeError: the caller is on another native thread, whose loop would never write.
        """
        if thread_id() != self._thread:
            raise RuntimeError(
                "Events are sent on the event loop's own thread. From a thread of a pool, hand them "
                "over: loop.run_callback_threadsafe(emit, event, user)."
            )
        if not self._unflushed:
            self.loop.run_callback(self._flush)
        self._unflushed.append(connection)

    def _flush(self) -> None:
        unflushed, self._unflushed = self._unflushed, []
        for connection in unflushed:
            try:
                connection.flush()
            except Exception:  # one that fails does not take the others' turn
                self._fail(connection)

    # One sweep for all heartbeats and deadlines.

    def _sweep(self) -> None:
        now = time.monotonic()
        heartbeat = max(1, round(self.settings.heartbeat_seconds / SWEEP_SECONDS))
        given_up = heartbeat * (PINGS_UNANSWERED + 1)
        for connection in self:
            try:
                if connection.silence <= BURST_SECONDS:  # a longer silence has filled it up already
                    connection.refill()
                if connection.state is OPEN and connection.busy:
                    continue  # neither silent nor late: what it said, its init perhaps, is handled
                if connection.deadline is not None and connection.deadline <= now:
                    self._overdue(connection)
                elif connection.state is OPEN:
                    connection.silence += 1
                    if connection.silence >= given_up:
                        connection.abort(f"1006 {PINGS_UNANSWERED} pings unanswered")
                    elif connection.silence % heartbeat == 0:
                        connection.ping()
            except Exception:
                self._fail(connection)
        for task in self.each_sweep:
            _call(task, ())

    def _fail(self, connection: Outbox) -> None:
        log.exception("a connection failed")
        connection.abort("1011 internal error")

    def _overdue(self, connection: Peer) -> None:
        if connection.state is CLOSING:
            connection.abort("1006 did not hang up")
        else:
            connection.overdue()

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
            for task in self.each_sweep:
                _call(task, ())
            self._wait_while(self._any_awaits_pong, now + LAST_PONG_SECONDS)
            for connection in self:
                connection.pause()
            self._wait_while(self._any_busy, now + self.settings.stop_seconds / 2)
            for task in self.at_stop:
                _call(task, ())
            for connection in self:
                connection.close(SERVICE_RESTART, "service restart")
        self._wait_while(self.__len__, self._stop_by)

    def _any_awaits_pong(self) -> bool:
        return any(connection.awaits_pong for connection in self)

    def _any_busy(self) -> bool:
        others = [is_busy() for is_busy in self.still_busy]  # all are asked: it tells them to stop
        return any(others) or any(connection.busy for connection in self)

    def _wait_while(self, condition: Callable[[], object], deadline: float) -> None:
        while condition() and time.monotonic() < deadline:
            gevent.sleep(0.01)


def _call(function: Callable[..., object], args: tuple[Any, ...]) -> None:
    try:
        function(*args)
    except Exception:
        log.exception("a task of the server failed")
