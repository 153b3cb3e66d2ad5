"""Stands in for sockets and for the clock, where what is done for all connections is tested."""

from __future__ import annotations

from typing import Any

from chat.transport.connections import CLOSED, CLOSING, OPEN, Connections


class FakeTime:
    """Stands in for `time` and for `gevent.sleep`: who sleeps moves it on."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.events: list[tuple[float, Any]] = []  # (when, function): what happens meanwhile

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for event in [event for event in self.events if event[0] <= self.now]:
            self.events.remove(event)
            event[1]()


class FakeConnection:
    """Writes down what is done with it. It hangs up at once when closed, unless told otherwise."""

    def __init__(self, connections: Connections, hangs_up: bool = True) -> None:
        self.connections = connections
        self.hangs_up = hangs_up
        self.state = OPEN
        self.address = "127.0.0.1"
        self.deadline: float | None = None
        self.silence = 0
        self.busy = False
        self.awaits_pong = False
        self.done: list[Any] = []
        self.back_after = 0.0  # seconds, as it was told
        connections.add(self)  # type: ignore[arg-type]

    def overdue(self) -> None:
        self.close(4502)

    def refill(self) -> None:
        pass  # tests/test_limits.py

    def ping(self) -> None:
        self.done.append("ping")

    def flush(self) -> None:
        self.done.append("flush")

    def pause(self) -> None:
        self.done.append("pause")

    def close(self, code: int, reason: str = "") -> None:
        self.done.append(("close", code))
        self.state = CLOSING
        if self.hangs_up:
            self.connections.discard(self)  # type: ignore[arg-type]

    def restart(self, seconds: float) -> None:
        self.back_after = seconds
        self.close(1012)

    def abort(self, reason: str) -> None:
        self.done.append(("abort", reason))
        self.state = CLOSED
        self.connections.discard(self)  # type: ignore[arg-type]
