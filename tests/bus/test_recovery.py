"""What did not come by the bus is found, however often somebody looks, and whatever fails meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from chat.bus.recovery import LOOK_SECONDS, Recovery
from chat.errors import Unavailable


class Scene:
    def __init__(self) -> None:
        self.looked: list[float] = []
        self.filled: list[tuple[str, str, int, int]] = []
        self.meanwhile: Callable[[], None] = lambda: None
        self.changed: list[tuple[str, str, int, int]] = [("alice", "bob", 3, 7)]
        storage: Any = SimpleNamespace(database=None, in_thread=lambda _function, seconds: self._changed(seconds))
        gate: Any = SimpleNamespace(fill=lambda *args: self.filled.append(args))
        online: Any = SimpleNamespace(of=lambda user: user == "alice", users=list)
        presence: Any = SimpleNamespace(look_for_the_lost=lambda: None)
        self.recovery = Recovery(
            storage, gate, online, online, presence, lambda _: None, lambda _: None, lambda call, *args: call(*args)
        )

    def _changed(self, seconds: float) -> list[tuple[str, str, int, int]]:
        self.looked.append(seconds)
        meanwhile, self.meanwhile = self.meanwhile, lambda: None
        meanwhile()
        return self.changed


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_users_who_are_here_get_what_did_not_come(scene: Scene) -> None:
    scene.recovery.look(60)
    assert scene.filled == [("alice", "bob", 7, 2)]


def test_a_look_that_is_asked_for_during_another_one_is_not_forgotten(scene: Scene) -> None:
    scene.meanwhile = lambda: scene.recovery.look(600)
    scene.recovery.look(60)
    assert scene.looked == [60, 600]


def test_a_look_that_fails_is_made_up_for_by_the_next(scene: Scene) -> None:
    def fail() -> None:
        raise Unavailable

    scene.meanwhile = fail
    scene.recovery.look(600)
    scene.recovery.look(60)
    assert scene.looked == [600, 600 + LOOK_SECONDS]


def test_it_looks_twice_a_minute(scene: Scene) -> None:
    for _ in range(60):
        scene.recovery.sweep()
    assert scene.looked == [60, 60]
