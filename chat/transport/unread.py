"""Owns the HTTP answers that wait for their readers: how long one may, and how many of one address.

A peer that asks and never reads holds its place in the server for ever: gunicorn sends without a deadline.
What is counted is the sending alone, so an answer that takes long to make, or a stream with nothing to say, is no
concern of this room.
"""

import logging
import os
import socket
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from gevent import monkey

from chat.limits import origin_of

UNREAD_SECONDS = 10.0  # without a byte taken: the peer is gone, or does not want it
UNREAD_PER_ADDRESS = 200  # answers that wait at once; one that is read waits for no millisecond
SIOCOUTQ = 0x5411  # Linux, tcp(7): asks for the bytes that the peer has not acknowledged
BYTES_ACKED = 120  # Linux, linux/tcp.h: where tcpi_bytes_acked stands in struct tcp_info

PlainSocket: Any = monkey.get_original("socket", "socket")


class UnreadAnswer:
    """One answer that is being sent, from what the application returned until the server has sent it all."""

    def __init__(self, sock: Any, origin: str, now: float) -> None:
        self.sock = sock
        self.origin = origin
        self.taken = -1  # bytes that the peer has taken, as of the last look
        self.moved_at = now  # by time.monotonic(): when it took some, or none waited


class UnreadAnswers:
    """The answers of one chat's worker."""

    def __init__(self, log: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        self.cut = 0  # connections that were cut, since the start
        self._log = log
        self._clock = clock
        self._answers: set[UnreadAnswer] = set()
        self._by_origin: Counter[str] = Counter()  # origin_of(address) -> answers, never 0

    def __len__(self) -> int:
        return len(self._answers)

    def begin(self, sock: Any, address: str) -> UnreadAnswer | None:
        """Note that an answer is sent; `end` it. None: the address has too many, and the connection is to be closed."""
        origin = origin_of(address)
        if self._by_origin[origin] >= UNREAD_PER_ADDRESS:
            self._log_cut(address, "holds too many answers that it does not read")
            return None
        self._by_origin[origin] += 1
        answer = UnreadAnswer(sock, origin, self._clock())
        self._answers.add(answer)
        return answer

    def end(self, answer: UnreadAnswer) -> None:
        self._answers.discard(answer)
        self._by_origin[answer.origin] -= 1
        if not self._by_origin[answer.origin]:
            del self._by_origin[answer.origin]

    def sweep(self) -> None:
        """Cut those who have taken nothing for UNREAD_SECONDS. Called once a second."""
        now = self._clock()
        for answer in tuple(self._answers):
            waiting, taken = _state_of(answer.sock)
            if not waiting or taken != answer.taken:
                answer.taken, answer.moved_at = taken, now
            elif now >= answer.moved_at + UNREAD_SECONDS:
                answer.moved_at = now
                self._log_cut(answer.origin, f"read nothing for {UNREAD_SECONDS:g} s")
                _cut(answer.sock)

    def _log_cut(self, address: str, reason: str) -> None:
        self.cut += 1
        if self.cut & (self.cut - 1) == 0:  # the 1st, 2nd, 4th, 8th: a flood is a few lines
            self._log.warning("connections cut so far: %d; the last: address=%s %s", self.cut, address, reason)


def _cut(sock: Any) -> None:
    """Have the write that waits fail with EPIPE. gevent's own `shutdown` would raise in it what gunicorn logs."""
    try:
        with PlainSocket(fileno=os.dup(sock.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)
    except OSError:  # gone meanwhile
        pass


def _state_of(sock: Any) -> tuple[int, int]:
    """Return how many bytes wait in the kernel, and how many the peer has taken so far.

    No byte waits where the kernel does not tell: elsewhere than on Linux, and on a Unix socket.
    """
    if not sys.platform.startswith("linux"):
        return 0, 0
    from fcntl import ioctl

    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, BYTES_ACKED + 8)
        waiting = ioctl(sock.fileno(), SIOCOUTQ, b"\0" * 4)
        return struct.unpack("i", waiting)[0], struct.unpack_from("Q", info, BYTES_ACKED)[0]
    except (OSError, ValueError, struct.error):  # closed, or an old kernel
        return 0, 0
