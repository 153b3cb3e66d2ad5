"""A peer and its surroundings in memory, for what sends to a peer that may be slow, or gone."""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

OUTBOX_BYTES = 100


class FakePeer:
    """Keeps what it is sent. `has_space`: whether its outbox has room; `catches_up`: whether waiting helps."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.pings = 0
        self.closed: int | None = None
        self.has_space = True
        self.catches_up = False
        self.wants_sync = False

    def send(self, frame: bytes) -> bool:
        if self.closed is None:
            self.sent.append(frame)
        return self.closed is None

    def has_room(self, size: int) -> bool:
        return self.has_space

    def wait_written(self, seconds: float) -> bool:
        return self.catches_up

    def close(self, code: int, reason: str = "") -> None:
        self.closed = self.closed or code

    def ping(self) -> int:
        self.pings += 1
        return self.pings


class FakeConnections:
    """Runs what is spawned when it is told to."""

    def __init__(self) -> None:
        self.settings = SimpleNamespace(outbox_bytes=OUTBOX_BYTES)
        self.log = logging.getLogger("chat")
        self._spawned: list[Callable[[], object]] = []

    def spawn(self, function: Callable[..., object], *args: Any) -> None:
        self._spawned.append(lambda: function(*args))

    def run(self) -> None:
        while self._spawned:
            self._spawned.pop(0)()


@pytest.fixture
def peer() -> FakePeer:
    return FakePeer()


@pytest.fixture
def connections() -> FakeConnections:
    return FakeConnections()
