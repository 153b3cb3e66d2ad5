"""Floods by connections that need no user: frames, upgrades, passwords, and HTTP requests, read and unread."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count, cycle

from websockets.sync.client import connect

from bench import servers

CHUNK_BYTES = 65_536
MASK = b"\0\0\0\0"  # a frame of a client has one (RFC 6455, section 5.3); this one leaves the payload as it is

CONVERSATIONS = 1_000  # of the user whose init is said in a loop
EVENT, INIT = b'{"type":"ping"}', b'{"type":"init","userId":"busy","sync":true}'
GUESSES = 10  # at once
GUESS = b'{"userId":"other1","password":"wrong one, this"}'
SIGN_IN = (
    b"POST /api/session HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(GUESS), GUESS)
)
UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
SMALL = b"".join(b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % path for path in (b"/nowhere", b"/ws", b"/api/x"))
PAGE = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 20
UNREAD, UNREAD_SECONDS = 2_000, 5  # connections that read nothing, and how long they stay
ADDRESSES = 8  # from which they come, 127.0.1.x

_sources = cycle(f"127.0.{net}.{host}" for net in range(2, 250) for host in range(1, 250))


@dataclass(frozen=True)
class Flood:
    """An attack on a port, which is made again and again, and what has to be there before it."""

    attack: Callable[[int], None]
    prepare: Callable[[int], None] = lambda port: None
    fill: Callable[[str], object] = lambda url: None  # given the URL of the database, before the server starts


def open_connection(port: int, source: str | None = None) -> socket.socket:
    """Connect from an address of this machine; without `source`, each time from another one."""
    return socket.create_connection(("127.0.0.1", port), 5, source_address=(source or next(_sources), 0))


def send(port: int, begin: bytes, flood: bytes, seconds: float = 1) -> None:
    """Until the server has had enough, or for a second. What it answers is read, or it would stop for that."""
    chunk = flood * (CHUNK_BYTES // len(flood))
    with socket.create_connection(("127.0.0.1", port), 5) as sock:
        if begin:
            sock.sendall(begin)
            sock.recv(CHUNK_BYTES)
        sock.setblocking(False)
        until = time.monotonic() + seconds
        rest = b""
        while time.monotonic() < until:
            with contextlib.suppress(BlockingIOError):
                if not sock.recv(CHUNK_BYTES):
                    return
            try:
                rest = rest or chunk
                rest = rest[sock.send(rest) :]
            except BlockingIOError:
                time.sleep(0.001)


def frame(text: bytes) -> bytes:
    """Return a text frame of a client."""
    size = len(text)
    length = bytes([0x80 | size]) if size < 126 else b"\xff" + size.to_bytes(8, "big")
    return b"\x81" + length + MASK + text


def _upgrade(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 5) as sock:
        sock.sendall(UPGRADE)
        sock.recv(CHUNK_BYTES)


def _guess(port: int) -> None:
    with contextlib.ExitStack() as stack:
        guesses = [stack.enter_context(socket.create_connection(("127.0.0.1", port), 5)) for _ in range(GUESSES)]
        for sock in guesses:
            sock.sendall(SIGN_IN)
        for sock in guesses:
            sock.recv(CHUNK_BYTES)


def _never_read(port: int) -> None:
    """Hold connections that ask for one page after the other, and read none."""
    until = time.monotonic() + UNREAD_SECONDS
    with contextlib.ExitStack() as stack:
        open_ones: list[socket.socket] = []
        for number in count():
            if time.monotonic() > until:
                return
            if number < UNREAD:
                with contextlib.suppress(OSError):
                    sock = open_connection(port, f"127.0.1.{1 + number % ADDRESSES}")
                    open_ones.append(stack.enter_context(sock))
                    sock.setblocking(False)
                    sock.send(PAGE)
            for sock in open_ones if number >= UNREAD else ():
                with contextlib.suppress(OSError):
                    sock.send(PAGE)


def _begin_conversations(port: int) -> None:
    with connect(f"ws://127.0.0.1:{port}/ws", compression=None) as busy:
        busy.send(INIT.decode())
        for number in range(CONVERSATIONS):
            busy.send(f'{{"type":"chat","toUserId":"friend{number}","message":"hi","ref":{number}}}')
            while '"ack"' not in str(answer := busy.recv(10)):
                if '"rate_limited"' in str(answer):
                    raise servers.Failed("the conversations began too fast")
            time.sleep(0.005)  # within the limit of events


ATTACKS = {
    "events": Flood(partial(send, begin=UPGRADE, flood=frame(EVENT))),
    "empty texts": Flood(partial(send, begin=UPGRADE, flood=frame(b""))),
    "pings": Flood(partial(send, begin=UPGRADE, flood=b"\x89\x80" + MASK)),
    "inits": Flood(partial(send, begin=UPGRADE, flood=frame(INIT)), _begin_conversations),
    "upgrades": Flood(_upgrade),
    "guesses": Flood(_guess),
    "small answers": Flood(partial(send, begin=b"", flood=SMALL)),
    "non-readers": Flood(_never_read),
}
