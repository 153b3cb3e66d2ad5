"""Owns a deadline for a whole call that waits for another program. What is called is left to others.

A timeout of a socket's own bounds each part of an answer: a peer that sends a byte now and then never ends.
"""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

from gevent import Timeout, monkey

T = TypeVar("T")


def within(seconds: float, function: Callable[[], T]) -> T:
    """Return what the function returns, or raise what it raises.

    Under gevent's patches it is broken off at the deadline. Elsewhere, as in a cron job, nothing can break a
    thread off: it is left to itself, and ends with its process.

    Raises TimeoutError: it took longer.
    """
    if not monkey.is_module_patched("socket"):
        return _in_a_thread(seconds, function)
    timer = Timeout(seconds)
    try:
        with timer:
            return function()
    except Timeout as timeout:
        if timeout is not timer:  # somebody else's
            raise
        raise TimeoutError from None


def _in_a_thread(seconds: float, function: Callable[[], T]) -> T:
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(function())
        except BaseException as error:
            outcome.set_exception(error)

    Thread(target=run, daemon=True).start()
    return outcome.result(seconds)
