"""A picows server on uvloop, as its examples are: callbacks of a listener, a dict of user -> transport. `... PORT`.

Whoever takes picows wants speed, so JSON is orjson's.
"""

import sys
from datetime import UTC, datetime

import orjson
import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

BACKLOG = 4_096  # of those who come at once; 100 by itself

transports: dict[str, WSTransport] = {}  # user_id -> its transport


class Client(WSListener):
    """One client, from its upgrade to its end."""

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport
        self.user_id = ""

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
        elif frame.msg_type == WSMsgType.TEXT:
            self.on_event(orjson.loads(frame.get_payload_as_memoryview()))

    def on_event(self, event: dict[str, str]) -> None:
        if event["type"] == "init":
            self.user_id = event["userId"]
            transports[self.user_id] = self.transport
            self.transport.send(WSMsgType.TEXT, orjson.dumps({"type": "ready", "userId": self.user_id}))
        elif event["type"] == "chat" and event["toUserId"] in transports:
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            message = {
                "type": "chat",
                "fromUserId": event["fromUserId"],
                "toUserId": event["toUserId"],
                "message": event["message"],
                "timestamp": now.replace("+00:00", "Z"),
            }
            transports[event["toUserId"]].send(WSMsgType.TEXT, orjson.dumps(message))

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        if transports.get(self.user_id) is transport:
            del transports[self.user_id]


async def main(port: int) -> None:
    """Serve until a signal ends the process."""

    def listener(request: WSUpgradeRequest) -> Client:
        return Client()

    server = await ws_create_server(listener, "127.0.0.1", port, backlog=BACKLOG)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
