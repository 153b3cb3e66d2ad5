"""Owns the way from a text to its handler, and its one answer. Leaves to the handlers what an event means."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import msgspec

from chat.errors import ChatError, Internal, NotInitialised
from chat.people.online import Socket
from chat.protocol.names import Names
from chat.protocol.structs import Payload
from chat.protocol.validation import Decoder, ref_of


class Later:
    """What a handler returns that will call `client.answer` itself, once, when it knows the answer."""


LATER = Later()

Answer = dict[str, Any] | Later | None
Handler = Callable[[Any, Any], Answer]
Declare = Callable[[Handler], Handler]


class Events:
    """Declarations such as `@events.on("chat", Chat)`. Each chat copies them when it is bound to an app."""

    def __init__(self) -> None:
        # self._handlers[struct] = (handler, may come before init); the struct carries the name.
        self._handlers: dict[type[Payload], tuple[Handler, bool]] = {}
        # Tells a socket how things stand, when workers hear each other again.
        self.tell_again: Callable[[Any], object] = lambda _client: None

    def on(self, name: str, payload: type[Payload] = Payload, *, before_init: bool = False) -> Declare:
        """Declare the decorated function as the handler of the event `name`.

        The handler is called with the Client and the typed payload, in a greenlet: it may block, and
        holds up its own socket only. It returns the fields of the ack, a dict or None, or LATER if it
        answers by itself, and fails by raising a ChatError. There is no Flask application context around
        it: what needs one says `with app.app_context():`. Context variables start empty each time; a
        threading.local does not, since greenlets are used again, as the threads of a pool are.
        A later handler of the same name takes the earlier one's place.

        `payload`: the struct that the event must fit. `before_init`: a socket without a user may send it too.
        """

        def declare(handler: Handler) -> Handler:
            struct = msgspec.defstruct(payload.__name__, [], bases=(payload,), tag=name)
            if name in self.payloads:
                del self._handlers[self.payloads[name]]
            self._handlers[struct] = (handler, before_init)  # type: ignore[index]
            return handler

        return declare

    @property
    def payloads(self) -> dict[str, type[Payload]]:
        """The events that have a handler, each with its struct."""
        return {str(struct.__struct_config__.tag): struct for struct in self._handlers}

    def copy(self) -> Events:
        """Return the declarations as they are now; later ones change nothing in them."""
        copied = Events()
        copied._handlers |= self._handlers
        copied.tell_again = self.tell_again
        return copied


class Router:
    """Finds the handler of each text, calls it, and answers."""

    def __init__(self, events: Events, log: logging.Logger, names: Names | None = None) -> None:
        self.events = events.copy()
        self._handlers = self.events._handlers
        self._decode = Decoder(self._handlers, names).decode
        self._counts = dict.fromkeys(self._handlers, 0)  # struct -> how many came
        self._log = log

    def counts(self) -> dict[str, float]:
        """Return how many events of each name came."""
        return {name: self._counts[struct] for name, struct in self.events.payloads.items()}

    def dispatch(self, client: Socket, text: str) -> None:
        """Handle one text from `client` and answer it. Raises nothing."""
        ref = None
        try:
            event = self._decode(text)
            ref = event.ref
            self._counts[kind := type(event)] += 1
            handler, before_init = self._handlers[kind]
            if client.owner is None and not before_init:
                raise NotInitialised
            answer = handler(client, event)
            if ref is not None and not isinstance(answer, Later):
                client.answer(ref, answer)
        except ChatError as error:
            client.answer(ref_of(text) if ref is None else ref, error)
        except KeyboardInterrupt:
            raise
        except BaseException:  # a handler's gevent.Timeout and sys.exit() are its failures as well
            self._log.exception("a handler failed for user=%r", client.owner)
            client.answer(ref, Internal())


events = Events()
