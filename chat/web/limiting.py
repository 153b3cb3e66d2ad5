"""Counts the requests of each address to the API, and refuses those beyond the limit.

Sockets and what comes over them are counted in `chat/limits.py`; wrong passwords in `accounts.py`.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import request
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from chat.errors import RateLimited
from chat.limits import origin_of
from chat.web import requests as reading


def at_most(per_minute: int) -> Callable[[], None]:
    """What to call before each request of the API; 0: no limit.

    Raises (the result):
        RateLimited: this address has asked `per_minute` times in this minute.
    """
    if not per_minute:
        return lambda: None
    windows = FixedWindowRateLimiter(MemoryStorage())
    allowed = RateLimitItemPerMinute(per_minute)

    def count() -> None:
        if not request.remote_addr:
            return  # a proxy on a Unix socket: it stands for everybody
        origin = origin_of(request.remote_addr)
        if not windows.hit(allowed, origin):
            reset = windows.get_window_stats(allowed, origin).reset_time
            raise RateLimited(reading.seconds_until(reset))

    return count
