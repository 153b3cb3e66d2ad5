"""Owns the limits: how much one socket, one user and one address may ask for, so that nobody takes it all.

A socket has a `Budget`, which the sweep fills up once a second, so that no message reads a clock. Users and
addresses are too many to go over each second: theirs is a `Meter`, which forgets a few of them with each new one.
"""

from __future__ import annotations

import ipaddress
import math
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from chat.config import Settings
from chat.errors import RateLimited

# For one who has too many sockets or streams, until some of them may be gone.
TOO_MANY_RETRY_SECONDS = 30
BURST_SECONDS = 4  # so many seconds' worth may come at once: a tab that comes back has much to say
NONE = 1 << 60  # of a limit that is switched off; one object, so that full budgets share it
KEPT = 10_000  # keys of a Meter; from there on each new one looks at LOOKED_AT of them, to forget those that are over
LOOKED_AT = 2
MINUTE, DAY = 60.0, 86_400.0
# For one name from one address: ten, then one each three minutes. Of one name over all addresses a thousand a day,
# which is more than one address can spend: two cannot shut the name's owner out either.
WRONG_PASSWORDS, WRONG_PASSWORD_SECONDS = 10, 1_800.0
WRONG_PASSWORDS_OF_A_NAME = 1_000
FIRST_PASSWORDS, FIRST_PASSWORDS_SECONDS = 10, 3_600.0  # that an address may give to free names
INITS_PER_MINUTE = 120  # of a user; each hundred conversations cost one more
INIT_CONVERSATIONS = 100
NEW_NAMES_PER_MINUTE = 3_000  # of an address, as many as may connect: a new school, each of whom writes to somebody
BODY_BYTES = 16_384  # of a request
PUSH_BYTES = 2_097_152  # of a push: ten thousand names of 64 letters, of any script
SAFE_INTEGER = 2**53 - 1  # the largest that JavaScript holds exactly
PAGE_ITEMS, PAGE_MESSAGES = 100, 200  # that one answer lists
READY_CONVERSATIONS = 1_000  # told of in `ready`; more would make a frame of over 100 KB
READY_PROFILES = 50  # of the newest conversations' users, told in `ready`: what a list shows first
SEARCH_CHARS = 200  # of a text that is looked for
MESSAGE_OVERHEAD_BYTES = 200  # of a message beside its text: in an event, or in the tables and their indexes
ROUNDING = 1e-6  # seconds that a sum of many parts of a minute may be off by
UNKNOWN_ADDRESS = "-"  # of a peer on a Unix socket, which is a proxy's: no limit goes by it
IPV6_NETWORK = 64  # bits of an address that one customer has at least (RFC 6177)

_WITH_PORT = re.compile(r"(\d+\.\d+\.\d+\.\d+):\d+|\[([^][]*)\](?::\d+)?")


class Budget(NamedTuple):
    """What a socket may spend: filled up by `each_second` to at most `full`."""

    each_second: int
    full: int

    @classmethod
    def of(cls, each_second: int) -> Budget:
        """0: unlimited."""
        return cls(each_second, each_second * BURST_SECONDS) if each_second else cls(0, NONE)

    def refilled(self, left: int) -> int:
        return self.full if (more := left + self.each_second) >= self.full else more


class Meter:
    """At most `most` of something for each key, all at once or spread over `seconds`.

    The generic cell rate algorithm (ITU-T I.371, annex A): for each key the time at which all is earned back.
    """

    def __init__(self, most: int, seconds: float = MINUTE, clock: Callable[[], float] = time.monotonic) -> None:
        """`most` 0: no limit. `clock`: seconds that only grow, from 0 or later."""
        self.most = most
        self.seconds = self._seconds = seconds
        self.spent: dict[str, int] | None = None  # by key, for who tells others and empties it; None: nobody does
        self._seconds_each = seconds / most if most else 0.0
        self._clock = clock
        # key -> seconds of the clock; past: nothing is spent. Those that were looked at longest ago come first.
        self._earned_at: OrderedDict[str, float] = OrderedDict()

    def take(self, key: str, cost: int = 1) -> int:
        """Spend `cost` if it is within the limit, and return 0; else spend nothing, and return `wait`."""
        if not self._seconds_each:
            return 0
        now = self._clock()
        earned_at = self._earned_at.get(key)
        if earned_at is None and len(self._earned_at) >= KEPT:
            self._forget(now)
        at = (now if earned_at is None or earned_at < now else earned_at) + cost * self._seconds_each
        if (over := at - now - self._seconds) > ROUNDING:
            return math.ceil(over)
        self._earned_at[key] = at
        if self.spent is not None:
            self.spent[key] = self.spent.get(key, 0) + cost
        return 0

    def take_of_address(self, address: str, rule: str | None = None) -> None:
        """Spend one of whom an address stands for, if that is known. Raises RateLimited."""
        if address != UNKNOWN_ADDRESS and (seconds := self.take(origin_of(address))):
            raise RateLimited(seconds, rule)

    def spend(self, key: str, cost: int) -> None:
        """Spend `cost`, and be it beyond the limit: what is known only when it is done."""
        if cost and self._seconds_each:
            now = self._clock()
            self._earned_at[key] = max(now, self._earned_at.get(key, now)) + cost * self._seconds_each

    def give_back(self, key: str) -> None:
        """Undo a `take` of one."""
        if key in self._earned_at:
            self._earned_at[key] -= self._seconds_each
            if self.spent is not None:
                self.spent[key] = self.spent.get(key, 0) - 1

    def wait(self, key: str, cost: int = 1) -> int:
        """Return in how many seconds, at least 1, `cost` more are within the limit; 0: now. Spends nothing."""
        earned_at = max(self._earned_at.get(key, 0.0), now := self._clock())
        over = earned_at + cost * self._seconds_each - now - self._seconds
        return math.ceil(over) if over > ROUNDING else 0

    def __len__(self) -> int:
        return len(self._earned_at)

    def _forget(self, now: float) -> None:
        for _ in range(LOOKED_AT):  # more than come in, so that those that are over go
            key = next(iter(self._earned_at))
            if self._earned_at[key] <= now:
                del self._earned_at[key]
            else:
                self._earned_at.move_to_end(key)


class Window:
    """At most `most` of something for each key within the same `seconds`. For what each message asks: reads no clock."""

    def __init__(self, most: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """`most` 0: no limit."""
        self.most = most
        self._seconds = seconds
        self._clock = clock
        self._ends_at = clock() + seconds
        self._spent: dict[str, int] = {}  # thrown away whole when the time is over and a new key comes

    def take(self, key: str, cost: int) -> int:
        """Spend `cost`, and return 0; else, if it is beyond the limit, the seconds until the next window, at least 1."""
        if not self.most:
            return 0
        spent = self._spent.get(key)
        if spent is None or spent + cost > self.most:
            spent = self._look_again(key)
            if spent and spent + cost > self.most:  # a first one of any size is let through
                return max(1, math.ceil(self._ends_at - self._clock()))
        self._spent[key] = spent + cost
        return 0

    def _look_again(self, key: str) -> int:
        """Begin a new window if the time is over; return what is spent in the one that it is now."""
        if (now := self._clock()) >= self._ends_at:
            self._spent, self._ends_at = {}, now + self._seconds
        return self._spent.get(key, 0)

    def __len__(self) -> int:
        return len(self._spent)


class Limits:
    """The limits of one worker. CHAT_RATE_LIMITS switches them off, but for that of wrong passwords."""

    def __init__(self, settings: Settings) -> None:
        limit = settings.in_force
        self.events = Budget.of(limit(settings.events_per_second))
        self.frames = Budget.of(limit(settings.frames_per_second))
        self.bytes = Budget.of(limit(settings.bytes_per_second))
        self.messages = Meter(limit(settings.messages_per_minute))  # by user
        self.stored_bytes = Window(limit(settings.stored_bytes_per_minute), MINUTE)  # by `origin_of` an address
        self.stored_bytes_of_user = Window(limit(settings.stored_bytes_per_day), DAY)
        self.strangers_bytes = Window(limit(settings.strangers_bytes_per_second) * BURST_SECONDS, BURST_SECONDS)
        self.upgrades = Meter(limit(settings.upgrades_per_minute))  # by `origin_of` an address
        self.sockets_per_user = limit(settings.sockets_per_user) or NONE
        self.sockets_per_address = limit(settings.sockets_per_address) or NONE
        self.requests = Meter(limit(settings.requests_per_minute))  # by `origin_of` an address
        self.inits = Meter(limit(INITS_PER_MINUTE))  # by user
        self.new_names = Meter(limit(NEW_NAMES_PER_MINUTE))  # by origin
        self.first_passwords = Meter(limit(FIRST_PASSWORDS), FIRST_PASSWORDS_SECONDS)  # by origin
        self.wrong_passwords = Meter(WRONG_PASSWORDS, WRONG_PASSWORD_SECONDS)  # by origin and user
        self.wrong_passwords_of_a_name = Meter(WRONG_PASSWORDS_OF_A_NAME, DAY)  # by user

    def spend_message(self, user_id: str, address: str, size: int) -> None:
        """Spend what a message of `stored_size` takes of its sender's limits. Raises RateLimited."""
        if seconds := self.messages.take(user_id):
            raise RateLimited(seconds, "messages")
        if seconds := self.stored_bytes_of_user.take(user_id, size):
            raise RateLimited(seconds, "bytes_a_day")
        if address != UNKNOWN_ADDRESS and (seconds := self.stored_bytes.take(origin_of(address), size)):
            raise RateLimited(seconds, "bytes_of_address")


def stored_size(text: str) -> int:
    """Return the bytes that a message takes, about."""
    return MESSAGE_OVERHEAD_BYTES + (len(text) if text.isascii() else len(text.encode()))


@lru_cache(maxsize=16_384)  # asked for each message
def origin_of(address: str) -> str:
    """Return whom an address stands for: itself without a port, or for IPv6 its network, which is one customer's.

    Some proxies write the port into X-Forwarded-For: `192.0.2.7:50123`, `[2001:db8::7]:50123`.
    """
    if ":" not in address and not address.startswith("["):
        return address
    if with_port := _WITH_PORT.fullmatch(address):
        address = with_port[1] or with_port[2]
    if ":" not in address:
        return address
    try:
        found = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((found, IPV6_NETWORK), strict=False))
