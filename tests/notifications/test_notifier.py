"""What waits to be marked as seen is one write's, and bounded for each user."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from chat.errors import Busy
from chat.figures.kinds import Counter
from chat.notifications.notifier import MOST_TO_SEE, Notifier
from chat.people.fanout import Fanout


class HangingJournal:
    """Writes nothing until `go_on`."""

    def __init__(self) -> None:
        self.writes: list[tuple[Callable[[Any], None], list[tuple[int, str]]]] = []

    def write_later(self, settle: Callable[[Any], None], _: Any, pairs: list[tuple[int, str]]) -> None:
        self.writes.append((settle, pairs))

    def go_on(self) -> list[tuple[int, str]]:
        settle, pairs = self.writes.pop(0)
        settle({})
        return pairs


@pytest.fixture
def journal() -> HangingJournal:
    return HangingJournal()


@pytest.fixture
def notifier(journal: HangingJournal) -> Notifier:
    storage: Any = SimpleNamespace(journal=journal, notifications=SimpleNamespace(see=None))
    return Notifier(storage, None, Fanout(), Fanout(), lambda *_: None, Counter("sent", "", Any))  # type: ignore[arg-type]


def test_who_says_seen_faster_than_it_is_stored_is_refused_and_nobody_else(
    notifier: Notifier, journal: HangingJournal
) -> None:
    notifier.see("alice", [0])  # is being written
    answers: list[Any] = []
    for id_ in range(MOST_TO_SEE):
        notifier.see("alice", [id_], then=answers.append)
    with pytest.raises(Busy):
        notifier.see("alice", [1])
    notifier.see("bob", [2], then=answers.append)
    assert journal.go_on() == [(0, "alice")]
    assert len(journal.go_on()) == MOST_TO_SEE + 1, "one write takes what waits"
    assert answers == [None] * (MOST_TO_SEE + 1), "each is answered once"
    notifier.see("alice", [1])
    assert journal.go_on() == [(1, "alice")], "what is stored makes room"
