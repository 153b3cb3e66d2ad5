"""Guessing passwords: how many guesses are hashed, whose turn it is, and that no crowd shuts an owner out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
import pytest
from gevent.event import Event
from gevent.threadpool import ThreadPool

from chat.config import Settings
from chat.errors import RateLimited
from chat.limits import WRONG_PASSWORDS, WRONG_PASSWORDS_OF_A_NAME, Limits
from chat.metrics import Metrics
from chat.people import passwords
from chat.people.guesses import Guesses
from chat.people.passwords import HASHES_AT_ONCE, HashingQueue
from chat.people.turns import WAITING


class Hashing:
    """Stands for the pool: greenlets, each of which waits until the test lets it go on."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.may_go_on = Event()

    def apply(self, function: Callable[..., Any], args: tuple[Any, ...]) -> bool:
        self.begun.append(str(args[0]))
        self.may_go_on.wait()
        return bool(args[0] == args[1])


@pytest.fixture
def hashing(monkeypatch: pytest.MonkeyPatch) -> Hashing:
    monkeypatch.setattr("chat.people.turns.Event", Event)  # of gevent, whose patches a server has
    return Hashing()


@pytest.fixture
def guesses(hashing: Hashing) -> Guesses:
    return Guesses(Limits(Settings(rate_limits="off")), HashingQueue(hashing.apply), Metrics().wrong_passwords)


def outcome(guesses: Guesses, password: str, origin: str, user: str = "carol") -> str:
    try:
        guesses.check(origin, user)
        return "right" if guesses.fits(password, "right", origin, user) else "wrong"
    except RateLimited:
        return "limited"


def test_of_guesses_that_come_all_at_once_no_more_are_hashed_than_of_those_that_come_one_by_one(
    guesses: Guesses, hashing: Hashing
) -> None:
    trying = [gevent.spawn(outcome, guesses, "guess", "192.0.2.1") for _ in range(60)]
    gevent.sleep(0)
    assert len(hashing.begun) == HASHES_AT_ONCE, "need parallel guesses for this to mean anything"
    hashing.may_go_on.set()
    gevent.joinall(trying)
    assert len(hashing.begun) == WRONG_PASSWORDS
    assert [one.value for one in trying].count("wrong") == WRONG_PASSWORDS
    assert outcome(guesses, "right", "192.0.2.1") == "limited"
    assert outcome(guesses, "right", "192.0.2.2") == "right"


def test_a_class_that_signs_in_at_once_from_one_address_spends_nothing(guesses: Guesses, hashing: Hashing) -> None:
    trying = [gevent.spawn(outcome, guesses, "right", "192.0.2.1") for _ in range(WAITING)]
    gevent.sleep(0)
    hashing.may_go_on.set()
    gevent.joinall(trying)
    assert {one.value for one in trying} == {"right"}


def test_a_name_is_guessed_so_often_a_day_by_all_addresses_together_and_its_owner_comes_in_where_they_were(
    guesses: Guesses, hashing: Hashing
) -> None:
    hashing.may_go_on.set()
    assert outcome(guesses, "right", "198.51.100.7") == "right"
    tried = [
        outcome(guesses, "guess", f"2001:db8:0:{network:x}::/64")
        for network in range(2 * WRONG_PASSWORDS_OF_A_NAME // WRONG_PASSWORDS)
        for _ in range(WRONG_PASSWORDS)
    ]
    assert tried.count("wrong") == WRONG_PASSWORDS_OF_A_NAME
    assert outcome(guesses, "right", "203.0.113.1") == "limited", "a place where nobody knows them"
    assert outcome(guesses, "right", "198.51.100.7") == "right", "the owner's"
    guesses.note_owner("203.0.113.1", "carol")  # whose token was shown there
    assert outcome(guesses, "right", "203.0.113.1") == "right"
    assert outcome(guesses, "guess", "203.0.113.1", "bob") == "wrong", "another name"


def test_one_address_alone_cannot_use_up_what_a_name_may_be_guessed() -> None:
    limits = Limits(Settings())
    address, name = limits.wrong_passwords, limits.wrong_passwords_of_a_name
    assert 2 * address._seconds_each >= name._seconds_each, "two addresses earn as much as the name"
    assert address._seconds_each > name._seconds_each


def test_addresses_take_turns_to_hash_however_many_one_of_them_sends(guesses: Guesses, hashing: Hashing) -> None:
    crowd = [gevent.spawn(outcome, guesses, "right", "192.0.2.1", f"crowd{n}") for n in range(300)]
    gevent.sleep(0)
    other = gevent.spawn(outcome, guesses, "another guess", "192.0.2.2", "alice")
    gevent.sleep(0)
    hashing.may_go_on.set()
    other.join()
    assert hashing.begun.index("another guess") == HASHES_AT_ONCE + 1, "one turn behind those that had begun"
    gevent.joinall(crowd)
    assert [one.value for one in crowd].count("right") == HASHES_AT_ONCE + WAITING
    assert [one.value for one in crowd].count("limited") == 300 - HASHES_AT_ONCE - WAITING


def test_a_request_that_is_given_up_gives_its_turn_to_the_next(guesses: Guesses, hashing: Hashing) -> None:
    trying = [gevent.spawn(outcome, guesses, "right", "192.0.2.1") for _ in range(4 * HASHES_AT_ONCE)]
    gevent.sleep(0)
    gevent.killall(trying[HASHES_AT_ONCE : 2 * HASHES_AT_ONCE])  # they wait
    gevent.killall(trying[:HASHES_AT_ONCE])  # they hash
    hashing.may_go_on.set()
    gevent.joinall(trying)
    assert [one.value for one in trying[2 * HASHES_AT_ONCE :]] == ["right"] * 2 * HASHES_AT_ONCE
    assert outcome(guesses, "right", "192.0.2.1") == "right"


def test_a_password_is_hashed_in_a_thread_of_the_pool() -> None:
    pool = ThreadPool(1)
    queue = HashingQueue(pool.apply)
    stored = queue.hashed("correct horse", "192.0.2.1")
    with queue.turn("192.0.2.1"):
        assert queue.in_thread(passwords.fits, "correct horse", stored)
        assert not queue.in_thread(passwords.fits, "wrong horse", stored)
    pool.kill()
