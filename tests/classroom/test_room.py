"""Whose a name is, and by which link one comes in."""

from __future__ import annotations

import unicodedata

import pytest

from chat.classroom import room as rooms
from chat.classroom.room import Room
from chat.errors import Forbidden, InvalidField, NameTaken


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.mark.parametrize(
    "other", ["민수", " 민수 ", unicodedata.normalize("NFD", "민수")], ids=["the same", "with blanks", "decomposed"]
)
def test_a_name_that_somebody_has_is_refused(room: Room, other: str) -> None:
    room.join("민수")
    with pytest.raises(NameTaken):
        room.join(other)


@pytest.mark.parametrize("other", ["ALICE", "a1ice", "аlісе"], ids=["in capitals", "with a one", "in Cyrillic"])
def test_a_name_that_looks_like_another_one_is_refused(room: Room, other: str) -> None:
    room.join("alice")
    with pytest.raises((NameTaken, InvalidField)):
        room.join(other)


@pytest.mark.parametrize("name", ["", "김 민수", "a\u200bb", "!!!"])
def test_a_name_that_breaks_a_rule_is_refused(room: Room, name: str) -> None:
    with pytest.raises(InvalidField):
        room.join(name)
    assert room.pupils == []


@pytest.mark.parametrize("name", ["teacher", "Teacher", "선생님"])
def test_only_who_has_the_key_is_the_teacher(room: Room, name: str) -> None:
    with pytest.raises(NameTaken):
        room.join(name)
    assert room.join(name, is_teacher=True).name == name


def test_a_browser_is_known_by_its_claim_until_its_name_is_freed(room: Room) -> None:
    alice, bob = room.join("alice"), room.join("bob")
    assert room.pupil_of(alice.claim) is alice
    assert room.pupil_of("") is None
    room.leave("alice")
    assert room.pupil_of(alice.claim) is None
    assert room.pupil_of(bob.claim) is bob
    assert room.join("alice").claim != alice.claim


def test_the_roster_is_in_the_order_of_names_with_the_step_that_was_opened_last(room: Room) -> None:
    bob, alice = room.join("bob"), room.join("Alice")
    room.note_step(bob.claim, "push")
    room.note_step(bob.claim, "frame")
    room.note_step("a stranger's", "push")
    assert [(pupil.name, pupil.step) for pupil in room.pupils] == [("Alice", ""), ("bob", "frame")]
    assert alice.step == ""


def test_a_full_class_takes_nobody(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "MOST_PUPILS", 1)
    room.join("alice")
    with pytest.raises(Forbidden) as refused:
        room.join("bob")
    assert refused.value.rule == "class_full"


def test_link_and_key_are_those_of_one_lesson(room: Room) -> None:
    other = Room()
    assert room.is_join_token(room.join_token)
    assert room.is_join_token(room.join_token.upper())  # a telephone's keyboard begins so
    assert not room.is_join_token(other.join_token)
    assert not room.is_join_token("")
    assert room.is_teacher_key(room.teacher_key)
    assert not any(map(room.is_teacher_key, ("", other.teacher_key, "선생님")))
