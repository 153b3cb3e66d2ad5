"""Owns what is passed on between workers: what a user is sent here goes to their sockets and streams elsewhere, and back.

A user has a channel for sockets and one for streams, which a worker hears while it has one of them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from chat.bus.bus import Bus
from chat.bus.connection import Reply
from chat.bus.envelope import (
    EVENT,
    HELLO,
    INTRODUCTION,
    MESSAGE,
    NOTIFICATION,
    PRESENCE,
    REPEAT,
    TELL,
    Envelope,
    packed,
)
from chat.bus.order_gate import OrderGate
from chat.people.fanout import Reached
from chat.people.online import Online, Socket
from chat.people.presence import RANK, Presence
from chat.protocol.structs import Status

SOCKETS, STREAMS = "u", "s"  # kinds of channels
CHANNELS = 8_192  # whose names are kept


@dataclass(slots=True)
class Here:
    """A user who is at this worker. `is_only_here`: nothing needs to be published for them."""

    user_id: str
    is_settled: bool = False  # the channel is heard, and whoever else hears it knows
    is_only_here: bool = False
    doubts: int = 0  # what contradicts an answer to what was published before

    def doubt(self) -> None:
        self.is_only_here = False
        self.doubts += 1


class Relay:
    """Passes on what the users of one `Online` are sent."""

    def __init__(self, bus: Bus, kind: str, online: Online[Any], user_key: Callable[[str], str]) -> None:
        self._bus = bus
        self._online = online
        self.channel = lru_cache(CHANNELS)(lambda user_id: bus.channel(kind, user_key(user_id)))
        self.users: dict[bytes, Here] = {}  # by their channel
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
        self.users.pop(channel, None)
        self._bus.unsubscribe(channel)

    def wait_ready(self, user_id: str) -> None:
        """Wait until a user who came is sent what other workers store. Blocks; not while the bus is lost."""
        here = self.users.get(channel := self.channel(user_id))
        if not self._bus.wait_settled() or here is None:
            return
        if not (here.is_settled or self._members.is_alone):
            doubts = here.doubts
            here.is_only_here = self._members.announce(channel) == 0 and here.doubts == doubts
        here.is_settled = True

    def doubt(self) -> None:
        """Another worker may have any of these users too."""
        for here in self.users.values():
            here.doubt()

    def event(self, user_id: str, frame: bytes) -> None:
        """Pass on an event that is not stored."""
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

    def receive(self, here: Here, envelope: Envelope) -> None:
        """Send what another worker passed on to the user's sockets, or streams."""
        user_id = here.user_id
        if envelope.kind == HELLO:
            here.doubt()
        elif envelope.kind == NOTIFICATION:
            for receiver in self._online.of(user_id):
                receiver.notify(envelope.number, envelope.frame)
        elif envelope.kind == TELL:
            for receiver in self._online.of(user_id):
                receiver.tell(envelope.frame)
        else:
            for receiver in self._online.of(user_id):
                receiver.send(envelope.frame)

    def _publish(
        self, user_id: str, kind: bytes, number: int, other: str, frame: bytes, then: Reached | None = None
    ) -> None:
        if self._members.is_alone or not self._bus.is_up:
            if then is not None:
                then(0)
            return
        channel = self.channel(user_id)
        here = self.users.get(channel)
        if here is not None and here.is_only_here:
            if then is not None:
                then(0)
            return
        data = packed(self._bus.worker, kind, number, other, frame)
        if here is None or not here.is_settled:
            self._bus.publish(channel, data, then)
        else:
            self._bus.put(channel, data, partial(_published, here, here.doubts, then))


def _published(here: Here, doubts: int, then: Reached | None, reply: Reply) -> None:
    """Take Redis' reply to what was published for a user who is here: how many heard it, this worker among them."""
    here.is_only_here = reply == 1 and here.doubts == doubts
    if then is not None:
        then(max(0, reply - 1) if isinstance(reply, int) else 0)


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
        taken = (
            None
            if is_repeat and self._is_old(user_id, other, seq)
            else self.gate.deliver(user_id, other, seq, frame, skip)
        )
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

    def receive(self, here: Here, envelope: Envelope) -> None:
        _, kind, number, other, frame = envelope
        user_id = here.user_id
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
            super().receive(here, envelope)

    def _is_old(self, user_id: str, other: str, seq: int) -> bool:
        """Return whether a repeat was passed on, or may have been: what was last is not known of every conversation."""
        last = self.gate.last(user_id, other)
        return last is None or seq <= last
