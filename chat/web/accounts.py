"""Owns the operations on accounts: make one, sign in and out, change the password.

Passwords are hashed where people/passwords.py has its queue; how many may be tried is left to people/guesses.py.
"""

from typing import Annotated

from flask import request
from msgspec import Meta

from chat import errors
from chat.limits import origin_of
from chat.people import passwords
from chat.people.directory import check_new
from chat.people.tokens import Admission
from chat.protocol.structs import iso
from chat.server import ChatServer
from chat.storage.accounts import Account
from chat.web.operations import Operation
from chat.web.shapes import Answer, Moment, Name, OfUser, Request

Secret = Annotated[str, Meta(max_length=passwords.MOST_CHARS, description="A password.")]
NewSecret = Annotated[
    str,
    Meta(
        min_length=passwords.LEAST_CHARS,
        max_length=passwords.MOST_CHARS,
        description="A password, not one of the commonest.",
        examples=["correct horse battery staple"],
    ),
]


class Session(Answer):
    """A token that proves to be the user, until it expires."""

    user_id: Name
    token: Annotated[str, Meta(description="For `Authorization: Bearer`.")]
    expires_at: Moment
    has_password: Annotated[bool, Meta(description="Whether the name is protected by one.")]


_SESSION = """{
  "userId": "alice", "token": "eyJhbGciOi...", "expiresAt": "2026-02-07T09:30:00.000Z", "hasPassword": true
}"""


class NewAccount(OfUser):
    """A name, and the password that it is to have."""

    password: NewSecret


@Operation(
    "POST",
    "/accounts",
    "Give a free name a password, which it needs from then on; a token for it.",
    body_example='{"userId": "alice", "password": "correct horse battery staple"}',
    example=_SESSION,
    status=201,
    errors=(errors.SignUpClosed, errors.NameTaken, errors.Unavailable),
)
def open_account(chat: ChatServer, body: NewAccount) -> Session:
    if chat.directory.required and chat.settings.signup != "open":
        raise errors.SignUpClosed
    passwords.check_password(body.password, "password")
    account, alike = chat.storage.in_thread(chat.storage.accounts.find_alike, body.user_id)
    if account is None:
        check_new(body.user_id, alike, "userId")
    elif not account.is_free:
        raise errors.NameTaken(field="userId")
    stored = chat.hashing.hashed(body.password, _origin())
    account = chat.storage.write(chat.storage.accounts.give_password, body.user_id, stored)
    if account is None:  # somebody was faster
        raise errors.NameTaken(field="userId")
    chat.log.info("account user=%r", account.name)
    chat.directory.keep_up()
    return _session(chat, account)


class NewSession(OfUser):
    """Who wants to sign in. A name that has no password needs none, unless everybody does."""

    password: Secret | None = None


@Operation(
    "POST",
    "/session",
    "Sign in: get a token.",
    body_example='{"userId": "alice", "password": null}',
    example=_SESSION,
    status=201,
    errors=(errors.SignInNeeded, errors.WrongPassword, errors.RateLimited, errors.UnknownUser, errors.Unavailable),
)
def open_session(chat: ChatServer, body: NewSession) -> Session:
    if body.password is not None:
        return _session(chat, _signed_in(chat, body.user_id, body.password))
    if chat.directory.required:
        raise errors.SignInNeeded("Sign in with your password.", "password")
    if (account := _account(chat, body.user_id)) is not None and not account.is_free:
        raise errors.SignInNeeded("This name is protected. Sign in with its password.", "password")
    return _session(chat, account or Account(chat.directory.name_of(body.user_id, "userId")))


@Operation("DELETE", "/session", "Sign out: the token counts no more, and its sockets close.")
def close_session(chat: ChatServer, user_id: str, admission: Admission) -> None:
    if admission.session is not None:
        chat.storage.write(chat.storage.accounts.end_session, admission.session, user_id, admission.expires_at)
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
    errors=(errors.WrongPassword, errors.RateLimited),
)
def change_password(chat: ChatServer, user_id: str, body: NewPassword) -> Session:
    passwords.check_password(body.new_password, "newPassword")
    chat.guesses.note_owner(_origin(), chat.user_key(user_id))  # whose token it is
    account = _signed_in(chat, user_id, body.old_password)
    stored = chat.hashing.hashed(body.new_password, _origin())
    changed = chat.storage.write(chat.storage.accounts.change_password, user_id, account.password, stored)
    if changed is None:  # it was changed meanwhile
        raise errors.WrongPassword
    chat.log.info("password changed user=%r", changed.name)
    chat.directory.keep_up()
    return _session(chat, changed)


def _account(chat: ChatServer, user_id: str) -> Account | None:
    account, _ = chat.storage.in_thread(chat.storage.accounts.find, user_id)
    return account


def _signed_in(chat: ChatServer, user_id: str, password: str) -> Account:
    """Return the user's account, if the password is its own. Takes as long for an unknown name."""
    account = _account(chat, user_id)
    usable = None if account is None or account.disabled else account.password
    fits = chat.guesses.fits(password, usable, _origin(), chat.user_key(user_id))
    if not fits or account is None:
        chat.log.warning("wrong password user=%r address=%s", user_id, request.remote_addr)
        raise errors.WrongPassword
    return account


def _origin() -> str:
    return origin_of(request.remote_addr or "")


def _session(chat: ChatServer, account: Account) -> Session:
    token, expires_at = chat.tokens.sign(account.name, account.valid_from)
    return Session(
        user_id=account.name, token=token, expires_at=iso(expires_at * 1000), has_password=account.password is not None
    )


VIEWS = (open_account, open_session, close_session, change_password)
