"""Owns how one worker writes to the others: a line that says what it is, and the frame as sockets get it.

<worker> <kind> <number> <other user>\\n<frame>
"""

from typing import NamedTuple

# Kinds. `number` and `other` are: of a message its seq, and with whom the conversation is; of a notification its id; of a
# presence its status' place in presence.RANK, and whose it is; of a call the time since which to look, in ms.
MESSAGE, REPEAT, EVENT, NOTIFICATION, TELL, PRESENCE, INTRODUCTION, ECHO, LOOK, HELLO, WELCOME = (
    b"m r e n t p i o l h w".split()
)


class Envelope(NamedTuple):
    worker: bytes
    kind: bytes
    number: int
    other: str
    frame: bytes


def packed(worker: bytes, kind: bytes, number: int, other: str, frame: bytes) -> bytes:
    """Return an envelope's bytes. `other` holds no line end, as no name does."""
    return b"%s %s %d %s\n%s" % (worker, kind, number, other.encode(), frame)


def unpacked(data: bytes) -> Envelope:
    """Read an envelope. Raises ValueError: another program's, or a newer version's."""
    line, _, frame = data.partition(b"\n")
    worker, kind, number, other = line.split(b" ", 3)
    return Envelope(worker, kind, int(number), other.decode(), frame)
