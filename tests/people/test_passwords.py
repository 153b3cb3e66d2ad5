"""How a password is kept: a hash of weaker parameters is renewed when its owner signs in, and no session ends."""

from __future__ import annotations

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
