"""Owns what follows when something may not have come by the bus: what changed meanwhile is read, and users are told.

After a loss, and every half a minute besides: a worker that dies between storing a message and publishing it tells nobody.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from chat.bus.order_gate import OrderGate
from chat.errors import ChatError
from chat.people.online import Online, Receiver, Socket
from chat.people.presence import Presence
from chat.protocol.structs import SERVICE_RESTART
from chat.storage.recent import Recent
from chat.storage.storage import Storage

LOOK_SECONDS = 30  # between two looks
LOOK_BACK_SECONDS = 60.0  # how far each goes back
MARGIN_SECONDS = 10.0  # before a loss was noticed
USERS_PER_SECOND = 100  # who are told how things stand


@dataclass(eq=False)
class Recovery:
    """Looks after the users of one worker. Lives on the event loop; what reads blocks its greenlet."""

    _storage: Storage
    _gate: OrderGate
    _online: Online[Socket]
    _streams: Online[Receiver]
    _presence: Presence
    _tell_again: Callable[[Any], object]  # tells a socket how things stand; blocks
    _pause: Callable[[float], object]
    _spawn: Callable[..., None]

    def __post_init__(self) -> None:
        self._recent = Recent(self._storage.database)
        self._sweeps = 0
        self._looking = False
        self._wanted: float | None = None  # how far back to look; None: not at all
        self._telling: dict[str, None] = {}  # users who are to be told
        self._is_telling = False

    def sweep(self) -> None:
        """Look from time to time; called once a second. Never blocks."""
        self._sweeps += 1
        if self._sweeps % LOOK_SECONDS == 0:
            self._spawn(self.look, LOOK_BACK_SECONDS)
            self._spawn(self._look_for_the_lost)

    def look(self, seconds: float) -> None:
        """Pass on what was stored in the last `seconds` and did not come. Blocks."""
        self._wanted = max(seconds, self._wanted or 0.0)
        if self._looking:  # that one goes on with this
            return
        self._looking = True
        try:
            while self._wanted is not None:
                seconds, self._wanted = self._wanted, None
                self._fill(self._storage.in_thread(self._recent.changed, seconds))
        except ChatError:  # the next look goes back further
            self._wanted = seconds + LOOK_SECONDS
        finally:
            self._looking = False

    def _fill(self, changed: Iterable[tuple[str, str, int, int]]) -> None:
        for one, other, first, last in changed:
            for user_id, with_user_id in {(one, other), (other, one)}:
                if self._online.of(user_id):
                    self._gate.fill(user_id, with_user_id, last, first - 1)

    def recover(self, seconds: float) -> None:
        """Something was lost in the last `seconds`: pass on what was stored, and tell all users how things stand. Blocks."""
        self.look(seconds + MARGIN_SECONDS)
        self._look_for_the_lost()
        self._telling |= dict.fromkeys([*self._online.users(), *self._streams.users()])
        if self._is_telling:
            return
        self._is_telling = True
        try:
            while self._telling:
                self._tell(self._telling.popitem()[0])
                self._pause(1 / USERS_PER_SECOND)
        finally:
            self._is_telling = False

    def _tell(self, user_id: str) -> None:
        for socket in self._online.of(user_id):
            try:
                self._tell_again(socket)
            except ChatError:  # the database is away: who comes back is told then
                socket.close(SERVICE_RESTART, "service restart")
        for stream in self._streams.of(user_id):  # comes back by itself, with the id of what it has
            stream.close(SERVICE_RESTART, "service restart")

    def _look_for_the_lost(self) -> None:
        with suppress(ChatError):  # the next time
            self._presence.look_for_the_lost()
