"""Owns sending a message, as a site's code does: in somebody's name, or in that of a bot."""

from datetime import datetime

from chat.errors import InvalidField, TooLarge
from chat.limits import UNKNOWN_ADDRESS
from chat.protocol.conversation_ids import conversation_id
from chat.protocol.structs import CLIENT_ID_CHARS, Chat
from chat.protocol.texts import check_storable
from chat.server import ChatServer
from chat.signals import SiteMessage
from chat.storage.records import Send
from chat.transport.reply import Asked


def send_as(server: ChatServer, from_id: str, to_id: str, text: str, client_id: str | None = None) -> SiteMessage:
    """Store a message, deliver it, and return it: see `SiteApi.send_message`."""
    sender, receiver = (
        server.directory.named(str(user_id), field) for user_id, field in ((from_id, "from_id"), (to_id, "to_id"))
    )
    _check_text(text, server.settings.max_message_bytes)
    if client_id is not None:
        check_storable(client_id, "client_id")
        if len(client_id) > CLIENT_ID_CHARS:
            raise InvalidField(field="client_id", rule="too_long", max=CLIENT_ID_CHARS)
    event = Chat(to_user_id=receiver, message=text, client_id=client_id)
    if not server.is_testing and (not server.is_started or server.goodbye.is_last):  # another process serves
        told = server.service.send_message(sender, conversation_id(sender, receiver), text, client_id)
        return SiteMessage(sender, receiver, text, told["seq"], datetime.fromisoformat(told["timestamp"]))
    server.blocking.check(sender, receiver)
    asker = Asked(UNKNOWN_ADDRESS)
    server.sending.send(asker, Send(sender, receiver, event.message, event.client_id or None), ref=0)
    ack = asker.wait()
    return SiteMessage(sender, receiver, text, ack.seq, datetime.fromisoformat(ack.timestamp))


def _check_text(text: str, most_bytes: int) -> None:
    if not text:
        raise InvalidField(field="message", rule="empty")
    check_storable(text, "message")
    if len(text.encode()) > most_bytes:
        raise TooLarge
