"""What a worker knows of names, where the database fails for a while."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chat.errors import SignInNeeded, Unavailable
from chat.people.directory import Directory
from chat.people.tokens import Tokens
from tests.storage.conftest import open_storage


def test_what_changed_while_the_database_was_away_is_noticed_when_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, away = 1_800_000_000.0, False
    monkeypatch.setattr("time.time", lambda: now)
    storage = open_storage(f"sqlite:///{tmp_path}/chat.db", clock=lambda: now)

    def run(function: Callable[..., Any], *args: Any) -> Any:
        if away:
            raise Unavailable
        return function(*args)

    accounts = storage.accounts
    directory = Directory()
    directory.open(Tokens(b"x" * 32, 600), accounts, run, required=False)
    assert directory.admit("alice", None) == ("alice", None)
    accounts.give_password("alice", "hash")
    away = True
    for _ in range(60):  # longer than it looks back by itself
        now += 1
        directory.keep_up()
    assert directory.admit("alice", None) == ("alice", None), "need ignorance for this to mean anything"
    away = False
    directory.keep_up()
    with pytest.raises(SignInNeeded):
        directory.admit("alice", None)
    storage.close()
