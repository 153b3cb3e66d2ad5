"""Accounts over HTTP: make one, sign in and out, change the password.

A password is hashed in a pool of its own, a few at a time: Argon2 takes 20 ms of a whole core and
19 MiB, so that a crowd that signs in would stop the loop, or fill the memory.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from flask import Response, request
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from chat.errors import NameTaken, RateLimited, SignInNeeded, SignUpClosed, WrongPassword
from chat.people import passwords
from chat.people.directory import Directory
from chat.protocol.names import name_key
from chat.protocol.structs import iso
from chat.storage.accounts import Account
from chat.web import requests as reading
from chat.web import shapes
from chat.web.answers import json_answer

log = logging.getLogger("chat")

# Wrong passwords for one name from one address: then a pause, and no lock that an attacker could turn.
FAILURES, FAILURE_MINUTES = 10, 5

# Runs a function that takes long, in a native thread: in_pool(function, *args) -> its result.
InPool = Callable[..., Any]


class AccountViews:
    """One method for each operation on accounts, called by its name."""

    def __init__(self, directory: Directory, sign_up: bool, in_pool: InPool) -> None:
        self._directory = directory
        self._accounts = directory.accounts
        self._run = directory.run
        self._sign_up = sign_up
        self._in_pool = in_pool
        self._failures = MovingWindowRateLimiter(MemoryStorage())
        self._allowed = RateLimitItemPerMinute(FAILURES, FAILURE_MINUTES)

    def open_account(self) -> Response:
        asked = reading.body(shapes.NewAccount)
        if self._directory.required and not self._sign_up:
            raise SignUpClosed
        passwords.check_password(asked.password, "password")
        account, _ = self._run(self._accounts.find, asked.user_id)
        if account is not None and not account.is_free:
            raise NameTaken(field="userId")
        stored = self._in_pool(passwords.hashed, asked.password)
        account = self._run(self._accounts.give_password, asked.user_id, stored)
        if account is None:  # somebody was faster
            raise NameTaken(field="userId")
        log.info("account user=%r", account.name)
        self._directory.keep_up()
        return self._session(account, 201)

    def open_session(self) -> Response:
        asked = reading.body(shapes.NewSession)
        account, _ = self._run(self._accounts.find, asked.user_id)
        if asked.password is None:
            if self._directory.required:
                raise SignInNeeded("Sign in with your password.", "password")
            if account is not None and not account.is_free:
                raise SignInNeeded("This name is protected. Sign in with its password.", "password")
            return self._session(account or Account(self._directory.name_of(asked.user_id)), 201)
        return self._session(self._signed_in(asked.user_id, account, asked.password), 201)

    def close_session(self) -> Response:
        token = reading.bearer_token()
        user_id = self._directory.user_of(token)
        claims = self._directory.tokens.read(token)
        if claims.jti is not None:
            self._run(self._accounts.end_session, claims.jti, user_id, claims.exp)
            self._directory.keep_up()
        return Response(status=204)

    def change_password(self) -> Response:
        user_id = self._directory.user_of(reading.bearer_token())
        asked = reading.body(shapes.NewPassword)
        passwords.check_password(asked.new_password, "newPassword")
        account, _ = self._run(self._accounts.find, user_id)
        account = self._signed_in(user_id, account, asked.old_password)
        stored = self._in_pool(passwords.hashed, asked.new_password)
        changed = self._run(self._accounts.change_password, user_id, account.password, stored)
        if changed is None:  # it was changed meanwhile
            raise WrongPassword
        log.info("password changed user=%r", changed.name)
        self._directory.keep_up()
        return self._session(changed, 200)

    def _signed_in(self, user_id: str, account: Account | None, password: str) -> Account:
        """The account, if the password is its own. Takes as long for a name that nobody has.

        Raises:
            WrongPassword: it is not.
            RateLimited: this name was tried from this address too often.
        """
        who = name_key(user_id), request.remote_addr or ""
        if not self._failures.test(self._allowed, *who):
            reset = self._failures.get_window_stats(self._allowed, *who).reset_time
            raise RateLimited(
                reading.seconds_until(reset), "Too many wrong passwords for this name."
            )
        usable = None if account is None or account.disabled else account.password
        if not self._in_pool(passwords.fits, password, usable) or account is None:
            self._failures.hit(self._allowed, *who)
            log.warning("wrong password user=%r address=%s", user_id, request.remote_addr)
            raise WrongPassword
        return account

    def _session(self, account: Account, status: int) -> Response:
        token, expires_at = self._directory.tokens.sign(account.name, account.valid_from)
        session = shapes.Session(
            user_id=account.name,
            token=token,
            expires_at=iso(expires_at * 1000),
            has_password=account.password is not None,
        )
        return json_answer(session, status)
