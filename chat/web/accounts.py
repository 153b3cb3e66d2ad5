"""Owns the operations on accounts: make one, sign in and out, change the password. The list of sessions is elsewhere.

Passwords are hashed where people/passwords.py has its queue; how many may be tried is left to people/guesses.py.
"""

import time
from contextlib import suppress
from math import ceil
from typing import Annotated

from flask import request
from msgspec import UNSET, Meta, UnsetType

from chat import errors
from chat.limits import origin_of
from chat.people import passwords
from chat.people.directory import check_new, unknown_user
from chat.people.tokens import RENEWED_DAYS, Admission
from chat.protocol.structs import iso
from chat.server import ChatServer
from chat.storage.accounts import Account
from chat.web import site_session
from chat.web.operations import Operation
from chat.web.requests import bearer_token
from chat.web.shapes import Answer, Moment, Name, OfUser, Request

Secret = Annotated[str, Meta(max_length=passwords.MOST_CHARS, description="A password.")]
NewSecret = Annotated[
    str,
    Meta(
        min_length=passwords.LEAST_CHARS,
        max_length=passwords.MOST_CHARS,
        description="A password: not one of the commonest, no single letter repeated, not the name itself.",
        examples=["correct horse battery staple"],
    ),
]


class Session(Answer):
    """A token that proves to be the user, until it expires."""

    user_id: Name
    token: Annotated[str, Meta(description="For `Authorization: Bearer`.")]
    expires_at: Moment
    has_password: Annotated[bool, Meta(description="Whether the name is protected by one.")]
    expires_in: (
        Annotated[int, Meta(description="Seconds until then. Only where the site says who is there.")] | UnsetType
    ) = UNSET


_SESSION = """{
  "userId": "alice", "token": "eyJhbGciOi...", "expiresAt": "2026-02-07T09:30:00.000Z", "hasPassword": true
}"""


class NewAccount(OfUser):
    """A name, and the password that it is to have."""

    password: NewSecret


@Operation(
    "POST",
    "/accounts",
    "Give a free name a password, which it needs from then on; a token for it. Send your own token with it, if you"
    " have one: a name that an older session holds takes no password from a younger one. Where everybody signs in,"
    " the name must be new.",
    body_example='{"userId": "alice", "password": "correct horse battery staple"}',
    example=_SESSION,
    status=201,
    takes_token=True,
    errors=(errors.SignUpClosed, errors.NameTaken(field="userId"), errors.NotSignedIn),
)
def open_account(chat: ChatServer, body: NewAccount) -> Session:
    if chat.directory.required and chat.settings.signup != "open":
        raise errors.SignUpClosed
    passwords.check_password(body.password, "password", body.user_id)
    account = _signed_up(chat, body) if chat.directory.required else _protected(chat, body)
    if account is None:
        raise errors.NameTaken(field="userId")
    chat.log.info("account user=%r address=%s", account.name, request.remote_addr)
    chat.directory.keep_up()
    return _session(chat, account)


def _signed_up(chat: ChatServer, body: NewAccount) -> Account | None:
    """Make a name that is new: one that was used has an owner, with a password or without."""
    if (account := _checked_account(chat, body.user_id)) is not None:
        raise errors.NameTaken(field="userId", rule="used_before" if account.password is None else None)
    stored = chat.hashing.hashed(body.password, _origin())
    return chat.storage.write(chat.storage.accounts.sign_up, body.user_id, stored)


def _protected(chat: ChatServer, body: NewAccount) -> Account | None:
    """Give a free name a password, unless somebody else was there first. An address may do it a few times an hour."""
    account = _checked_account(chat, body.user_id) or Account(chat.directory.name_of(body.user_id))
    if not account.is_free:
        return None
    own = None
    if "Authorization" in request.headers:
        holder, admission = chat.directory.admission_of(bearer_token())
        own = admission if chat.user_key(holder) == chat.user_key(body.user_id) else None  # another's shows nothing
    if chat.directory.is_held_before(account, own):
        raise errors.NameTaken(field="userId", rule="held_before")
    if seconds := chat.limits.first_passwords.take(_origin()):
        raise errors.RateLimited(seconds, "first_passwords")
    stored = chat.hashing.hashed(body.password, _origin())
    return chat.storage.write(chat.storage.accounts.give_password, body.user_id, stored)


def _checked_account(chat: ChatServer, user_id: str) -> Account | None:
    """Return the account. Raises InvalidField: there is none, and the name looks like another's."""
    account, alike = chat.storage.in_thread(chat.storage.accounts.find_alike, user_id)
    if account is None:
        check_new(user_id, alike, "userId")
    return account


class NewSession(OfUser):
    """Who wants to sign in. A name that has no password needs none, unless everybody does."""

    password: Secret | None = None


def _of_site(chat: ChatServer, user_id: str | None = None) -> Session:
    """Begin a session for who is signed in on the site. `user_id`: who that has to be."""
    account, token, said = site_session.opened(chat, user_id)
    told = _told(account, token, said)
    told.expires_in = ceil(said.expires_at - time.time())
    return told


@Operation(
    "POST",
    "/session",
    "Sign in: get a token. Where the site says who is there (`chat.identify`), its"
    " cookie does, without a body; the token is good for 10 minutes, and only a page of the site itself gets it. `userId`"
    " is then who it has to be.",
    body_example='{"userId": "alice", "password": "correct horse battery staple"}',
    example=_SESSION,
    status=201,
    site_answer=_of_site,
    errors=(
        errors.SignInNeeded(field="password"),
        errors.WrongPassword,
        errors.NotSignedIn(rule="site_sign_in", signInUrl="/login"),
        errors.OriginRefused(rule="cross_site"),
        errors.Disabled,
        unknown_user("bob", "userId"),
    ),
)
def open_session(chat: ChatServer, body: NewSession) -> Session:
    if chat.site_user is not None:
        return _of_site(chat, body.user_id)
    if body.password is not None:
        owner = _signed_in(chat, body.user_id, body.password)
        chat.log.info("sign-in user=%r address=%s", owner.name, request.remote_addr)
        return _session(chat, owner)
    if chat.directory.required:
        raise errors.SignInNeeded(field="password", rule="everybody_signs_in")
    if (account := _account(chat, body.user_id)) is not None and not account.is_free:
        raise errors.SignInNeeded(field="password")
    return _session(chat, account or Account(chat.directory.name_of(body.user_id, "userId")))


@Operation(
    "POST",
    "/session/renew",
    f"Get the next token of your session, for at most {RENEWED_DAYS} days from the sign-in.",
    example=_SESSION,
    status=201,
    errors=(errors.Forbidden(rule="renewed_enough", days=RENEWED_DAYS),),
)
def renew_session(chat: ChatServer, user_id: str, admission: Admission) -> Session:
    account = _account(chat, user_id) or Account(user_id)
    token, said = chat.tokens.renew(account.name, admission)
    row = account.name, said.session, said.generation, said.issued_ms, said.expires_at
    chat.storage.write(chat.storage.sessions.renew, *row)
    return _told(account, token, said)


@Operation(
    "DELETE",
    "/session",
    "Sign out: the token counts no more, and its sockets close. One without `jti` cannot be signed out.",
    errors=(errors.Conflicting(rule="no_session"),),
)
def close_session(chat: ChatServer, user_id: str, admission: Admission) -> None:
    if admission.session is None:
        raise errors.Conflicting(rule="no_session")
    chat.storage.write(chat.storage.sessions.end, admission.session, user_id, admission.expires_at)
    chat.log.info("sign-out user=%r address=%s", user_id, request.remote_addr)
    chat.directory.keep_up()


class NewPassword(Request):
    """One's password, and what it is to be."""

    old_password: Secret
    new_password: NewSecret


@Operation(
    "PUT",
    "/password",
    "Change one's password. All tokens lose their worth; a new one is the answer.",
    body_example='{"oldPassword": "correct horse battery staple", "newPassword": "a better one, longer"}',
    example=_SESSION,
    errors=(errors.WrongPassword,),
)
def change_password(chat: ChatServer, user_id: str, body: NewPassword) -> Session:
    passwords.check_password(body.new_password, "newPassword", user_id)
    chat.guesses.note_owner(_origin(), chat.user_key(user_id))  # whose token it is
    account = _signed_in(chat, user_id, body.old_password)
    stored = chat.hashing.hashed(body.new_password, _origin())
    changed = chat.storage.write(chat.storage.accounts.change_password, user_id, account.password, stored)
    if changed is None:  # it was changed meanwhile
        raise errors.WrongPassword
    chat.log.info("password changed user=%r address=%s", changed.name, request.remote_addr)
    chat.directory.keep_up()
    return _session(chat, changed)


def _account(chat: ChatServer, user_id: str) -> Account | None:
    account, _ = chat.storage.in_thread(chat.storage.accounts.find, user_id)
    return account


def _signed_in(chat: ChatServer, user_id: str, password: str) -> Account:
    """Return the user's account, if the password is its own. Takes as long for an unknown name."""
    origin, key = _origin(), chat.user_key(user_id)
    chat.guesses.check(origin, key)  # before the database is asked
    account = _account(chat, user_id)
    usable = None if account is None or account.disabled else account.password
    fits = chat.guesses.fits(password, usable, origin, key)
    if not fits or account is None:
        chat.log.warning("wrong password user=%r address=%s", user_id, request.remote_addr)
        raise errors.WrongPassword
    if account.password is not None and passwords.is_outdated(account.password):
        stored = chat.hashing.hashed(password, _origin())
        chat.storage.write(chat.storage.accounts.renew_hash, account.name, account.password, stored)
        account = account._replace(password=stored)
    return account


def _origin() -> str:
    return origin_of(request.remote_addr or "")


def _session(chat: ChatServer, account: Account) -> Session:
    """Begin a session of an account as it was read: whoever changes its password meanwhile ends the session too."""
    token, said = chat.tokens.sign(account.name, account.generation)
    begun = account.name, said.session, account.generation, said.issued_ms, said.expires_at
    with suppress(errors.Busy, errors.Unavailable):  # then it is in no list, and good all the same
        chat.storage.write(chat.storage.sessions.begin, *begun)
    return _told(account, token, said)


def _told(account: Account, token: str, said: Admission) -> Session:
    return Session(
        user_id=account.name,
        token=token,
        expires_at=iso(int(said.expires_at) * 1000),
        has_password=account.password is not None,
    )
