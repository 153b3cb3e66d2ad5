"""What is done once for all connections: the flush, the sweep, the goodbye. The clock is the test's."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import gevent
import pytest

from chat.config import Settings
from chat.limits import Limits
from chat.transport import connections as subject
from chat.transport.connections import CLOSED, CLOSING, OPEN, Connections


class Clock:
    """Stands in for `time` and for `gevent.sleep`: who sleeps moves it on."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.events: list[tuple[float, Any]] = []  # (when, function): what happens meanwhile

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for event in [event for event in self.events if event[0] <= self.now]:
            self.events.remove(event)
            event[1]()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(subject, "time", clock)
    monkeypatch.setattr(subject, "gevent", clock)
    return clock


@pytest.fixture
def all_of_them() -> Iterator[Connections]:
    settings = Settings(rate_limits="off", heartbeat_seconds=25, stop_seconds=4)
    connections = Connections(settings, Limits(settings), logging.getLogger("chat"))
    yield connections
    if connections._sweeper is not None:
        connections._sweeper.stop()
        connections._sweeper.close()


class FakeConnection:
    """Writes down what is done with it. It hangs up at once when closed, unless told otherwise."""

    def __init__(self, connections: Connections, hangs_up: bool = True) -> None:
        self.connections = connections
        self.hangs_up = hangs_up
        self.state = OPEN
        self.address = "127.0.0.1"
        self.deadline: float | None = None
        self.silence = 0
        self.busy = False
        self.awaits_pong = False
        self.done: list[Any] = []
        connections.add(self)  # type: ignore[arg-type]

    def overdue(self) -> None:
        self.close(4502)

    def refill(self) -> None:
        pass  # tests/test_limits.py

    def ping(self) -> None:
        self.done.append("ping")

    def flush(self) -> None:
        self.done.append("flush")

    def pause(self) -> None:
        self.done.append("pause")

    def close(self, code: int, reason: str = "") -> None:
        self.done.append(("close", code))
        self.state = CLOSING
        if self.hangs_up:
            self.connections.discard(self)  # type: ignore[arg-type]

    def abort(self, reason: str) -> None:
        self.done.append(("abort", reason))
        self.state = CLOSED
        self.connections.discard(self)  # type: ignore[arg-type]


# The flush.


def test_a_turn_of_the_loop_flushes_each_connection_that_has_something(all_of_them: Connections) -> None:
    one, other, silent = (FakeConnection(all_of_them) for _ in range(3))
    all_of_them.flush_soon(one)  # type: ignore[arg-type]
    all_of_them.flush_soon(other)  # type: ignore[arg-type]
    assert one.done == []
    gevent.sleep(0.001)
    assert (one.done, other.done, silent.done) == (["flush"], ["flush"], [])
    all_of_them.flush_soon(one)  # type: ignore[arg-type]
    gevent.sleep(0.001)
    assert one.done == ["flush", "flush"]


# The sweep.


def test_silence_is_answered_by_two_pings_and_then_given_up(all_of_them: Connections, clock: Clock) -> None:
    connection = FakeConnection(all_of_them)
    when = {}
    for second in range(1, 80):
        before = len(connection.done)
        all_of_them._sweep()
        if len(connection.done) > before:
            when[second] = connection.done[-1]
    assert when == {25: "ping", 50: "ping", 75: ("abort", "1006 2 pings unanswered")}
    assert len(all_of_them) == 0


def test_a_peer_that_is_heard_is_never_given_up(all_of_them: Connections, clock: Clock) -> None:
    connection = FakeConnection(all_of_them)
    for second in range(1, 300):
        all_of_them._sweep()
        if second % 26 == 0:
            connection.silence = 0  # as a read does: the answer to the ping of a second ago
    assert set(connection.done) == {"ping"}
    assert len(connection.done) >= 10


def test_a_connection_whose_handler_runs_is_not_called_silent(all_of_them: Connections, clock: Clock) -> None:
    """Nothing is read from it meanwhile, so nothing can be heard."""
    connection = FakeConnection(all_of_them)
    connection.busy = True
    for _ in range(300):
        all_of_them._sweep()
    assert connection.done == []


def test_a_connection_without_init_is_closed_at_its_deadline(all_of_them: Connections, clock: Clock) -> None:
    late, known = FakeConnection(all_of_them), FakeConnection(all_of_them)
    late.deadline = clock.now + 10
    clock.now += 9.5
    all_of_them._sweep()
    assert late.done == []
    clock.now += 1
    all_of_them._sweep()
    assert late.done == [("close", 4502)]
    assert known.done == []


def test_a_busy_connection_is_not_silent_but_can_be_overdue(all_of_them: Connections, clock: Clock) -> None:
    connection = FakeConnection(all_of_them)
    connection.deadline, connection.busy = clock.now + 100, True
    for _ in range(99):
        clock.now += 1
        all_of_them._sweep()
    assert connection.done == []
    clock.now += 1
    all_of_them._sweep()
    assert connection.done == [("close", 4502)]


def test_a_closing_connection_that_does_not_hang_up_is_cut_off(all_of_them: Connections, clock: Clock) -> None:
    connection = FakeConnection(all_of_them)
    connection.state, connection.deadline = CLOSING, clock.now + 10
    clock.now += 11
    all_of_them._sweep()
    assert connection.done == [("abort", "1006 did not hang up")]


def test_the_sweep_runs_by_itself_once_there_is_a_connection(
    all_of_them: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject, "SWEEP_SECONDS", 0.005)
    connection = FakeConnection(all_of_them)
    connection.deadline = 0.0  # long ago
    with gevent.Timeout(5):
        while not connection.done:
            gevent.sleep(0.005)
    assert connection.done == [("close", 4502)]


# The goodbye.


def test_the_goodbye_reads_nothing_more_and_says_1012_to_each(all_of_them: Connections, clock: Clock) -> None:
    fakes = [FakeConnection(all_of_them) for _ in range(3)]
    start = clock.now
    all_of_them.stop()
    assert [fake.done for fake in fakes] == [["pause", ("close", 1012)]] * 3
    assert all_of_them.stopping
    assert clock.now - start < 0.1


def test_the_goodbye_waits_for_what_was_read_to_be_handled(all_of_them: Connections, clock: Clock) -> None:
    idle, busy = FakeConnection(all_of_them), FakeConnection(all_of_them)
    busy.busy = True
    closed_at: dict[str, float] = {}
    idle.close = lambda *_: closed_at.setdefault("idle", clock.now)  # type: ignore[method-assign, assignment]
    clock.events = [(clock.now + 1, lambda: setattr(busy, "busy", False))]
    start = clock.now
    all_of_them.discard(idle)  # type: ignore[arg-type]
    all_of_them.add(idle)  # type: ignore[arg-type]
    clock.events.append((start + 1.5, lambda: all_of_them.discard(idle)))  # type: ignore[arg-type]
    all_of_them.stop()
    assert busy.done == ["pause", ("close", 1012)]
    assert 1 <= closed_at["idle"] - start < 1.2


def test_the_goodbye_waits_a_moment_for_pongs_and_only_then_stops_reading(
    all_of_them: Connections, clock: Clock
) -> None:
    alive, dead = FakeConnection(all_of_them), FakeConnection(all_of_them)

    def ask() -> None:
        alive.awaits_pong = dead.awaits_pong = True

    all_of_them.each_sweep.append(ask)
    paused_at: list[float] = []
    alive.pause = lambda: paused_at.append(clock.now)  # type: ignore[method-assign]
    start = clock.now
    clock.events = [(start + 0.1, lambda: setattr(alive, "awaits_pong", False))]
    all_of_them.stop()
    assert 0.3 <= paused_at[0] - start < 0.4, "the dead one never answers"
    assert dead.done == ["pause", ("close", 1012)]
    assert clock.now - start < 0.5


def test_the_goodbye_does_not_wait_for_ever_for_a_handler(all_of_them: Connections, clock: Clock) -> None:
    stuck = FakeConnection(all_of_them)
    stuck.busy = True
    start = clock.now
    all_of_them.stop()
    assert stuck.done == ["pause", ("close", 1012)]
    assert clock.now - start < 4


def test_the_goodbye_takes_stop_seconds_at_most_however_often_it_is_said(
    all_of_them: Connections, clock: Clock
) -> None:
    """The signal begins it, and atexit comes again a second later: one deadline for both."""
    FakeConnection(all_of_them, hangs_up=False)
    start = clock.now
    again: list[float] = []

    def at_exit() -> None:
        all_of_them.stop()
        again.append(clock.now)

    clock.events = [(start + 1, at_exit)]
    all_of_them.stop()
    assert again, "need the second goodbye for this to mean anything"
    assert clock.now - start < 4.1
