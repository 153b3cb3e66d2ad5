"""Owns what this worker knows of names and their accounts, and decides who is let in as one.

How a name is written is left to where it is first stored. What is known is kept in memory, since it is
asked for each message; what another process changes is noticed within a second.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from chat.errors import (
    Busy,
    ChatError,
    Disabled,
    InvalidField,
    NameProtected,
    NotSignedIn,
    PasswordChanged,
    RateLimited,
    SignedOut,
    SignInNeeded,
    Unavailable,
    UnknownUser,
)
from chat.limits import UNKNOWN_ADDRESS, Meter, origin_of
from chat.people.online import Online, Receiver, Socket
from chat.people.tokens import Admission, Claims, Tokens
from chat.protocol.lookalikes import check_scripts
from chat.protocol.structs import TRY_AGAIN_LATER
from chat.storage.accounts import Account
from chat.storage.look_up import IN_ONE_QUERY, parts
from chat.storage.sessions import EndedSession
from chat.storage.storage import Storage

KNOWN = 100_000  # accounts kept in memory, or as many as there are users online
LOOKED_AT = 10  # accounts that each new one looks at, to forget one that is not online
HELD_HOURS = 12  # a day in class: so long a sign-in to a free name keeps younger ones from giving it a password
LATE_MS = 10_000  # how long before it is seen a change may have got its time


@dataclass(eq=False)
class Directory:
    """The names of one chat. Lives on the event loop; its questions to the database block the greenlet."""

    _tokens: Tokens
    _storage: Storage
    _online: Online[Socket]
    _streams: Online[Receiver]
    _user_key: Callable[[str], str]  # makes of a name the key by which two spellings are one user
    required: bool  # whether everybody needs a token (CHAT_AUTH)
    _has_host: bool = False  # whether a host application knows the tokens' secret
    _new_names: Meter = field(default_factory=lambda: Meter(0))  # that nothing is stored of, by `origin_of` an address

    def __post_init__(self) -> None:
        # By user_key; of free names too. Of a user who is online it is never forgotten: their sockets are found by
        # its spelling. The one that was looked at longest ago comes first.
        self._accounts: OrderedDict[str, Account] = OrderedDict()
        self._unstored: dict[str, None] = {}  # user_key of names that nothing is stored of; the next to look at first
        # By user_key: since when somebody is here without a token, a Unix time in milliseconds.
        self._here_since: dict[str, int] = {}
        self._looked_at = time.monotonic()

    def name_of(self, user_id: str, field: str = "toUserId", address: str = UNKNOWN_ADDRESS) -> str:
        """Return the canonical spelling of a name. `address`: whose limit of new names counts.

        Raises UnknownUser, where everybody needs an account; RateLimited: too many new names.
        """
        account = self._accounts.get(self._user_key(user_id))
        return (account or self._looked_up(user_id, field, address)).name

    def named(self, user_id: str, field: str = "toUserId") -> str:
        """Return the same of somebody whom the site or a program of its names. Raises as `names_of`."""
        if self._tokens.names.is_exact and self._user_key(user_id) not in self._accounts:
            self.names_of([user_id], field)
        return self.name_of(user_id, field)

    def names_of(self, user_ids: Sequence[str], field: str) -> list[str]:
        """Return the canonical spellings of many whom the site or a program of its names.

        Where the site says who is there, whoever is new is known from now on.

        Raises InvalidField or, elsewhere, UnknownUser for the first bad one; Busy or Unavailable.
        """
        names: list[str] = []
        for part in parts(user_ids):
            some, unknown = self._storage.in_thread(self._names_in, part, field)
            if unknown and not self._tokens.names.is_exact:
                raise unknown_user(unknown[0], field)
            if unknown:
                self._storage.write(self._storage.accounts.make_known, unknown)
            names += some
        return names

    def _names_in(self, user_ids: Sequence[str], field: str) -> tuple[list[str], list[str]]:
        """Return the names, and those that nobody has. Runs in a thread."""
        names = [self._tokens.names.checked(user_id, field) for user_id in user_ids]
        return names, self._storage.accounts.unknown(names) if self.required else []

    def known_as(self, user_id: str) -> str:
        """Return the canonical spelling of somebody who is here; of others the one that is given."""
        account = self._accounts.get(self._user_key(user_id))
        return user_id if account is None else account.name

    def admit(self, user_id: str, token: str | None) -> tuple[str, Admission | None]:
        """Check that somebody may be `user_id`; return the canonical spelling, and what the token said.

        Raises SignInNeeded: they need a token, and there is none; NotSignedIn: it is of no good, or another's.
        """
        if token is not None:
            claims = self._tokens.read(token)
            if self._user_key(claims.sub) != self._user_key(user_id):
                raise NotSignedIn(field="token", rule="token_of_another")
            return self._checked(claims)
        if self.required:
            raise SignInNeeded(rule="everybody_signs_in")
        account = self._looked_up(user_id, "userId")
        if not account.is_free:
            raise SignInNeeded
        if all(client.admission is not None for client in self._sockets_of(account.name)):
            self._here_since[self._user_key(user_id)] = int(time.time() * 1000)
        return account.name, None

    def admission_of(self, token: str) -> tuple[str, Admission]:
        """Return the user of a token, and what it said. Raises NotSignedIn: it does not count, or not any more."""
        return self._checked(self._tokens.read(token))

    def _checked(self, claims: Claims) -> tuple[str, Admission]:
        accounts = self._storage.accounts
        account, ended = self._storage.read_together(accounts.find, claims.sub, claims.jti)
        admission = claims.admission
        if ended or not _may_stay(admission, account or Account(claims.sub)):
            raise NotSignedIn(rule="session_ended")
        if self._has_host and claims.generation is None and not (account and account.host):
            try:
                account = self._storage.write(accounts.keep_host_name, claims.sub)  # once for each name
            except (Busy, Unavailable):
                # The next admission tries again: who is known comes in where nothing can be written.
                if account is None or not self.required:
                    raise
        elif account is None and self.required:
            [name] = self._storage.write(accounts.keep_names, [claims.sub])
            account = Account(name)
        return self._learn(claims.sub, account).name, admission

    def is_held_before(self, account: Account, own: Admission | None) -> bool:
        """Return whether an older session than `own` holds a free name. None: there is no own one.

        Who holds it: everybody who is here with it, and whoever signed in to it in the last HELD_HOURS.
        """
        now_ms = int(time.time() * 1000)
        own_ms = now_ms + 1 if own is None else own.issued_ms
        begun = self._storage.in_thread(self._storage.sessions.of, account.name, account.generation)
        held_from = [one.created_at for one in begun if one.created_at > now_ms - HELD_HOURS * 3_600_000]
        here_since = self._here_since.get(self._user_key(account.name), 0)
        for client in self._sockets_of(account.name):
            held_from.append(here_since if client.admission is None else client.admission.issued_ms)
        return any(since < own_ms for since in held_from)

    def _looked_up(self, user_id: str, field: str, address: str = UNKNOWN_ADDRESS) -> Account:
        account = self._accounts.get(self._user_key(user_id))
        if account is None:
            origin = origin_of(address)
            if address != UNKNOWN_ADDRESS and (seconds := self._new_names.wait(origin)):
                raise RateLimited(seconds, "new_names")
            account, alike = self._storage.read_together(self._storage.accounts.find_alike, user_id)
            if account is None and address != UNKNOWN_ADDRESS:
                self._new_names.take(origin)
            if account is None and self.required:
                raise unknown_user(user_id, field)
            if account is None:
                self._check_new(user_id, alike, field)
        return self._learn(user_id, account)

    def _check_new(self, user_id: str, alike: str | None, field: str) -> None:
        """As `check_new`; but who is at another worker with this name was let in with it."""
        try:
            check_new(user_id, alike, field)
        except InvalidField:
            relay = self._online.relay
            if relay is None or not relay.elsewhere([user_id])[0]:
                raise

    def _learn(self, user_id: str, account: Account | None) -> Account:
        """Keep what is known of a name. One that is stored nowhere is free, as it was first spelt."""
        key = self._user_key(user_id)
        if account is None:
            account = self._accounts.get(key) or Account(user_id)
            self._unstored[key] = None
        else:
            self._unstored.pop(key, None)
        before = self._accounts.get(key)
        self._accounts[key] = account
        if before is None:
            self._make_room()
        elif before.name != account.name:
            # Nobody finds them there any more: they come back under the canonical spelling.
            for client in self._sockets_of(before.name):
                client.close(TRY_AGAIN_LATER, "the name is spelt otherwise now")
        return account

    def _make_room(self) -> None:
        for _ in range(LOOKED_AT):
            if len(self._accounts) <= KNOWN:
                return
            key, account = self._accounts.popitem(last=False)
            if any(True for _ in self._sockets_of(account.name)):
                self._accounts[key] = account  # the last one from now on
            else:
                self._here_since.pop(key, None)
                self._unstored.pop(key, None)

    def sign_out(self, user_id: str) -> None:
        """End what a user has open, here at once and on other workers within 2 s. Raises Busy or Unavailable."""
        self._storage.write(self._storage.accounts.end_sessions, self._tokens.names.checked(user_id, "userId"))
        self.keep_up()

    def keep_up(self) -> None:
        """Look what has changed since the last call that could, and close the sockets of whoever may not stay."""
        now = time.monotonic()
        try:
            self._learn_spellings()
            changed, ended = self._storage.in_thread(self._changes, int((now - self._looked_at) * 1000) + LATE_MS)
        except Unavailable:
            return
        self._looked_at = now
        for new in changed:
            self._take_over(new)
        for session in ended:
            if owner := self._accounts.get(session.user_key):
                for client in self._sockets_of(owner.name):
                    if client.admission is not None and client.admission.session == session.id:
                        client.shut_out(SignedOut())

    def _take_over(self, new: Account) -> None:
        """Go by what is stored of a name from now on: who may not stay is told why, by what was known before."""
        before = self._accounts.get(self._user_key(new.name))
        if before is not None:
            self._learn(new.name, new)
        for client in self._sockets_of(new.name):
            if not _may_stay(client.admission, new):
                client.shut_out(_why_shut_out(before, new))

    def _changes(self, ms: int) -> tuple[list[Account], list[EndedSession]]:
        return self._storage.accounts.changed_in(ms), self._storage.sessions.ended_in(ms)

    def _learn_spellings(self) -> None:
        """Look whether names that nothing was stored of are stored now, by another worker perhaps in another spelling."""
        some = [*islice(self._unstored, IN_ONE_QUERY)]
        for key in some:
            del self._unstored[key]
            self._unstored[key] = None  # the last one from now on
        for account in self._storage.in_thread(self._storage.accounts.stored, some) if some else ():
            if self._user_key(account.name) in self._unstored:  # and was not learnt meanwhile
                self._take_over(account)

    def _sockets_of(self, user_id: str) -> Iterator[Receiver]:
        yield from self._online.of(user_id)
        yield from self._streams.of(user_id)


def check_new(user_id: str, alike: str | None, field: str) -> None:
    """Check a name that nothing is stored of. Raises InvalidField: it looks like `alike`, or mixes scripts."""
    check_scripts(user_id, field)
    if alike is not None:
        raise InvalidField(field=field, rule="looks_like", userId=alike)


def unknown_user(user_id: str, field: str) -> UnknownUser:
    """Return the error for a name that nobody has."""
    return UnknownUser(field=field, rule="user", userId=user_id)


def _why_shut_out(before: Account | None, now: Account) -> ChatError:
    if now.disabled:
        return Disabled()
    if before is not None and before.host and before.password == now.password:
        return SignedOut()
    return PasswordChanged() if before is not None and before.password is not None else NameProtected()


def _may_stay(admission: Admission | None, account: Account) -> bool:
    if admission is None:
        return account.is_free
    if admission.generation is None:  # a host application's token
        return not account.disabled and admission.issued_ms >= account.valid_from
    return not account.disabled and admission.generation == account.generation
