"""The obvious Flask-SocketIO server on gevent: user -> session id, `emit(..., to=sid)`."""

from gevent import monkey

monkey.patch_all()

from datetime import UTC, datetime  # noqa: E402
from typing import Any  # noqa: E402

from flask import Flask, request  # noqa: E402
from flask_socketio import SocketIO, emit  # noqa: E402

app = Flask(__name__)
socketio = SocketIO(app, async_mode="gevent", transports=["websocket"])

session_ids: dict[str, str] = {}  # user_id -> Socket.IO session id
user_ids: dict[str, str] = {}  # and back, for the way out


@socketio.on("init")
def init(event: dict[str, Any]) -> None:
    """Note where this user is."""
    session_ids[event["userId"]] = request.sid
    user_ids[request.sid] = event["userId"]
    emit("ready", {"userId": event["userId"]})


@socketio.on("chat")
def chat(event: dict[str, Any]) -> None:
    """Pass a message on."""
    receiver = session_ids.get(event["toUserId"])
    if receiver is not None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        emit(
            "chat",
            {
                "fromUserId": event["fromUserId"],
                "toUserId": event["toUserId"],
                "message": event["message"],
                "timestamp": now,
            },
            to=receiver,
        )


@socketio.on("disconnect")
def disconnect() -> None:
    """Forget the user, unless a newer socket took over."""
    user_id = user_ids.pop(request.sid, None)
    if session_ids.get(user_id) == request.sid:
        del session_ids[user_id]
