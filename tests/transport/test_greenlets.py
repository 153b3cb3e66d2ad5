"""The greenlets in which handlers run, on a real event loop."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import gevent
from gevent import get_hub
from greenlet import getcurrent

from chat.transport.greenlets import KEPT_IDLE, Greenlets


def on_the_loop(function: Callable[..., Any], *args: Any) -> None:
    """Call `function` as the loop does, and wait until it has returned."""
    done = gevent.event.Event()

    def call() -> None:
        function(*args)
        done.set()

    get_hub().loop.run_callback(call)
    assert done.wait(5)


def test_a_function_that_does_not_wait_is_finished_when_run_returns() -> None:
    greenlets, seen = Greenlets(), []

    def turn() -> None:
        greenlets.run(seen.append, "ran")
        seen.append("returned")

    on_the_loop(turn)
    assert seen == ["ran", "returned"]


def test_a_function_that_waits_gives_the_loop_back_and_goes_on_later() -> None:
    greenlets, seen, go_on = Greenlets(), [], gevent.event.Event()

    def wait() -> None:
        seen.append("waits")
        go_on.wait()
        seen.append("goes on")

    def turn() -> None:
        greenlets.run(wait)
        seen.append("loop")
        greenlets.run(seen.append, "another")

    on_the_loop(turn)
    assert seen == ["waits", "loop", "another"]
    go_on.set()
    gevent.sleep(0)
    gevent.sleep(0)
    assert seen[3:] == ["goes on"]


def test_one_greenlet_runs_what_comes_one_after_the_other() -> None:
    greenlets, used = Greenlets(), []
    for _ in range(3):
        on_the_loop(greenlets.run, lambda: used.append(getcurrent()))
    assert len(used) == 3
    assert len(set(used)) == 1
    assert used[0] is not get_hub()


def test_many_may_wait_at_once_and_only_some_greenlets_are_kept_afterwards() -> None:
    greenlets, go_on, finished = Greenlets(), gevent.event.Event(), []
    alive: list[weakref.ref[Any]] = []

    def wait(number: int) -> None:
        alive.append(weakref.ref(getcurrent()))
        go_on.wait()
        finished.append(number)

    count = KEPT_IDLE * 3
    for number in range(count):
        on_the_loop(greenlets.run, wait, number)
    assert finished == []
    assert len(alive) == count, "need all of them waiting for this to mean anything"
    go_on.set()
    while len(finished) < count:
        gevent.sleep(0.001)
    assert sorted(finished) == list(range(count))
    gevent.sleep(0.001)
    gc.collect()
    assert sum(ref() is not None for ref in alive) == KEPT_IDLE


def test_an_idle_greenlet_holds_nothing_of_what_it_ran() -> None:
    class Big:
        pass

    greenlets, big = Greenlets(), Big()
    seen = weakref.ref(big)
    on_the_loop(greenlets.run, lambda thing: None, big)
    del big
    gc.collect()
    assert seen() is None
