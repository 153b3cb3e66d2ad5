"""Group commit: what came in since the last commit is stored in one transaction, off the event loop.

Throughput grows with load, and latency is one commit. What is done with a stored message, delivering
and acknowledging it, is the caller's: it is called back in the order in which things were accepted.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from gevent import get_hub
from gevent.event import AsyncResult

from chat.errors import Busy, Unavailable
from chat.storage.records import Pointer, Send
from chat.storage.store import Store
from chat.storage.writer_thread import HandOver

log = logging.getLogger("chat")

COMMIT_AT_MOST = 2_000  # records in one transaction, so that calling back does not hold up the loop
GATHER_SECONDS = 0.002  # how long a commit waits for more while the loop is busy

Settle = Callable[[Any], None]
Batch = list[tuple[Send | Pointer, Settle]]


class Journal:
    """The way into the store. Lives on the event loop's thread; one native thread commits.

    Args:
        store: where to.
        limit: how many records may wait for a commit; beyond it `accept` refuses.
    """

    def __init__(self, store: Store, limit: int) -> None:
        self._store = store
        self._limit = limit
        # self._waiting = [(record, settle), ...], in the order in which they came
        self._waiting: Batch = []
        self._committing = False
        self.commits = 0  # begun so far
        # Made late, since a worker is forked: the thread, and what says when to begin.
        self._thread: HandOver[Batch, Sequence[Any]] | None = None
        self._loop_is_idle: Any = None
        self._time_is_up: Any = None

    def __len__(self) -> int:
        """How many records wait; 0 does not mean that the last commit is over: see `idle`."""
        return len(self._waiting)

    @property
    def idle(self) -> bool:
        return not (self._waiting or self._committing)

    def accept(self, record: Send | Pointer, settle: Settle) -> None:
        """Take a record in. Never blocks.

        Args:
            settle: called on the loop, in the order of acceptance, with what `Store.commit` says of the
                record once it is on the disk, or with a ChatError if it is not. Must not block.

        Raises:
            Busy: too many wait already.
        """
        if len(self._waiting) >= self._limit:
            raise Busy
        self._waiting.append((record, settle))
        if not self._committing:
            self._committing = True
            if self._thread is None:
                self._start_thread()
            self._gather()

    def commit(self, record: Send | Pointer) -> Any:
        """`accept`, and block the calling greenlet until the outcome is known; it is returned.

        Raises:
            Busy: as `accept`.
        """
        result: Any = AsyncResult()
        self.accept(record, result.set)
        return result.get()

    def _gather(self) -> None:
        """Begin a commit once the loop has nothing else to do, at the latest when the time is up.

        A commit costs as much as a hundred of its messages, and those whom the last one answered are
        about to write again: one that takes what is there at once takes half of what it could.
        """
        if not self._waiting:
            self._committing = False
            return
        self._loop_is_idle.start(self._begin)
        self._time_is_up.again(self._begin)  # `start` would go on with what was left of the time

    def _begin(self) -> None:
        self._loop_is_idle.stop()
        self._time_is_up.stop()
        batch = self._waiting[:COMMIT_AT_MOST]
        del self._waiting[:COMMIT_AT_MOST]
        assert self._thread is not None
        self.commits += 1
        self._thread.begin(batch)

    def _start_thread(self) -> None:
        loop = get_hub().loop
        self._loop_is_idle = loop.idle()
        self._time_is_up = loop.timer(GATHER_SECONDS, GATHER_SECONDS)
        self._thread = HandOver(self._commit, self._end)

    def _commit(self, batch: Batch) -> Sequence[Any]:
        """Runs in the thread. Returns what `settle` is to be called with, for each record."""
        records = [record for record, _ in batch]
        sends = [record for record in records if isinstance(record, Send)]
        pointers = [record for record in records if isinstance(record, Pointer)]
        try:
            outcomes, moved = self._store.commit(sends, pointers)
        except Exception as error:  # SQLAlchemy's or the driver's; each means: nothing is stored
            log.error("a commit of %d records failed: %s", len(batch), type(error).__name__)
            return [Unavailable()] * len(batch)
        if not pointers:
            return outcomes
        next_outcome, next_moved = iter(outcomes).__next__, iter(moved).__next__
        return [next_outcome() if isinstance(record, Send) else next_moved() for record in records]

    def _end(self, batch: Batch, results: Sequence[Any]) -> None:
        for (_, settle), result in zip(batch, results, strict=True):
            try:
                settle(result)
            except Exception:  # one that fails does not keep the others from being settled
                log.exception("what was stored could not be settled")
        self._gather()
