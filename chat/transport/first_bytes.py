"""Owns the look at what a new connection has sent, which stays in the kernel for whoever reads it."""

from socket import MSG_DONTWAIT, MSG_PEEK
from typing import Any

LOOKED_AT_BYTES = 4_096  # some four times what a browser's upgrade has


def peek(client: Any, seconds: float) -> bytes | None:
    """Return the first bytes of a socket of gevent's; b"": the peer is gone; None: none came in time."""
    client.settimeout(seconds)
    try:
        data: bytes = client.recv(LOOKED_AT_BYTES, MSG_PEEK)
    except TimeoutError:
        return None
    except OSError:
        return b""
    client.settimeout(None)
    return data


def peek_now(sock: Any) -> bytes:
    """Return the first bytes of a plain socket; b"": there are none yet, or the peer is gone."""
    try:
        data: bytes = sock.recv(LOOKED_AT_BYTES, MSG_PEEK | MSG_DONTWAIT)
    except OSError:
        return b""
    return data


def take_out(client: Any, size: int) -> bool:
    """Take out what was looked at. False: the peer is gone."""
    try:
        return len(client.recv(size)) == size
    except OSError:
        return False
