"""Owns who has blocked whom, as each message asks for it: in memory, bounded, and as the database has it.

Between two of whom one has blocked the other nothing passes, either way. What passes is known to others.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice

from chat.errors import Blocked, Forbidden, InvalidField, RateLimited, Unavailable
from chat.limits import Meter
from chat.people.online import Online, Socket
from chat.protocol.changes import BlockChange
from chat.protocol.names import keys_of
from chat.storage.storage import Storage

KNOWN = 100_000  # users whose blocks are kept in memory; those of others are read when they are asked for
ONLINE_PASSED = 20  # of them, at each look for one to forget; many more are known than can be online
MOST = 1_000  # people whom one user may block
LATE_MS = 10_000  # how long before it is seen a change may have got its time
CHANGES_PER_MINUTE = 60  # of one user: each is a commit, and is told to both

Apart = tuple[frozenset[str], frozenset[str]]  # whom a user has blocked, and who has blocked the user


@dataclass(eq=False)
class Blocking:
    """The blocks of one chat. Lives on the event loop; its questions to the database block the greenlet."""

    _storage: Storage
    _online: Online[Socket]
    # Called with both users, and whether one has blocked the other, when that has changed.
    _changed: Callable[[str, str, bool], None] = lambda _one, _other, _are_apart: None
    _changes: Meter = field(default_factory=lambda: Meter(CHANGES_PER_MINUTE))

    def __post_init__(self) -> None:
        self._known: dict[str, Apart] = {}  # the one that was read longest ago comes first
        self._looked_at = time.monotonic()  # for what other workers changed
        self.writes = 0  # so far: what was read before one of them may be out of date

    def check(self, sender: str, receiver: str) -> None:
        """Raise Blocked if `sender` may not write to `receiver`."""
        mine, theirs = self._known.get(sender) or self._of(sender)
        if receiver in theirs:
            raise Blocked(field="toUserId")
        if receiver in mine:
            raise Blocked(field="toUserId", rule="blocked_by_you")

    def are_apart(self, one: str, other: str) -> bool:
        """Return whether one of them has blocked the other."""
        mine, theirs = self._known.get(one) or self._of(one)
        return other in mine or other in theirs

    def may_be_told(self, one: str, other: str) -> bool:
        """Return whether `other` may hear of `one`, from memory alone. Never blocks; False where nobody knows."""
        mine, theirs = self._known.get(one, (frozenset([other]), frozenset()))
        return other not in mine and other not in theirs

    def apart_from(self, user_id: str) -> frozenset[str]:
        """Return all whom the user has blocked, or who have blocked the user."""
        mine, theirs = self._of(user_id)
        return mine | theirs if mine or theirs else mine

    def blocked_by(self, user_id: str) -> list[str]:
        """Return whom the user has blocked, in the order of the alphabet."""
        return sorted(self._of(user_id)[0])

    def block(self, user_id: str, other: str, skip: object = None) -> None:
        """Have nothing pass between the two. Once stored, the user's sockets are told, but for `skip`.

        Raises InvalidField, Forbidden, RateLimited; or as `Storage.write`.
        """
        if user_id == other:
            raise InvalidField(field="userId", rule="own_name")
        mine, _ = self._of(user_id)
        if len(mine) >= MOST and other not in mine:
            raise Forbidden(field="userId", rule="too_many_blocked", max=MOST)
        self._change(user_id, other, True, skip)

    def unblock(self, user_id: str, other: str, skip: object = None) -> None:
        """Undo `block`."""
        self._change(user_id, other, False, skip)

    def _change(self, user_id: str, other: str, is_blocked: bool, skip: object) -> None:
        if (other in self._of(user_id)[0]) == is_blocked:
            return
        if seconds := self._changes.take(user_id):
            raise RateLimited(seconds)
        stored = self._storage.blocks
        self._storage.write(stored.add if is_blocked else stored.remove, user_id, other)
        self._tell(user_id, other, is_blocked, skip)

    def keep_up(self) -> None:
        """Learn what other workers have changed since the last call that could. Blocks."""
        now, writes = time.monotonic(), self.writes
        with suppress(Unavailable):
            ms = int((now - self._looked_at) * 1000) + LATE_MS
            changed = self._storage.in_thread(self._storage.blocks.changed_in, ms)
            if writes != self.writes:
                return  # what was read may be older than what is known
            self._looked_at = now
            for user_id, other, is_blocked in changed:
                if not self._is_known(user_id, other, is_blocked):
                    self._tell(user_id, other, is_blocked)

    def _is_known(self, user_id: str, other: str, is_blocked: bool) -> bool:
        """Return whether nothing in memory says otherwise, of either of them."""
        mine = other in self._known[user_id][0] if user_id in self._known else is_blocked
        theirs = user_id in self._known[other][1] if other in self._known else is_blocked
        return mine == theirs == is_blocked

    def _tell(self, user_id: str, other: str, is_blocked: bool, skip: object = None) -> None:
        """Keep in memory, and tell the user, what is stored."""
        self.writes += 1
        self._change_known(user_id, other, is_blocked)
        change = BlockChange(user_id=other, blocked=is_blocked, keys=keys_of([other], self._storage.user_key))
        self._online.emit(change, to=user_id, skip=skip)
        are_apart = self.are_apart(user_id, other)
        history = self._storage.messages.history
        if are_apart or self._storage.in_thread(history, user_id, other, 1).messages:  # else they have never met
            self._changed(user_id, other, are_apart)

    def _change_known(self, user_id: str, other: str, is_blocked: bool) -> None:
        if apart := self._known.get(user_id):
            mine, theirs = apart
            self._known[user_id] = (mine | {other} if is_blocked else mine - {other}), theirs
        if apart := self._known.get(other):
            mine, theirs = apart
            self._known[other] = mine, (theirs | {user_id} if is_blocked else theirs - {user_id})

    def _of(self, user_id: str) -> Apart:
        if (found := self._known.get(user_id)) is not None:
            return found
        while True:
            writes = self.writes
            found = self._storage.read_together(self._storage.blocks.of, user_id)
            if writes == self.writes:
                break
        self._keep(user_id, found)
        return found

    def learn(self, user_id: str, found: Apart, writes: int) -> None:
        """Keep what was read together with something else. `writes`: how many there were before that."""
        if user_id not in self._known and writes == self.writes:
            self._keep(user_id, found)

    def _keep(self, user_id: str, found: Apart) -> None:
        self._known[user_id] = found
        if len(self._known) > KNOWN:
            self._forget_one()

    def _forget_one(self) -> None:
        """Forget somebody who is offline: `may_be_told` knows of those who are online from memory alone."""
        for user_id in tuple(islice(self._known, ONLINE_PASSED)):
            blocks = self._known.pop(user_id)
            if not self._online.of(user_id):
                return
            self._known[user_id] = blocks  # behind the others
