"""Passwords at sign-in: a hash of weaker parameters is renewed, and a change ends a sign-in that is under way."""

from __future__ import annotations

import time
from typing import Any

import pytest
from argon2 import PasswordHasher

from chat.people import passwords
from tests.conftest import MakeChat
from tests.web.conftest import Api

PASSWORD = "correct horse battery"


def test_a_hash_of_weaker_parameters_is_renewed_at_sign_in_and_ends_no_session(make_chat: MakeChat) -> None:
    api = Api(make_chat())
    accounts = api.chat.storage.accounts
    weak = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
    account = accounts.give_password("alice", weak)
    assert account is not None
    token, _ = api.chat.tokens.sign("alice", account.generation)
    assert passwords.is_outdated(weak)
    wrong = api.post("/session", {"userId": "alice", "password": "wrong wrong"})
    assert (wrong.status_code, accounts.find("alice")[0]) == (401, account), "a guess renews nothing"
    assert api.post("/session", {"userId": "alice", "password": PASSWORD}).status_code == 201
    renewed, _ = accounts.find("alice")
    assert renewed is not None
    assert renewed.password is not None
    assert not passwords.is_outdated(renewed.password)
    assert api.client.get("/api/sessions", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    assert api.post("/session", {"userId": "alice", "password": PASSWORD}).status_code == 201
    assert accounts.find("alice")[0] == renewed, "once is enough"


def until_after(unix_ms: int) -> None:
    while time.time() * 1000 <= unix_ms:
        time.sleep(0.001)


def status_of(api: Api, token: str) -> int:
    return api.client.get("/api/conversations", headers={"Authorization": f"Bearer {token}"}).status_code


def test_a_sign_in_with_the_old_password_that_ends_after_the_change_gets_a_token_that_does_not_count(
    make_chat: MakeChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = Api(make_chat())
    accounts = api.chat.storage.accounts
    accounts.give_password("alice", passwords.hashed(PASSWORD))
    fits = api.chat.guesses.fits

    def overtaken(*given: Any) -> bool:
        found = fits(*given)
        changed = accounts.change_password("alice", None, passwords.hashed("another battery"))
        assert changed is not None
        until_after(changed.valid_from)
        return found

    monkeypatch.setattr(api.chat.guesses, "fits", overtaken)
    answer = api.post("/session", {"userId": "alice", "password": PASSWORD})
    assert answer.status_code == 201
    assert answer.json is not None
    assert status_of(api, answer.json["token"]) == 401


def test_a_session_without_a_password_that_ends_after_one_was_given_gets_a_token_that_does_not_count(
    make_chat: MakeChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = Api(make_chat())
    accounts = api.chat.storage.accounts
    find = accounts.find

    def overtaken(*given: Any) -> Any:
        monkeypatch.undo()
        found = find(*given)
        account = accounts.give_password("alice", "hash")
        assert account is not None
        until_after(account.valid_from)
        return found

    monkeypatch.setattr(accounts, "find", overtaken)
    answer = api.post("/session", {"userId": "alice"})
    assert answer.status_code == 201
    assert answer.json is not None
    assert status_of(api, answer.json["token"]) == 401
