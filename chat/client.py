"""Owns one socket as a handler sees it: who it is, a way to answer it, and what is on its way to it."""

import time
from typing import Any

from chat.errors import ChatError, NotInitialised, NotText, RateLimited, TokenExpired
from chat.messages.backlog import Backlog, ProvenBacklog
from chat.notifications.feed import NOTIFICATION
from chat.notifications.unproven import Taken
from chat.people.online import Event, encoded
from chat.people.tokens import Admission
from chat.protocol.structs import SIGN_IN, Ref, error_event
from chat.protocol.validation import ref_of
from chat.server import ChatServer
from chat.transport.websocket import WebSocket


class Client(WebSocket):
    """A socket of this chat. `chat` is the ChatServer that owns all parts."""

    __slots__ = ("_events_left", "admission", "chat", "feed", "is_away", "missed", "owner", "taken", "wants_sync")

    def __init__(self, sock: Any, chat: ChatServer, address: str) -> None:
        self.chat = chat
        self.owner: str | None = None  # the user, once `init` said it; set by Online alone
        self.admission: Admission | None = None  # what its token said; None: it showed none
        self.is_away = False  # nobody looks at it: its tab is hidden, or its person idle
        self.wants_sync = False  # it said `sync`: it asks for what it missed
        self.missed: ProvenBacklog | None = None  # messages of a plain client; None: it said `sync`
        self.feed: Backlog | None = None  # notifications; None: nothing is in their way
        self.taken: Taken | None = chat.unproven.taken()  # what may be lost in a dead line
        super().__init__(sock, chat.connections, address)
        self._events_left = chat.limits.events.full
        # In a greenlet that is used again: logging makes a thread's name for each new one.
        chat.connections.spawn(chat.log.info, "connect address=%s", self.address)

    # What a handler needs.

    @property
    def user_id(self) -> str:
        """The socket's user. Raises NotInitialised: `init` has not come yet."""
        if self.owner is None:
            raise NotInitialised
        return self.owner

    def emit(self, event: Event) -> bool:
        """Send `event` to this socket alone. Never blocks; False if the socket is closing."""
        return self.send(encoded(event))

    def answer(self, ref: Ref | None, answer: dict[str, Any] | ChatError | None) -> None:
        """Send the one `ack` or `error` that an event gets; no `ack` for one without a ref."""
        if isinstance(answer, ChatError):
            self.chat.metrics.count_error(answer)
            self.emit(error_event(answer, ref))
        elif ref is not None:
            ack = {"type": "ack", "ref": ref}
            self.emit({**ack, **(answer or {}), **ack})  # a handler cannot forge these two

    # What is sent to its user.

    def deliver(self, other: str, seq: int, frame: bytes) -> bool:
        """Send a message of the conversation with `other`, in its order. False if not taken."""
        is_taken = self.send(frame) if self.missed is None else self.missed.deliver(other, seq, frame)
        if is_taken and self.taken is not None:
            self.taken.message(other, seq)
        return is_taken

    def notify(self, id_: int, frame: bytes) -> bool:
        """Send a new notification, behind older ones. False if not taken."""
        if self.feed is None and not self.wants_sync:
            self.feed = self.chat.feeds.feed(self, self.user_id)
            self.feed.start(None)
        is_taken = self.send(frame) if self.feed is None else self.feed.deliver(NOTIFICATION, id_, frame)
        if is_taken and self.taken is not None:
            self.taken.notification(id_)
        return is_taken

    def tell(self, frame: bytes) -> bool:
        """Send what is said of a notification, but not before that one."""
        return self.send(frame) if self.feed is None else self.feed.deliver(None, 0, frame)

    def drop_backlogs(self) -> None:
        """Forget what was on its way: the socket is gone, or is another user now."""
        for backlog in (self.missed, self.feed):
            if backlog is not None:
                backlog.is_over = True
        self.missed = self.feed = None
        self.taken = self.chat.unproven.taken()

    @property
    def held_bytes(self) -> int:
        held = super().held_bytes
        if self.missed is not None:
            held += self.missed.held_bytes
        if self.feed is not None:
            held += self.feed.held_bytes
        return held

    # What the transport calls.

    def received(self, text: str) -> None:
        if self._events_left > 0:
            self._events_left -= 1
            self.chat.router.dispatch(self, text)
        else:
            self.answer(ref_of(text), RateLimited(1, "events"))

    def received_binary(self, data: bytes) -> None:
        self.answer(None, NotText())

    def refill(self) -> None:
        super().refill()
        self._events_left = self.chat.limits.events.refilled(self._events_left)

    def shut_out(self, why: ChatError) -> None:
        """End the connection, and say why: its user may not stay."""
        self.answer(None, why)
        self.close(SIGN_IN, why.code)

    def overdue(self) -> None:
        if self.owner is None:
            super().overdue()
        else:
            self.shut_out(TokenExpired())

    def ponged(self, number: int) -> None:
        for backlog in (self.missed, self.feed):
            if isinstance(backlog, ProvenBacklog):
                backlog.ponged(number)

    def left(self, reason: str) -> None:
        user_id, seconds = self.owner, time.monotonic() - self.opened_at  # `remove` takes the owner away
        # Not here: a log's handler may have to wait, which the loop's own greenlet must not.
        self.connections.spawn(self.chat.log.info, "leave user=%r reason=%r after=%.1fs", user_id, reason, seconds)
        self.chat.metrics.closes.add(reason[:4])
        self.chat.online.remove(self)
        self.chat.unproven.socket_left(user_id, self.taken, reason, self.wants_sync)
        self.drop_backlogs()
        if user_id is not None:
            self.chat.presence.left(user_id)
