"""Who may be whom: what this worker knows of names and their accounts, and who is let in as one.

Names differ in more than upper and lower case; how one is written is decided where it is first stored.
What is known is kept in memory, since it is asked for each message, and what changes elsewhere, by
another worker or a command, is noticed within a second (`keep_up`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from chat.errors import (
    ChatError,
    InvalidField,
    NotSignedIn,
    SignInNeeded,
    Unavailable,
    UnknownUser,
)
from chat.people.online import sockets, streams
from chat.people.tokens import Claims, Tokens
from chat.protocol.names import checked_user_id, name_key
from chat.protocol.structs import SIGN_IN, TRY_AGAIN_LATER
from chat.storage.accounts import Account, Accounts
from chat.storage.database import parts

Run = Callable[..., Any]

KNOWN = 100_000  # accounts kept in memory
LATE_MS = 10_000  # how long before it is seen a change may have got its time


class Admission(NamedTuple):
    """What a socket showed to be let in as its user: the session of its token, when that was made, and when it
    expires."""

    session: str | None
    issued_ms: int  # Unix time in milliseconds
    expires_at: float  # Unix time in seconds

    @property
    def deadline(self) -> float:
        """When it expires, by time.monotonic()."""
        return time.monotonic() + self.expires_at - time.time()


class Directory:
    """The names of one installation, as one worker sees them. Lives on the event loop; its questions to
    the database block the calling greenlet."""

    tokens: Tokens
    accounts: Accounts
    required: bool  # whether everybody needs a token (CHAT_AUTH)

    def open(self, tokens: Tokens, accounts: Accounts, run: Run, required: bool) -> None:
        """Forget everything, and serve by these rules.

        Args:
            run: calls what blocks, off the event loop: run(function, *args) -> its result.
        """
        self.tokens = tokens
        self.accounts = accounts
        self.run = run
        self.required = required
        self._accounts: dict[str, Account] = {}  # by name_key; of free names too
        self._names: dict[str, str] = {}  # a spelling -> the one that counts
        self._looked_at_ms = int(time.time() * 1000)

    def name_of(self, user_id: str, field: str = "toUserId") -> str:
        """The spelling that counts, of a name in any.

        Raises:
            UnknownUser: there is no such user, where everybody needs an account.
        """
        found = self._names.get(user_id)
        return self._looked_up(user_id, field).name if found is None else found

    def names_of(self, user_ids: Sequence[str], field: str) -> list[str]:
        """The canonical spellings of many names, a few hundred at a time; none becomes known by that.

        Raises:
            InvalidField, UnknownUser: the first that breaks a rule, or does not exist, as in `name_of`.
        """
        names: list[str] = []
        for part in parts(user_ids):
            found = self.run(self._names_in, part, field)
            if isinstance(found, ChatError):
                raise found
            names += found
        return names

    def _names_in(self, user_ids: Sequence[str], field: str) -> list[str] | ChatError:
        """Blocks: run in a thread, which hands an error back as a value."""
        try:
            names = [checked_user_id(user_id, field) for user_id in user_ids]
        except InvalidField as error:
            return error
        if self.required and (unknown := self.accounts.unknown(names)):
            return UnknownUser(f"{field}: there is no user {unknown[0]} here.", field)
        return names

    def known_as(self, user_id: str) -> str:
        """The spelling that counts, of somebody who is here; of others the one that is given."""
        account = self._accounts.get(name_key(user_id))
        return user_id if account is None else account.name

    def admit(self, user_id: str, token: str | None) -> tuple[str, Admission | None]:
        """See that somebody may be `user_id`; the spelling that counts, and what the token said.

        Raises:
            SignInNeeded: they need a token, and there is none.
            NotSignedIn: the token is of no good, or another's.
        """
        if token is not None:
            claims = self.tokens.read(token)
            if name_key(claims.sub) != name_key(user_id):
                raise NotSignedIn("This token is another user's.", "token")
            return self._checked(claims), _admission(claims)
        if self.required:
            raise SignInNeeded("Sign in first, and send the token with init.")
        account = self._looked_up(user_id, "userId")
        if not account.is_free:
            raise SignInNeeded
        return account.name, None

    def admission_of(self, token: str) -> tuple[str, Admission]:
        """The user of a request's token that is to stay open, and what the token said; as `user_of`."""
        claims = self.tokens.read(token)
        return self._checked(claims), _admission(claims)

    def user_of(self, token: str) -> str:
        """The user of a request's token.

        Raises:
            NotSignedIn: the token is of no good, its session has ended, or its user was shut out.
        """
        return self._checked(self.tokens.read(token))

    def _checked(self, claims: Claims) -> str:
        account, ended = self.run(self.accounts.find, claims.sub, claims.jti)
        if account is None and self.required:  # whoever shares the secret may name new people
            [name] = self.run(self.accounts.keep_names, [claims.sub])
            account = Account(name)
        account = self._learn(claims.sub, account)
        if ended or account.disabled or claims.issued_ms < account.valid_from:
            raise NotSignedIn("This session has ended. Sign in again.")
        return account.name

    def _looked_up(self, user_id: str, field: str) -> Account:
        account = self._accounts.get(name_key(user_id))
        if account is None:
            account, _ = self.run(self.accounts.find, user_id)
            if account is None and self.required:
                raise UnknownUser(f"{field}: there is no user {user_id} here.", field)
        return self._learn(user_id, account)

    def _learn(self, user_id: str, account: Account | None) -> Account:
        """Keep what is known of a name. One that is stored nowhere is free, in the spelling it came first."""
        key = name_key(user_id)
        if account is None:
            account = self._accounts.get(key) or Account(user_id)
        if len(self._names) > KNOWN:
            self._accounts.clear()
            self._names.clear()
        before = self._accounts.get(key)
        self._accounts[key] = account
        self._names[user_id] = self._names[account.name] = account.name
        if before is not None and before.name != account.name:
            self._names[before.name] = account.name
            # Nobody finds them there any more: they come back under the spelling that counts, or not at all.
            for client in _clients(before.name):
                client.close(TRY_AGAIN_LATER, "the name is spelt otherwise now")
        return account

    def keep_up(self) -> None:
        """See what has changed since the last call, and send away whoever is not let in any more.

        Where the database does not answer, which `run` has logged, the next call looks that far back.
        """
        now_ms = int(time.time() * 1000)
        try:
            changed, ended = self.run(self.accounts.changed_since, self._looked_at_ms - LATE_MS)
        except Unavailable:
            return
        self._looked_at_ms = now_ms
        for new in changed:
            if name_key(new.name) in self._accounts:
                self._learn(new.name, new)
            for client in _clients(new.name):
                if not _may_stay(client.admission, new):
                    client.close(SIGN_IN, "sign in again")
        for session in ended:
            if owner := self._accounts.get(session.user_key):
                for client in _clients(owner.name):
                    if client.admission is not None and client.admission.session == session.id:
                        client.close(SIGN_IN, "signed out")


def _admission(claims: Claims) -> Admission:
    return Admission(claims.jti, claims.issued_ms, claims.exp)


def _clients(user_id: str) -> tuple[Any, ...]:
    return *sockets.of(user_id), *streams.of(user_id)


def _may_stay(admission: Admission | None, account: Account) -> bool:
    if account.disabled:
        return False
    if admission is None:
        return account.password is None
    return admission.issued_ms >= account.valid_from


directory = Directory()  # of this process
