"""Tokens: whom they name, when they are refused, and the secret they are signed with."""

from __future__ import annotations

import base64
import json
import logging
import os
import threading
import unicodedata
from pathlib import Path
from typing import Any

import jwt
import pytest

from chat.config import Settings
from chat.errors import BadSetting, Forbidden, NotSignedIn
from chat.people.tokens import SECRET_BYTES, SECRET_FILE, Tokens, kept_secret
from chat.router import events
from chat.server import ChatServer
from tests.clock import NOW, Clock

SECRET = b"0123456789abcdef0123456789abcdef"
DAY = 24 * 3600


@pytest.fixture
def tokens(clock: Clock) -> Tokens:
    return Tokens(SECRET, seconds=60, clock=clock)


def minted(claims: dict[str, Any], secret: bytes = SECRET, algorithm: str = "HS256") -> str:
    """A token as a host application would make it."""
    return jwt.encode(claims, secret, algorithm=algorithm)


def test_a_token_names_the_user_it_was_signed_for_until_it_expires(tokens: Tokens, clock: Clock) -> None:
    token, said = tokens.sign("김한글")
    expires_at = said.expires_at
    assert expires_at == NOW + 60
    clock.now = expires_at - 1
    assert tokens.read(token).sub == "김한글"
    clock.now = expires_at
    with pytest.raises(NotSignedIn, match="out of date"):
        tokens.read(token)


def test_a_token_counts_at_the_database_it_was_signed_for_alone(clock: Clock) -> None:
    here, there = (Tokens(SECRET, seconds=60, clock=clock, database=name) for name in ("here", "there"))
    token, said = here.sign("alice", 1)
    renewed, _ = here.renew("alice", said)
    of_site, _ = here.sign_for_site("alice", NOW * 1000, 60)
    for one in (token, renewed, of_site):
        assert here.read(one).sub == "alice"
        with pytest.raises(NotSignedIn, match="not valid"):
            there.read(one)
    claims = {"sub": "alice", "exp": NOW + 60}
    assert there.read(minted(claims)).sub == here.read(minted(claims)).sub == "alice", "a host's names none"
    with pytest.raises(NotSignedIn):
        here.read(minted(claims | {"generation": 1}))


def test_a_session_goes_on_by_renewing_for_30_days_from_the_sign_in(clock: Clock) -> None:
    tokens = Tokens(SECRET, seconds=7 * DAY, clock=clock)
    _, first = tokens.sign("alice", 3)
    said = first
    for days in (6, 12, 18, 24):
        clock.now = NOW + days * DAY
        token, said = tokens.renew("alice", said)
        claims = tokens.read(token)
        assert claims.admission == said == first._replace(expires_at=NOW + min(days + 7, 30) * DAY)
    with pytest.raises(Forbidden) as refused:
        tokens.renew("alice", said)
    assert (refused.value.rule, refused.value.params) == ("renewed_enough", {"days": 30})


def test_a_sites_token_is_not_renewed_here(tokens: Tokens) -> None:
    admission = tokens.read(minted({"sub": "alice", "exp": NOW + 1, "jti": "s", "auth_time": NOW - 5})).admission
    with pytest.raises(Forbidden, match="The site that made this token"):
        tokens.renew("alice", admission)


def test_a_host_application_with_the_secret_may_mint_tokens(tokens: Tokens) -> None:
    assert tokens.read(minted({"sub": "alice", "exp": NOW + 1, "role": "admin"})).sub == "alice"
    decomposed = unicodedata.normalize("NFD", "é")
    assert tokens.read(minted({"sub": decomposed, "exp": NOW + 1})).sub == "é"


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "alice"},
        {"exp": NOW + 1},
        {"sub": 7, "exp": NOW + 1},
        {"sub": "", "exp": NOW + 1},
        {"sub": "a\x1fb", "exp": NOW + 1},
        {"sub": "x" * 65, "exp": NOW + 1},
        {"sub": "alice", "exp": str(NOW + 1)},
        {"sub": "alice", "exp": True},
        {"sub": "alice", "exp": float("nan")},
        {"sub": "alice", "exp": None},
        {"sub": "alice", "exp": NOW + 1, "nbf": NOW + 1},
        {"sub": "alice", "exp": NOW + 1, "aud": "another server"},
    ],
    ids=str,
)
def test_a_token_without_proper_claims_is_refused(tokens: Tokens, claims: dict[str, Any]) -> None:
    payload = json.dumps(claims).encode()  # PyJWT itself would not sign all of them
    with pytest.raises(NotSignedIn):
        tokens.read(jwt.api_jws.encode(payload, SECRET, "HS256"))


def _unsigned() -> str:
    parts = [{"alg": "none", "typ": "JWT"}, {"sub": "alice", "exp": NOW + 1}]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts]
    return ".".join(part.rstrip("=") for part in encoded) + "."


GOOD = minted({"sub": "alice", "exp": NOW + 1})


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "a.b.c",
        "한글.한글.한글",
        "\x00",
        "." * 10_000,
        GOOD[:-2],
        GOOD[:-1] + ("A" if GOOD[-1] != "A" else "Q"),
        GOOD + "A",
        _unsigned(),
        minted({"sub": "alice", "exp": NOW + 1}, secret=SECRET[::-1]),
    ],
    ids=lambda token: token[:12],
)
def test_what_is_no_token_of_ours_is_refused(tokens: Tokens, token: str) -> None:
    assert tokens.read(GOOD).sub == "alice", "the good one must pass for this to mean anything"
    with pytest.raises(NotSignedIn):
        tokens.read(token)


def test_the_algorithm_is_ours_and_not_the_tokens_even_with_the_right_secret() -> None:
    long = Tokens(SECRET * 2, seconds=60, clock=Clock())
    token = minted({"sub": "alice", "exp": NOW + 1}, secret=SECRET * 2, algorithm="HS512")
    with pytest.raises(NotSignedIn):
        long.read(token)


# The secret.

LOG = logging.getLogger("chat")


def test_the_secret_is_made_once_and_kept_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there"
    secret = kept_secret(str(folder), LOG)
    kept = folder / SECRET_FILE
    assert kept.stat().st_mode & 0o777 == 0o600
    assert len(bytes.fromhex(kept.read_text())) == SECRET_BYTES
    assert os.listdir(folder) == [SECRET_FILE]
    token, _ = Tokens(secret, 600).sign("alice")
    assert Tokens(kept_secret(str(folder), LOG), 600).read(token).sub == "alice"


def test_workers_that_start_at_once_agree_on_one_secret(tmp_path: Path) -> None:
    together = threading.Barrier(8)
    made: list[bytes] = []

    def start() -> None:
        together.wait()
        made.append(kept_secret(str(tmp_path), LOG))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 8
    assert len(set(made)) == 1
    assert os.listdir(tmp_path) == [SECRET_FILE]


def test_a_secret_that_is_set_is_used_and_none_is_kept(tmp_path: Path) -> None:
    settings = Settings(token_secret=SECRET.decode(), token_ttl=10**9)
    chat = ChatServer(settings, events, str(tmp_path), LOG)
    try:
        token, _ = chat.tokens.sign("alice")
    finally:
        chat.stop()
    assert jwt.decode(token, SECRET, algorithms=["HS256"])["sub"] == "alice"
    assert SECRET_FILE not in os.listdir(tmp_path)
    assert SECRET.decode() not in repr(settings)


def test_a_chat_without_a_set_secret_keeps_one_beside_its_database(tmp_path: Path) -> None:
    chat = ChatServer(Settings(), events, str(tmp_path), LOG)
    try:
        token, _ = chat.tokens.sign("alice")
    finally:
        chat.stop()
    assert Tokens(kept_secret(str(tmp_path), LOG), 600, database=chat.storage.identity).read(token).sub == "alice"


def test_a_short_secret_is_refused_without_being_shown() -> None:
    with pytest.raises(BadSetting, match="at least 32 bytes") as refused:
        Settings(token_secret="secret-of-31-bytes-............")
    assert refused.value.field == "CHAT_TOKEN_SECRET"
    assert "secret-of" not in str(refused.value)


def test_a_damaged_secret_and_a_folder_that_cannot_be_used_say_what_to_do(tmp_path: Path) -> None:
    (tmp_path / SECRET_FILE).write_text("short")
    with pytest.raises(BadSetting, match="damaged"):
        kept_secret(str(tmp_path), LOG)
    with pytest.raises(BadSetting, match="set CHAT_TOKEN_SECRET"):
        kept_secret(str(tmp_path / SECRET_FILE / "below a file"), LOG)


def test_a_secret_that_others_may_read_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    kept_secret(str(tmp_path), LOG)
    assert not caplog.records
    (tmp_path / SECRET_FILE).chmod(0o644)
    with caplog.at_level(logging.WARNING, "chat"):
        kept_secret(str(tmp_path), LOG)
    assert "chmod 600" in caplog.text
