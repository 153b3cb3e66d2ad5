"""Owns the way from what is stored to what comes live: every item once, in its order.

While older items are read, live ones are held. What the kernel took proves nothing, since on a dead line it
is lost: so a ping goes behind the items, and its pong proves them. What that means is left to the source.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

from chat.protocol.structs import TOO_SLOW, TRY_AGAIN_LATER
from chat.transport.connections import Connections

ROOM_SECONDS = 30  # how long a peer may take for what waits
# One for all, never changed: an empty dict takes 64 bytes of each socket.
NOTHING: dict[Any, int] = MappingProxyType({})  # type: ignore[assignment]

# What the number belongs to (with whom the conversation is), the number, and the frame. A frame that is
# None need not be sent: the peer has it already.
Item = tuple[Hashable, int, bytes | None]


class Outlet(Protocol):
    """What items are sent to."""

    def send(self, frame: bytes) -> bool: ...
    def has_room(self, size: int) -> bool: ...
    def wait_written(self, seconds: float) -> bool: ...
    def close(self, code: int, reason: str = "") -> None: ...


class PingedOutlet(Outlet, Protocol):
    """One whose pongs prove what it has read."""

    def ping(self) -> int: ...


class Source:
    """What all backlogs of one kind share."""

    def __init__(self, connections: Connections) -> None:
        self.held_bytes = connections.settings.outbox_bytes  # of live items that one may hold
        self.spawn = connections.spawn
        self.log = connections.log
        self.unproven: set[ProvenBacklog] = set()  # those that have sent something since their ping

    def ask_for_proof(self) -> None:
        """Ask every peer that was sent something. Called once a second: a ping costs more than an item."""
        for backlog in tuple(self.unproven):
            backlog.ask_for_proof()

    def proven(self, backlog: ProvenBacklog, marks: Mapping[Any, int]) -> None:
        """Called when the peer has read these."""


class Backlog:
    """One peer's items. It holds live ones from the moment it is made, until `start` has sent the older ones."""

    __slots__ = ("_held", "_sent", "_source", "held_bytes", "is_over", "peer", "user_id")

    def __init__(self, source: Source, peer: Outlet, user_id: str) -> None:
        self.peer = peer
        self.user_id = user_id
        self.is_over = False  # set when the peer is gone, or is another user now
        self._source = source
        self._held: list[tuple[Hashable, int, bytes]] | None = []  # None: nothing is in the way
        self.held_bytes = 0
        self._sent = NOTHING  # self._sent[key] = the largest number that was sent of the older ones

    def deliver(self, key: Hashable, number: int, frame: bytes) -> bool:
        """Send a live item, now or behind the older ones. False if it was not taken.

        `number` grows within a key; 0: the frame is no item, and only follows those before it.
        """
        if self._held is None:
            return self._send(key, number, frame)
        self._held.append((key, number, frame))
        self.held_bytes += len(frame)
        if self.held_bytes <= self._source.held_bytes:
            return True
        self.peer.close(TOO_SLOW, "reads too slowly")
        return False

    def start(self, older: Iterable[Item] | None) -> bool:
        """Send the older items, as fast as the peer takes them, and then what is held. Never blocks.

        Returns whether there was nothing to send. `older` None: there are none.
        """
        if older is None and not self._held:
            self._held = None
            return True
        self._source.spawn(self._run, older or ())
        return False

    def _run(self, older: Iterable[Item]) -> None:
        """Where the database fails the peer is sent away, and begins anew when it comes back."""
        try:
            sent = self._sent = {}
            for key, number, frame in older:
                if self.is_over or not self._send_when_there_is_room(key, number, frame):
                    return
                sent[key] = max(number, sent.get(key, 0))
            while self._held and not self.is_over:  # more may come while these are written
                key, number, frame = self._held.pop(0)
                self.held_bytes -= len(frame)
                if not self._send_when_there_is_room(key, number, frame):
                    return
            self._held = None
        except Exception:
            self._source.log.exception("catching up failed for user=%r", self.user_id)
            self.peer.close(TRY_AGAIN_LATER, "storage is unavailable")

    def _send_when_there_is_room(self, key: Hashable, number: int, frame: bytes | None) -> bool:
        """Leave half of the outbox for what others send. False if the peer took nothing for too long."""
        peer = self.peer
        if frame and not peer.has_room(len(frame)) and not peer.wait_written(ROOM_SECONDS):
            peer.close(TOO_SLOW, "reads too slowly")
            return False
        return self._send(key, number, frame)

    def _send(self, key: Hashable, number: int, frame: bytes | None) -> bool:
        if number and number <= self._sent.get(key, 0):
            return True  # stored early enough to be among the older ones, delivered late
        if frame is not None and not self.peer.send(frame):
            return False
        if number:
            self._note(key, number)
        return True

    def _note(self, key: Hashable, number: int) -> None:
        """This was sent."""


class ProvenBacklog(Backlog):
    """A backlog whose items count as received when a pong proves it."""

    __slots__ = ("_asked", "_ping", "_unproven")

    peer: PingedOutlet

    def __init__(self, source: Source, peer: PingedOutlet, user_id: str) -> None:
        super().__init__(source, peer, user_id)
        self._unproven = NOTHING  # sent behind our last ping
        self._asked = NOTHING  # sent between that ping and the one before
        self._ping = 0  # number of the ping whose pong proves `_asked`; 0: none is on its way

    @property
    def unproven(self) -> dict[Any, int]:
        """What was sent, and is not proven yet."""
        return {**self._asked, **self._unproven}

    def ask_for_proof(self) -> None:
        """Send a ping behind what was sent, unless one is on its way."""
        if self.is_over:
            self._source.unproven.discard(self)  # its user gets the items again
        elif not self._ping:
            self._source.unproven.discard(self)
            self._asked, self._unproven = self._unproven, NOTHING
            self._ping = self.peer.ping()

    def ponged(self, number: int) -> None:
        """Take the pong of the ping of this number: what was sent before it, the peer has read."""
        if self._ping and number >= self._ping:
            proven, self._asked, self._ping = self._asked, NOTHING, 0
            self._source.proven(self, proven)

    def note_again(self, mark: Hashable, number: int) -> None:
        """Its proof could not be stored: have it proven another time."""
        if not self.is_over and mark not in self._unproven:
            self._note(mark, number)

    def _note(self, key: Hashable, number: int) -> None:
        if self._unproven is NOTHING:
            self._unproven = {}
        self._unproven[key] = number
        self._source.unproven.add(self)
