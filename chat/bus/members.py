"""Owns who else is there: who is alone publishes nothing.

A worker that begins to hear a channel says hello there, and waits until each other one that hears it has answered: from then
on they publish what they may have kept to themselves. On the channel of all, that is a worker that starts.
"""

import time
from collections.abc import Callable
from itertools import count
from typing import Any

from gevent.event import AsyncResult
from gevent.lock import Semaphore

from chat.bus.connection import command
from chat.bus.envelope import HELLO, WELCOME, packed

ANSWER_SECONDS = 2.0  # for a hello: who is stopped so long stores nothing either, and hears it before it goes on


class Members:
    """The workers of one bus, as one of them sees them. Lives on the event loop."""

    def __init__(self, bus: Any) -> None:
        self.all = bus.channel("w", "all")  # the channel that each worker hears
        self.is_alone = False
        # Called when another worker starts, or comes back to the bus.
        self.joined: Callable[[], None] = lambda: None
        self._bus = bus
        self._heard = 0  # hellos to all
        self._numbers = count(1)
        self._awaited: dict[int, Semaphore] = {}  # by the number of one's own hello; released by each answer

    def join(self) -> None:
        """Begin, when all channels are heard. Blocks until the others publish for this worker."""
        self.is_alone = False
        self.joined()
        heard = self._heard
        self.is_alone = self.announce(self.all) == 0 and heard == self._heard

    def look(self) -> None:
        """Ask whether this worker is alone, which a hello meanwhile contradicts. Never blocks."""
        heard = self._heard

        def take(reply: Any) -> None:
            self.is_alone = isinstance(reply, list) and reply[1] == 1 and heard == self._heard

        self._bus.send(command(b"PUBSUB", b"NUMSUB", self.all), take)

    def announce(self, channel: bytes) -> int | None:
        """Say hello on a channel that is heard. Blocks until each of the others there has answered.

        Returns how many they are; None: nobody knows.
        """
        number = next(self._numbers)
        heard_by: AsyncResult[Any] = AsyncResult()
        answers = self._awaited[number] = Semaphore(0)  # they may come before Redis has said how many there will be
        try:
            self._bus.put(channel, packed(HELLO, number, "", b""), heard_by.set)
            reply = heard_by.wait(ANSWER_SECONDS)
            if not isinstance(reply, int) or reply == 0:  # not even this worker has heard it
                return None
            until = time.monotonic() + ANSWER_SECONDS
            others = reply - 1
            for _ in range(others):
                if not answers.acquire(timeout=max(0.0, until - time.monotonic())):
                    break
            return others
        finally:
            del self._awaited[number]

    def hear(self, channel: bytes, worker: bytes, kind: bytes, number: int) -> None:
        """Take a hello, or an answer to one. The relay of this channel has heard it before, and publishes again."""
        if kind == HELLO:
            if channel == self.all:
                self._heard += 1
                self.is_alone = False
                self.joined()
            self._bus.put(self._bus.channel("w", worker.decode()), packed(WELCOME, number, "", b""))
        elif kind == WELCOME and (answers := self._awaited.get(number)):
            answers.release()
