"""Owns who else is there: who is alone publishes nothing.

A worker that begins to hear a channel says hello there, and waits until each other one that hears it has answered: from then
on they publish what they may have kept to themselves. On the channel of all, that is a worker that starts.
"""

from collections.abc import Callable
from itertools import count
from typing import Any

from gevent.event import Event

from chat.bus.envelope import HELLO, WELCOME, Envelope, packed

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
        self._awaited: dict[int, _Answers] = {}  # by the number of one's own hello

    def join(self) -> None:
        """Begin, when all channels are heard. Blocks until the others publish for this worker."""
        self.is_alone = False
        self.joined()
        heard = self._heard
        self.is_alone = self.announce(self.all) == 0 and heard == self._heard

    def look(self) -> None:
        """Look whether this worker is alone, which a hello meanwhile contradicts. Blocks."""
        heard = self._heard
        reply = self._bus.ask(b"PUBSUB", b"NUMSUB", self.all)
        self.is_alone = bool(reply) and reply[1] == 1 and heard == self._heard

    def announce(self, channel: bytes) -> int | None:
        """Say hello on a channel that is heard. Blocks until each of the others there has answered.

        Returns how many they are; None: nobody knows.
        """
        number, answers = next(self._numbers), _Answers()
        self._awaited[number] = answers
        try:
            data = packed(self._bus.worker, HELLO, number, "", b"")
            self._bus.put(channel, data, answers.expect)
            answers.whole.wait(ANSWER_SECONDS)
        finally:
            del self._awaited[number]
        return answers.expected

    def hear(self, channel: bytes, envelope: Envelope) -> None:
        """Take a hello, or an answer to one. Whoever keeps something to himself on this channel has heard it before."""
        if envelope.kind == HELLO:
            if channel == self.all:
                self._heard += 1
                self.is_alone = False
                self.joined()
            answer = packed(self._bus.worker, WELCOME, envelope.number, "", b"")
            self._bus.put(self._bus.channel("w", envelope.worker.decode()), answer)
        elif envelope.kind == WELCOME and (answers := self._awaited.get(envelope.number)):
            answers.count()


class _Answers:
    """To one hello. They may come before Redis has said how many there will be."""

    def __init__(self) -> None:
        self.expected: int | None = None
        self.whole = Event()
        self._came = 0
        self._is_replied = False

    def expect(self, reply: Any) -> None:
        """Take what Redis answers: how many heard it, oneself among them; or None."""
        self.expected = max(0, reply - 1) if isinstance(reply, int) else None
        self._is_replied = True
        self._look()

    def count(self) -> None:
        self._came += 1
        self._look()

    def _look(self) -> None:
        if self._is_replied and self._came >= (self.expected or 0):
            self.whole.set()
