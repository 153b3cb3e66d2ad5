"""Owns what one worker shares with the others: the bus and all that lies on it."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import gevent

from chat.bus.bus import Bus
from chat.bus.envelope import LOOK, Letter, packed
from chat.bus.order_gate import HOLD_SECONDS, OrderGate
from chat.bus.recovery import Recovery
from chat.bus.relay import STREAMS, Relay, SocketRelay
from chat.bus.shared_limits import SharedLimits
from chat.bus.statuses import Statuses
from chat.messages.missed import chat_event
from chat.metrics import Metrics
from chat.people.fanout import Fanout
from chat.people.online import Receiver, Socket, encoded
from chat.people.presence import Presence
from chat.protocol.structs import TRY_AGAIN_LATER
from chat.storage.storage import Storage
from chat.transport.connections import Connections

BUS_LOST = "The bus is lost: only users of this worker are reached."
READ_AT_ONCE = 200  # messages that did not come


class OtherWorkers:
    """The other workers, for the parts of one chat: makes the relays, which those parts find at `Online`."""

    def __init__(
        self,
        url: str,
        storage: Storage,
        online: Fanout[Socket],
        streams: Fanout[Receiver],
        presence: Presence,
        connections: Connections,
        metrics: Metrics,
        should: dict[str, Callable[[], str | None]],
        user_key: Callable[[str], str],
        tell_again: Callable[[Any], object],
    ) -> None:
        log = connections.log
        self._storage = storage
        self._online = online
        self._streams = streams
        self._spawn = connections.spawn
        self.bus = Bus(url, storage.epoch, self._received, log)
        self.gate = OrderGate(online.hand_over, self._read, self._later, self._send_away, metrics.gate_holds.add)
        self._relays = [
            SocketRelay(self.bus, online, user_key, self.gate, presence),
            Relay(self.bus, STREAMS, streams, user_key),
        ]
        presence.elsewhere = Statuses(self.bus, user_key)
        self.recovery = Recovery(
            storage, self.gate, online, streams, presence, tell_again, gevent.sleep, connections.spawn
        )
        self.bus.returned = self._returned
        self.bus.members.joined = self._joined
        limits = connections.limits
        shared = {
            "messages": limits.messages,
            "password": limits.wrong_passwords,
            "name": limits.wrong_passwords_of_a_name,
        }
        connections.each_sweep += [self.recovery.sweep, SharedLimits(self.bus, shared).sweep]
        should["bus"] = lambda: None if self.bus.is_up else BUS_LOST
        metrics.bus_lag.value = lambda: self.bus.lag
        metrics.bus_lost.value = lambda: int(not self.bus.is_up)

    def start(self) -> None:
        """Connect. Blocks for a moment; serves this worker's users alone where there is no Redis."""
        self.recovery.look(0)  # notes where it begins
        self.bus.start()

    def stop(self) -> None:
        self.bus.stop()

    def unsettled(self) -> Callable[[], bool]:
        """Return what tells, each time, whether something of before is unstored, or not told elsewhere and answered."""
        is_unstored = self._storage.unstored()
        asked, held_until = 0, 0.0

        def is_unsettled() -> bool:
            nonlocal asked, held_until
            if is_unstored():
                return True
            if not held_until:  # what was stored last is published by now
                asked, held_until = self.bus.asked, time.monotonic() + HOLD_SECONDS
            return self.bus.answered < asked or (time.monotonic() < held_until and self.gate.is_holding)

        return is_unsettled

    def _received(self, channel: bytes, worker: bytes, letters: list[Letter]) -> None:
        for relay in self._relays:
            if (here := relay.users.get(channel)) is not None:
                relay.receive(channel, here, worker, letters)
                return
        for kind, number, _, _ in letters:
            if kind == LOOK:
                self._spawn(self.recovery.recover, float(number))
            else:
                self.bus.members.hear(channel, worker, kind, number)

    def _joined(self) -> None:
        for relay in self._relays:
            relay.doubt()

    def _returned(self, since: float) -> None:
        """The bus is back: neither has this worker heard the others since, nor they this one."""
        if not self._online and not self._streams:  # it begins
            return
        seconds = time.monotonic() - since
        self.bus.publish(self.bus.members.all, packed(LOOK, int(seconds) + 1, "", b""))
        self._spawn(self.recovery.recover, seconds)

    def _read(self, user_id: str, other: str, after: int, up_to: int) -> dict[int, bytes]:
        """Read what lies between. Blocks."""
        history = self._storage.messages.history
        found: dict[int, bytes] = {}
        while after < up_to:
            page = self._storage.in_thread(history, user_id, other, READ_AT_ONCE, up_to + 1, after).messages
            if not page:
                break
            for message in page:
                if message.body:
                    receiver = other if message.sender_id == user_id else user_id
                    found[message.seq] = encoded(chat_event(message, receiver, self._storage.user_key))
            after = page[-1].seq
        return found

    def _later(self, seconds: float, function: Callable[..., None], *args: Any) -> None:
        gevent.spawn_later(seconds, partial(self._spawn, function, *args))

    def _send_away(self, user_id: str) -> None:
        for socket in self._online.of(user_id):
            socket.close(TRY_AGAIN_LATER, "storage is unavailable")
