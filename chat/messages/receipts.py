"""Owns receipts: a pointer is moved, and then both sides are told."""

from collections.abc import Callable
from dataclasses import dataclass

from chat.errors import ChatError
from chat.people.online import Online, Socket
from chat.protocol.structs import Receipt
from chat.storage.journal import Journal
from chat.storage.records import Pointer


@dataclass(eq=False)
class Receipts:
    """Moves pointers, and tells the other side and one's own other sockets."""

    _journal: Journal
    _online: Online[Socket]
    _may_be_told: Callable[[str, str], bool] = lambda _one, _other: True  # whether the second may hear of the first

    def move(self, pointer: Pointer, skip: object, then: Callable[[ChatError | None], None]) -> None:
        """Move it for the socket `skip`, which is not told; `then` gets None or the error. Raises Busy."""

        def settle(moved: Pointer | ChatError | None) -> None:
            self.tell(moved, skip)
            then(moved if isinstance(moved, ChatError) else None)

        self._journal.append(pointer, settle)

    def tell(self, moved: Pointer | ChatError | None, skip: object = None) -> None:
        """Send a `receipt` of where a pointer stands now. None or an error: it did not move. Never blocks."""
        if not isinstance(moved, Pointer):
            return
        receipt = Receipt(**moved._asdict())
        if self._may_be_told(moved.user_id, moved.with_user_id):
            self._online.emit(receipt, to=moved.with_user_id, skip=skip)
        if moved.user_id != moved.with_user_id:
            self._online.emit(receipt, to=moved.user_id, skip=skip)
