"""Owns the bytes that one worker publishes for the others: its name, and then letters.

<worker>\\n, then for each letter: <kind> <number> <bytes of the frame> <bytes of the name>, as HEAD packs them, <name><frame>.
The name is the other user's. The frame is what sockets get.
"""

from struct import Struct, error

# Kinds. `number` and `other` are: of a message its seq, and with whom the conversation is; of a notification its id; of a
# presence its status' place in presence.RANK, and whose it is; of a call the time since which to look, in ms.
MESSAGE, REPEAT, EVENT, NOTIFICATION, TELL, PRESENCE, INTRODUCTION, ECHO, LOOK, HELLO, WELCOME = (
    b"m r e n t p i o l h w".split()
)

Letter = tuple[bytes, int, str, bytes]  # its kind, number, other user and frame

HEAD = Struct("!cQIH")  # a line of text takes twice as long to read


def packed(kind: bytes, number: int, other: str, frame: bytes) -> bytes:
    """Return the bytes of one letter."""
    name = other.encode()
    return HEAD.pack(kind, number, len(frame), len(name)) + name + frame


def unpacked(data: bytes) -> tuple[bytes, list[Letter]]:
    """Return who published this, and the letters. Raises ValueError: another program's, or a newer version's."""
    at = data.index(b"\n") + 1
    worker, end = data[: at - 1], len(data)
    letters: list[Letter] = []
    while at < end:
        try:
            kind, number, size, name_size = HEAD.unpack_from(data, at)
        except error as problem:
            raise ValueError(str(problem)) from None
        name_at = at + HEAD.size
        frame_at = name_at + name_size
        at = frame_at + size
        if at > end:
            raise ValueError("a frame is not as long as was said")
        letters.append((kind, number, data[name_at:frame_at].decode(), data[frame_at:at]))
    return worker, letters
