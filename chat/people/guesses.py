"""Owns who may try how many passwords, and where: a guess is spent before it is hashed, and given back if it fits.

Two limits: of a name from one address, and of a name from all addresses together. The second one would let a crowd
shut an owner out, so it does not hold where the owner has been: at an address that signed in to the name before.
"""

from collections import OrderedDict

from chat.errors import RateLimited
from chat.figures.kinds import Counter
from chat.limits import Limits
from chat.people.passwords import HashingQueue, fits

KNOWN_PLACES = 20_000  # addresses of owners, kept in memory


class Guesses:
    """The guesses of one chat. Lives on the event loop; `fits` blocks the calling greenlet."""

    def __init__(self, limits: Limits, hashing: HashingQueue, wrong: Counter) -> None:
        self._from_address = limits.wrong_passwords
        self._of_name = limits.wrong_passwords_of_a_name
        self._hashing = hashing
        self._wrong = wrong
        # The latest last. A place is an address, by `origin_of`, and a user's key.
        self._known_places: OrderedDict[tuple[str, str], None] = OrderedDict()

    def note_owner(self, origin: str, user_key: str) -> None:
        """The user has proved at this address to be the user."""
        self._known_places[origin, user_key] = None
        self._known_places.move_to_end((origin, user_key))
        if len(self._known_places) > KNOWN_PLACES:
            self._known_places.popitem(last=False)

    def check(self, origin: str, user_key: str) -> bool:
        """Return whether a guess would count for the name too. Raises RateLimited: no more guesses just now."""
        if seconds := self._from_address.wait(f"{origin} {user_key}"):
            raise RateLimited(seconds, "wrong_passwords")
        if (origin, user_key) in self._known_places:
            return False
        if seconds := self._of_name.wait(user_key):
            raise RateLimited(seconds, "wrong_passwords_everywhere")
        return True

    def fits(self, password: str, stored: str | None, origin: str, user_key: str) -> bool:
        """Return whether the password fits; if it does, the address is the owner's from now on.

        `stored`: the hash; None: there is none, which takes as long. Raises RateLimited: there were too many guesses.
        """
        place = f"{origin} {user_key}"
        with self._hashing.turn(origin):
            counts_for_name = self.check(origin, user_key)  # again: others may have guessed while this one waited
            self._from_address.take(place)
            if counts_for_name:
                self._of_name.take(user_key)
            if not self._hashing.in_thread(fits, password, stored):
                self._wrong.add()
                return False
        self._from_address.give_back(place)
        if counts_for_name:
            self._of_name.give_back(user_key)
        self.note_owner(origin, user_key)
        return True
