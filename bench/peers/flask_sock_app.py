"""The obvious flask-sock server: a receive loop per client, a dict of user -> ws, `ws.send`."""

import json
from datetime import UTC, datetime

from flask import Flask
from flask_sock import Sock
from simple_websocket import Server

app = Flask(__name__)
sock = Sock(app)

sockets: dict[str, Server] = {}  # user_id -> its socket


@sock.route("/")
def chat(ws: Server) -> None:
    """One client, from its upgrade to its end."""
    user_id = None
    try:
        while True:
            event = json.loads(ws.receive())
            if event["type"] == "init":
                user_id = event["userId"]
                sockets[user_id] = ws
                ws.send(json.dumps({"type": "ready", "userId": user_id}))
            elif event["type"] == "chat" and event["toUserId"] in sockets:
                now = datetime.now(UTC).isoformat(timespec="milliseconds")
                sockets[event["toUserId"]].send(
                    json.dumps(
                        {
                            "type": "chat",
                            "fromUserId": event["fromUserId"],
                            "toUserId": event["toUserId"],
                            "message": event["message"],
                            "timestamp": now.replace("+00:00", "Z"),
                        }
                    )
                )
    finally:
        if sockets.get(user_id) is ws:
            del sockets[user_id]
