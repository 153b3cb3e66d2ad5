"""Owns all connections of one chat: the bound, the shared flush and the sweep. Knows no users.

Work that would cost each connection a timer or a callback of its own is done here once for all.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from gevent import get_hub, monkey

from chat.config import Settings
from chat.limits import BURST_SECONDS, Limits, origin_of
from chat.transport.greenlets import Greenlets
from chat.transport.poller import Poller
from chat.transport.refusals import Refusals

thread_id = monkey.get_original("_thread", "get_ident")  # of the native thread

SWEEP_SECONDS = 1.0  # also how late a deadline may be noticed
PINGS_UNANSWERED = 2

OPEN, CLOSING, CLOSED = "open", "closing", "closed"  # the states of a connection


class Connection(Protocol):
    """What is kept here: a WebSocket, or a stream of server-sent events."""

    address: str
    state: str
    deadline: float | None  # time.monotonic() when the sweep ends it
    silence: int  # sweeps since the peer was last heard

    busy: bool  # whether something that was read is not handled yet

    @property
    def awaits_pong(self) -> bool: ...
    @property
    def held_bytes(self) -> int: ...
    def overflow(self) -> None: ...
    def refill(self) -> None: ...
    def overdue(self) -> None: ...
    def ping(self) -> int: ...
    def pause(self) -> None: ...
    def flush(self) -> None: ...
    def close(self, code: int, reason: str = "") -> None: ...
    def restart(self, seconds: float) -> None: ...
    def abort(self, reason: str) -> None: ...


class Connections:
    """Every connection of one chat, from its upgrade until its descriptor is free."""

    def __init__(self, settings: Settings, limits: Limits, log: logging.Logger) -> None:
        self.settings = settings
        self.limits = limits
        self.log = log
        self.greenlets = Greenlets()
        self.stopping = False  # no new ones are taken; those that are here are sent away, part by part
        self.leaving: set[Connection] = set()  # of which nothing more is read
        self._all: set[Connection] = set()
        self._by_origin: Counter[str] = Counter()  # origin_of(address) -> sockets, never 0
        self._unflushed: list[Connection] = []  # got something to send in this turn of the loop
        self._sweeper: Any = None
        self._thread = 0  # the native thread of the loop
        self.poller: Poller  # made with the first connection
        self.refusals = Refusals(log)
        self.each_sweep: list[Callable[[], object]] = [self.refusals.log_sum]  # each second, and before the goodbye

    @property
    def loop(self) -> Any:
        return get_hub().loop  # asked for late, since a worker is forked

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Connection]:
        return iter(tuple(self._all))

    def at(self, address: str) -> int:
        """Return how many connections the network of this address holds."""
        return self._by_origin[origin_of(address)]

    def add(self, connection: Connection) -> None:
        self._all.add(connection)
        self._by_origin[origin_of(connection.address)] += 1
        self.start()

    def start(self) -> None:
        """Sweep from now on, on the calling thread's loop."""
        if self._sweeper is None:
            self._thread = thread_id()
            self._sweeper = self.loop.timer(SWEEP_SECONDS, SWEEP_SECONDS, ref=False)
            self._sweeper.start(self._sweep)
            self.poller = Poller(self.loop, self.greenlets, self._fail)

    def discard(self, connection: Connection) -> None:
        if connection not in self._all:
            return
        self._all.remove(connection)
        self.leaving.discard(connection)
        origin = origin_of(connection.address)
        self._by_origin[origin] -= 1
        if not self._by_origin[origin]:
            del self._by_origin[origin]

    def spawn(self, function: Callable[..., object], *args: Any) -> None:
        """Call `function` soon, in a greenlet, where it may block. What it raises is logged."""
        self.loop.run_callback(self.greenlets.run, self.call, function, *args)

    def flush_soon(self, connection: Connection) -> None:
        """Write what the connection is given in this turn of the loop at the turn's end, all at once."""
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

    def _sweep(self) -> None:
        now = time.monotonic()
        heartbeat = max(1, round(self.settings.heartbeat_seconds / SWEEP_SECONDS))
        for connection in self:
            try:
                self._sweep_one(connection, now, heartbeat)
            except Exception:
                self._fail(connection)
        for task in self.each_sweep:
            self.call(task)

    def _sweep_one(self, connection: Connection, now: float, heartbeat: int) -> None:
        if connection.silence <= BURST_SECONDS:  # a longer silence has filled it up already
            connection.refill()
        if connection.deadline is not None and connection.deadline <= now:
            if connection.state is CLOSING:
                connection.abort("1006 did not hang up")
            else:
                connection.overdue()
        elif connection.state is OPEN and not connection.busy:  # what it said is handled: that is no silence
            connection.silence += 1
            if connection.silence >= heartbeat * (PINGS_UNANSWERED + 1):
                connection.abort(f"1006 {PINGS_UNANSWERED} pings unanswered")
            elif connection.silence % heartbeat == 0:
                connection.ping()

    def _fail(self, connection: Connection) -> None:
        self.log.exception("a connection failed")
        connection.abort("1011 internal error")

    def call(self, function: Callable[..., object], *args: Any) -> None:
        """Call a task. What it raises is logged."""
        try:
            function(*args)
        except Exception:
            self.log.exception("a task of the server failed")

    def end(self) -> None:
        """Sweep no more, once all are gone."""
        if self._sweeper is not None and not self._all:
            self._sweeper.stop()
