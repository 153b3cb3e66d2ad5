"""A direct-message chat and notification server for Flask. Where to begin reading: docs/walkthrough.md."""

from chat.client import Client
from chat.errors import ChatError
from chat.extension import Chat, create_app, emit, notify
from chat.protocol.names import UserId
from chat.protocol.structs import Payload
from chat.router import events
from chat.signals import message_stored, notification_pushed, user_came, user_left

__all__ = [
    "Chat", "ChatError", "Client", "Payload", "UserId", "create_app", "emit", "events", "message_stored",
    "notification_pushed", "notify", "user_came", "user_left",
]  # fmt: skip
