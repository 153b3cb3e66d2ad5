"""One native thread beside the event loop, and the way to it and back.

gevent's thread pool does the same for many threads; its way there and back took a third of a commit of
fifty messages. Here it is one C queue there, and one wake-up of the loop back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from gevent import get_hub
from gevent.monkey import get_original

T = TypeVar("T")
R = TypeVar("R")


class HandOver(Generic[T, R]):
    """Calls `work` in a thread of its own, one task after another, and `done` on the loop.

    Belongs to the loop that it was made on, and keeps it going while a task is under way. The thread
    ends with the process.

    Args:
        work: given a task; may block, must not raise.
        done: given the task and what came of it; must not block.
    """

    def __init__(self, work: Callable[[T], R], done: Callable[[T, R], None]) -> None:
        self._work = work
        self._done = done
        self._tasks: Any = get_original("queue", "SimpleQueue")()
        self._results: deque[tuple[T, R]] = deque()
        self._wake_up = get_hub().loop.async_()
        self._under_way = 0
        get_original("_thread", "start_new_thread")(self._run, ())

    def begin(self, task: T) -> None:
        """Hand a task to the thread."""
        self._under_way += 1
        self._wake_up.start(self._hand_back)
        self._tasks.put(task)

    def _run(self) -> None:
        while True:
            task = self._tasks.get()
            self._results.append((task, self._work(task)))
            self._wake_up.send()

    def _hand_back(self) -> None:
        while self._results:
            self._under_way -= 1
            if not self._under_way:
                self._wake_up.stop()
            self._done(*self._results.popleft())
