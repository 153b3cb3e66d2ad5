"""Owns the webhook: tells another program of what somebody misses who is offline, so that a mailer can take over.

What waits is in memory alone, and bounded: this is an aid, not the record.
"""

import hashlib
import heapq
import hmac
import logging
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
import requests

from chat.metrics import Metrics
from chat.protocol.structs import encode

WAITING = 20_000  # events at most; a further one is given up at once
AT_ONCE = 4  # requests under way, so that a slow receiver delays the others less
ANSWER_SECONDS = 5  # to connect, and between two parts of the answer
AGAIN_SECONDS = (1, 5, 25, 125)  # after each failed try; then the event is given up
QUIET_SECONDS = 60  # between two lines of the log about dead letters


class _Letter(NamedTuple):
    due: float  # time.monotonic()
    number: int  # so that of two that are due at once the older goes first
    tries: int
    id: str  # the same in each try, by which a receiver knows a repetition
    body: bytes


def in_a_thread(function: Callable[[], None]) -> None:
    """Call `function` in a thread of its own."""
    threading.Thread(target=function, daemon=True).start()


@dataclass(eq=False, repr=False)
class Webhook:
    """The receiver of one chat."""

    _url: str  # who is told; "": nobody
    _secret: str
    _metrics: Metrics
    _log: logging.Logger
    spawn: Callable[[Callable[[], None]], None] = in_a_thread  # has a function called where it may block
    again: Sequence[float] = AGAIN_SECONDS  # to wait after each failed try

    def __post_init__(self) -> None:
        self._letters: list[_Letter] = []  # a heap, by `due`; guarded by self._changed
        self._changed = threading.Condition()
        self._number = 0
        self._workers = 0
        self._quiet_until = 0.0  # time.monotonic() when a dead letter is next worth a line
        self._metrics.webhook_waiting.value = self.waiting

    def waiting(self) -> int:
        return len(self._letters)

    def tell(self, user_id: str, event: msgspec.Struct) -> None:
        """`user_id` has missed `event`. Never blocks."""
        if not self._url:
            return
        if len(self._letters) >= WAITING:
            self._give_up()
            return
        self._number += 1
        body = encode({"userId": user_id, "event": event})
        self._post_later(_Letter(time.monotonic(), self._number, 0, str(uuid.uuid4()), body))
        if self._workers < AT_ONCE:  # made late, since a worker is forked
            self._workers += 1
            self.spawn(self._work)

    def _post_later(self, letter: _Letter) -> None:
        with self._changed:
            heapq.heappush(self._letters, letter)
            self._changed.notify()

    def _work(self) -> None:
        session = requests.Session()
        # A redirection is not followed, so nothing of it is looked at: neither where it leads nor what it says.
        session.get_redirect_target = lambda _: None  # type: ignore[assignment, method-assign]
        while True:
            letter = self._next()
            if self._is_taken(session, letter):
                self._metrics.webhook_delivered.add()
                continue
            self._metrics.webhook_failures.add()
            if letter.tries < len(self.again):
                due = time.monotonic() + self.again[letter.tries]
                self._post_later(letter._replace(due=due, tries=letter.tries + 1))
            else:
                self._give_up()

    def _give_up(self) -> None:
        self._metrics.webhook_dead.add()
        if time.monotonic() >= self._quiet_until:
            self._quiet_until = time.monotonic() + QUIET_SECONDS
            self._log.error("the webhook has not taken %d events so far", self._metrics.webhook_dead.value())

    def _next(self) -> _Letter:
        """Wait for the first letter that is due, and take it out."""
        with self._changed:
            while True:
                wait = self._letters[0].due - time.monotonic() if self._letters else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._letters)
                self._changed.wait(wait)

    def _is_taken(self, session: requests.Session, letter: _Letter) -> bool:
        """Whether the receiver answers with a 2xx in time."""
        now = str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "Chat-Timestamp": now,
            "Chat-Signature": signature(self._secret.encode(), now, letter.body),
            "Chat-Delivery": letter.id,
        }
        try:
            # As a stream, since nobody reads what it says.
            options: dict[str, Any] = {"timeout": ANSWER_SECONDS, "allow_redirects": False, "stream": True}
            with session.post(self._url, data=letter.body, headers=headers, **options) as answer:
                return 200 <= answer.status_code < 300
        except requests.RequestException:
            pass
        except Exception:  # whatever the receiver has answered, the worker lives
            self._log.exception("an answer to the webhook could not be read")
        return False


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    """What proves that the server wrote this body at this Unix time in seconds: `sha256=` and hex digits."""
    return "sha256=" + hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
