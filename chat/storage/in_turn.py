"""Writes that are seldom, one after the other in a thread of their own; each is settled in that order.

Beside the journal, which stores thousands of messages a second in one transaction, here each has its own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, NamedTuple

from gevent.event import AsyncResult
from gevent.monkey import get_original
from sqlalchemy.exc import SQLAlchemyError

from chat.errors import Busy, ChatError, Internal, Unavailable
from chat.storage.writer_thread import HandOver

thread_id = get_original("_thread", "get_ident")  # of the native thread

log = logging.getLogger("chat")

WAITING = 10_000  # writes at most; beyond it `accept` refuses

Settle = Callable[[Any], object]


class _Write(NamedTuple):
    function: Callable[..., Any]
    args: tuple[Any, ...]
    settle: Settle


class InTurn:
    """Lives on the event loop's thread; one native thread writes."""

    def __init__(self) -> None:
        self._thread: HandOver[_Write, Any] | None = None  # made late, since a worker is forked
        self._thread_id = 0  # of the event loop, then
        self._waiting = 0

    @property
    def idle(self) -> bool:
        return not self._waiting

    def belong_here(self) -> None:
        """Called on the event loop's thread, so that a first call from another one is the one refused."""
        self._thread_id = thread_id()

    def accept(self, settle: Settle, function: Callable[..., Any], *args: Any) -> None:
        """Have function(*args) called in the thread. Never blocks.

        Args:
            settle: called on the loop, in the order of acceptance, with what the function returns, or with
                the ChatError that it raised or the database's refusal. Must not block.

        Raises:
            Busy: too many wait already.
            RuntimeError: called on another native thread than `belong_here`, or the first call.
        """
        if self._thread_id not in (0, thread_id()):
            raise RuntimeError("Notifications are pushed on the event loop's own thread.")
        if self._waiting >= WAITING:
            raise Busy
        if self._thread is None:
            self._thread_id = thread_id()
            self._thread = HandOver(_written, self._end)
        self._waiting += 1
        self._thread.begin(_Write(function, args, settle))

    def do(self, settle: Settle, function: Callable[..., Any], *args: Any) -> Any:
        """`accept`, and block the calling greenlet until `settle`, given what the function returned, has
        returned something; that is returned.

        Raises:
            ChatError: Busy, Unavailable, or what the function raised.
        """
        result: Any = AsyncResult()

        def settle_and_set(outcome: Any) -> None:
            try:
                result.set(outcome if isinstance(outcome, ChatError) else settle(outcome))
            except Exception:
                result.set(Internal())  # not to wait for ever
                raise

        self.accept(settle_and_set, function, *args)
        found = result.get()
        if isinstance(found, ChatError):
            raise found
        return found

    def _end(self, write: _Write, outcome: Any) -> None:
        self._waiting -= 1
        try:
            write.settle(outcome)
        except Exception:  # one that fails does not keep the others from being settled
            log.exception("what was stored could not be settled")


def _written(write: _Write) -> Any:
    """Runs in the thread."""
    try:
        return write.function(*write.args)
    except ChatError as error:
        return error
    except SQLAlchemyError as error:
        log.error("a notification could not be stored: %s", type(error).__name__)
        return Unavailable("This could not be stored just now. Try again in a moment.")
    except Exception as error:  # a bug; the thread must live
        log.exception("a notification could not be stored: %s", type(error).__name__)
        return Unavailable()
