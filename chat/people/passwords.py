"""Owns what a password must be, how it is kept - Argon2id (RFC 9106), never in the clear - and the queue to hash one.

Hashing blocks for some 20 ms of a whole core and takes 19 MiB: it is done in threads, a few at a time, and
each address gets its turn.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from chat.errors import InvalidField
from chat.people.turns import Turns
from chat.protocol.names import canonical_user_id, name_key

LEAST_CHARS, MOST_CHARS = 8, 1_024
COMMON = 3_000  # that many of the commonest passwords are refused
HASHES_AT_ONCE = 4

# OWASP's Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def check_password(password: str, field: str, name: str) -> None:
    """Check a new password of a user. Raises InvalidField: it breaks a rule, which the sentence names."""
    if len(password) < LEAST_CHARS:
        raise InvalidField(field=field, rule="too_short", min=LEAST_CHARS)
    if len(password) > MOST_CHARS:
        raise InvalidField(field=field, rule="too_long", max=MOST_CHARS)
    if not password.strip():
        raise InvalidField(field=field, rule="blank")
    folded = password.casefold()
    if len({*folded}) == 1:
        raise InvalidField(field=field, rule="one_letter")
    if name_key(canonical_user_id(password.strip())) == name_key(name):
        raise InvalidField(field=field, rule="same_as_name")
    if folded in _common():
        raise InvalidField(field=field, rule="too_common")


def hashed(password: str) -> str:
    """Return what is stored of a password: Argon2's own string, with parameters and a random salt."""
    return _hasher.hash(password.encode("utf-8", "surrogatepass"))


def fits(password: str, stored: str | None) -> bool:
    """Return whether `stored` was made of `password`. None, a name without one: False, after as long a time."""
    try:
        return _hasher.verify(stored or _nobody(), password.encode("utf-8", "surrogatepass")) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(stored: str) -> bool:
    """Return whether a hash was made with other parameters than those of today."""
    return _hasher.check_needs_rehash(stored)


@cache
def _nobody() -> str:
    return hashed("a password that is nobody's")


@cache
def _common() -> frozenset[str]:
    # Only when the first password is chosen: the lists take some ten megabytes to load.
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    usable = (word for word in FREQUENCY_LISTS["passwords"] if len(word) >= LEAST_CHARS)
    return frozenset(word for word, _ in zip(usable, range(COMMON), strict=False))


class HashingQueue:
    """Lets HASHES_AT_ONCE hash at a time. Of those who wait, the addresses take turns."""

    def __init__(self, apply: Callable[..., Any]) -> None:
        """`apply(function, args)` calls a function in a thread; the caller waits."""
        self._apply = apply
        self.turn = Turns(HASHES_AT_ONCE).turn

    def hashed(self, password: str, origin: str) -> str:
        """Return what is stored of a password. Blocks. Raises RateLimited: too many of this address wait."""
        with self.turn(origin):
            return str(self.in_thread(hashed, password))

    def in_thread(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call a function that hashes, within a `turn` of an address."""
        return self._apply(function, args)
