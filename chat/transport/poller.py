"""Owns the waiting until sockets are readable, and so the size of a turn. Leaves the reading to them.

gevent's loop takes all that are readable in one turn. With two thousand busy clients these are hundreds: what was
touched for the first has left the processor's cache when its answer is written. So the sockets are one set of
epoll's, which is one descriptor to the loop, and a turn takes a part of it. This spares each socket a watcher, too.
"""

from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from typing import Any, Protocol

from gevent import monkey

from chat.transport.greenlets import Greenlets

READABLE = 1  # of gevent's loop.io, and of epoll
TURN_SOCKETS = 32  # that one turn reads: twice as many make a message 5 % dearer, half as many a small load


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
            self._watch(number, lambda: self._turn([(number, READABLE)]))
            return
        self._epoll.register(number, READABLE)
        if not self._watchers:
            self._watch(self._epoll.fileno(), lambda: self._turn(self._epoll.poll(0, TURN_SOCKETS)))

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

    def _turn(self, ready: list[tuple[int, int]]) -> None:
        while ready:  # where one waits, the rest goes on in another greenlet: most turns take one
            self._greenlets.run(self._read, ready)

    def _read(self, ready: list[tuple[int, int]]) -> None:
        while ready:
            peer = self._peers.get(ready.pop()[0])
            if peer is not None:  # not stopped within this turn
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
