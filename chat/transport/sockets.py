"""Who is here: the lock-guarded dict from each user to that user's sockets.

Knows no JSON and no messages; `delivery.py` asks it where to send.
"""

from __future__ import annotations

from threading import Lock
from typing import Protocol


class Socket(Protocol):
    """What the dict holds: something that frames can be sent to, with a place for its user's name."""

    owner: str | None

    def send(self, frame: bytes) -> bool: ...


class UserSockets:
    """A user may have many sockets, tabs and devices; a socket has one user at a time."""

    def __init__(self) -> None:
        # self._sockets[user_id] = (socket, ...), never empty; guarded by self._lock.
        # The tuples are replaced, never changed: whoever holds one may walk it without the lock.
        self._sockets: dict[str, tuple[Socket, ...]] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        """How many users are online."""
        return len(self._sockets)

    def users(self) -> list[str]:
        """Who is online."""
        return [*self._sockets]

    def of(self, user_id: str) -> tuple[Socket, ...]:
        """The user's sockets, oldest first; () for somebody offline."""
        return self._sockets.get(user_id, ())

    def add(self, user_id: str, socket: Socket) -> bool:
        """Give `socket` to `user_id`; if it was another's, it moves. True if the user comes online."""
        with self._lock:
            if socket.owner == user_id:
                return False
            self._take_out(socket)
            socket.owner = user_id
            others = self._sockets.get(user_id, ())
            self._sockets[user_id] = (*others, socket)
            return not others

    def remove(self, socket: Socket) -> bool:
        """Take `socket` out, wherever it is. True if with it its user goes offline."""
        with self._lock:
            return self._take_out(socket)

    def _take_out(self, socket: Socket) -> bool:
        user_id, socket.owner = socket.owner, None
        if user_id is None:
            return False
        mine = self._sockets[user_id]
        if len(mine) > 1:
            place = mine.index(socket)
            self._sockets[user_id] = mine[:place] + mine[place + 1 :]
            return False
        del self._sockets[user_id]
        return True
