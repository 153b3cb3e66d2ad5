"""The end of a worker: who is sent away when, and when they are to come back. The clock is the test's."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator

import pytest

from chat.config import Settings
from chat.limits import Limits
from chat.transport import goodbye as subject
from chat.transport.connections import Connections
from chat.transport.goodbye import ADMITTED_A_SECOND, Goodbye
from tests.transport.fakes import FakeConnection, FakeTime

STOP_SECONDS = 5.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    clock = FakeTime()
    monkeypatch.setattr(subject, "time", clock)
    monkeypatch.setattr(subject, "gevent", clock)
    return clock


@pytest.fixture
def connections() -> Iterator[Connections]:
    settings = Settings(rate_limits="off", stop_seconds=STOP_SECONDS)
    connections = Connections(settings, Limits(settings), logging.getLogger("chat"))
    yield connections
    if connections._sweeper is not None:
        connections._sweeper.stop()
        connections._sweeper.close()


@pytest.fixture
def goodbye(connections: Connections) -> Goodbye:
    return Goodbye(connections)


def test_the_goodbye_reads_nothing_more_and_says_1012_to_each(
    connections: Connections, goodbye: Goodbye, clock: FakeTime
) -> None:
    fakes = [FakeConnection(connections) for _ in range(3)]
    start = clock.now
    goodbye.say()
    assert [fake.done for fake in fakes] == [["pause", ("close", 1012)]] * 3
    assert connections.stopping
    assert clock.now - start < 0.1


def test_the_goodbye_waits_for_what_was_read_to_be_handled(
    connections: Connections, goodbye: Goodbye, clock: FakeTime
) -> None:
    idle, busy = FakeConnection(connections), FakeConnection(connections)
    busy.busy = True
    closed_at: dict[str, float] = {}
    idle.restart = lambda *_: closed_at.setdefault("idle", clock.now)  # type: ignore[method-assign, assignment]
    clock.events = [(clock.now + 1, lambda: setattr(busy, "busy", False))]
    start = clock.now
    connections.discard(idle)  # type: ignore[arg-type]
    connections.add(idle)  # type: ignore[arg-type]
    clock.events.append((start + 1.5, lambda: connections.discard(idle)))  # type: ignore[arg-type]
    goodbye.say()
    assert busy.done == ["pause", ("close", 1012)]
    assert 1 <= closed_at["idle"] - start < 1.2


def test_the_goodbye_waits_a_moment_for_pongs_and_only_then_stops_reading(
    connections: Connections, goodbye: Goodbye, clock: FakeTime
) -> None:
    alive, dead = FakeConnection(connections), FakeConnection(connections)

    def ask() -> None:
        alive.awaits_pong = dead.awaits_pong = True

    connections.each_sweep.append(ask)
    paused_at: list[float] = []
    alive.pause = lambda: paused_at.append(clock.now)  # type: ignore[method-assign]
    start = clock.now
    clock.events = [(start + 0.1, lambda: setattr(alive, "awaits_pong", False))]
    goodbye.say()
    assert 0.3 <= paused_at[0] - start < 0.4, "the dead one never answers"
    assert dead.done == ["pause", ("close", 1012)]
    assert clock.now - start < 0.5


def test_the_goodbye_does_not_wait_for_ever_for_a_handler(
    connections: Connections, goodbye: Goodbye, clock: FakeTime
) -> None:
    stuck = FakeConnection(connections)
    stuck.busy = True
    start = clock.now
    goodbye.say()
    assert stuck.done == ["pause", ("close", 1012)]
    assert clock.now - start < 4


def test_the_goodbye_takes_stop_seconds_at_most_however_often_it_is_said(
    connections: Connections, goodbye: Goodbye, clock: FakeTime
) -> None:
    """The signal begins it, and atexit comes again a second later: one deadline for both."""
    FakeConnection(connections, hangs_up=False)
    start = clock.now
    again: list[float] = []

    def at_exit() -> None:
        goodbye.say()
        again.append(clock.now)

    clock.events = [(start + 1, at_exit)]
    goodbye.say()
    assert again, "need the second goodbye for this to mean anything"
    assert clock.now - start < STOP_SECONDS + 0.1


# Many.


def crowd(connections: Connections, seconds: float) -> list[FakeConnection]:
    """As many as one worker admits in so many seconds."""
    return [FakeConnection(connections) for _ in range(int(ADMITTED_A_SECOND * seconds))]


def note_ends(fakes: list[FakeConnection], clock: FakeTime) -> list[float]:
    """Return a list that gets the time at which each is sent away, since now."""
    start, ends = clock.now, list[float]()
    for fake in fakes:

        def restart(seconds: float, fake: FakeConnection = fake) -> None:
            ends.append(clock.now - start)
            FakeConnection.restart(fake, seconds)

        fake.restart = restart  # type: ignore[method-assign]
    return ends


def test_a_full_worker_sends_its_sockets_away_over_three_seconds(
    connections: Connections, goodbye: Goodbye, clock: FakeTime
) -> None:
    fakes = crowd(connections, 10)
    ends = note_ends(fakes, clock)
    start = clock.now
    goodbye.say()
    assert [fake.done for fake in fakes] == [["pause", ("close", 1012)]] * len(fakes)
    assert ends == sorted(ends)
    assert 2.5 < ends[-1] < 3.5
    by_second = [sum(second <= end < second + 1 for end in ends) for second in range(3)]
    assert min(by_second) > len(fakes) / 5, by_second
    assert clock.now - start < STOP_SECONDS


def test_each_is_told_to_come_back_at_a_time_of_its_own_and_no_more_in_a_second_than_a_worker_admits(
    connections: Connections, goodbye: Goodbye, clock: FakeTime
) -> None:
    fakes = crowd(connections, 10)
    ends = note_ends(fakes, clock)
    goodbye.say()
    back = [end + fake.back_after for end, fake in zip(ends, fakes, strict=True)]
    assert min(fake.back_after for fake in fakes) >= 1, "a worker that stops takes connections for a second yet"
    assert len({fake.back_after for fake in fakes}) > len(fakes) / 2
    for second in range(15):
        assert sum(second <= moment < second + 1 for moment in back) < 1.3 * ADMITTED_A_SECOND
    assert max(fake.back_after for fake in fakes) <= 11


def test_a_few_sockets_are_sent_away_at_once_and_come_back_within_two_seconds(
    connections: Connections, goodbye: Goodbye, clock: FakeTime
) -> None:
    fakes = [FakeConnection(connections) for _ in range(20)]
    ends = note_ends(fakes, clock)
    goodbye.say()
    assert max(ends) < 0.1
    assert all(1 <= fake.back_after <= 2 for fake in fakes)


def test_who_is_not_sent_away_yet_is_read_from_and_heard(
    connections: Connections, goodbye: Goodbye, clock: FakeTime
) -> None:
    fakes = crowd(connections, 10)
    goodbye.at_stop.append(lambda: None)
    seen: list[tuple[int, bool]] = []
    clock.events = [(clock.now + 1.5, lambda: seen.append((sum(not fake.done for fake in fakes), goodbye.is_last)))]
    goodbye.say()
    [(untouched, is_last)] = seen
    assert untouched > len(fakes) / 3
    assert not is_last, "what it asks for is still served here"
    assert goodbye.is_last


def test_who_is_busy_in_its_turn_goes_with_the_next_part_and_delays_nobody(
    connections: Connections, goodbye: Goodbye, clock: FakeTime
) -> None:
    fakes = crowd(connections, 10)
    first = next(fake for fake in connections if isinstance(fake, FakeConnection))
    first.busy = True
    ends, start = note_ends([fake for fake in fakes if fake is not first], clock), clock.now
    first_end = note_ends([first], clock)
    clock.events = [(start + 1, lambda: setattr(first, "busy", False))]
    goodbye.say()
    assert 1 <= first_end[0] < 1.5
    assert ends[0] < 0.5


def test_nobody_is_sent_away_before_what_they_sent_is_stored(
    connections: Connections, goodbye: Goodbye, clock: FakeTime
) -> None:
    fakes = crowd(connections, 10)
    ends, start = note_ends(fakes, clock), clock.now
    asked = itertools.count(1)

    def unsettled() -> Callable[[], bool]:
        is_first = next(asked) == 1
        return lambda: is_first and clock.now < start + 1

    goodbye.unsettled = unsettled
    goodbye.say()
    assert next(asked) > 5, "need parts for this to mean anything"
    assert len(ends) == len(fakes)
    assert min(ends) > 0.2, "the first part's commit takes longer than its time: it goes with the next one"
