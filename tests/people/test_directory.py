"""What a worker knows of names, where the database fails for a while."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest

from chat.errors import ChatError, RateLimited, SignInNeeded, Unavailable, UnknownUser
from chat.limits import Meter
from chat.people.directory import Directory
from chat.people.online import Online
from chat.people.tokens import Tokens
from chat.protocol.names import name_key
from chat.storage.storage import Storage
from tests.clock import Clock
from tests.storage.conftest import begin_with_tables


class FailingStorage(Storage):
    """Answers nothing while it `is_away`."""

    is_away = False

    def in_thread(self, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        if self.is_away:
            raise Unavailable
        return function(*args, **options)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("time.time", clock)
    return clock


@pytest.fixture
def storage(tmp_path: Path, clock: Clock) -> Iterator[FailingStorage]:
    begin_with_tables(url := f"sqlite:///{tmp_path}/chat.db")
    storage = FailingStorage(url, name_key, logging.getLogger("chat"), 1_000, clock=clock)
    yield storage
    storage.close()


def test_what_changed_while_the_database_was_away_is_noticed_when_it_is_back(
    storage: FailingStorage, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.monotonic", clock)
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


class FakeSocket:
    owner = admission = None


def test_who_is_here_with_a_free_name_is_told_that_it_has_a_password_now(storage: FailingStorage) -> None:
    told: list[str] = []

    class Here(FakeSocket):
        def shut_out(self, why: ChatError) -> None:
            told.append(why.code)

    online: Online[Any] = Online()
    directory = Directory(Tokens(b"x" * 32, 600), storage, online, Online(), name_key, required=False)
    online.add(directory.admit("alice", None)[0], Here())
    storage.accounts.give_password("alice", "hash")  # at another worker; nothing was stored of the name before
    directory.keep_up()
    assert told[0] == "name_protected"  # a socket that is closed hears nothing more


def test_the_spelling_of_somebody_online_is_never_forgotten_however_many_names_are_named(
    storage: FailingStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.people.directory.KNOWN", 100)
    online: Online[Any] = Online()
    directory = Directory(Tokens(b"x" * 32, 600), storage, online, Online(), name_key, required=False)
    for number in range(50):
        name, _ = directory.admit(f"Listener{number}", None)
        online.add(name, FakeSocket())
    for number in range(500):
        directory.name_of(f"n{number}")
    assert len(directory._accounts) <= 100
    assert {directory.name_of(f"LISTENER{number}") for number in range(50)} == {f"Listener{n}" for n in range(50)}


def test_where_more_are_online_than_are_kept_none_of_them_is_forgotten(
    storage: FailingStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.people.directory.KNOWN", 10)
    online: Online[Any] = Online()
    directory = Directory(Tokens(b"x" * 32, 600), storage, online, Online(), name_key, required=False)
    for number in range(50):
        online.add(directory.admit(f"Listener{number}", None)[0], FakeSocket())
    assert {directory.name_of(f"LISTENER{number}") for number in range(50)} == {f"Listener{n}" for n in range(50)}


@pytest.mark.parametrize("required", [False, True])
def test_an_address_may_name_so_many_names_a_minute_that_nobody_has_used(
    storage: FailingStorage, required: bool
) -> None:
    storage.accounts.keep_names(["Bob"])
    given = Tokens(b"x" * 32, 600), storage, Online[Any](), Online[Any](), name_key, required, False, Meter(10)

    def outcomes(directory: Directory, names: list[str], address: str) -> list[str]:
        found = []
        for name in names:
            try:
                found.append(directory.name_of(name, address=address))
            except (RateLimited, UnknownUser) as error:
                found.append(error.code)
        return found

    directory = Directory(*given)
    new = [f"n{number}" for number in range(10)]
    answers = ["unknown_user"] * 10 if required else new
    assert outcomes(directory, ["bob"] * 20, "2001:db8::1") == ["Bob"] * 20, "one that is stored is not new"
    assert outcomes(directory, new, "2001:db8::2") == answers
    assert outcomes(directory, ["another"], "2001:db8::3") == ["rate_limited"], "an IPv6 network is one address"
    assert outcomes(directory, ["bob"], "2001:db8::3") == ["Bob"], "who is known is not looked up"
    assert outcomes(directory, ["another"], "192.0.2.1") == [("unknown_user" if required else "another")]


def test_a_user_of_the_host_who_is_known_comes_in_while_nothing_can_be_written(
    storage: FailingStorage, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.accounts.keep_names(["Known"])
    directory = Directory(Tokens(b"x" * 32, 600), storage, Online(), Online(), name_key, True, True)

    def token(name: str) -> str:
        return jwt.encode({"sub": name, "iat": clock.now, "exp": clock.now + 60}, b"x" * 32, "HS256")

    with monkeypatch.context() as failing:
        failing.setattr(storage, "write", lambda *_: (_ for _ in ()).throw(Unavailable()))
        assert directory.admit("known", token("known"))[0] == "Known"
        with pytest.raises(Unavailable):
            directory.admit("new", token("new"))
    assert directory.admit("known", token("known"))[0] == "Known"
    account, _ = storage.accounts.find("known")
    assert account is not None
    assert account.host, "noted at the next admission"
