"""Owns the accepting of connections under gunicorn, so that a storm of them finds a place, and leaves others their turns.

The kernel drops whoever comes while its queue is full, and each tries again after one second, then two, then four. So many are
accepted in a turn of the loop, which is cheap, and few are begun; of those that wait, the addresses take turns.
"""

import sys
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any

from gevent import monkey, sleep
from gevent.server import StreamServer
from gevent.socket import socket as gevents_socket

from chat.limits import origin_of
from chat.transport.first_bytes import peek_now

PlainSocket: Any = monkey.get_original("socket", "socket")  # smaller than gevent's, and never waits

ACCEPTED = 256  # in one turn of the loop, 10 us each
BEGUN_SECONDS = 0.001  # of one turn, for those that are begun in it
WAITING = 4_000  # accepted and not begun, as many as gunicorn has places
FULL_SECONDS = 0.01  # until the next look whether gunicorn has a place again

Address = Any  # of accept(2)
AtOnce = Callable[[Any, Any, Address], bool]  # at_once(listener, socket, address): whether it has taken the socket over


class Acceptor(StreamServer):
    """The server of gunicorn's gevent worker. What `at_once` does not take over has a greenlet of the pool, as ever."""

    max_accept = ACCEPTED

    def __init__(self, at_once: AtOnce, is_busy: Callable[[], bool], *args: Any, **options: Any) -> None:
        """`is_busy`: whether those who came are still being served, so that one more a turn is enough."""
        # self._waiting[origin] = connections, oldest first, never empty; the first origin is next.
        self._waiting: OrderedDict[str, deque[tuple[Any, Address]]] = OrderedDict()
        self._count = 0  # of those that wait
        self._is_paused = False  # so many wait that none is accepted
        self._at_once = at_once
        self._is_busy = is_busy
        super().__init__(*args, **options)
        self._turn: Any = self.loop.timer(0)  # unlike a callback it has the loop look at its sockets
        self._later: Any = self.loop.timer(FULL_SECONDS)

    def do_read(self) -> Any:
        """Accept one connection; None: there is none, or too many wait already."""
        if self._count >= WAITING:
            self._is_paused = True
            self.stop_accepting()
            return None
        listener: Any = self.socket
        try:
            number, address = listener._accept()
        except BlockingIOError:
            return None
        return PlainSocket(listener.family, listener.type, listener.proto, fileno=number), address

    def do_handle(self, sock: Any, address: Address) -> None:
        """Have it wait for its turn."""
        origin = origin_of(address[0]) if isinstance(address, tuple) else ""
        self._waiting.setdefault(origin, deque()).append((sock, address))
        self._count += 1
        if not (self._turn.active or self._later.active):
            self._turn.start(self._begin_some)

    def _begin_some(self) -> None:
        until = time.monotonic() + BEGUN_SECONDS
        while self._waiting and not self.full():
            origin, connections = self._waiting.popitem(last=False)
            sock, address = connections.popleft()
            if connections:
                self._waiting[origin] = connections  # behind the others
            self._count -= 1
            try:
                self._begin(sock, address)
            except Exception:
                sock.close()
                self.loop.handle_error((address, self), *sys.exc_info())
            if time.monotonic() > until or self._is_busy():
                break
        if self._waiting:
            (self._later if self.full() else self._turn).start(self._begin_some)
        if self._is_paused and self._count < WAITING:
            self._is_paused = False
            self.start_accepting()

    def _begin(self, sock: Any, address: Address) -> None:
        if not self._at_once(self.socket, sock, address):
            self._handle_in_greenlet(sock, address)

    def _handle_in_greenlet(self, sock: Any, address: Address) -> None:
        theirs = gevents_socket(sock.family, sock.type, sock.proto, fileno=sock.detach())
        super().do_handle(theirs, address)

    def close(self) -> None:
        """Accept no more. Of those that wait, requests are still handled; an upgrade's client comes again by itself."""
        self._turn.close()
        self._later.close()
        self.stop_accepting()
        waiting = [one for connections in self._waiting.values() for one in connections]
        self._waiting.clear()
        for sock, address in waiting:
            if self.full() or b"upgrade: websocket" in peek_now(sock).lower():
                sock.close()
            else:
                self._handle_in_greenlet(sock, address)
        sleep(0)  # they, and whom this turn of the loop has begun with, ask the listening socket for its name
        super().close()
