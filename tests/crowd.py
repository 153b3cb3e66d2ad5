"""Many plain clients in a process of their own: they answer pings, and count the notifications of each.

`python -m tests.crowd PORT NUMBER NAME` connects NAME0, NAME1 ..., prints "here", and a line of JSON each time
that it gets a line on its standard input: how many clients have got 0, 1, 2 ... notifications.
"""

from __future__ import annotations

import json
import selectors
import sys
from collections import Counter

from websockets.frames import Opcode
from websockets.protocol import CLIENT, Protocol

from tests.transport.peers import RawClient, frame


class Member:
    def __init__(self, port: int, name: str) -> None:
        self.client = RawClient(port, name)
        self.client.sock.setblocking(False)
        self.parser = Protocol(CLIENT, max_size=None)
        self.notifications = 0

    def read(self) -> None:
        self.parser.receive_data(self.client.sock.recv(65_536))
        for event in self.parser.events_received():
            if event.opcode is Opcode.PING:
                self.client.sock.sendall(frame(Opcode.PONG, bytes(event.data)))
            elif b'"type":"notification"' in event.data:
                self.notifications += 1
        self.parser.data_to_send()


def main(port: int, number: int, name: str) -> None:
    selector = selectors.DefaultSelector()
    members = [Member(port, f"{name}{n}") for n in range(number)]
    for member in members:
        selector.register(member.client.sock, selectors.EVENT_READ, member)
    selector.register(sys.stdin, selectors.EVENT_READ)
    print("here", flush=True)
    while True:
        for key, _ in selector.select():
            if key.data is not None:
                key.data.read()
            elif not sys.stdin.readline():
                return
            else:
                print(json.dumps(Counter(m.notifications for m in members)), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
