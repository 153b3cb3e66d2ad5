"""Owns the queues of all that is written: messages and pointers in group commits, everything else one by one.

What follows once something is written belongs to the callers: each is called back, in its order.
Throughput of messages grows with load, and their latency is one commit.
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from time import monotonic
from typing import Any

from gevent import get_hub
from gevent.event import AsyncResult
from gevent.monkey import get_original
from sqlalchemy.exc import SQLAlchemyError

from chat.errors import Busy, ChatError, Internal, Unavailable
from chat.limits import UNKNOWN_ADDRESS
from chat.metrics import Metrics
from chat.storage.failures import FailureLog, again_if_broken, log_text, name_of
from chat.storage.message_writer import MessageWriter
from chat.storage.records import Pointer, Send, StoredLate
from chat.storage.waiting import Record, Settle, Waiting, Writes
from chat.storage.writer_thread import WriterThread

COMMIT_AT_MOST = 2_000  # records in one transaction, so that calling back does not hold up the loop
GATHER_SECONDS = 0.002  # how long a commit waits for more while the loop is busy

WRONG_THREAD = "Only the event loop's own thread may have something written."

thread_id = get_original("_thread", "get_ident")  # of the native thread


class Journal:
    """Orders the writes to one database. Lives on the event loop's thread; one native thread writes."""

    def __init__(self, writer: MessageWriter, limit: int, log: logging.Logger, metrics: Metrics) -> None:
        self._writer = writer
        self._log = log
        self._failure_log = FailureLog(log)
        self._metrics = metrics
        self._records = Waiting(limit)  # in the order in which they came
        self._writes = Writes()  # the same
        self._working = False  # the thread writes, or a commit gathers
        self._was_commit = False  # what was begun last
        self.commits = 0  # begun so far
        self._unsure: dict[int, Settle] = {}  # by id(record): of the last commit that failed, until it is looked for
        self._late: list[tuple[Settle, StoredLate]] = []  # found, and not settled yet
        self._is_closed = False
        self._made_on = thread_id()
        self._thread: WriterThread | None = None  # made at the first write, as the two watchers are
        self._loop_is_idle: Any = None
        self._time_is_up: Any = None

    @property
    def waiting(self) -> int:
        """How many records wait for a commit to begin."""
        return len(self._records)

    def waiting_bytes(self) -> int:
        """Return the memory of all that waits, about."""
        return self._records.bytes() + self._writes.bytes()

    @property
    def taken(self) -> int:
        """How many records a commit has begun with so far."""
        return self._records.taken

    @property
    def idle(self) -> bool:
        """True when nothing waits and nothing is being written."""
        return not self._working

    def append(self, record: Record, settle: Settle, address: str = UNKNOWN_ADDRESS) -> None:
        """Have a record stored by the next commit. Never blocks.

        `settle` is called on the loop, in the order of appending, with the record's outcome once it is on
        the disk, or with a ChatError if it is not. After Unavailable it is called once more, with a StoredLate, if
        the message is found to be on the disk all the same. It must not block.

        Raises:
            Busy: too many wait already, of all users or of this one or of this address.
            RuntimeError: called on another native thread than the one that made the journal.
        """
        if thread_id() != self._made_on:  # as `is_here`, without a call for each message
            raise RuntimeError(WRONG_THREAD)
        if self._is_closed:
            raise Busy
        self._records.add(record, settle, address)
        if not self._working:
            self._go_on()

    def write_later(self, settle: Settle, function: Callable[..., Any], *args: Any) -> None:
        """Have function(*args) called in the thread; `settle` gets its outcome or ChatError. Else as `append`."""
        if not self.is_here:
            raise RuntimeError(WRONG_THREAD)
        if self._is_closed:
            raise Busy
        self._writes.add(partial(function, *args), settle)
        if not self._working:
            self._go_on()

    def write(self, settle: Settle, function: Callable[..., Any], *args: Any) -> Any:
        """Return settle(function(*args)); the function is called in the thread. Blocks the calling greenlet.

        Raises as `append`; or Unavailable, or the ChatError that the function raised.
        """
        result: Any = AsyncResult()

        def settle_and_set(outcome: Any) -> None:
            try:
                result.set(outcome if isinstance(outcome, ChatError) else settle(outcome))
            except Exception:
                result.set(Internal())  # not to wait for ever
                raise

        self.write_later(settle_and_set, function, *args)
        found = result.get()
        if isinstance(found, ChatError):
            raise found
        return found

    def close(self) -> None:
        """End the thread, and refuse what comes. What waits is not written any more."""
        self._is_closed = True
        waiting = [settle for _, settle, *_ in (*self._records, *self._writes)]
        self._end(waiting, [Unavailable()] * len(waiting))
        if self._thread is not None:
            self._loop_is_idle.close()
            self._time_is_up.close()
            self._thread.close()
            self._thread = None

    @property
    def is_here(self) -> bool:
        """Whether the calling thread may have something written."""
        return bool(thread_id() == self._made_on)

    def belong_here(self) -> None:
        """Take writes from the calling thread from now on: the event loop's."""
        self._made_on = thread_id()

    def _go_on(self) -> None:
        """Begin what is next. Commits and single writes alternate: neither waits for many of the others."""
        if self._is_closed:  # what hung when it was closed has come back
            return
        if self._thread is None:
            loop = get_hub().loop
            self._loop_is_idle = loop.idle()
            self._time_is_up = loop.timer(GATHER_SECONDS, GATHER_SECONDS)
            self._thread = WriterThread()
        self._working = bool(self._records or self._writes)
        if self._writes and (self._was_commit or not self._records):
            self._was_commit = False
            write, settle = self._writes.take()
            self._thread.begin(partial(self._write, write), partial(self._end, [settle]))
        elif self._records:
            # A commit costs as much as a hundred of its messages, and those whom the last one answered are
            # about to write again: one that takes what is there at once takes half of what it could.
            self._loop_is_idle.start(self._begin_commit)
            self._time_is_up.again(self._begin_commit)  # `start` would go on with the time left

    def _begin_commit(self) -> None:
        """Called once the loop has nothing else to do, at the latest when the time is up."""
        self._loop_is_idle.stop()
        self._time_is_up.stop()
        group = self._records.take(COMMIT_AT_MOST)
        records, settles = [entry[0] for entry in group], [entry[1] for entry in group]
        self.commits += 1
        self._was_commit = True
        assert self._thread is not None
        came = [entry[4] for entry in group]
        self._thread.begin(partial(self._commit, records, settles), partial(self._end, settles, came=came))

    def _commit(self, records: Sequence[Record], settles: Sequence[Settle]) -> Sequence[Any]:
        """Runs in the thread. Returns what `settle` is to be called with, for each record."""
        sends = [record for record in records if isinstance(record, Send)]
        pointers = [record for record in records if isinstance(record, Pointer)]
        begun = monotonic()
        try:
            self._find_late()
            outcomes, moved = self._writer.commit(sends, pointers)
            self._metrics.commits.observe(monotonic() - begun)
        except Exception as error:  # SQLAlchemy's or the driver's
            self._metrics.failed_commits.add()
            reason = log_text(error)
            self._failure_log.error("a commit of %d records failed: %s", len(records), reason, key=reason)
            self._unsure = self._unsure or {id(record): settle for record, settle in zip(records, settles, strict=True)}
            return [Unavailable()] * len(records)
        if not pointers:
            return outcomes
        of_sends, of_pointers = iter(outcomes), iter(moved)
        return [next(of_sends if isinstance(record, Send) else of_pointers) for record in records]

    def _find_late(self) -> None:
        """Runs in the thread, before anything else is written: see `MessageWriter.found_late`."""
        if self._unsure:
            late = self._writer.found_late()
            self._late = [(self._unsure[id(send)], stored) for send, stored in late]
            self._unsure = {}

    def _write(self, write: "partial[Any]") -> list[Any]:
        """Runs in the thread. Returns as `_commit`."""
        try:
            self._find_late()
            return [again_if_broken(write)]
        except ChatError as error:
            return [error]
        except Exception as error:  # the thread must live
            self._metrics.failed_writes.add()
            if isinstance(error, SQLAlchemyError):
                self._failure_log.error("a single write failed (%s): %s", name_of(write), log_text(error))
            else:  # a bug
                self._log.exception("a single write failed (%s): %s", name_of(write), log_text(error))
            return [Unavailable(rule="not_stored")]

    def _end(self, settles: Sequence[Settle], outcomes: Sequence[Any], came: Sequence[float] = ()) -> None:
        late, self._late = self._late, []
        for settle, outcome in (*late, *zip(settles, outcomes, strict=True)):
            try:
                settle(outcome)
            except Exception:  # one that fails does not keep the others from being settled
                self._log.exception("what was stored could not be settled")
        self._metrics.delivery.observe_all(came, monotonic())
        self._go_on()
