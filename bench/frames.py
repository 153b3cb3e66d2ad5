"""`python -m bench.frames`: our frame decoder beside the sans-I/O parsers of websockets and wsproto.

One process, one chat message a frame; each parser reads the same bytes, in turns, and the fastest of
the turns counts: on a shared machine the others tell of the neighbours.
"""

from __future__ import annotations

import json
import timeit
from collections.abc import Callable

from websockets.protocol import SERVER, Protocol
from wsproto.connection import Connection, ConnectionType

from chat.protocol.frames import FrameDecoder, apply_mask

FRAMES, TURNS, ROUNDS = 16, 500, 15
MASK = b"\x37\xfa\x21\x3d"  # RFC 6455, section 5.7
TEXT = json.dumps({"type": "chat", "toUserId": "bob", "message": "x" * 60}).encode()
DATA = (bytes([0x81, 0x80 | len(TEXT)]) + MASK + apply_mask(TEXT, MASK)) * FRAMES


def ours() -> Callable[[], int]:
    decoder = FrameDecoder(65_536, 1_024)
    return lambda: len(decoder.decode(DATA, FRAMES + 1))


def websockets() -> Callable[[], int]:
    protocol = Protocol(SERVER)

    def read() -> int:
        protocol.receive_data(DATA)
        return len(protocol.events_received())

    return read


def wsproto() -> Callable[[], int]:
    connection = Connection(ConnectionType.SERVER)

    def read() -> int:
        connection.receive_data(DATA)
        return len(list(connection.events()))

    return read


def main() -> None:
    parsers = {"ours": ours(), "websockets, sans-I/O": websockets(), "wsproto": wsproto()}
    for name, read in parsers.items():
        if read() != FRAMES:
            raise SystemExit(f"{name} did not find the {FRAMES} messages")
    seconds = {name: min(timeit.repeat(read, number=TURNS, repeat=ROUNDS)) for name, read in parsers.items()}
    for name, taken in seconds.items():
        micros = taken / TURNS / FRAMES * 1e6
        print(f"{name:22} {micros:6.2f} µs a frame  {taken / seconds['ours']:5.1f}x ours")


if __name__ == "__main__":
    main()
