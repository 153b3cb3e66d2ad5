"""Owns the webhook: tells another program of what somebody misses who is offline, so that a mailer can take over.

What waits is in memory alone, and bounded: this is an aid, not the record. What is given up counts, and the log tells each
reason. One request is left to `letter.py`.
"""

import heapq
import logging
import threading
import time
import uuid
from collections import Counter as Tally
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from chat.figures.kinds import Counter
from chat.metrics import Metrics
from chat.notifications.letter import Letter, NotTaken, new_session, post
from chat.protocol.structs import encode

WAITING_BYTES = 16_777_216  # of events that are not taken yet; a further one is given up at once
LETTER_BYTES = 512  # what an event takes beside its text
AT_ONCE = 4  # requests under way, so that a slow receiver delays the others less
ANSWER_SECONDS = 5  # for the whole of a request, from connecting to the answer's last header
AGAIN_SECONDS = (1, 5, 25, 125)  # after each failed try; then the event is given up
QUIET_SECONDS = 60  # between two lines of the log with one reason; what comes meanwhile is told as a sum


@dataclass(eq=False, repr=False)
class Webhook:
    """The receiver of one chat."""

    _url: str  # who is told; "": nobody
    _secret: str
    _metrics: Metrics
    _log: logging.Logger
    _spawn: Callable[[Callable[[], None]], None]  # has a function called where it may block
    again: Sequence[float] = AGAIN_SECONDS  # to wait after each failed try
    seconds: float = ANSWER_SECONDS  # that the receiver has for an answer
    room: int = WAITING_BYTES  # for what waits

    def __post_init__(self) -> None:
        self._letters: list[Letter] = []  # a heap, by `due`; guarded by self._changed
        self._changed = threading.Condition()
        self._number = 0
        self._bytes = 0  # of letters that wait or are under way
        self._workers = 0
        self._dead = DeadLetters(self._metrics.webhook_dead, self._log)
        self._metrics.webhook_waiting.value = self.waiting

    def waiting(self) -> int:
        return len(self._letters)

    def tell(self, user_id: str, event: msgspec.Struct) -> None:
        """`user_id` has missed `event`. Never blocks."""
        if not self._url:
            return
        body = encode({"userId": user_id, "event": event})
        if self._bytes + _size(body) > self.room:
            self._dead.add(f"more than {self.room:,} bytes wait")
            return
        self._number += 1
        self._bytes += _size(body)
        self._post_later(Letter(time.monotonic(), self._number, 0, str(uuid.uuid4()), body))
        if self._workers < AT_ONCE:  # made late, since a worker is forked
            self._workers += 1
            self._spawn(self._work)

    def sweep(self) -> None:
        """Tell of what was given up. Called once a second."""
        self._dead.tell()

    def stop(self) -> None:
        """Give up what waits: the process ends."""
        with self._changed:
            waiting, self._letters = self._letters, []
        if waiting:
            self._dead.add("the server stops", len(waiting))
        self._dead.tell(at_once=True)

    def _post_later(self, letter: Letter) -> None:
        with self._changed:
            heapq.heappush(self._letters, letter)
            self._changed.notify()

    def _work(self) -> None:
        session = new_session()
        while True:
            letter = self._next()
            try:
                post(session, self._url, self._secret.encode(), letter, self.seconds)
            except NotTaken as refusal:
                self._metrics.webhook_failures.add()
                if letter.tries < len(self.again) and not refusal.is_final:
                    due = time.monotonic() + self.again[letter.tries]
                    self._post_later(letter._replace(due=due, tries=letter.tries + 1))
                    continue
                self._dead.add(str(refusal))
            else:
                self._metrics.webhook_delivered.add()
            self._bytes -= _size(letter.body)

    def _next(self) -> Letter:
        """Wait for the first letter that is due, and take it out."""
        with self._changed:
            while True:
                wait = self._letters[0].due - time.monotonic() if self._letters else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._letters)
                self._changed.wait(wait)


def _size(body: bytes) -> int:
    return len(body) + LETTER_BYTES


class DeadLetters:
    """The events that one webhook gave up."""

    def __init__(self, given_up: Counter, log: logging.Logger) -> None:
        self._given_up = given_up
        self._log = log
        self._untold = Tally[str]()  # reason -> events
        self._quiet_until: dict[str, float] = {}  # reason -> time.monotonic() when it is next worth a line

    def add(self, reason: str, events: int = 1) -> None:
        """Count events, and tell the first of a reason at once."""
        self._given_up.add(events)
        self._untold[reason] += events
        self.tell()

    def tell(self, at_once: bool = False) -> None:
        """Tell what may be told now, or with `at_once` everything. Called once a second."""
        now = time.monotonic()
        for reason, events in [*self._untold.items()]:
            if at_once or self._quiet_until.get(reason, 0.0) <= now:
                self._quiet_until[reason] = now + QUIET_SECONDS
                del self._untold[reason]
                self._log.error("the webhook gave up %d events: %s", events, reason)
