"""Owns the waiting until sockets are readable, and so the size of a turn. Leaves the reading to them.

gevent's loop takes all that are readable in one turn. Of a hundred that is best: who is written to by several is
written to once. Of two thousand, what was touched for the first has left the processor's cache when its answer is
written. So the sockets are one set of epoll's, which is one descriptor to the loop, and of many a turn takes a part.
This spares each socket a watcher, too.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from typing import Any, Protocol

from gevent import monkey

from chat.transport.greenlets import Greenlets

READABLE = 1  # of gevent's loop.io, and of epoll
MANY = 512  # sockets, of which a turn reads a part. Of fewer it reads all: 100 clients pass on up to 1.2 times as much
PART = 32  # sockets that a turn reads of many. With 2,000 clients twice as many make a message 5 % dearer
TURN_SECONDS = 0.01  # after which what else is on the loop has its turn


class Readable(Protocol):
    """A socket, and what reads it."""

    sock: Any
    polled: int | None  # its descriptor, while it is waited for; set by Poller alone

    def read(self) -> None: ...


class Poller:
    """Calls `read` of each that has something to read, in a greenlet. Not thread-safe: one event loop uses it.

    A `read` that waits holds up nobody, and may be called again meanwhile. Each finds no context variable set.
    """

    def __init__(self, loop: Any, greenlets: Greenlets, failed: Callable[[Any], object]) -> None:
        """`failed`: called with one whose `read` raises, while the exception is handled."""
        self._loop = loop
        self._greenlets = greenlets
        self._failed = failed
        self._peers: dict[int, Readable] = {}  # by descriptor
        self._epoll = _epoll()
        self._ready: list[Readable] = []  # of the set, and not read yet
        self._watchers: dict[int, Any] = {}  # by descriptor: the set's alone; without a set, each peer's

    def start(self, peer: Readable) -> None:
        """Read `peer` whenever it is readable, from now on."""
        if peer.polled is not None:
            return
        number = peer.sock.fileno()
        if (old := self._peers.get(number)) is not None:
            self.stop(old)  # somebody else has closed its descriptor
        peer.polled = number
        self._peers[number] = peer
        if self._epoll is None:
            self._watch(number, lambda: self._read_all([peer]))
            return
        self._epoll.register(number, READABLE)
        if not self._watchers:
            self._watch(self._epoll.fileno(), self._turn)

    def stop(self, peer: Readable) -> None:
        """Read it no more, until it is started again."""
        number, peer.polled = peer.polled, None
        if number is None:
            return
        del self._peers[number]
        if self._epoll is None:
            self._watchers.pop(number).close()
            return
        with suppress(OSError):  # somebody else has closed it
            self._epoll.unregister(number)
        if not self._peers:
            self._watchers.popitem()[1].close()  # an active one would keep all this in memory

    def _watch(self, number: int, function: Callable[[], None]) -> None:
        watcher = self._watchers[number] = self._loop.io(number, READABLE)
        watcher.start(function)

    def _turn(self) -> None:
        peers, ready = self._peers, self._ready
        if not ready:
            most = PART if len(peers) >= MANY else MANY
            ready += [peers[number] for number, _ in self._epoll.poll(0, most) if number in peers]
        self._read_all(ready)

    def _read_all(self, ready: list[Readable]) -> None:
        """Read until none is left, or the turn's time is over."""
        until = time.monotonic() + TURN_SECONDS
        while ready and time.monotonic() < until:  # where one waits, the others go on in another greenlet
            self._greenlets.run(self._read, ready, until)

    def _read(self, ready: list[Readable], until: float) -> None:
        while ready and time.monotonic() < until:
            peer = ready.pop()
            if peer.polled is not None:  # not stopped meanwhile
                try:
                    Context().run(peer.read)
                except Exception:  # one that fails does not take the others' turn
                    self._failed(peer)


def _epoll() -> Any:
    """Return a new set; None: this system has no epoll. gevent's patches hide it, since `poll` may wait: ours does not."""
    try:
        return monkey.get_original("select", "epoll")()
    except AttributeError:
        return None
