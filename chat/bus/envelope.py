"""Owns how one worker writes to the others: who writes, then letters, each a line that says what it is and the frame as sockets get it.

<worker>\n<kind> <number> <bytes of the frame> <other user>\n<frame>...
"""

# Kinds. `number` and `other` are: of a message its seq, and with whom the conversation is; of a notification its id; of a
# presence its status' place in presence.RANK, and whose it is; of a call the time since which to look, in ms.
MESSAGE, REPEAT, EVENT, NOTIFICATION, TELL, PRESENCE, INTRODUCTION, ECHO, LOOK, HELLO, WELCOME = (
    b"m r e n t p i o l h w".split()
)


Letter = tuple[bytes, int, str, bytes]  # its kind, number, other user and frame


def packed(kind: bytes, number: int, other: str, frame: bytes) -> bytes:
    """Return the bytes of one letter. `other` holds no line end, as no name does."""
    return b"%s %d %d %s\n%s" % (kind, number, len(frame), other.encode(), frame)


def unpacked(data: bytes) -> tuple[bytes, list[Letter]]:
    """Return who published this, and the letters. Raises ValueError: another program's, or a newer version's."""
    begin = data.index(b"\n") + 1
    worker, end = data[: begin - 1], len(data)
    letters: list[Letter] = []
    while begin < end:
        line_end = data.index(b"\n", begin)
        kind, number, size, other = data[begin:line_end].split(b" ", 3)
        begin = line_end + 1 + int(size)
        if not line_end < begin <= end:
            raise ValueError("a frame is not as long as was said")
        letters.append((kind, int(number), other.decode(), data[line_end + 1 : begin]))
    return worker, letters
