"""Owns the reading for many at once: what waits is read by one thread in one transaction, as the journal commits what waits.

Each job of a native thread costs the loop some 150 us and each transaction as much, whatever is read there.
"""

import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, cast

import gevent
from gevent.event import AsyncResult
from sqlalchemy.exc import SQLAlchemyError

from chat.storage.database import Database

MOST = 16  # reads of one job: all who waited for them go on in the same turn of the loop, and others wait meanwhile
SECONDS = 0.02  # after which a job begins no further read: the others that wait are the next one's

T = TypeVar("T")
InThread = Callable[..., list[Any]]


class Together:
    """What waits to be read from one database. Lives on the event loop."""

    def __init__(self, database: Database, in_thread: InThread) -> None:
        self._database = database
        self._in_thread = in_thread
        self._waiting: deque[tuple[partial[Any], AsyncResult[Any]]] = deque()
        self._is_reading = False

    def read(self, function: Callable[..., T], *args: Any) -> T:
        """Call what reads, in one native thread with all others that wait. Blocks the calling greenlet.

        Raises what `function` raises; Unavailable: no answer, or the database is closed.
        """
        result: AsyncResult[Any] = AsyncResult()
        self._waiting.append((partial(function, *args), result))
        if not self._is_reading:
            self._is_reading = True
            gevent.spawn(self._run)
        answer = result.get()
        if isinstance(answer, Exception):
            raise answer
        return cast(T, answer)

    def _run(self) -> None:
        while self._waiting:
            some = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
            try:
                answers: list[Any] = self._in_thread(self._each, [call for call, _ in some])
            except Exception as error:  # the first one's own: the others are read anew
                answers = [error]
            for (_, result), answer in zip(some, answers, strict=False):
                result.set(answer)
            self._waiting.extendleft(reversed(some[len(answers) :]))
        self._is_reading = False

    def _each(self, calls: list["partial[Any]"]) -> list[Any]:
        """Return the answers of the first of these calls, as many as there is time for. Runs in the thread."""
        answers: list[Any] = []
        until = time.monotonic() + SECONDS
        with self._database.reading_together():
            for call in calls:
                try:
                    answers.append(call())
                except SQLAlchemyError:  # on PostgreSQL the transaction is of no use any more
                    if not answers:
                        raise
                    break
                except Exception as error:
                    answers.append(error)
                if time.monotonic() > until:
                    break
        return answers
