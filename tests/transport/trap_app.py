"""The chat with a few events that misbehave, for the tests of traps."""

from __future__ import annotations

from contextvars import ContextVar

import gevent

from chat import Client, Payload, UserId, create_app, emit, events

remembered: ContextVar[str | None] = ContextVar("remembered", default=None)


class Nap(Payload):
    seconds: float
    number: int = 0


@events.on("nap", Nap, before_init=True)
def nap(client: Client, event: Nap) -> dict[str, int]:
    """A slow handler."""
    gevent.sleep(event.seconds)
    return {"number": event.number}


@events.on("stumble", before_init=True)
def stumble(client: Client, event: Payload) -> None:
    """A handler with a bug."""
    raise RuntimeError("stumbled over a stone")


@events.on("overrun", before_init=True)
def overrun(client: Client, event: Payload) -> None:
    """A handler whose own time limit ends it; gevent.Timeout is no Exception."""
    with gevent.Timeout(0.01):
        gevent.sleep(60)


@events.on("unsendable", before_init=True)
def unsendable(client: Client, event: Payload) -> dict[str, object]:
    """A handler whose answer JSON has no form for."""
    return {"what": object()}


class Quote(Payload):
    text: str


@events.on("quote", Quote)
def quote(client: Client, event: Quote) -> None:
    """A handler whose error quotes what the client wrote, as int() does."""
    raise ValueError(event.text)


@events.on("remember")
def remember(client: Client, event: Payload) -> dict[str, str | None]:
    """A handler that leaves something behind in a context variable."""
    found = remembered.get()
    remembered.set(client.user_id)
    return {"found": found}


class Elsewhere(Payload):
    to_user_id: UserId


@events.on("emitElsewhere", Elsewhere)
def emit_elsewhere(client: Client, event: Elsewhere) -> dict[str, bool]:
    """A handler that sends from a thread of gevent's pool."""
    try:
        gevent.get_hub().threadpool.apply(emit, ({"type": "poke"}, event.to_user_id))
    except RuntimeError:
        return {"refused": True}
    return {"refused": False}


app = create_app()
