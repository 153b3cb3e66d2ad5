"""Owns what is passed on between workers: what a user is sent here goes to their sockets and streams elsewhere, and back.

A user has a channel for sockets and one for streams, which a worker hears while it has one of them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from chat.bus.bus import Bus
from chat.bus.connection import Reply
from chat.bus.envelope import EVENT, HELLO, INTRODUCTION, MESSAGE, NOTIFICATION, PRESENCE, REPEAT, TELL, Letter, packed
from chat.bus.order_gate import OrderGate
from chat.people.fanout import Reached
from chat.people.online import Online, Socket
from chat.people.presence import RANK, Presence
from chat.protocol.structs import Status

SOCKETS, STREAMS = "u", "s"  # kinds of channels
CHANNELS = 8_192  # whose names are kept


@dataclass(slots=True)
class Here:
    """A user who is at this worker."""

    user_id: str
    is_settled: bool = False  # the channel is heard, and whoever else hears it knows
    doubts: int = 0  # what contradicts an answer to what was published before


class Relay:
    """Passes on what the users of one `Online` are sent."""

    def __init__(self, bus: Bus, kind: str, online: Online[Any], user_key: Callable[[str], str]) -> None:
        self._bus = bus
        self._online = online
        self.channel = lru_cache(CHANNELS)(lambda user_id: bus.channel(kind, user_key(user_id)))
        self.users: dict[bytes, Here] = {}  # by their channel
        self._only_here: set[str] = set()  # users for whom nothing needs to be published
        self._members = bus.members
        online.relay = self

    def came(self, user_id: str) -> None:
        """The user is here now. Never blocks."""
        channel = self.channel(user_id)
        self.users[channel] = Here(user_id)
        self._bus.subscribe(channel)

    def left(self, user_id: str) -> None:
        """The user is not here any more."""
        channel = self.channel(user_id)
        if (here := self.users.pop(channel, None)) is not None:
            self._doubt(here)
        self._bus.unsubscribe(channel)

    def wait_ready(self, user_id: str) -> None:
        """Wait until a user who came is sent what other workers store. Blocks; not while the bus is lost."""
        here = self.users.get(channel := self.channel(user_id))
        if not self._bus.wait_settled() or here is None:
            return
        if not (here.is_settled or self._members.is_alone):
            doubts = here.doubts
            self._note_others(here, doubts, self._members.announce(channel))
        here.is_settled = True

    def doubt(self) -> None:
        """Another worker may have any of these users too."""
        for here in self.users.values():
            self._doubt(here)

    def event(self, user_id: str, frame: bytes) -> None:
        """Pass on an event that is not stored."""
        if user_id not in self._only_here and not self._members.is_alone:
            self._publish(user_id, EVENT, 0, "", frame)

    def notification(self, user_id: str, id_: int, frame: bytes, then: Reached | None) -> None:
        """Pass on a notification; `then` gets how many other workers have the user."""
        self._publish(user_id, NOTIFICATION, id_, "", frame, then)

    def tell(self, user_id: str, frame: bytes) -> None:
        """Pass on what is said of a notification."""
        self._publish(user_id, TELL, 0, "", frame)

    def elsewhere(self, user_ids: Iterable[str]) -> list[int]:
        """Return on how many other workers each user is. Blocks."""
        return self._bus.listening([self.channel(user_id) for user_id in user_ids])

    def receive(self, channel: bytes, here: Here, worker: bytes, letters: list[Letter]) -> None:
        """Send what another worker passed on to the user's sockets, or streams."""
        user_id = here.user_id
        for kind, number, other, frame in letters:
            try:
                if kind == EVENT:
                    for receiver in self._online.of(user_id):
                        receiver.send(frame)
                elif kind == HELLO:
                    self._doubt(here)
                    self._members.hear(channel, worker, kind, number)
                else:
                    self._take(user_id, kind, number, other, frame)
            except Exception:  # one that fails does not take the others' turn
                self._bus.log.exception("what came by the bus could not be passed on")

    def _take(self, user_id: str, kind: bytes, number: int, _other: str, frame: bytes) -> None:
        for receiver in self._online.of(user_id):
            if kind == NOTIFICATION:
                receiver.notify(number, frame)
            elif kind == TELL:
                receiver.tell(frame)

    def _publish(
        self, user_id: str, kind: bytes, number: int, other: str, frame: bytes, then: Reached | None = None
    ) -> None:
        if self._members.is_alone or not self._bus.is_up or user_id in self._only_here:
            if then is not None:
                then(0)
            return
        channel = self.channel(user_id)
        here = self.users.get(channel)
        letter = packed(kind, number, other, frame)
        if here is not None and here.is_settled:
            self._bus.put(channel, letter, partial(self._published, here, here.doubts, then))
        else:
            self._bus.publish(channel, letter, then)

    def _published(self, here: Here, doubts: int, then: Reached | None, reply: Reply) -> None:
        """Take Redis' reply to what was published for a user who is here: how many heard it, this worker among them."""
        others = reply - 1 if isinstance(reply, int) else None
        self._note_others(here, doubts, others)
        if then is not None:
            then(max(0, others or 0))

    def _note_others(self, here: Here, doubts: int, others: int | None) -> None:
        """Note on how many other workers a user was, if nothing has contradicted it since; None: nobody knows."""
        if others == 0 and here.doubts == doubts:
            self._only_here.add(here.user_id)
        else:
            self._only_here.discard(here.user_id)

    def _doubt(self, here: Here) -> None:
        here.doubts += 1
        self._only_here.discard(here.user_id)


class SocketRelay(Relay):
    """As Relay, of sockets: messages go through the gate, and presence is kept."""

    def __init__(
        self, bus: Bus, online: Online[Socket], user_key: Callable[[str], str], gate: OrderGate, presence: Presence
    ) -> None:
        super().__init__(bus, SOCKETS, online, user_key)
        self.gate = gate
        self._presence = presence

    def came(self, user_id: str) -> None:
        self.gate.open(user_id)
        super().came(user_id)

    def left(self, user_id: str) -> None:
        self.gate.close(user_id)
        super().left(user_id)

    def deliver(
        self, user_id: str, other: str, seq: int, frame: bytes, skip: object, then: Reached, is_repeat: bool
    ) -> None:
        """Send a stored message to the user's sockets here and elsewhere; `then` gets whether one took it."""
        is_old = is_repeat and self._is_old(user_id, other, seq)
        taken = None if is_old else self.gate.deliver(user_id, other, seq, frame, skip)
        if taken is None:  # it waits for a moment, or was sent before
            taken = sum(socket is not skip for socket in self._online.of(user_id))
        kind = REPEAT if is_repeat else MESSAGE
        self._publish(user_id, kind, seq, other, frame, None if taken else then)
        if taken:
            then(taken)

    def deliver_own(
        self,
        user_id: str,
        other: str,
        seq: int,
        frame: bytes,
        skip: object,
        passed: Callable[[], None],
        is_repeat: bool,
    ) -> None:
        """As `deliver`, to the sender; `passed` is called when all before it was sent to the user's sockets here."""
        if is_repeat and self._is_old(user_id, other, seq):
            passed()
        else:
            self.gate.deliver(user_id, other, seq, frame, skip, passed)
        self._publish(user_id, REPEAT if is_repeat else MESSAGE, seq, other, frame)

    def presence(self, user_id: str, about: str, status: Status, frame: bytes, is_introduction: bool = False) -> None:
        """Pass on to a user how another one is. Without a frame: what is told of the user, for those who would tell it too."""
        kind = INTRODUCTION if is_introduction else PRESENCE
        self._publish(user_id, kind, RANK.index(status), about, frame)

    def _take(self, user_id: str, kind: bytes, number: int, other: str, frame: bytes) -> None:
        if kind == MESSAGE:
            self.gate.deliver(user_id, other, number, frame)
            if number == 1:
                self._presence.introduce(user_id, other)
        elif kind == REPEAT:
            if not self._is_old(user_id, other, number):
                self.gate.deliver(user_id, other, number, frame)
        elif kind in (PRESENCE, INTRODUCTION):
            self._presence.heard(other, RANK[number])
            for socket in self._online.of(user_id) if frame else ():
                if kind == PRESENCE or socket.wants_sync:
                    socket.send(frame)
        else:
            super()._take(user_id, kind, number, other, frame)

    def _is_old(self, user_id: str, other: str, seq: int) -> bool:
        """Return whether a repeat was passed on, or may have been: what was last is not known of every conversation."""
        last = self.gate.last(user_id, other)
        return last is None or seq <= last
