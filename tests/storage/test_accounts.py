"""Accounts, on both engines: one name, one row; what ends sessions; what other workers get to see."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest

from chat.protocol.names import name_key
from chat.storage.accounts import Accounts, EndedSession
from chat.storage.database import Database
from tests.storage.conftest import open_storage

NOW = 1_800_000_000_000


class Clock:
    ms = NOW

    def __call__(self) -> float:
        return self.ms / 1000


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def accounts(database_url: str, clock: Clock) -> Iterator[Accounts]:
    storage = open_storage(database_url, clock)
    yield storage.accounts
    storage.close()


def test_a_name_that_never_came_has_no_account(accounts: Accounts) -> None:
    assert accounts.find("nobody", "session") == (None, False)


def test_the_spelling_that_came_first_is_how_a_name_is_written(accounts: Accounts) -> None:
    assert accounts.keep_names(["Admin", "bob"]) == ["Admin", "bob"]
    assert accounts.keep_names(["BOB", "ADMIN", "Bob"]) == ["bob", "Admin", "bob"]
    account, _ = accounts.find("aDMIN")
    assert account is not None
    assert (account.name, account.password, account.disabled, account.valid_from) == (
        "Admin", None, False, 0,
    )  # fmt: skip


def test_a_free_name_takes_a_password_once(accounts: Accounts) -> None:
    account = accounts.give_password("Alice", "hash")
    assert account is not None
    assert (account.password, account.valid_from) == ("hash", NOW + 1)
    assert accounts.give_password("alice", "another") is None
    assert accounts.find("ALICE")[0] == account


def test_of_many_processes_that_protect_a_name_at_once_one_succeeds(accounts: Accounts, database_url: str) -> None:
    given: list[object] = []

    def protect(number: int) -> None:
        other = Database(database_url, logging.getLogger("chat"))
        given.append(Accounts(other, name_key).give_password("alice", f"hash{number}"))
        other.close()

    threads = [threading.Thread(target=protect, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(given) == 8
    assert sum(account is not None for account in given) == 1


def test_a_password_changes_only_from_the_one_that_was_checked(accounts: Accounts, clock: Clock) -> None:
    accounts.give_password("alice", "old")
    clock.ms += 10
    assert accounts.change_password("alice", "older", "new") is None
    changed = accounts.change_password("alice", "old", "new")
    assert changed is not None
    assert (changed.password, changed.valid_from) == ("new", NOW + 11)
    assert accounts.change_password("nobody", None, "new") is None


def test_a_disabled_name_is_kept_shut_and_can_be_opened(accounts: Accounts) -> None:
    assert accounts.disable("spam").disabled
    assert accounts.give_password("spam", "hash") is None
    assert not accounts.disable("SPAM", False).disabled
    assert accounts.give_password("spam", "hash") is not None


def test_other_workers_see_what_changed_since(accounts: Accounts, clock: Clock) -> None:
    accounts.keep_names(["quiet"])
    accounts.give_password("alice", "hash")
    accounts.end_session("s1", "Bob", expires_at=NOW / 1000 + 5)
    clock.ms += 1_000
    accounts.disable("carol")
    accounts.end_session("s1", "bob", expires_at=NOW / 1000 + 5)
    changed, ended = accounts.changed_since(NOW)
    assert {account.name for account in changed} == {"alice", "carol"}
    assert ended == [EndedSession("s1", "bob")]
    changed, ended = accounts.changed_since(NOW + 1)
    assert ([account.name for account in changed], ended) == (["carol"], [])


def test_an_ended_session_is_remembered_until_its_token_expires(accounts: Accounts, clock: Clock) -> None:
    accounts.end_session("s1", "bob", expires_at=NOW / 1000 + 5)
    accounts.forget_expired()
    assert accounts.find("bob", "s1") == (None, True)
    assert accounts.find("bob", "s2") == (None, False)
    clock.ms += 5_001
    accounts.forget_expired()
    assert accounts.find("bob", "s1") == (None, False)


@pytest.mark.parametrize("name", ["' OR 1=1--", "%", "_", "a\\", "--", '"'])
def test_what_means_something_in_sql_means_only_itself(accounts: Accounts, name: str) -> None:
    accounts.give_password("alice", "hash")
    assert accounts.find(name, name) == (None, False)


def test_the_next_session_that_ends_takes_those_with_it_whose_tokens_expired(accounts: Accounts, clock: Clock) -> None:
    accounts.end_session("s1", "bob", expires_at=NOW / 1000 + 5)
    clock.ms += 5_001
    accounts.end_session("s2", "bob", expires_at=NOW / 1000 + 60)
    assert accounts.find("bob", "s1") == (None, False)
    assert accounts.find("bob", "s2") == (None, True)


def test_a_stored_name_that_looks_like_another_is_found_but_not_where_the_name_itself_is_stored(
    accounts: Accounts,
) -> None:
    accounts.keep_names(["Admin", "сосо", "ivan"])
    found = {name: accounts.find_alike(name) for name in ("admın", "coco", "adrnin", "lvan", "alice", "ADMIN")}
    assert {name: alike for name, (account, alike) in found.items() if account is None} == {
        "admın": "Admin",
        "coco": "сосо",
        "adrnin": "Admin",
        "lvan": None,
        "alice": None,
    }
    account, alike = found["ADMIN"]
    assert account is not None
    assert (account.name, alike) == ("Admin", None)
