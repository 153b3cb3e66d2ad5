"""Owns one connection to Redis: commands go out together at a turn's end, replies come back one by one.

redis-py connects, since addresses, TLS and passwords are its affair. Its PubSub is not used: over a restart of Redis it lost
messages without an exception. Its pipeline takes 20 µs for what a turn's end writes in 3.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gevent
from gevent.event import Event

CONNECT_SECONDS = 3.0
READ_BYTES = 262_144
MOST_TOGETHER = 65_536  # bytes that are published as one
MOST_WAITING = 33_554_432  # bytes that Redis does not take: the connection is as good as lost

Reply = Any  # bytes, int, None, a list of replies, or hiredis.ReplyError


@dataclass(eq=False, slots=True)
class Publication:
    """What is published on one channel in one turn of the loop: one command, and one reply, for all its parts."""

    channel: bytes
    _head: bytes  # goes before the parts
    parts: list[bytes] = field(default_factory=list)
    size: int = 0  # bytes of its parts
    readers: list[Callable[[Reply], None]] = field(default_factory=list)

    def __bytes__(self) -> bytes:
        """Return the command as Redis reads it."""
        return command(b"PUBLISH", self.channel, self._head + b"".join(self.parts))


class RedisConnection:
    """One connection. `received` is called with each reply, `lost` once when it ends by itself. Neither may block."""

    def __init__(self, url: str, received: Callable[[Reply], None], lost: Callable[[], None]) -> None:
        """Connect. Blocks the calling greenlet. Raises OSError."""
        # Imported late: most servers have no bus, and redis-py takes a quarter of a second.
        from hiredis import Reader
        from redis.connection import ConnectionPool
        from redis.exceptions import RedisError

        pool: Any = ConnectionPool.from_url(
            url, socket_connect_timeout=CONNECT_SECONDS, socket_timeout=CONNECT_SECONDS, protocol=2
        )
        self._owner = pool.make_connection()
        try:
            self._owner.connect()
        except RedisError as error:
            raise ConnectionError(f"{type(error).__name__}: {error}") from error
        self._reader = Reader()
        self._socket = self._owner._sock
        self._socket.settimeout(None)  # who waits too long is noticed by the bus
        self._received = received
        self._lost = lost
        self.last: Publication | None = None  # what waits last, if more can be added to it
        self._waiting: list[bytes | Publication] = []
        self._waiting_bytes = 0
        self._has_more = Event()
        self._is_over = False
        self._greenlets = [gevent.spawn(self._run, self._read), gevent.spawn(self._run, self._write)]

    def send(self, command: bytes) -> None:
        """Send what `command` made, at the end of this turn of the loop. Never blocks."""
        self._wait(command, len(command))
        self.last = None

    def publish(self, publication: Publication) -> Publication:
        """As `send`; to what this returns more can be added, as long as it is `last`."""
        self._wait(publication, len(publication.channel))
        self.last = publication
        return publication

    def _wait(self, command: bytes | Publication, size: int) -> None:
        if not self._waiting:
            self._has_more.set()
        self._waiting.append(command)
        self._waiting_bytes += size + (self.last.size if self.last is not None else 0)
        if self._waiting_bytes > MOST_WAITING:
            self._end()

    def close(self) -> None:
        """End it; `lost` is not called any more."""
        self._is_over = True
        self._owner.disconnect()
        gevent.killall(self._greenlets, block=False)

    def _run(self, loop: Callable[[], None]) -> None:
        try:
            loop()
        except Exception:  # the line's, or what came is not Redis'
            pass
        self._end()

    def _end(self) -> None:
        if not self._is_over:
            self._is_over = True
            self._lost()

    def _read(self) -> None:
        while data := self._socket.recv(READ_BYTES):
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not False:
                self._received(reply)

    def _write(self) -> None:
        while True:
            self._has_more.wait()
            self._has_more.clear()
            waiting, self._waiting, self.last = self._waiting, [], None
            self._waiting_bytes = len(data := b"".join(map(bytes, waiting)))
            self._socket.sendall(data)
            self._waiting_bytes -= len(data)


def command(*words: bytes) -> bytes:
    """Return a command as Redis reads it (RESP, "Sending commands to a Redis server")."""
    return b"*%d\r\n%s" % (len(words), b"".join([b"$%d\r\n%s\r\n" % (len(word), word) for word in words]))
