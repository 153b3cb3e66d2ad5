"""Owns one request to the webhook's receiver: how it is signed, its deadline, and why it failed."""

import hashlib
import hmac
import time
from typing import Any, NamedTuple

import requests

from chat.transport.deadline import within


class Letter(NamedTuple):
    """An event on its way to the receiver."""

    due: float  # time.monotonic()
    number: int  # so that of two that are due at once the older goes first
    tries: int
    id: str  # the same in each try, by which a receiver knows a repetition
    body: bytes


class NotTaken(Exception):
    """The receiver did not take a letter; `args[0]` says why. `is_final`: trying again would end alike."""

    def __init__(self, reason: str, is_final: bool = False) -> None:
        super().__init__(reason)
        self.is_final = is_final


def new_session() -> requests.Session:
    """Return a session that keeps its connection, and looks at nothing of a redirection: neither where nor what."""
    session = requests.Session()
    session.get_redirect_target = lambda _: None  # type: ignore[assignment, method-assign]
    return session


def post(session: requests.Session, url: str, secret: bytes, letter: Letter, seconds: float) -> None:
    """Post a letter; the receiver has so many seconds for the whole answer. Raises NotTaken, and nothing else."""
    now = str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "Chat-Timestamp": now,
        "Chat-Delivery": letter.id,
        "Chat-Signature": signature(secret, now, letter.id, letter.body),
    }
    # As a stream, since nobody reads what it says.
    options: dict[str, Any] = {"timeout": seconds, "allow_redirects": False, "stream": True}

    def status_of_answer() -> int:
        with session.post(url, data=letter.body, headers=headers, **options) as answer:
            return answer.status_code

    try:
        status = within(seconds, status_of_answer)
    except Exception as error:  # whatever the receiver has answered, the worker lives
        raise NotTaken(why_unanswered(error, seconds)) from None
    if 300 <= status < 400:
        raise NotTaken(f"the receiver redirects (status {status}), which is not followed", is_final=True)
    if not 200 <= status < 300:
        raise NotTaken(f"the receiver answers with status {status}")


def signature(secret: bytes, timestamp: str, delivery: str, body: bytes) -> str:
    """What proves that the server wrote this body, under this delivery id, at this Unix time in seconds."""
    signed = f"{timestamp}.{delivery}.".encode() + body
    return "sha256=" + hmac.new(secret, signed, hashlib.sha256).hexdigest()


def why_unanswered(error: Exception, seconds: float) -> str:
    """Say why there is no answer. The URL, which may hold a secret, is left out."""
    if isinstance(error, TimeoutError | requests.Timeout):
        return f"timeout: no whole answer within {seconds:g} s"
    cause = _root(error)
    if isinstance(error, requests.exceptions.SSLError):
        said = getattr(cause, "verify_message", None) or getattr(cause, "reason", None)
        return f"TLS failed: {said or type(cause).__name__}"
    said = cause.strerror if isinstance(cause, OSError) else None
    if isinstance(error, requests.ConnectionError) and said:
        return f"no connection: {said}"
    return f"the answer cannot be read: {type(cause).__name__}"


def _root(error: BaseException) -> BaseException:
    """Return the error of the system that lies below those of the libraries."""
    while True:
        below = [*error.args, error.__cause__, error.__context__]
        found = next((one for one in below if isinstance(one, BaseException)), None)
        if found is None:
            return error
        error = found
