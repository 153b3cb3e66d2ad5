"""Who is told that a pointer moved: the other side, and one's own other sockets."""

from __future__ import annotations

from chat.people.online import emit
from chat.protocol.structs import Receipt
from chat.storage.records import Pointer
from chat.transport.sockets import Socket


def tell(moved: object, skip: Socket | None = None) -> None:
    """Send a `receipt`.

    Args:
        moved: what the journal said of a Pointer: where it stands now, or None or an error if it did
            not move; then there is nothing to tell.
        skip: the socket that moved it.
    """
    if not isinstance(moved, Pointer):
        return
    receipt = Receipt(
        user_id=moved.user_id,
        with_user_id=moved.with_user_id,
        received=moved.received,
        read=moved.read,
    )
    emit(receipt, to=moved.with_user_id, skip=skip)
    if moved.user_id != moved.with_user_id:
        emit(receipt, to=moved.user_id, skip=skip)
