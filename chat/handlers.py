"""What this chat does on each event that a client may send.

The wire's words stand in `protocol.py`; how an event comes here, and what becomes of an error, in
`events.py`.
"""

from __future__ import annotations

import logging

from chat.delivery import emit, encoded, sockets
from chat.errors import Forbidden
from chat.events import Answer, Client, events
from chat.protocol import (
    USER_ID_CHARS,
    Chat,
    ChatMessage,
    Init,
    Payload,
    Pong,
    Ready,
    Typing,
    TypingHint,
    canonical_user_id,
    timestamp,
)

log = logging.getLogger("chat")


@events.on("init", Init, before_init=True)
def init(client: Client, event: Init) -> Answer:
    """The socket says who it is. A second init, as another user, moves it."""
    if client.owner != event.user_id:  # said again and again, it would fill the log
        log.info("init user=%r address=%s", event.user_id, client.address)
    sockets.add(event.user_id, client)
    client.deadline = None
    limits = {"frameBytes": client.settings.max_message_bytes, "userIdChars": USER_ID_CHARS}
    heartbeat = client.settings.heartbeat_seconds
    client.emit(Ready(user_id=event.user_id, heartbeat=heartbeat, limits=limits))
    return None


@events.on("chat", Chat)
def chat(client: Client, event: Chat) -> Answer:
    """A message: to the receiver's sockets, and to the sender's other ones."""
    sender, receiver = client.user_id, event.to_user_id
    if event.from_user_id is not None and canonical_user_id(event.from_user_id) != sender:
        raise Forbidden("fromUserId must be your own name, the one of your init.", "fromUserId")
    sent_at = timestamp()
    message = encoded(
        ChatMessage(
            from_user_id=sender,
            to_user_id=receiver,
            message=event.message,
            timestamp=sent_at,
            client_id=event.client_id,
        )
    )
    delivered = emit(message, to=receiver, skip=client)
    if sender != receiver:
        emit(message, to=sender, skip=client)
    if not delivered:
        log.info("message to an offline user: from=%r to=%r", sender, receiver)
    return {"delivered": delivered > 0, "timestamp": sent_at}


@events.on("typing", Typing)
def typing(client: Client, event: Typing) -> Answer:
    emit(TypingHint(from_user_id=client.user_id), to=event.to_user_id, skip=client)
    return None


@events.on("ping", before_init=True)
def ping(client: Client, event: Payload) -> Answer:
    """For browsers, which cannot send ping frames."""
    client.emit(Pong(timestamp=timestamp()))
    return None
