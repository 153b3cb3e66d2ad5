"""Owns who is online, away or offline, and since when; tells those who share a conversation with them.

Who comes online is told at once. What may pass again within seconds, a reload or a tab that is hidden,
waits for one sweep for all, once a second. Which sockets a user has is left to others.
"""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from chat.errors import Busy, Unavailable
from chat.people.online import Online, Socket, encoded
from chat.protocol.names import keys_of
from chat.protocol.structs import PresenceChange, Status, iso
from chat.storage.storage import Storage

TOLD_AT_ONCE = 20  # users of whom others are told, between two turns of the loop
PARTNERS = 1_000  # people who are told of one user, as many as `ready` tells of


@dataclass(eq=False)
class Presence:
    """The status of everybody. Lives on the event loop; its questions to the database block the greenlet."""

    _storage: Storage
    _online: Online[Socket]
    _grace: float  # seconds for which somebody without a socket still counts as being there
    clock: Callable[[], float] = time.time  # Unix time in seconds; somebody may set it
    steady: Callable[[], float] = time.monotonic  # seconds, which only grow
    pause: Callable[[], None] = lambda: None  # lets others have their turn of the loop
    apart_from: Callable[[str], frozenset[str]] = lambda _: frozenset()  # who hears nothing of a user; may block

    def __post_init__(self) -> None:
        self._told: dict[str, Status] = {}  # user -> what others were told last; nobody who is offline
        # user -> when the last socket left, by `steady`, and as a Unix time in milliseconds
        self._leaving: dict[str, tuple[float, int]] = {}
        self._changed: set[str] = set()  # may be away, or back
        self._has_partners: set[str] = set()  # of those who are here
        self._settling = False

    def status_of(self, user_id: str) -> Status:
        """Return how the user is. Within the grace it is what it was."""
        return self._status(user_id) if self._online.of(user_id) else self._told.get(user_id, "offline")

    def came(self, user_id: str, partners: Iterable[str]) -> None:
        """A socket became the user's, who shares conversations with `partners`."""
        self._leaving.pop(user_id, None)
        others = [*partners]
        if others:
            self._has_partners.add(user_id)
        apart = self.apart_from(user_id)
        self._tell(user_id, [other for other in others if other not in apart])

    def left(self, user_id: str) -> None:
        """A socket is the user's no more."""
        if not self._online.of(user_id):
            self._leaving[user_id] = self.steady(), int(self.clock() * 1000)
        elif self._told.get(user_id) != self._status(user_id):
            self._changed.add(user_id)

    def changed(self, user_id: str) -> None:
        """One of the user's sockets went away, or is back. Told within a second: tabs are switched to and fro."""
        self._changed.add(user_id)

    def introduce(self, one: str, other: str, are_apart: bool = False) -> None:
        """Two users begin a conversation, so each learns how the other is: who asked for it with `sync`.

        `are_apart`: one has blocked the other, so each learns that the other is offline.
        """
        self._has_partners |= {user for user in (one, other) if self._online.of(user)}
        for to, about in ((one, other), (other, one)):
            status = "offline" if are_apart else self.status_of(about)
            frame = encoded(PresenceChange(user_id=about, status=status, keys=keys_of([about])))
            for socket in self._online.of(to):
                if about != to and socket.wants_sync:
                    socket.send(frame)

    def settle(self) -> None:
        """Tell of everybody who is away, back or gone since the last call that could. Blocks."""
        if self._settling:
            return
        self._settling = True
        gone_before = self.steady() - self._grace
        gone = [user for user, (at, _) in self._leaving.items() if at <= gone_before]
        changed, self._changed = self._changed, set()
        users = [*changed, *gone]
        try:
            for start in range(0, len(users), TOLD_AT_ONCE):
                self._settle(users[start : start + TOLD_AT_ONCE])
                self.pause()  # a school that goes home at once leaves others their turns
        except (Busy, Unavailable):
            self._changed |= changed
        finally:
            self._settling = False

    def stop(self) -> None:
        """Note that everybody who is here was seen now: the process ends. Blocks."""
        now_ms = int(self.clock() * 1000)
        self._note({user: self._left_ms(user) or now_ms for user in self._has_partners})

    def _settle(self, users: list[str]) -> None:
        storage = self._storage
        partners = {user: storage.in_thread(storage.last_seen.partners, user, PARTNERS) for user in users}
        # Whom nobody can see need not be remembered: somebody who looked in, and wrote to no one.
        seen = {user: ms for user, others in partners.items() if others and (ms := self._left_ms(user))}
        with suppress(Busy, Unavailable):  # who is told of it now need not wait for room on the disk
            self._note(seen)
        apart = {user: self.apart_from(user) for user in users}
        for user, others in partners.items():
            self._tell(user, [other for other in others if other not in apart[user]], seen.get(user))

    def _left_ms(self, user: str) -> int:
        """When the last socket left, a Unix time in milliseconds; 0: there is one."""
        return self._leaving[user][1] if user in self._leaving else 0

    def _note(self, seen: dict[str, int]) -> None:
        if seen:
            self._storage.write(self._storage.last_seen.note, seen)

    def _tell(self, user: str, partners: Iterable[str], seen_ms: int | None = None) -> None:
        """Tell of the user's status now, if it is another than was told last. Does not block."""
        status = self._status(user)
        if status == "offline":
            left = self._leaving.pop(user, None)
            if left is not None and left[0] + self._grace > self.steady():
                self._leaving[user] = left  # came back meanwhile, and left again
                return
        if self._told.get(user, "offline") == status:
            return
        if status == "offline":
            del self._told[user]
            self._has_partners.discard(user)
        else:
            self._told[user] = status
        last_seen = iso(seen_ms) if status == "offline" and seen_ms is not None else None
        change = encoded(PresenceChange(user_id=user, status=status, last_seen=last_seen, keys=keys_of([user])))
        for other in partners:
            if other != user:
                self._online.emit(change, to=other)

    def _status(self, user_id: str) -> Status:
        """By the sockets alone."""
        mine = self._online.of(user_id)
        if not mine:
            return "offline"
        return "away" if all(socket.is_away for socket in mine) else "online"
