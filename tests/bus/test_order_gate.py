"""Each user gets each message of a conversation once, in its order, whichever worker stored it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from chat.bus.order_gate import HOLD_SECONDS, MOST_HELD, OrderGate
from chat.errors import Unavailable


class Scene:
    """Alice's gate, with a database that holds what is put into it."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, bytes, object]] = []
        self.stored: dict[int, bytes] = {}
        self.reads: list[tuple[int, int]] = []
        self.is_away = False
        self.later: list[tuple[float, Callable[[], None]]] = []
        self.sent_away: list[str] = []
        self.gate = OrderGate(self._hand_over, self._read, self._later, self.sent_away.append)

    def begin(self, last: int = 0, is_complete: bool = True) -> Scene:
        self.gate.open("alice")
        self.gate.begin("alice", {"bob": last} if last else {}, is_complete)
        return self

    def comes(self, *seqs: int) -> list[int | None]:
        return [self.gate.deliver("alice", "bob", seq, b"%d" % seq) for seq in seqs]

    @property
    def seqs(self) -> list[int]:
        return [seq for seq, *_ in self.sent]

    def time_passes(self) -> None:
        later, self.later = self.later, []
        for _, call in later:
            call()

    def _hand_over(self, user_id: str, other: str, seq: int, frame: bytes, skip: object) -> int:
        assert (user_id, other) == ("alice", "bob")
        self.sent.append((seq, frame, skip))
        return 1

    def _read(self, _user_id: str, _other: str, after: int, up_to: int) -> dict[int, bytes]:
        self.reads.append((after, up_to))
        if self.is_away:
            raise Unavailable
        return {seq: frame for seq, frame in self.stored.items() if after < seq <= up_to}

    def _later(self, seconds: float, function: Callable[..., None], *args: Any) -> None:
        self.later.append((seconds, lambda: function(*args)))


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_what_comes_in_order_is_passed_on_at_once(scene: Scene) -> None:
    assert scene.begin(last=4).comes(5, 6, 7) == [1, 1, 1]
    assert scene.seqs == [5, 6, 7]
    assert not scene.later, "no timer for what needs none"


def test_what_comes_too_early_waits_for_what_is_before_it(scene: Scene) -> None:
    scene.begin().comes(2, 3)
    assert scene.seqs == []
    scene.comes(1)
    assert scene.seqs == [1, 2, 3]
    assert not scene.reads


def test_what_came_before_is_dropped(scene: Scene) -> None:
    assert scene.begin(last=3).comes(2, 3, 4, 4) == [None, None, 1, None]
    assert scene.seqs == [4]


def test_what_does_not_come_is_read(scene: Scene) -> None:
    scene.begin(last=1).comes(4)
    scene.stored = {seq: b"read %d" % seq for seq in range(1, 5)}
    [(seconds, _)] = scene.later
    assert seconds == HOLD_SECONDS
    scene.time_passes()
    assert [frame for _, frame, _ in scene.sent] == [b"read 2", b"read 3", b"4"]
    assert scene.comes(5) == [1]


def test_what_was_erased_is_not_waited_for(scene: Scene) -> None:
    scene.begin(last=1).comes(4)
    scene.time_passes()
    assert scene.seqs == [4]
    assert scene.comes(3, 5) == [None, 1]


def test_while_the_database_is_away_it_waits_and_tries_again(scene: Scene) -> None:
    scene.begin().comes(2)
    scene.is_away = True
    scene.time_passes()
    assert scene.seqs == []
    scene.is_away, scene.stored = False, {1: b"1"}
    scene.time_passes()
    assert scene.seqs == [1, 2]


def test_what_somebody_found_is_not_forgotten_while_the_database_is_away(scene: Scene) -> None:
    scene.begin(last=2)
    scene.is_away = True
    scene.gate.fill("alice", "bob", 4)
    scene.is_away, scene.stored = False, {3: b"3", 4: b"4"}
    scene.time_passes()
    assert scene.seqs == [3, 4]


def test_until_the_conversations_are_read_everything_waits(scene: Scene) -> None:
    scene.gate.open("alice")
    scene.comes(8, 7, 6)
    scene.gate.begin("alice", {"bob": 6}, True)
    assert scene.seqs == [7, 8]
    scene.gate.begin("alice", {"bob": 2}, True)  # of a second socket, which read a moment ago
    scene.comes(9)
    assert scene.seqs == [7, 8, 9]


def test_of_a_conversation_that_was_not_read_the_first_ones_are_put_in_order(scene: Scene) -> None:
    scene.begin(is_complete=False).comes(12, 11, 13)
    assert scene.seqs == []
    scene.time_passes()
    assert scene.seqs == [11, 12, 13]
    assert scene.comes(14) == [1]


def test_the_skipped_socket_is_remembered_while_a_message_waits(scene: Scene) -> None:
    mine = object()
    scene.begin()
    scene.gate.deliver("alice", "bob", 2, b"2", mine)
    scene.comes(1)
    assert scene.sent == [(1, b"1", None), (2, b"2", mine)]


@pytest.mark.parametrize("ends", ["passes", "closes", "is read", "is old", "has no socket"])
def test_a_sender_is_answered_once_whatever_becomes_of_the_message(scene: Scene, ends: str) -> None:
    answers: list[str] = []

    def deliver(seq: int) -> None:
        scene.gate.deliver("alice", "bob", seq, b"2", None, lambda: answers.append("answered"))

    if ends == "has no socket":
        deliver(2)
        assert answers == ["answered"]
        return
    scene.begin(last=2 if ends == "is old" else 0)
    deliver(2)
    assert answers == (["answered"] if ends == "is old" else [])
    if ends == "passes":
        scene.comes(1)
    elif ends == "closes":
        scene.gate.close("alice")
    scene.stored = {1: b"1", 2: b"2"}
    scene.time_passes()
    assert answers == ["answered"]


def test_who_waits_for_too_much_begins_anew(scene: Scene) -> None:
    scene.begin().comes(*range(2, MOST_HELD + 3))
    assert scene.sent_away == ["alice"]


def test_what_was_missed_is_passed_on_when_somebody_finds_it(scene: Scene) -> None:
    scene.begin(last=2)
    scene.stored = {seq: b"%d" % seq for seq in range(1, 6)}
    scene.gate.fill("alice", "bob", 5)
    assert scene.seqs == [3, 4, 5]
    scene.gate.fill("alice", "bob", 5)
    assert scene.reads == [(2, 5)], "what is there is not read again"


def test_whatever_the_order_each_comes_once_and_in_order(scene: Scene) -> None:
    dice = random.Random(1)
    scene.begin()
    scene.stored = {seq: b"%d" % seq for seq in range(1, 301)}
    seqs = [seq for seq in range(1, 301) if dice.random() < 0.9] * 2
    for start in range(0, len(seqs), 7):
        some = seqs[start : start + 7]
        dice.shuffle(some)
        scene.comes(*some)
        if dice.random() < 0.2:
            scene.time_passes()
    scene.time_passes()
    scene.gate.fill("alice", "bob", 300)
    assert scene.seqs == [*range(1, 301)]
