"""Accounts, on both engines: one name, one row; what ends sessions; what other workers get to see."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from chat.protocol.names import name_key
from chat.storage import migrate
from chat.storage.accounts import Account, Accounts
from chat.storage.database import Database
from chat.storage.notifications import Content
from chat.storage.service_tokens import ServiceToken
from chat.storage.sessions import FORGOTTEN_MS, EndedSession, Sessions
from chat.storage.storage import Storage
from tests.clock import NOW as BEGIN
from tests.clock import Clock
from tests.storage.conftest import at_revision, open_storage

NOW = BEGIN * 1000  # in milliseconds


@pytest.fixture
def opened(database_url: str, clock: Clock) -> Iterator[Storage]:
    storage = open_storage(database_url, clock)
    yield storage
    storage.close()


@pytest.fixture
def accounts(opened: Storage) -> Accounts:
    return opened.accounts


@pytest.fixture
def sessions(opened: Storage) -> Sessions:
    return opened.sessions


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
    clock.now += 0.01
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


def test_other_workers_see_what_changed_since(accounts: Accounts, sessions: Sessions, clock: Clock) -> None:
    accounts.keep_names(["quiet"])
    accounts.give_password("alice", "hash")
    sessions.end("s1", "Bob", expires_at=NOW / 1000 + 5)
    clock.now += 1
    accounts.disable("carol")
    sessions.end("s1", "bob", expires_at=NOW / 1000 + 5)
    assert {account.name for account in accounts.changed_in(1_000)} == {"alice", "carol"}
    assert sessions.ended_in(1_000) == [EndedSession("s1", "bob")]
    assert [account.name for account in accounts.changed_in(999)] == ["carol"]


def test_an_ended_session_is_remembered_until_its_token_expires(
    accounts: Accounts, sessions: Sessions, clock: Clock
) -> None:
    sessions.end("s1", "bob", expires_at=NOW / 1000 + 5)
    sessions.forget_expired()
    assert accounts.find("bob", "s1") == (None, True)
    assert accounts.find("bob", "s2") == (None, False)
    clock.now += 5.001 + FORGOTTEN_MS / 1000
    sessions.forget_expired()
    assert accounts.find("bob", "s1") == (None, False)


@pytest.mark.parametrize("name", ["' OR 1=1--", "%", "_", "a\\", "--", '"'])
def test_what_means_something_in_sql_means_only_itself(accounts: Accounts, name: str) -> None:
    accounts.give_password("alice", "hash")
    assert accounts.find(name, name) == (None, False)


def test_the_next_session_that_ends_takes_those_with_it_whose_tokens_expired(
    accounts: Accounts, sessions: Sessions, clock: Clock
) -> None:
    sessions.end("s1", "bob", expires_at=NOW / 1000 + 5)
    clock.now += 5.001 + FORGOTTEN_MS / 1000
    sessions.end("s2", "bob", expires_at=clock.now + 60)
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


def test_signing_up_makes_only_a_name_that_nothing_has_named(opened: Storage) -> None:
    accounts, far = opened.accounts, NOW / 1000 + 600
    accounts.keep_names(["Written"])
    opened.sessions.begin("signed", "s1", 0, NOW, far)
    opened.notifications.add("noticed", Content("hi", None, None, "info", NOW, None), None)
    accounts.keep_host_name("hosted")
    for used in ("WRITTEN", "Signed", "noticed", "hosted"):
        assert accounts.sign_up(used, "hash") is None, used
    made = accounts.sign_up("New", "hash")
    assert made is not None
    assert (made.name, made.password) == ("New", "hash")
    assert made.generation
    assert accounts.sign_up("new", "another") is None


def test_a_name_of_the_hosts_is_not_free_and_its_strangers_sessions_end(accounts: Accounts) -> None:
    hosted = accounts.keep_host_name("Alice")
    assert hosted == Account("Alice", None, False, 0, hosted.generation, True) == accounts.keep_host_name("alice")
    assert hosted.generation
    assert not hosted.is_free
    assert accounts.give_password("alice", "hash") is None
    assert accounts.give_password("alice", "hash", of_host=True) is not None


def test_each_password_begins_a_new_generation_and_a_renewed_hash_does_not(accounts: Accounts) -> None:
    given = accounts.give_password("alice", "old")
    changed = accounts.change_password("alice", "old", "new")
    assert given is not None
    assert changed is not None
    accounts.renew_hash("alice", "old", "stronger")
    assert accounts.find("alice")[0] == changed, "it is another one by now"
    accounts.renew_hash("alice", "new", "stronger")
    assert accounts.find("alice")[0] == changed._replace(password="stronger")
    shut, let_in = (accounts.disable("alice", disabled) for disabled in (True, False))
    generations = {account.generation for account in (given, changed, shut, let_in)}
    assert len(generations) == 4
    assert not generations & {0, 1, 2, 3, 4}, "counted, they would come again when a backup is put back"


def test_two_users_sessions_of_one_name_are_two_and_the_latest_expiry_counts(
    accounts: Accounts, sessions: Sessions, clock: Clock
) -> None:
    sessions.end("s1", "bob", expires_at=NOW / 1000 + 60)
    sessions.end("s1", "BOB", expires_at=NOW / 1000 + 5)
    assert accounts.find("alice", "s1") == (None, False)
    clock.now += 10
    sessions.forget_expired()
    assert accounts.find("bob", "s1") == (None, True)


def test_the_sessions_of_a_user_are_those_that_count_the_newest_first(sessions: Sessions, clock: Clock) -> None:
    for number, generation in enumerate([0, 1, 1, 1, 1]):
        sessions.begin("Alice", f"s{number}", generation, NOW + number, NOW / 1000 + 5 * number)
    sessions.end("s2", "alice", expires_at=NOW / 1000 + 10)
    assert [one.id for one in sessions.of("ALICE", 1)] == ["s4", "s3", "s1"]
    clock.now += 5.001
    assert [one.id for one in sessions.of("alice", 1)] == ["s4", "s3"]


def test_a_programs_token_is_listed_until_it_expires_and_taken_back_once(opened: Storage, clock: Clock) -> None:
    tokens = opened.service_tokens
    short = ServiceToken("t1", "ci", "notify", NOW, NOW + 5_000)
    long = ServiceToken("t2", "shop", "notify", NOW + 1, NOW + 50_000)
    tokens.add(short)
    tokens.add(long)
    assert tokens.all() == [long, short]
    assert [tokens.revoke("t1"), tokens.revoke("t1"), tokens.revoke("t3")] == [True, False, False]
    assert tokens.revoked() == {"t1"}
    clock.now += 5.001
    assert tokens.all() == [long]


USED_BEFORE = """
INSERT INTO conversations (id, kind, key) VALUES (1, 'direct', 'Ann Bob');
INSERT INTO members (user_id, conversation_id) VALUES ('Ann', 1), ('Bob', 1);
INSERT INTO last_seen (user_id, at) VALUES ('Straße', 1);
INSERT INTO notifications (user_key, message, level, created_at) VALUES ('cleo', 'hi', 'info', 1);
INSERT INTO ended_sessions (id, user_key, ended_at, expires_at) VALUES ('s1', 'dan', 1, 99000000000000);
INSERT INTO accounts (key, name, password, created_at, changed_at) VALUES ('bob', 'BOB', 'hash', 1, 1);
"""


def test_after_an_upgrade_every_name_that_was_used_has_its_row_and_sessions_stay_ended(new_database_url: str) -> None:
    before = Database(new_database_url, logging.getLogger("chat"))
    with at_revision(before, "0010") as connection:
        for statement in filter(str.strip, USED_BEFORE.split(";")):
            connection.execute(text(statement))
    migrate.upgrade(before.engine)
    accounts = Accounts(before, name_key)
    assert {name: account.name for name in ("ann", "bob", "strasse", "cleo") if (account := accounts.find(name)[0])} == {
        "ann": "Ann", "bob": "BOB", "strasse": "Straße", "cleo": "cleo",
    }  # fmt: skip
    assert all(accounts.sign_up(used, "hash") is None for used in ("ANN", "bob", "STRASSE", "Cleo", "dan"))
    assert accounts.find("dan", "s1")[1], "a session that had ended counts again"
    assert accounts.sign_up("new", "hash") is not None
    before.close()
