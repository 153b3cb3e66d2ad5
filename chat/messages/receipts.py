"""Owns receipts: a pointer is moved, and then both sides are told.

Of one pointer one move is in the journal at a time. What comes meanwhile is moved as one, so that a crowd of receipts
does not keep messages from being stored.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from chat.errors import Busy, ChatError
from chat.limits import UNKNOWN_ADDRESS
from chat.people.online import Online, Socket, encoded
from chat.protocol.changes import Receipt
from chat.protocol.conversation_ids import conversation_and_keys
from chat.protocol.names import name_key
from chat.protocol.structs import Member
from chat.storage.journal import Journal
from chat.storage.records import Pointer

MOST_GATHERED = 1_000  # moves of one pointer that wait for their answers

Then = Callable[[ChatError | None], None]


class Move(NamedTuple):
    """One receipt. `skip`: the socket that sent it, and need not be told; `then` gets None or the error."""

    pointer: Pointer
    skip: object
    then: Then
    address: str


@dataclass(eq=False)
class Receipts:
    """Moves pointers, and tells the other side and one's own other sockets."""

    _journal: Journal
    _online: Online[Socket]
    _may_be_told: Callable[[str, str], bool] = lambda _one, _other: True  # whether the second may hear of the first
    _user_key: Callable[[str], str] = name_key

    def __post_init__(self) -> None:
        # self._gathered[user, with_user] = what came since a move of theirs is in the journal
        self._gathered: dict[tuple[str, str], list[Move]] = {}

    def move(self, pointer: Pointer, skip: object, then: Then, address: str = UNKNOWN_ADDRESS) -> None:
        """Move it for the socket `skip`, which is not told; `then` gets None or the error. Raises Busy."""
        move = Move(pointer, skip, then, address)
        gathered = self._gathered.get(pointer[:2])
        if gathered is None:
            self._store([move])
        elif len(gathered) < MOST_GATHERED:
            gathered.append(move)
        else:
            raise Busy

    def tell(self, moved: Pointer | ChatError | None, skip: object = None) -> None:
        """Send a `receipt` of where a pointer stands now. None or an error: it did not move. Never blocks."""
        if not isinstance(moved, Pointer):
            return
        member = Member(moved.user_id, moved.received, moved.read)
        conversation, keys = conversation_and_keys(moved.user_id, moved.with_user_id, self._user_key)
        receipt = encoded(
            Receipt(
                user_id=moved.user_id,
                with_user_id=moved.with_user_id,
                received=moved.received,
                read=moved.read,
                conversation_id=conversation,
                members=[member],
                keys=keys,
            )
        )
        if self._may_be_told(moved.user_id, moved.with_user_id):
            self._online.emit(receipt, to=moved.with_user_id, skip=skip)
        if moved.user_id != moved.with_user_id:
            self._online.emit(receipt, to=moved.user_id, skip=skip)

    def _store(self, moves: list[Move]) -> None:
        """Have all these moves of one pointer stored as one."""
        first = moves[0]
        received = max(move.pointer.received for move in moves)
        pointer = first.pointer._replace(received=received, read=max(move.pointer.read for move in moves))
        self._gathered[pointer[:2]] = []
        try:
            self._journal.append(pointer, partial(self._settle, moves), first.address)
        except Exception:
            del self._gathered[pointer[:2]]
            raise

    def _settle(self, moves: list[Move], moved: Pointer | ChatError | None) -> None:
        """Tell what came of these, and go on with those that were gathered meanwhile."""
        self._go_on(self._gathered.pop(moves[0].pointer[:2]))
        senders = {id(move.skip) for move in moves}
        self.tell(moved, moves[0].skip if len(senders) == 1 else None)  # of several, each has to hear of the others
        for move in moves:
            move.then(moved if isinstance(moved, ChatError) else None)

    def _go_on(self, gathered: list[Move]) -> None:
        try:
            if gathered:
                self._store(gathered)
        except Busy as error:
            for move in gathered:
                move.then(error)
