"""Owns what waits to be written, in its order, bounded in bytes: records for a commit, and single writes.

Of the records each user and address has a share. Half of the room is anybody's. Beyond that half, whoever holds more
than a share is told `busy`.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator
from functools import partial
from sys import getsizeof
from time import monotonic
from typing import Any

import msgspec

from chat.errors import Busy
from chat.limits import UNKNOWN_ADDRESS, origin_of
from chat.storage.records import Pointer, Send

RECORD_BYTES = 2_048  # of memory that a text takes: each so many more count as one more record
SHARE_OF_ROOM = 8  # the part of it: of a user, and of an address
WRITES_BYTES = 16_777_216  # of single writes that wait
WRITE_BYTES = 1_024  # what one takes beside the UTF-8 of its arguments

Record = Send | Pointer
Settle = Callable[[Any], object]
# What is stored, who is told, the address of its sender, and its size in records, and when
# it came (time.monotonic). A plain tuple: each message makes one.
Entry = tuple[Record, Settle, str, int, float]


class Waiting:
    """The records of one journal that no commit has taken yet."""

    def __init__(self, room: int) -> None:
        """`room`: in records of RECORD_BYTES."""
        self._room = room
        self._half = room // 2
        self._share = max(1, room // SHARE_OF_ROOM)
        self._entries: list[Entry] = []
        self._size = 0
        self.taken = 0  # records that were taken out so far
        self._held: Counter[tuple[str, str]] | None = None  # by user and by address; counted when it is asked for

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def bytes(self) -> int:
        """Return the memory that the texts take."""
        return sum(getsizeof(record.body) for record, *_ in self._entries if isinstance(record, Send))

    def add(self, record: Record, settle: Settle, address: str) -> None:
        """Put it behind the others. Raises Busy: there is no room, or its sender's share of it is used."""
        # One emoji makes each letter of a text take four bytes, and this is what they take.
        size = 1 + getsizeof(record.body) // RECORD_BYTES if isinstance(record, Send) else 1
        if self._size + size > self._half and self._entries:
            self._take_share(record, address, size)
        self._size += size
        self._entries.append((record, settle, address, size, monotonic()))

    def take(self, most: int) -> list[Entry]:
        """Take out the first ones, as many as `most` records, or one that is larger."""
        taken, self._held = self._entries, None
        if self._size <= most:
            self._entries, self._size = [], 0
            self.taken += len(taken)
            return taken
        count = size = 0
        while size < most:
            size += taken[count][3]
            count += 1
        self._entries = taken[count:]
        self._size -= size
        self.taken += count
        return taken[:count]

    def _take_share(self, record: Record, address: str, size: int) -> None:
        if self._held is None:
            self._held = Counter()
            for other, _, from_, its_size, _ in self._entries:
                for key in _keys(other, from_):
                    self._held[key] += its_size
        keys = _keys(record, address)
        if self._size + size > self._room or any(self._held[key] + size > self._share for key in keys):
            raise Busy
        for key in keys:
            self._held[key] += size


class Writes:
    """The single writes of one journal that are not begun yet."""

    def __init__(self) -> None:
        self._entries: deque[tuple[partial[Any], Settle, int]] = deque()  # the last: its size in bytes
        self._size = 0

    def bytes(self) -> int:
        """Return the memory that they take, about."""
        return self._size

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[tuple[partial[Any], Settle, int]]:
        return iter(self._entries)

    def add(self, write: "partial[Any]", settle: Settle) -> None:
        """Put it behind the others. Raises Busy: there is no room."""
        size = WRITE_BYTES + len(msgspec.json.encode(write.args, enc_hook=lambda _: None))
        if self._size + size > WRITES_BYTES and self._entries:
            raise Busy
        self._size += size
        self._entries.append((write, settle, size))

    def take(self) -> tuple["partial[Any]", Settle]:
        """Take out the first one."""
        write, settle, size = self._entries.popleft()
        self._size -= size
        return write, settle


def _keys(record: Record, address: str) -> list[tuple[str, str]]:
    """Return whose shares it is of."""
    user = ("user", record.sender_id if isinstance(record, Send) else record.user_id)
    return [user] if address == UNKNOWN_ADDRESS else [user, ("address", origin_of(address))]
