"""Our server with a `chat` that stores nothing, as its peers store nothing: `gunicorn ... bench.relaying:app`.

So the loads `1`, `16` and `2000` compare what is alike: the way of a message from socket to socket. What
the promise costs on top stands in the loads `ack1`, `ack16` and `ack2000`, where the server is app.py itself.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()  # before everything else, as app.py does

from chat import Client, create_app, events  # noqa: E402
from chat.people.online import encoded  # noqa: E402
from chat.protocol.structs import Chat, ServerEvent, timestamp  # noqa: E402
from chat.router import Answer  # noqa: E402


class Relayed(ServerEvent, tag="chat"):
    """A chat message without a number in its conversation, since it is in none."""

    from_user_id: str
    to_user_id: str
    message: str
    timestamp: str
    client_id: str | None = None


@events.on("chat", Chat)
def relay(client: Client, event: Chat) -> Answer:
    """To the receiver's sockets, and to the sender's other ones."""
    sender, receiver = client.user_id, event.to_user_id
    message = encoded(
        Relayed(
            from_user_id=sender,
            to_user_id=receiver,
            message=event.message,
            timestamp=timestamp(),
            client_id=event.client_id,
        )
    )
    online = client.chat.online
    delivered = online.emit(message, to=receiver, skip=client)
    if sender != receiver:
        online.emit(message, to=sender, skip=client)
    return {"delivered": delivered > 0}


app = create_app()  # last: it copies what was declared
