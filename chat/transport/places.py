"""Owns how many HTTP connections one address may hold at a time, from accept(2) on: for a server that asks.

gunicorn has a fixed number of places. A peer that connects and says nothing would else fill them all.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

from chat.limits import origin_of

PER_ADDRESS = 500  # a school behind one address: each browser opens six, for a moment

Handle = Callable[[Any, Any, Any], object]  # handle(listener, client, address), as gunicorn's workers have it


def bound_per_address(handle: Handle, most: int = PER_ADDRESS) -> Handle:
    """Return a `handle` that closes a client at once whose address holds `most` already.

    A socket that becomes a WebSocket frees its place, as its `handle` returns.
    """
    by_origin: Counter[str] = Counter()  # origin_of(address) -> connections, never 0

    def bounded(listener: Any, client: Any, address: Any) -> None:
        if not isinstance(address, tuple):  # a Unix socket, which is a proxy's
            handle(listener, client, address)
            return
        origin = origin_of(address[0])
        if by_origin[origin] >= most:
            client.close()
            return
        by_origin[origin] += 1
        try:
            handle(listener, client, address)
        finally:
            by_origin[origin] -= 1
            if not by_origin[origin]:
                del by_origin[origin]

    return bounded
