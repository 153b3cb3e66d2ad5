"""`notify`, for Flask code and for the command: in the server's own process, or over HTTP to the one that serves.

Another process of the same installation finds the server by CHAT_URL, and signs a token for itself with the
installation's secret. Programs elsewhere use the HTTP interface.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import requests

from chat.config import Settings
from chat.errors import ChatError, InvalidField, Unavailable
from chat.notifications.draft import MOST_USERS, Draft
from chat.notifications.notifier import Notifier, Pushed
from chat.people.tokens import Tokens
from chat.protocol.names import checked_user_id

INSTANCE = str(Path(__file__).parents[2] / "instance")  # where the server keeps its secret
SCOPE = "notify"
TOKEN_SECONDS = 60
ANSWER_SECONDS = 10
TRIES = 2  # a connection that the server has closed meanwhile is no failure yet


class NotReached(Unavailable):
    """No server answers under CHAT_URL."""


class Refused(ChatError):
    """The server said no; `code`, `status` and `field` are those of its answer."""

    def __init__(self, status: int, fault: dict[str, Any]) -> None:
        super().__init__(fault["message"], fault["field"])
        self.status = status
        self.code = fault["code"]


class Service:
    """A program that pushes notifications to a running server.

    Args:
        url: of the server, with the path that it is mounted at.
        name: how the server's log calls it.
    """

    def __init__(self, url: str, tokens: Tokens, name: str) -> None:
        self._url = url.rstrip("/") + "/api/notifications"
        self._tokens = tokens
        self._name = name
        self._session = requests.Session()

    @classmethod
    def of_this_installation(cls, name: str) -> Service:
        """By the settings of the environment."""
        settings = Settings.load()
        return cls(settings.url, Tokens.for_app(settings, INSTANCE), name)

    def push(self, key: str | None = None, **body: Any) -> dict[str, Any]:
        """POST /api/notifications; its answer. The body's names are those on the wire.

        Args:
            key: the Idempotency-Key; None: one of its own, so that the tries of one call are one.

        Raises:
            NotReached: no server answers.
            Refused: the server said no.
        """
        return self._ask("POST", "", {"Idempotency-Key": key or str(uuid.uuid4())}, body)

    def progress(self, batch_id: int) -> dict[str, Any]:
        """GET /api/notifications/batches/<id>. Raises: as `push`."""
        return self._ask("GET", f"/batches/{batch_id}", {}, None)

    def _ask(
        self, method: str, path: str, headers: dict[str, str], body: dict[str, Any] | None
    ) -> dict[str, Any]:
        token = self._tokens.sign_service(self._name, SCOPE, TOKEN_SECONDS)
        headers |= {"Authorization": f"Bearer {token}"}
        for tries_left in reversed(range(TRIES)):
            try:
                answer = self._session.request(
                    method, self._url + path, json=body, headers=headers, timeout=ANSWER_SECONDS,
                    allow_redirects=False,  # of a POST it would make a GET
                )  # fmt: skip
                said = answer.json()
            except requests.RequestException as error:
                if not tries_left:
                    reason = type(error).__name__
                    raise NotReached(f"No chat server answers at {self._url}: {reason}.") from None
            else:
                said = said if isinstance(said, dict) else {}
                fault = said.get("error")
                if answer.ok and said and not answer.is_redirect:
                    return said
                if isinstance(fault, dict) and fault.keys() >= {"code", "message", "field"}:
                    raise Refused(answer.status_code, fault)
                raise NotReached(
                    f"At {self._url} something else answers, with status {answer.status_code}."
                )
        raise AssertionError("the last try returns or raises")


class Notify:
    """Callable: see `__call__`. `serve_with` is called where the server runs."""

    def __init__(self) -> None:
        self._notifier: Notifier | None = None
        self._service: Service | None = None  # made at the first call elsewhere
        # Calls serve_with, if this turns out to be the server's process.
        self.begin: Callable[[], None] = lambda: None

    def serve_with(self, notifier: Notifier) -> None:
        """This is the server's process: what is to be sent goes straight to its notifications."""
        self._notifier = notifier

    def __call__(
        self,
        to: str | Sequence[str],
        message: str,
        *,
        title: str | None = None,
        link: str | None = None,
        level: str = "info",
        expires_in: int | None = None,
    ) -> Pushed:
        """Notify one user, or several. Returns when it is stored.

        Args:
            to: a name, or up to 10,000 names, which get it as a batch.
            level: info, success, warning or error.
            expires_in: seconds until it is shown no more; None: never.

        Raises:
            ChatError: `code` says why. Nothing was stored; after `busy` and `unavailable`, a NotReached from
                another process among them, trying again may help.
            RuntimeError: called in the server's process on another native thread than the event loop's.
        """
        said: dict[str, Any] = {"message": message, "level": level}
        optional = {"title": title, "link": link, "expiresIn": expires_in}
        said |= {name: value for name, value in optional.items() if value is not None}
        if self._notifier is None:
            self.begin()
        if self._notifier is not None:
            try:
                draft = msgspec.convert(said, Draft)
            except msgspec.ValidationError as error:
                rule, _, field = str(error).partition(" - at `$.")
                raise InvalidField(f"{rule}.", field.rstrip("`") or None) from None
            if isinstance(to, str):
                return self._notifier.push(checked_user_id(to, "to"), draft)
            if not 1 <= len(to) <= MOST_USERS:
                raise InvalidField(f"Expected 1 to {MOST_USERS:,} names.", "to")
            return self._notifier.push_to_many("flask", to, draft)
        if self._service is None:
            self._service = Service.of_this_installation("flask")
        whom = {"toUserId": to} if isinstance(to, str) else {"toUserIds": list(to)}
        answer = self._service.push(**whom, **said)
        return Pushed(
            answer.get("id"), answer.get("batchId"), answer.get("sockets", 0), "repeated" in answer
        )


notify = Notify()
