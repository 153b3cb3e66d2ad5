"""What a user may do in a minute they may do at all workers together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from chat.bus.shared_limits import SharedLimits
from chat.limits import Meter
from tests.clock import Clock


class Redis:
    """The counters that all workers have."""

    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()
        self.is_up = True

    def count(self, name: str, more: int, seconds: int, then: Callable[[int], None]) -> None:
        self.counters[name] += more
        then(self.counters[name])


def workers(redis: Any, clock: Clock, most: int = 10) -> list[tuple[Meter, SharedLimits]]:
    made = []
    for _ in range(2):
        meter = Meter(most, 60, clock)
        made.append((meter, SharedLimits(redis, {"messages": meter}, lambda: 1e9 + clock())))
    return made


def test_what_is_spent_at_one_worker_is_spent_at_the_others(clock: Clock) -> None:
    (here, told), (there, hears) = workers(Redis(), clock)
    for _ in range(6):
        assert here.take("alice") == 0
    told.sweep()
    assert there.take("alice") == 0, "nobody asked yet"
    hears.sweep()
    assert there.wait("alice", 3) == 0
    assert there.wait("alice", 4) > 0
    assert there.wait("bob", 10) == 0
    for _ in range(2):
        told.sweep()
        hears.sweep()
    assert there.wait("alice", 3) == 0, "and not again each second"


def test_what_is_given_back_is_given_back_to_all(clock: Clock) -> None:
    redis = Redis()
    (here, told), _ = workers(redis, clock)
    here.take("alice")
    told.sweep()
    here.give_back("alice")
    told.sweep()
    assert [*redis.counters.values()] == [0]


def test_without_redis_each_worker_counts_alone(clock: Clock) -> None:
    redis = Redis()
    redis.is_up = False
    (here, told), (there, hears) = workers(redis, clock)
    here.take("alice", 10)
    told.sweep()
    hears.sweep()
    assert not redis.counters
    assert here.take("alice") > 0
    assert there.take("alice") == 0


def test_a_limit_that_is_off_is_told_to_nobody(clock: Clock) -> None:
    redis = Redis()
    (here, told), _ = workers(redis, clock, most=0)
    here.take("alice", 100)
    told.sweep()
    assert not redis.counters
