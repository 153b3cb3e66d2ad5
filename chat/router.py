"""The router: `@events.on("chat", Chat)` names the handler of an event; every event gets an answer.

Text comes in from a client's socket, becomes a typed payload and goes to its handler; what the
handler returns goes back as the `ack`, what it raises as the `error`. What an event means is left to
the handlers (`handlers.py`, or a host application's own).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from chat.config import Settings
from chat.errors import ChatError, Internal, NotInitialised, NotText, RateLimited
from chat.people.online import Event, encoded, sockets
from chat.people.presence import presence
from chat.protocol.structs import SIGN_IN, Payload, Ref, failure
from chat.protocol.validation import Decoder, ref_of
from chat.transport.websocket import Connection

if TYPE_CHECKING:
    from chat.messages.missed import Catchup
    from chat.notifications.feed import SocketLine
    from chat.people.directory import Admission

log = logging.getLogger("chat")


class Later:
    """What a handler returns that will call `client.answer` itself, once, when it knows the answer."""


LATER = Later()

Answer = dict[str, Any] | Later | None
Handler = Callable[["Client", Any], Answer]


class Client(Connection):
    """One socket as a handler sees it: who it is, and a way to answer it."""

    __slots__ = ("_events_left", "admission", "catchup", "is_away", "line", "owner")

    owner: str | None  # the user, once `init` said it; set by UserSockets alone
    admission: Admission | None  # what its token said; None: it showed none, its name needs none
    is_away: bool  # nobody looks at it: its tab is hidden, or its person idle
    catchup: Catchup | None  # of a client that does not fetch for itself, what it was sent so far
    line: (
        SocketLine | None
    )  # of notifications; None: nothing is in the way of new ones, or unproven

    def __init__(self, *args: Any) -> None:
        self.owner = None
        self.admission = None
        self.catchup = None
        self.line = None
        self.is_away = False
        super().__init__(*args)
        self._events_left = self.connections.limits.events.full
        log.info("connect address=%s", self.address)

    @property
    def user_id(self) -> str:
        """The socket's user.

        Raises:
            NotInitialised: `init` has not come yet.
        """
        if self.owner is None:
            raise NotInitialised
        return self.owner

    @property
    def settings(self) -> Settings:
        return self.connections.settings

    def emit(self, event: Event) -> bool:
        """Send `event` to this socket alone. Never blocks; False if the socket is closing."""
        return self.send(encoded(event))

    def deliver(self, other: str, seq: int, frame: bytes) -> bool:
        """Send a chat message of the conversation with `other`, in its order. False if not taken."""
        if self.catchup is None:
            return self.send(frame)
        return self.catchup.deliver(other, seq, frame)

    def answer(self, ref: Ref | None, answer: dict[str, Any] | ChatError | None) -> None:
        """Send the one `ack` or `error` that an event gets; no `ack` for one without a ref."""
        if isinstance(answer, ChatError):
            self.emit(failure(answer, ref))
        elif ref is not None:
            ack = {"type": "ack", "ref": ref}
            self.emit({**ack, **(answer or {}), **ack})  # a handler cannot forge these two

    def received(self, text: str) -> None:
        if self._events_left > 0:
            self._events_left -= 1
            events.dispatch(self, text)
        else:
            self.answer(ref_of(text), RateLimited(1, "These were too many events. Wait a moment."))

    def received_binary(self, data: bytes) -> None:
        self.emit(failure(NotText()))

    def refill(self) -> None:
        super().refill()
        self._events_left = self.connections.limits.events.refilled(self._events_left)

    def overdue(self) -> None:
        if self.owner is None:
            super().overdue()
        else:
            self.close(SIGN_IN, "the token is out of date")

    def ponged(self, number: int) -> None:
        if self.catchup is not None:
            self.catchup.ponged(number)
        if self.line is not None:
            self.line.ponged(number)

    def left(self, reason: str) -> None:
        line = "leave user=%r reason=%r after=%.1fs"
        seconds = time.monotonic() - self.opened_at
        # Not here: a log's handler may have to wait, which the loop's own greenlet must not.
        self.connections.spawn(log.info, line, self.owner, reason, seconds)
        user_id = self.owner
        sockets.remove(self)
        self.catchup = None
        self.line = None
        if user_id is not None:
            presence.left(user_id)


class Events:
    """Handlers by the name of their event."""

    def __init__(self) -> None:
        # self._handlers[struct] = (handler, may come before init); the struct carries the name.
        self._handlers: dict[type[Payload], tuple[Handler, bool]] = {}
        self._decode: Callable[[str], Payload] = self._first_decode

    def on(
        self, name: str, payload: type[Payload] = Payload, *, before_init: bool = False
    ) -> Callable[[Handler], Handler]:
        """Name the decorated function the handler of the event `name`.

        The handler is called with the Client and the typed payload, in a greenlet: it may block, and
        holds up its own socket only. It returns the fields of the ack, a dict or None, or LATER if it
        answers by itself, and fails by raising a ChatError. There is no Flask application context around it: what needs one says
        `with app.app_context():`. Context variables start empty each time; a threading.local does
        not, since greenlets are used again, as the threads of a pool are.
        A later handler of the same name takes the earlier one's place.

        Args:
            payload: the struct that the event must fit.
            before_init: whether a socket that has not said who it is may send it.
        """

        def register(handler: Handler) -> Handler:
            struct = msgspec.defstruct(payload.__name__, [], bases=(payload,), tag=name)
            if name in self.payloads:
                del self._handlers[self.payloads[name]]
            self._handlers[struct] = (handler, before_init)  # type: ignore[index]
            self._decode = self._first_decode
            return handler

        return register

    @property
    def payloads(self) -> dict[str, type[Payload]]:
        """The events that have a handler, each with its struct."""
        return {str(struct.__struct_config__.tag): struct for struct in self._handlers}

    def dispatch(self, client: Client, text: str) -> None:
        """Handle one text from `client` and answer it. Raises nothing."""
        ref = None
        try:
            event = self._decode(text)
            ref = event.ref
            handler, before_init = self._handlers[type(event)]
            if client.owner is None and not before_init:
                raise NotInitialised
            answer = handler(client, event)
            if not isinstance(answer, Later):
                client.answer(ref, answer)
        except ChatError as error:
            client.answer(ref_of(text) if ref is None else ref, error)
        except KeyboardInterrupt:
            raise
        except BaseException:  # a handler's gevent.Timeout and sys.exit() are its failures as well
            log.exception("a handler failed for user=%r", client.owner)
            client.answer(ref, Internal())

    def _first_decode(self, text: str) -> Payload:
        """Make the decoder of all events that are known by now, and have it decode from here on."""
        self._decode = Decoder(self._handlers).decode
        return self._decode(text)


events = Events()
