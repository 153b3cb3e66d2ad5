"""One socket's or stream's way through its user's notifications: each once, in the order of their ids.

While the older ones are read from the database, new ones are held. What a plain client was sent counts as
seen when its pong has come (as in `catchup.py`); one that says `sync` tells by itself what was seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from chat.people.online import encoded
from chat.protocol.structs import Notification, iso
from chat.storage.notifications import Notice

if TYPE_CHECKING:
    from chat.router import Client

HELD = 1_000  # new ones that may wait behind the older ones

# Marks as seen what the socket has read: see(user_id, ids, socket).
See = Callable[[str, Sequence[int], "Client"], None]


class Line:
    """What is on its way. `pass_on` says where to."""

    __slots__ = ("_held", "_last")

    def __init__(self, last: int = 0) -> None:
        # (id, frame), 0 for what is no notification; None: nothing is in the way
        self._held: list[tuple[int, bytes]] | None = []
        self._last = last  # the largest id that was passed on

    def pass_on(self, id_: int, frame: bytes) -> bool:
        """Send one. False if it was not taken."""
        raise NotImplementedError

    def say(self, frame: bytes) -> None:
        """Send what is said of an older one, but not before that one."""
        if self._held is None:
            self.pass_on(0, frame)
        else:
            self._held.append((0, frame))

    def deliver(self, id_: int, frame: bytes) -> bool:
        """Send a new one, now or behind the older ones. False if it was not taken."""
        if self._held is None:
            return self.send_once(id_, frame)
        if len(self._held) >= HELD:
            return False
        self._held.append((id_, frame))
        return True

    def send_once(self, id_: int, frame: bytes) -> bool:
        """Send one of the older ones, unless it was sent."""
        if id_ <= self._last:
            return True
        self._last = id_
        return self.pass_on(id_, frame)

    def go_on(self) -> None:
        """The older ones are sent: let the new ones through."""
        held, self._held = self._held or [], None
        for id_, frame in held:
            if id_:
                self.send_once(id_, frame)
            else:
                self.pass_on(0, frame)


class SocketLine(Line):
    """A WebSocket's. Put into `client.line` before the client is in the dict of sockets."""

    __slots__ = ("_client", "_see", "_unproven", "_user_id")

    def __init__(self, client: Client, user_id: str, see: See) -> None:
        super().__init__()
        self._client = client
        self._user_id = user_id
        self._see = see
        # (number of the ping behind it, id) of what a plain client was sent, until its pong has come
        self._unproven: list[tuple[int, int]] = []

    def begin(
        self, waiting: Sequence[Notice], page_after: Callable[[int], Sequence[Notice]]
    ) -> None:
        """Send what waits for the user, as far as there is room, and then what has come meanwhile. Blocks.

        Args:
            waiting: the first page, the oldest first.
            page_after: the next one, behind a notification's id; [] where there is none. A client that says
                `sync` is not sent it: it asks for the list.
        """
        while waiting:
            for notice in waiting:
                frame = encoded(event_of(notice))
                if self._last and not self._client.has_room(len(frame)):
                    waiting = []  # the list has the others, and they come at the next init
                    break
                self.send_once(notice.id, frame)
            waiting = page_after(self._last) if waiting and self._client.catchup is not None else []
        self.go_on()
        if not self._unproven:
            self._client.line = None  # most sockets have none, and many are held

    def pass_on(self, id_: int, frame: bytes) -> bool:
        sent = self._client.send(frame)
        if sent and id_ and self._client.catchup is not None:
            self._unproven.append((self._client.ping(), id_))
        return sent

    def ponged(self, number: int) -> None:
        """The client has read all that was sent before the ping of this number."""
        proven = [id_ for ping, id_ in self._unproven if ping <= number]
        if proven:
            self._unproven = [one for one in self._unproven if one[0] > number]
            if not self._unproven and self._held is None and self._client.line is self:
                self._client.line = None
            self._see(self._user_id, proven, self._client)


def show(client: Client, user_id: str, id_: int, frame: bytes, see: See) -> bool:
    """Send a new notification to a socket. False if it was not taken."""
    if client.line is None:
        if client.catchup is None:
            return client.send(frame)
        client.line = SocketLine(client, user_id, see)
        client.line.go_on()
    return client.line.deliver(id_, frame)


def say(client: Client, frame: bytes) -> None:
    """Tell a socket something of a notification that it may still be sent."""
    if client.line is None:
        client.send(frame)
    else:
        client.line.say(frame)


def event_of(notice: Notice) -> Notification:
    """A record as the wire has it."""
    content = notice.content
    return Notification(
        id=notice.id,
        message=content.message,
        title=content.title,
        level=content.level,
        link=content.link,
        timestamp=iso(content.created_at),
        expires=None if content.expires_at is None else iso(content.expires_at),
        seen=notice.seen or None,
    )
