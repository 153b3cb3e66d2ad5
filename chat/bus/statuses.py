"""Owns how users of other workers are. It is asked of Redis, which knows who subscribes: a dead worker leaves nobody behind.

A worker subscribes to a user's channel `a` while the user is online here, and to `b` while away.
"""

from collections.abc import Callable, Iterable

from chat.bus.bus import Bus
from chat.protocol.structs import Status

CHANNELS: dict[Status, str] = {"online": "a", "away": "b"}


class Statuses:
    """The statuses of one worker's users for the others, and of theirs for this one."""

    def __init__(self, bus: Bus, user_key: Callable[[str], str]) -> None:
        self._bus = bus
        self._user_key = user_key
        self._mine: dict[str, Status] = {}  # user -> as the others are told; nobody who is offline

    def set(self, user_id: str, status: Status) -> None:
        """Tell the others how a user of this worker is now. Never blocks."""
        before = self._mine.get(user_id, "offline")
        if before == status:
            return
        if status != "offline":
            self._mine[user_id] = status
            self._bus.subscribe(self._channel(status, user_id))
        else:
            del self._mine[user_id]
        if before != "offline":
            self._bus.unsubscribe(self._channel(before, user_id))

    def look(self, user_ids: Iterable[str]) -> dict[str, Status] | None:
        """Return how users are on other workers; those who are offline there are left out. Blocks. None: nobody knows."""
        users = [*user_ids]
        if not users:
            return {}
        if not self._bus.wait_settled():  # else one's own leaving might not count yet
            return None
        channels = [self._channel(status, user_id) for status in CHANNELS for user_id in users]
        counts = self._bus.listening(channels)
        if not self._bus.is_up:
            return None
        found: dict[str, Status] = {}
        for user_id, online, away in zip(users, counts, counts[len(users) :], strict=False):
            if online or away:
                found[user_id] = "online" if online else "away"
        return found

    def _channel(self, status: Status, user_id: str) -> bytes:
        return self._bus.channel(CHANNELS[status], self._user_key(user_id))
