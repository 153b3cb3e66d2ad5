"""What is done once for all connections: the flush and the sweep. The clock is the test's."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import gevent
import pytest

from chat.config import Settings
from chat.limits import Limits
from chat.transport import connections as subject
from chat.transport.connections import CLOSING, Connections
from tests.transport.fakes import FakeConnection, FakeTime


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    clock = FakeTime()
    monkeypatch.setattr(subject, "time", clock)
    return clock


@pytest.fixture
def all_of_them() -> Iterator[Connections]:
    settings = Settings(rate_limits="off", heartbeat_seconds=25)
    connections = Connections(settings, Limits(settings), logging.getLogger("chat"))
    yield connections
    if connections._sweeper is not None:
        connections._sweeper.stop()
        connections._sweeper.close()


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


def test_silence_is_answered_by_two_pings_and_then_given_up(all_of_them: Connections, clock: FakeTime) -> None:
    connection = FakeConnection(all_of_them)
    when = {}
    for second in range(1, 80):
        before = len(connection.done)
        all_of_them._sweep()
        if len(connection.done) > before:
            when[second] = connection.done[-1]
    assert when == {25: "ping", 50: "ping", 75: ("abort", "1006 2 pings unanswered")}
    assert len(all_of_them) == 0


def test_a_peer_that_is_heard_is_never_given_up(all_of_them: Connections, clock: FakeTime) -> None:
    connection = FakeConnection(all_of_them)
    for second in range(1, 300):
        all_of_them._sweep()
        if second % 26 == 0:
            connection.silence = 0  # as a read does: the answer to the ping of a second ago
    assert set(connection.done) == {"ping"}
    assert len(connection.done) >= 10


def test_a_connection_whose_handler_runs_is_not_called_silent(all_of_them: Connections, clock: FakeTime) -> None:
    """Nothing is read from it meanwhile, so nothing can be heard."""
    connection = FakeConnection(all_of_them)
    connection.busy = True
    for _ in range(300):
        all_of_them._sweep()
    assert connection.done == []


def test_a_connection_without_init_is_closed_at_its_deadline(all_of_them: Connections, clock: FakeTime) -> None:
    late, known = FakeConnection(all_of_them), FakeConnection(all_of_them)
    late.deadline = clock.now + 10
    clock.now += 9.5
    all_of_them._sweep()
    assert late.done == []
    clock.now += 1
    all_of_them._sweep()
    assert late.done == [("close", 4502)]
    assert known.done == []


def test_a_busy_connection_is_not_silent_but_can_be_overdue(all_of_them: Connections, clock: FakeTime) -> None:
    connection = FakeConnection(all_of_them)
    connection.deadline, connection.busy = clock.now + 100, True
    for _ in range(99):
        clock.now += 1
        all_of_them._sweep()
    assert connection.done == []
    clock.now += 1
    all_of_them._sweep()
    assert connection.done == [("close", 4502)]


def test_a_closing_connection_that_does_not_hang_up_is_cut_off(all_of_them: Connections, clock: FakeTime) -> None:
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
