"""Owns the way to notify, and to send messages, from another process: by HTTP to CHAT_URL, with a token of its own."""

import time
import uuid
from collections.abc import Collection, Sequence
from functools import partial
from typing import Any
from uuid import UUID

import requests

from chat.errors import ChatError, NotSignedIn, Unavailable
from chat.notifications.notifier import PushResult
from chat.people.tokens import NOTIFY_SCOPE, USERS_SCOPE, Tokens
from chat.protocol.names import text_of_id
from chat.transport.deadline import within

TOKEN_SECONDS = 60
ANSWER_SECONDS = 10  # for the whole answer
TRIES = 2  # a connection that the server has closed meanwhile is no failure yet
LOOK = "CHAT_URL says where the chat is, with the path that it is mounted at."


class NotReached(Unavailable):
    """No server answers under CHAT_URL."""


class Refused(ChatError):
    """The server said no; `code`, `status` and `field` are those of its answer."""

    def __init__(self, status: int, fault: dict[str, Any]) -> None:
        super().__init__(fault["message"], fault["field"])
        self.status = status
        self.code = fault["code"]
        self.rule, self.params = fault.get("rule"), fault.get("params", {})


class Service:
    """A program that pushes notifications to a running server."""

    def __init__(self, url: str, tokens: Tokens, name: str) -> None:
        """`url`: with the path that the chat is mounted at. `name`: how the server's log calls the program."""
        self._url = url.rstrip("/") + "/api"
        self._tokens = tokens
        self._name = name
        self._session = requests.Session()

    def push(self, key: str | None = None, **body: Any) -> dict[str, Any]:
        """POST /api/notifications, and return the answer. The body's names are those on the wire.

        `key`: the Idempotency-Key; None: one of its own. Raises NotReached or Refused.
        """
        key = key or str(uuid.uuid4())  # so that the tries of one call are one
        return self._ask("POST", "/notifications", {"Idempotency-Key": key}, body)

    def notify(self, to: str | int | UUID | Collection[str | int | UUID], message: str, **said: Any) -> PushResult:
        """Notify one user, or several: see `chat.notify`."""
        if "expires_in" in said:
            said["expiresIn"] = said.pop("expires_in")
        whom: dict[str, Any] = {}
        if isinstance(to, str | int | UUID) or not isinstance(to, Collection):
            whom["toUserId"] = text_of_id(to, "to")
        else:
            whom["toUserIds"] = [text_of_id(one, "to") for one in to]
        answer = self.push(message=message, **whom, **said)
        return PushResult(answer.get("id"), answer.get("batchId"), answer.get("sockets", 0), "repeated" in answer)

    def progress(self, batch_id: int) -> dict[str, Any]:
        """GET /api/notifications/batches/<id>. Raises: as `push`."""
        return self._ask("GET", f"/notifications/batches/{batch_id}", {}, None)

    def send_message(self, sender: str, conversation: str, message: str, client_id: str | None) -> dict[str, Any]:
        """POST a message in somebody's name, and return the answer. Raises: as `push`."""
        body = {"message": message, "clientId": client_id or str(uuid.uuid4())}  # so that the tries of one call are one
        token, _ = self._tokens.sign_for_site(sender, int(time.time() * 1000), TOKEN_SECONDS)
        return self._ask("POST", f"/conversations/{conversation}/messages", {}, body, token)

    def put_users(self, users: Sequence[dict[str, Any]]) -> int:
        """POST /api/users; return how many have changed. Raises: as `push`."""
        token = self._tokens.sign_service(self._name, USERS_SCOPE, TOKEN_SECONDS)
        return int(self._ask("POST", "/users", {}, {"users": users}, token)["changed"])

    def _ask(
        self, method: str, path: str, headers: dict[str, str], body: dict[str, Any] | None, token: str = ""
    ) -> dict[str, Any]:
        token = token or self._tokens.sign_service(self._name, NOTIFY_SCOPE, TOKEN_SECONDS)
        # A redirect is not followed: of a POST it would make a GET.
        options: dict[str, Any] = {"json": body, "timeout": ANSWER_SECONDS, "allow_redirects": False}
        options["headers"] = headers | {"Authorization": f"Bearer {token}"}
        ask = partial(self._session.request, method, self._url + path, **options)
        for tries_left in reversed(range(TRIES)):
            try:
                answer = within(ANSWER_SECONDS, ask)
                break
            except (requests.RequestException, TimeoutError) as error:
                if not tries_left:
                    reason = type(error).__name__
                    raise NotReached(f"No chat server answers at {self._url}{path}: {reason}. {LOOK}") from None
        said = _json_object(answer)
        if answer.ok and said and not answer.is_redirect:
            return said
        fault = said.get("error")
        if isinstance(fault, dict) and fault.keys() >= {"code", "message", "field"}:
            if fault["code"] == NotSignedIn.code:  # the program signed the token itself: nobody has to sign in
                fault["message"] = f"The chat at {self._url} has another CHAT_TOKEN_SECRET than this program. {LOOK}"
            raise Refused(answer.status_code, fault)
        raise NotReached(f"At {self._url}{path} something else answers, with status {answer.status_code}. {LOOK}")


def _json_object(answer: requests.Response) -> dict[str, Any]:
    """Return the JSON object of an answer, or an empty one: it holds none."""
    try:
        said = answer.json()
    except requests.JSONDecodeError:
        return {}
    return said if isinstance(said, dict) else {}
