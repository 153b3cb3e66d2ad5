"""Owns one native thread beside the event loop: the way to it and back. What it does is given to it.

gevent's thread pool does the same for many threads; its way there and back took a third of a commit of
fifty messages. Here it is one C queue there, and one wake-up of the loop back.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from gevent import get_hub
from gevent.event import AsyncResult
from gevent.monkey import get_original

END_SECONDS = 2  # how long `close` waits for a database that hangs


class WriterThread:
    """Calls one function at a time in a thread of its own, and another one with the outcome on the loop."""

    def __init__(self) -> None:
        self._tasks: Any = get_original("queue", "SimpleQueue")()
        self._wake_up = get_hub().loop.async_()
        self._done: Any = None
        self._outcome: Any = None
        self._ended = get_original("_thread", "allocate_lock")()  # free once the thread has ended
        self._ended.acquire()
        get_original("_thread", "start_new_thread")(self._run, ())

    def begin(self, work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        """Have `work` called in the thread, and `done` on the loop with what it returned.

        `work` may block, and must not raise; the one before must be done. `done` must not block.
        """
        self._done = done
        self._wake_up.start(self._hand_back)
        self._tasks.put(work)

    def close(self) -> None:
        """End the thread. Blocks the loop while a function still runs, END_SECONDS at most."""
        self._tasks.put(None)
        if self._ended.acquire(timeout=END_SECONDS):
            self._wake_up.close()

    def _run(self) -> None:
        while (work := self._tasks.get()) is not None:
            self._outcome = work()
            del work  # with all that it holds
            self._wake_up.send()
        self._ended.release()

    def _hand_back(self) -> None:
        self._wake_up.stop()
        done, outcome = self._done, self._outcome
        self._done = self._outcome = None
        done(outcome)


class OneThread:
    """Such a thread for callers that wait, as a ThreadPool of one. It starts with the first call."""

    def __init__(self) -> None:
        self._thread: WriterThread | None = None

    def apply(self, function: Callable[[], Any]) -> Any:
        """Call `function` in the thread; return or raise as it does. Blocks the greenlet; one call at a time."""
        self._thread = self._thread or WriterThread()
        result: Any = AsyncResult()
        self._thread.begin(partial(_outcome, function), result.set)
        answer, error = result.get()
        if error is not None:
            raise error
        return answer

    def close(self) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.close()


def _outcome(function: Callable[[], Any]) -> tuple[Any, Exception | None]:
    try:
        return function(), None
    except Exception as error:
        return None, error
