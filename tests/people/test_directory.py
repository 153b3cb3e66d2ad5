"""What a worker knows of names, where the database fails for a while."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chat.errors import SignInNeeded, Unavailable
from chat.people.directory import Directory
from chat.people.online import Online
from chat.people.tokens import Tokens
from chat.protocol.names import name_key
from chat.storage.storage import Storage


class FailingStorage(Storage):
    """Answers nothing while it `is_away`."""

    is_away = False

    def in_thread(self, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        if self.is_away:
            raise Unavailable
        return function(*args, **options)


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("time.time", clock)
    return clock


@pytest.fixture
def storage(tmp_path: Path, clock: Clock) -> Iterator[FailingStorage]:
    storage = FailingStorage(f"sqlite:///{tmp_path}/chat.db", name_key, logging.getLogger("chat"), 1_000, clock=clock)
    yield storage
    storage.close()


def test_what_changed_while_the_database_was_away_is_noticed_when_it_is_back(
    storage: FailingStorage, clock: Clock
) -> None:
    tokens = Tokens(b"x" * 32, 600)
    directory = Directory(tokens, storage, Online(), Online(), name_key, required=False)
    assert directory.admit("alice", None) == ("alice", None)
    storage.accounts.give_password("alice", "hash")
    storage.is_away = True
    for _ in range(60):  # longer than it looks back by itself
        clock.now += 1
        directory.keep_up()
    assert directory.admit("alice", None) == ("alice", None), "need ignorance for this to mean anything"
    storage.is_away = False
    directory.keep_up()
    with pytest.raises(SignInNeeded):
        directory.admit("alice", None)
