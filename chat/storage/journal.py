"""Group commit: what came in since the last commit is stored in one transaction, off the event loop.

Throughput grows with load, and latency is one commit. What is done with a stored message, delivering
and acknowledging it, is the caller's: it is called back in the order in which things were accepted.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from gevent import get_hub
from gevent.event import AsyncResult
from gevent.threadpool import ThreadPool

from chat.errors import Busy, Unavailable
from chat.storage.records import Pointer, Send
from chat.storage.store import Store

log = logging.getLogger("chat")

COMMIT_AT_MOST = 2_000  # records in one transaction, so that calling back does not hold up the loop

Settle = Callable[[Any], None]


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
        self._waiting: list[tuple[Send | Pointer, Settle]] = []
        self._committing = False
        self._pool: ThreadPool | None = None  # made late, since a worker is forked

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
            get_hub().loop.run_callback(self._begin)  # with all that this turn of the loop brings

    def commit(self, record: Send | Pointer) -> Any:
        """`accept`, and block the calling greenlet until the outcome is known; it is returned.

        Raises:
            Busy: as `accept`.
        """
        result: Any = AsyncResult()
        self.accept(record, result.set)
        return result.get()

    def _begin(self) -> None:
        if not self._waiting:
            self._committing = False
            return
        batch = self._waiting[:COMMIT_AT_MOST]
        del self._waiting[:COMMIT_AT_MOST]
        if self._pool is None:
            self._pool = ThreadPool(1)
        done = self._pool.spawn(self._commit, batch)
        done.rawlink(lambda _: self._end(batch, done.get()))

    def _commit(self, batch: list[tuple[Send | Pointer, Settle]]) -> list[Any]:
        """Runs in the thread. Returns what `settle` is to be called with, for each record."""
        sends = [record for record, _ in batch if isinstance(record, Send)]
        pointers = [record for record, _ in batch if isinstance(record, Pointer)]
        try:
            outcomes, moved = self._store.commit(sends, pointers)
        except (
            Exception
        ) as error:  # SQLAlchemy's or the driver's; each means that nothing is stored
            log.error("a commit of %d records failed: %s", len(batch), type(error).__name__)
            return [Unavailable()] * len(batch)
        next_outcome, next_moved = iter(outcomes).__next__, iter(moved).__next__
        return [next_outcome() if isinstance(record, Send) else next_moved() for record, _ in batch]

    def _end(self, batch: list[tuple[Send | Pointer, Settle]], results: Any) -> None:
        for (_, settle), result in zip(batch, results, strict=True):
            try:
                settle(result)
            except Exception:  # one that fails does not keep the others from being settled
                log.exception("what was stored could not be settled")
        self._begin()
