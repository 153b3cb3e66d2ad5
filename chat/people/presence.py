"""Owns who is online, away or offline, and since when; tells those who share a conversation with them.

Who comes online is told at once. What may pass again within seconds, a reload or a tab that is hidden,
waits for one sweep for all, once a second. Which sockets a user has is left to others.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from chat.errors import Busy, Unavailable
from chat.people.online import Online, Socket, encoded
from chat.protocol.changes import PresenceChange
from chat.protocol.names import keys_of
from chat.protocol.structs import Status, iso
from chat.storage.storage import Storage

TOLD_AT_ONCE = 20  # users of whom others are told, between two turns of the loop
# Frames that are sent within a second as they come. In a storm each of 10,000 is told of ten others, and to send those one by
# one took a sixth of it: what is beyond waits for the sweep, and each socket gets its own in one go.
SENT_AT_ONCE = 500
SOCKETS_AT_ONCE = 50  # that get what waited for them, between two turns of the loop
RANK: tuple[Status, ...] = ("offline", "away", "online")  # of several workers the highest counts
PARTNERS = 1_000  # people who are told of one user, as many as `ready` tells of


class Elsewhere(Protocol):
    """How users are on other workers: see `chat/bus/statuses.py`."""

    def set(self, user_id: str, status: Status) -> None: ...
    def look(self, user_ids: Iterable[str]) -> Mapping[str, Status] | None: ...


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
    told_came: Callable[[str], None] = lambda _: None  # for the site: the user was offline before; must not block
    told_left: Callable[[str], None] = lambda _: None

    def __post_init__(self) -> None:
        self.elsewhere: Elsewhere | None = None  # None: this worker is alone
        self.bots: Set[str] = frozenset()  # users who are a site's own code: online without a socket
        self._others: dict[str, Status] = {}  # user -> how they are on other workers, as far as somebody asked
        self._told: dict[str, Status] = {}  # user -> what others were told last; nobody who is offline
        # user -> when the last socket left, by `steady`, and as a Unix time in milliseconds
        self._leaving: dict[str, tuple[float, int]] = {}
        self._changed: set[str] = set()  # may be away, or back
        self._has_partners: set[str] = set()  # of those who are here
        self._absent: list[tuple[str, str]] = []  # who is to be told of whom, if that one is on no worker
        self._settling = False
        self._sent = 0  # frames, since the last sweep
        # self._unsent[user, socket] = frames, oldest first. While one waits all others go behind it.
        self._unsent: dict[tuple[str, Socket], list[bytes]] = {}

    def status_of(self, user_id: str) -> Status:
        """Return how the user is. Within the grace it is what it was. Of other workers' users `look_up` asks."""
        status = self._status(user_id)
        if status == "offline":
            status = self._told.get(user_id, "offline")
        return status if self.elsewhere is None else self._with_others(user_id, status)

    def look_up(self, users: Iterable[str]) -> None:
        """Ask how these users are on other workers. Blocks; nothing changes while they cannot be reached."""
        if self.elsewhere is None:
            return
        asked = [*users]
        found = self.elsewhere.look(asked)
        if found is not None:
            for user in asked:
                self._others.pop(user, None)
            self._others.update(found)

    def heard(self, user_id: str, status: Status) -> None:
        """Another worker says how a user is, or tells others of one who is here too."""
        if self._online.of(user_id):
            self._told[user_id] = status
        elif status == "offline":
            self._others.pop(user_id, None)
        else:
            self._others[user_id] = status

    def look_for_the_lost(self) -> None:
        """Tell of users of other workers who are there no more, and whose worker did not say so. Blocks."""
        before = {user: status for user, status in self._others.items() if not self._online.of(user)}
        self.look_up(before)
        lost = [user for user in before if user not in self._others]
        for user in lost:
            self.pause()
            change = self._change(user, "offline")
            for other in self._storage.in_thread(self._storage.last_seen.partners, user, PARTNERS):
                self._send(other, change)

    def came(self, user_id: str, partners: Iterable[str]) -> None:
        """A socket became the user's, who shares conversations with `partners`."""
        self._leaving.pop(user_id, None)
        self._set_here(user_id)
        others = [*partners]
        if others:
            self._has_partners.add(user_id)
        apart = self.apart_from(user_id)
        self._tell(user_id, [other for other in others if other not in apart])

    def left(self, user_id: str) -> None:
        """A socket is the user's no more."""
        if self._status(user_id) == "offline":  # to the others it is what it was, until the grace is over
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
            if about == to:
                continue
            if self.elsewhere is not None and not are_apart and self._status(about) == "offline":
                self._absent.append((to, about))  # who is elsewhere is told of there
                continue
            status = "offline" if are_apart else self.status_of(about)
            frame = self._introduce(to, about, status)
            if self._online.relay is not None:
                self._online.relay.presence(to, about, status, frame, is_introduction=True)

    def _introduce(self, to: str, about: str, status: Status) -> bytes:
        frame = self._change(about, status)
        self._send(to, frame, lambda socket: socket.wants_sync)
        return frame

    def _introduce_absent(self) -> None:
        """Tell of those who turn out to be on no worker. Blocks."""
        absent, self._absent = self._absent, []
        self.look_up({about for _, about in absent})
        for to, about in absent:
            if self.status_of(about) == "offline":
                self._introduce(to, about, "offline")

    def settle(self) -> None:
        """Tell of everybody who is away, back or gone since the last call that could, and of who came. Blocks."""
        self._send_unsent()
        if self._settling:
            return
        self._settling = True
        gone_before = self.steady() - self._grace
        gone = [user for user, (at, _) in self._leaving.items() if at <= gone_before]
        changed, self._changed = self._changed, set()
        users = [*changed, *gone]
        try:
            if self._absent:
                self._introduce_absent()
            for start in range(0, len(users), TOLD_AT_ONCE):
                self._settle(users[start : start + TOLD_AT_ONCE])
                self.pause()  # a school that goes home at once leaves others their turns
        except (Busy, Unavailable):
            self._changed |= changed
        finally:
            self._settling = False
        self._send_unsent()

    def stop(self) -> None:
        """Note that everybody who is here was seen now: the process ends. Blocks."""
        now_ms = int(self.clock() * 1000)
        self._note({user: self._left_ms(user) or now_ms for user in self._has_partners})

    def _settle(self, users: list[str]) -> None:
        storage = self._storage
        for user in users:
            self._set_here(user)
        self.look_up(users)
        partners = storage.in_thread(storage.last_seen.partners_of, users, PARTNERS)
        # Whom nobody can see need not be remembered: somebody who looked in, and wrote to no one.
        is_gone = {user for user in users if user not in self._others}
        seen = {
            user: ms for user, others in partners.items() if others and user in is_gone and (ms := self._left_ms(user))
        }
        self._note(seen)
        apart = {user: self.apart_from(user) for user in users}
        for user, others in partners.items():
            self._tell(user, [other for other in others if other not in apart[user]], seen.get(user))

    def _left_ms(self, user: str) -> int:
        """When the last socket left, a Unix time in milliseconds; 0: there is one."""
        return self._leaving[user][1] if user in self._leaving else 0

    def _note(self, seen: dict[str, int]) -> None:
        with suppress(Busy, Unavailable):  # the log has it; who is told of it now need not wait for room on the disk
            if seen:
                self._storage.write(self._storage.last_seen.note, seen)

    def _tell(self, user: str, partners: Iterable[str], seen_ms: int | None = None) -> None:
        """Tell of the user's status now, if it is another than was told last. Does not block."""
        here = self._status(user)
        if here == "offline":
            left = self._leaving.pop(user, None)
            if left is not None and left[0] + self._grace > self.steady():
                self._leaving[user] = left  # came back meanwhile, and left again
                return
        status = self._with_others(user, here)
        before = self._told.get(user, self._others.get(user, "offline"))
        if here == "offline":  # the affair of other workers, if the user is there
            self._told.pop(user, None)
            self._has_partners.discard(user)
        else:
            self._told[user] = status
        if before == status:
            return
        if before == "offline":
            self.told_came(user)
        elif status == "offline":
            self.told_left(user)
        last_seen = iso(seen_ms) if status == "offline" and seen_ms is not None else None
        change = self._change(user, status, last_seen)
        relay = self._online.relay
        if relay is not None:
            relay.presence(user, user, status, b"")
        for other in partners:
            if other != user:
                self._send(other, change)
                if relay is not None:
                    relay.presence(other, user, status, change)

    def _change(self, user: str, status: Status, last_seen: str | None = None) -> bytes:
        keys = keys_of([user], self._storage.user_key)
        return encoded(PresenceChange(user_id=user, status=status, last_seen=last_seen, keys=keys))

    def _send(self, to: str, frame: bytes, is_meant: Callable[[Socket], bool] = lambda _: True) -> None:
        """Send a frame to those sockets of a user that are meant, at once or with the next sweep."""
        for socket in self._online.of(to):
            if not is_meant(socket):
                continue
            if self._unsent or self._sent >= SENT_AT_ONCE:
                self._unsent.setdefault((to, socket), []).append(frame)
            else:
                self._sent += 1
                socket.send(frame)

    def _send_unsent(self) -> None:
        """Send what waits now, to a few sockets in a turn of the loop; what comes meanwhile waits for the next sweep."""
        self._sent = 0
        for number in range(1, len(self._unsent) + 1):
            if not self._unsent:  # the sweep after this one was faster
                return
            user_id, socket = key = next(iter(self._unsent))
            for frame in self._unsent.pop(key):
                if socket.owner == user_id:  # it is not another's now
                    socket.send(frame)
            if number % SOCKETS_AT_ONCE == 0:
                self.pause()

    def _with_others(self, user_id: str, here: Status) -> Status:
        others = self._others.get(user_id, "offline")
        return max(here, others, key=RANK.index)

    def _set_here(self, user_id: str) -> None:
        """Tell other workers how a user of this one is, who for the grace is what they were."""
        if self.elsewhere is None:
            return
        left = self._leaving.get(user_id)
        if self._online.of(user_id) or left is None or left[0] + self._grace <= self.steady():
            self.elsewhere.set(user_id, self._status(user_id))

    def _status(self, user_id: str) -> Status:
        """By the sockets of this worker alone, and by what the site says of its bots."""
        if user_id in self.bots:
            return "online"
        mine = self._online.of(user_id)
        for socket in mine:  # a loop: `ready` asks for a thousand people
            if not socket.is_away:
                return "online"
        return "away" if mine else "offline"
