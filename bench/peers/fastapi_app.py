"""The server of FastAPI's documentation: `receive_json` in a loop, a dict of user -> WebSocket, `send_json`."""

from datetime import UTC, datetime

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()

sockets: dict[str, WebSocket] = {}  # user_id -> its socket


@app.websocket("/")
async def chat(socket: WebSocket) -> None:
    """One client, from its upgrade to its end."""
    await socket.accept()
    user_id = ""
    try:
        while True:
            event = await socket.receive_json()
            if event["type"] == "init":
                user_id = event["userId"]
                sockets[user_id] = socket
                await socket.send_json({"type": "ready", "userId": user_id})
            elif event["type"] == "chat" and event["toUserId"] in sockets:
                now = datetime.now(UTC).isoformat(timespec="milliseconds")
                await sockets[event["toUserId"]].send_json(
                    {
                        "type": "chat",
                        "fromUserId": event["fromUserId"],
                        "toUserId": event["toUserId"],
                        "message": event["message"],
                        "timestamp": now.replace("+00:00", "Z"),
                    }
                )
    except WebSocketDisconnect:
        pass
    finally:
        if sockets.get(user_id) is socket:
            del sockets[user_id]
