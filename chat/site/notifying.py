"""Owns `notify`, as a site calls it: through its own process, if that serves, else by the server at CHAT_URL."""

from collections.abc import Sequence
from typing import Any

from chat.errors import InvalidField
from chat.notifications.draft import MOST_USERS, draft_of
from chat.notifications.notifier import PushResult
from chat.server import ChatServer


def notify(server: ChatServer, to: str | int | Sequence[str | int], message: str, **said: Any) -> PushResult:
    """Notify one user, or several: see `chat.notify`. A site's ids may be numbers."""
    said = {name: value for name, value in said.items() if value is not None}
    # Another process serves, or its successor.
    if not server.is_testing and (not server.is_started or server.goodbye.is_last):
        return server.service.notify(to, message, **said)
    draft = draft_of(message, **said)
    if isinstance(to, str | int):
        return server.notifier.push(server.names.checked(str(to), "to"), draft)
    if not 1 <= len(to) <= MOST_USERS:
        raise InvalidField(field="to", rule="too_many", max=MOST_USERS)
    return server.batches.push("flask", [*map(str, to)], draft)
