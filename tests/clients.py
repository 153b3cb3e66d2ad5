"""What the tests share to talk to a server: the independent client `websockets`, a JSON object at a time."""

from __future__ import annotations

import json
import time
from typing import Any

from websockets.sync.client import ClientConnection, connect

SECONDS = 10


class Person:
    """One socket of one user. `Person(server.ws, "alice")` is connected and has had its `ready`."""

    def __init__(self, url: str, user_id: str | None = None, **options: Any) -> None:
        self._context = connect(url, max_size=None, **options)
        self.socket: ClientConnection = self._context.__enter__()
        if user_id is not None:
            self.send(type="init", userId=user_id)
            self.ready = self.receive("ready")

    def send(self, **event: Any) -> None:
        self.socket.send(json.dumps(event))

    def receive(self, kind: str | None = None, seconds: float = SECONDS) -> dict[str, Any]:
        """The next event, or with `kind` the next of that type: others are skipped, as clients do.

        `presence`, which comes when it comes, only where it is asked for.
        """
        until = time.monotonic() + seconds
        while True:
            event = json.loads(self.socket.recv(timeout=max(0.001, until - time.monotonic())))
            if kind == event["type"] or (kind is None and event["type"] != "presence"):
                return event

    def ask(self, **event: Any) -> dict[str, Any]:
        """Send an event with a ref and return its ack or error."""
        self.send(**event, ref="asked")
        while (answer := self.receive()).get("ref") != "asked":
            pass
        return answer

    def hears_nothing(self) -> bool:
        """Whether nothing but the answer to a ping, sent now, comes in."""
        self.send(type="ping")
        return self.receive()["type"] == "pong"

    def close_code(self) -> int:
        """Wait until the server closes this socket, and return with which code."""
        while True:
            try:
                self.socket.recv(timeout=SECONDS)
            except TimeoutError:
                raise
            except Exception:
                assert self.socket.protocol.close_code is not None
                return self.socket.protocol.close_code

    def close(self, code: int = 1000) -> None:
        self.socket.close(code)

    def __enter__(self) -> Person:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
