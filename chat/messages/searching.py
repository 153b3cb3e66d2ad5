"""Owns who may search when: one search of a user at a time, and of those that wait only the newest.

Somebody who types sends a search after every few letters, and wants the last one's answer. How many searches go on
at once is left to the storage's threads, which take whoever came first.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock

from chat.errors import RateLimited
from chat.storage.records import Found, Page
from chat.storage.search import Place
from chat.storage.storage import Storage

USERS = 50  # who search or wait; a usual search takes some hundredths of a second
RETRY_SECONDS = 1


class Searching:
    """The searches of one chat."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        # self._turns[user] = [searches, waits]; never empty. Guarded by self._lock.
        self._turns: dict[str, list[Event]] = {}
        self._lock = Lock()

    def messages(self, user_id: str, wanted: str, limit: int, before: Place | None) -> Page[Found]:
        """Return what `Search.messages` finds. Blocks.

        Raises:
            RateLimited: a newer search of this user took its place, or too many users search.
            Unavailable: it took too long, or the database does not answer.
        """
        with self._turn(user_id):
            return self._storage.search_in_thread(self._storage.search.messages, user_id, wanted, limit, before)

    @contextmanager
    def _turn(self, user_id: str) -> Iterator[None]:
        turn = Event()
        with self._lock:
            if user_id not in self._turns and len(self._turns) >= USERS:
                raise RateLimited(RETRY_SECONDS, "searches")
            turns = self._turns.setdefault(user_id, [])
            if len(turns) > 1:
                turns.pop().set()  # it wakes, and finds that it has none
            turns.append(turn)
            turns[0].set()
        try:
            turn.wait()
            if turn not in turns:
                raise RateLimited(RETRY_SECONDS, "newer_search")
            yield
        finally:
            self._end(user_id, turns, turn)

    def _end(self, user_id: str, turns: list[Event], turn: Event) -> None:
        with self._lock:
            if turn not in turns:
                return
            turns.remove(turn)
            if turns:
                turns[0].set()
            else:
                del self._turns[user_id]
