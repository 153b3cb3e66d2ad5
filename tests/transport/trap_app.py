"""The chat with a few events that misbehave, for the tests of traps."""

from __future__ import annotations

import gevent

from chat import Client, Payload, create_app, events


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


app = create_app()
