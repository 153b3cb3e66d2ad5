"""Owns the limit of what strangers send one user, so that a crowd of them does not close a reader who is not fast.

A stranger is who got no answer lately. Friends are not limited here: they have limits of their own.
"""

from collections import OrderedDict
from collections.abc import Callable

from chat.errors import RateLimited
from chat.limits import Window
from chat.storage.records import Message, Page

LATEST = 50  # messages of a conversation in which an answer is looked for
KNOWN_PAIRS = 50_000

History = Callable[[str, str, int], Page[Message]]  # the latest messages of two users


class Strangers:
    """Counts what reaches a user who is online from people to whom they have not written."""

    def __init__(self, limit: Window, history: History, is_online: Callable[[str], object]) -> None:
        """`limit`: of bytes, by receiver. `history` blocks."""
        self._limit = limit
        self._history = history
        self._is_online = is_online
        # self._friends[receiver, sender] = whether the receiver has written to the sender lately; the oldest first
        self._friends: OrderedDict[tuple[str, str], bool] = OrderedDict()

    def check(self, sender: str, receiver: str, size: int) -> None:
        """Check that `sender` may send so many bytes now. Raises RateLimited. Blocks where a limit is met the first time."""
        if not self._limit.most or self._friends.get((receiver, sender)) or not self._is_online(receiver):
            return
        if (seconds := self._limit.take(receiver, size)) and not self._is_friend(receiver, sender):
            raise RateLimited(seconds, "strangers")

    def wrote(self, sender: str, receiver: str) -> None:
        """`sender` writes to `receiver`, who is no stranger any more."""
        if self._limit.most and not self._friends.get((sender, receiver)):
            self._keep(sender, receiver, True)

    def _is_friend(self, receiver: str, sender: str) -> bool:
        if (found := self._friends.get((receiver, sender))) is None:
            latest = self._history(receiver, sender, LATEST).messages
            found = receiver == sender or any(message.sender_id == receiver for message in latest)
            self._keep(receiver, sender, found)
        return found

    def _keep(self, receiver: str, sender: str, is_friend: bool) -> None:
        self._friends[receiver, sender] = is_friend
        if len(self._friends) > KNOWN_PAIRS:
            self._friends.popitem(last=False)
