"""Owns who is here: the lock-guarded dict from users to their sockets, and the sending to them.

Who may send what is left to others, and so is who is elsewhere: see `relay`.
"""

from collections.abc import Callable
from threading import Lock
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from chat.errors import ChatError
from chat.people.tokens import Admission
from chat.protocol.frames import TEXT, encode_frame
from chat.protocol.names import canonical_user_id
from chat.protocol.structs import Ref, encode

Event = msgspec.Struct | dict[str, Any]  # a dict must hold `type`

TEXT_FRAME = 0x80 | TEXT  # the first byte of what `encoded` gives


class Receiver(Protocol):
    """What a user's events go to: a socket, or a stream of server-sent events."""

    owner: str | None  # the user; set by Online alone
    admission: Admission | None  # what its token said; None: it showed none
    taken: Any  # what it was sent, for who tells of what is missed; None: nobody does

    def send(self, frame: bytes) -> bool: ...
    def notify(self, id_: int, frame: bytes) -> bool: ...
    def tell(self, frame: bytes) -> bool: ...
    def close(self, code: int, reason: str = "") -> None: ...
    def shut_out(self, why: ChatError) -> None: ...


class Asker(Protocol):
    """Who asks for something to be done, and is answered: a socket, or a request over HTTP."""

    address: str

    def emit(self, event: Event) -> bool: ...
    def answer(self, ref: Ref | None, answer: dict[str, Any] | ChatError | None) -> None: ...


class Socket(Receiver, Asker, Protocol):
    """A WebSocket of a user."""

    is_away: bool  # nobody looks at it: its tab is hidden, or its person idle
    wants_sync: bool  # its `init` said `sync`: it asks for what it missed

    def deliver(self, other: str, seq: int, frame: bytes) -> bool: ...


R = TypeVar("R", bound=Receiver)


class Online(Generic[R]):
    """The users who are here. A user may have many sockets; a socket has one user at a time."""

    def __init__(self, canonical: Callable[[str], str] = canonical_user_id) -> None:
        self._canonical = canonical  # makes of a name its canonical spelling
        # self._sockets[user_id] = (socket, ...), never empty; guarded by self._lock.
        # The tuples are replaced, never changed: whoever holds one may walk it without the lock.
        self._sockets: dict[str, tuple[R, ...]] = {}
        self._lock = Lock()
        # chat/bus/relay.py, which passes on to the other workers; None: this one is alone.
        self.relay: Any = None

    def __len__(self) -> int:
        return len(self._sockets)

    def users(self) -> list[str]:
        return [*self._sockets]

    def of(self, user_id: str) -> tuple[R, ...]:
        """Return the user's sockets, oldest first; () for somebody offline."""
        return self._sockets.get(user_id, ())

    def add(self, user_id: str, socket: R) -> bool:
        """Give `socket` to `user_id`; if it was another's, it moves. True if the user comes online."""
        with self._lock:
            if socket.owner == user_id:
                return False
            self._take_out(socket)
            socket.owner = user_id
            others = self._sockets.get(user_id, ())
            self._sockets[user_id] = (*others, socket)
            if not others and self.relay is not None:
                self.relay.came(user_id)
            return not others

    def remove(self, socket: R) -> bool:
        """Take `socket` out, wherever it is. True if with it its user goes offline."""
        with self._lock:
            return self._take_out(socket)

    def emit(self, event: Event | bytes, to: str, skip: object = None) -> int:
        """Send `event`, or what `encoded` made of one, to every socket of the user `to`, but not to `skip`.

        Never blocks. Returns how many sockets of this worker took it: 0 for somebody offline. Raises TypeError: the event cannot
        be written as JSON, or is bytes that `encoded` did not give. Raises RuntimeError: not on the loop's thread.
        """
        frame = event if isinstance(event, bytes) else encoded(event)
        if frame[0] != TEXT_FRAME:
            raise TypeError("emit takes an event, or what encoded() made of one")
        taken = 0
        name = self._canonical(to)
        for socket in self.of(name):
            if socket is not skip and socket.send(frame):
                taken += 1
        if self.relay is not None:
            self.relay.event(name, frame)
        return taken

    def _take_out(self, socket: R) -> bool:
        user_id, socket.owner = socket.owner, None
        if user_id is None:
            return False
        if others := tuple(one for one in self._sockets[user_id] if one is not socket):
            self._sockets[user_id] = others
            return False
        del self._sockets[user_id]
        if self.relay is not None:
            self.relay.left(user_id)
        return True


def encoded(event: Event) -> bytes:
    """Return the event as one frame, which can be sent several times. Raises TypeError: JSON has no form for it."""
    return encode_frame(TEXT, encode(event))
