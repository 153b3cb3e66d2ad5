"""Owns whether other workers are there: one that is alone publishes nothing.

A worker that comes says hello to all, and serves nobody until each has answered: from then on all publish what they store.
"""

from typing import Any

from gevent.event import Event

from chat.bus.envelope import HELLO, WELCOME, Envelope, packed

ANSWER_SECONDS = 5.0  # for a hello: whoever says nothing so long is deaf, and will have all look once it hears again


class Members:
    """The workers of one bus, as one of them sees them. Lives on the event loop."""

    def __init__(self, bus: Any) -> None:
        self._bus = bus
        self.all = bus.channel("w", "all")  # the channel that each worker hears
        self.is_alone = False
        self._hellos = 0  # heard so far
        self._missing = 0  # answers to one's own
        self._answered = Event()

    def join(self) -> None:
        """Say hello, when all channels are heard. Blocks until the others publish for this worker."""
        self.is_alone = False
        self._missing = self._count()
        if not self._missing:
            self.look()
            return
        self._answered.clear()
        self._bus.put(self.all, packed(self._bus.worker, HELLO, 0, "", b""))
        self._answered.wait(ANSWER_SECONDS)

    def look(self) -> None:
        """Look whether this worker is alone, which who says hello meanwhile contradicts. Blocks."""
        hellos = self._hellos
        self.is_alone = self._count() == 0 and hellos == self._hellos

    def hear(self, envelope: Envelope) -> bool:
        """Take what another worker says to all, or to this one; False: it is for others to take."""
        if envelope.kind == HELLO:
            self._hellos += 1
            self.is_alone = False
            answer = packed(self._bus.worker, WELCOME, 0, "", b"")
            self._bus.put(self._bus.channel("w", envelope.worker.decode()), answer)
        elif envelope.kind == WELCOME:
            self._missing -= 1
            if self._missing <= 0:
                self._answered.set()
        else:
            return False
        return True

    def _count(self) -> int:
        """Return how many others are there; 1 where nobody knows."""
        reply = self._bus.ask(b"PUBSUB", b"NUMSUB", self.all)
        return max(0, reply[1] - 1) if reply else 1
