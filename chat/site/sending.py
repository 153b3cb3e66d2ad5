"""Owns what a site's own code sends: messages in somebody's name, or in that of a bot, and notifications.

It goes through its own process, if that serves, else to the server at CHAT_URL.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from chat.errors import InvalidField, TooLarge
from chat.limits import UNKNOWN_ADDRESS
from chat.notifications.draft import MOST_USERS, draft_of
from chat.notifications.notifier import PushResult
from chat.protocol.conversation_ids import conversation_id
from chat.protocol.names import text_of_id
from chat.protocol.structs import CLIENT_ID_CHARS
from chat.protocol.texts import check_storable
from chat.server import ChatServer
from chat.signals import SiteMessage
from chat.storage.records import Send
from chat.transport.reply import Asked


def send_as(
    server: ChatServer, from_id: str | int | UUID, to_id: str | int | UUID, text: str, client_id: str | None = None
) -> SiteMessage:
    """Store a message, deliver it, and return it: see `SiteApi.send_message`."""
    sender, receiver = (
        server.directory.named(text_of_id(user_id, field), field)
        for user_id, field in ((from_id, "from_id"), (to_id, "to_id"))
    )
    _check_text(text, server.settings.max_message_bytes)
    client_id = client_id or None
    if client_id is not None:
        check_storable(client_id, "client_id")
        if len(client_id) > CLIENT_ID_CHARS:
            raise InvalidField(field="client_id", rule="too_long", max=CLIENT_ID_CHARS)
    if _is_served_elsewhere(server):
        told = server.service.send_message(sender, conversation_id(sender, receiver), text, client_id)
        return SiteMessage(sender, receiver, text, told["seq"], datetime.fromisoformat(told["timestamp"]))
    server.blocking.check(sender, receiver)
    asker = Asked(UNKNOWN_ADDRESS)
    server.sending.send(asker, Send(sender, receiver, text, client_id), ref=0)
    ack = asker.wait()
    return SiteMessage(sender, receiver, text, ack.seq, datetime.fromisoformat(ack.timestamp))


def notify(
    server: ChatServer, to: str | int | UUID | Collection[str | int | UUID], message: str, **said: Any
) -> PushResult:
    """Notify one user, or several: see `chat.notify`. A site's ids may be numbers."""
    said = {name: value for name, value in said.items() if value is not None}
    if _is_served_elsewhere(server):
        return server.service.notify(to, message, **said)
    draft = draft_of(message, **said)
    if isinstance(to, str | int | UUID) or not isinstance(to, Collection):
        return server.notifier.push(server.names.checked(text_of_id(to, "to"), "to"), draft)
    if not to:
        raise InvalidField(field="to", rule="empty")
    if len(to) > MOST_USERS:
        raise InvalidField(field="to", rule="too_many", max=MOST_USERS)
    return server.batches.push("flask", [text_of_id(one, "to") for one in to], draft)


def _check_text(text: str, most_bytes: int) -> None:
    if not isinstance(text, str):
        raise InvalidField(field="message", rule="wrong_type", expected="a string")
    if not text:
        raise InvalidField(field="message", rule="empty")
    check_storable(text, "message")
    if len(text.encode()) > most_bytes:
        raise TooLarge


def _is_served_elsewhere(server: ChatServer) -> bool:
    """Whether another process serves: this one does not, or stops, and has a successor."""
    return not server.is_testing and (not server.is_started or server.goodbye.is_last)
