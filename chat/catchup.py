"""What a plain client missed: one that knows only `init` and the chat event, and asks for nothing.

It is sent what others wrote while it was away, as ordinary chat events, and its user's `received`
pointer follows what was written to its socket. A client that says `sync` does both for itself.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from chat.delivery import encoded
from chat.errors import Busy, ChatError
from chat.protocol import TOO_SLOW, TRY_AGAIN_LATER, ChatMessage, iso
from chat.receipts import tell
from chat.storage import storage
from chat.storage.records import Message, Pointer
from chat.transport.outbox import OPEN

if TYPE_CHECKING:
    from chat.events import Client

log = logging.getLogger("chat")

PAGE_MESSAGES = 200  # sent at once; the next page waits until these are written
PAGE_SECONDS = 30  # how long a page may take to be written before its reader is too slow


class Catchup:
    """A plain client's way through what it missed, and from then on its place in each conversation."""

    __slots__ = ("_client", "_held", "_held_bytes", "_sent", "_unmoved", "_user_id")

    def __init__(self, client: Client, user_id: str) -> None:
        self._client = client
        self._user_id = user_id
        self._sent: dict[str, int] = {}  # other user -> seq of the last message that was sent
        self._unmoved: set[str] = set()  # other users, where the pointer lags behind what was sent
        # Live messages while older ones are on their way: (from or to whom, seq, frame).
        self._held: list[tuple[str, int, bytes]] | None = []
        self._held_bytes = 0  # of frames; bounded as the outbox is

    def deliver(self, other: str, seq: int, frame: bytes) -> bool:
        """Send a live message, now or after those before it. False if it was not taken."""
        if self._held is None:
            return self._send(other, seq, frame)
        self._held.append((other, seq, frame))
        self._held_bytes += len(frame)
        if self._held_bytes > self._client.settings.outbox_bytes:
            self._client.close(TOO_SLOW, "reads too slowly")
        return True

    def run(self) -> None:
        """Send all that was missed, page by page, then what came meanwhile. Blocks.

        Where the database fails, the client is sent away, and begins anew when it comes back.
        """
        try:
            self._run()
        except Exception:
            log.exception("catching up failed for user=%r", self._user_id)
            self._client.close(TRY_AGAIN_LATER, "storage is unavailable")

    def _run(self) -> None:
        """Each page waits until the one before is written and its pointers are moved, so that no outbox
        overflows, and so that the next question is for what lies beyond.
        """
        client = self._client
        while page := storage.read(storage.store.missed, self._user_id, PAGE_MESSAGES):
            for message in page:
                frame = encoded(self._event(message))
                if not client.has_room(len(frame)):
                    client.wait_written(PAGE_SECONDS)
                self._send(message.sender_id, message.seq, frame)
            if not client.wait_written(PAGE_SECONDS):
                client.close(TOO_SLOW, "reads too slowly")
            if not self._is_current():
                return
            for pointer in self._pointers():
                moved = storage.journal.commit(pointer)
                if isinstance(moved, ChatError):
                    raise moved
                tell(moved, skip=client)
        while self._held:  # more may come while these are written
            other, seq, frame = self._held.pop(0)
            if not client.has_room(len(frame)) and not client.wait_written(PAGE_SECONDS):
                client.close(TOO_SLOW, "reads too slowly")
                return
            self._send(other, seq, frame)
        self._held = None

    def _send(self, other: str, seq: int, frame: bytes) -> bool:
        if seq <= self._sent.get(other, 0):
            return True  # committed early enough to be among the missed ones, delivered late
        if not self._client.send(frame):
            return False
        self._sent[other] = seq
        self._unmoved.add(other)
        moving.add(self)
        return True

    def _event(self, message: Message) -> ChatMessage:
        return ChatMessage(
            from_user_id=message.sender_id,
            to_user_id=self._user_id,
            message=message.body,
            timestamp=iso(message.sent_at),
            seq=message.seq,
            client_id=message.client_id,
        )

    def _is_current(self) -> bool:
        """False when the client left, or is another user now."""
        return self._client.catchup is self and self._client.state is OPEN

    def _pointers(self) -> list[Pointer]:
        """What is to be noted now."""
        moving.discard(self)
        others, self._unmoved = self._unmoved, set()
        return [Pointer(self._user_id, other, self._sent[other], 0) for other in others]

    def move_pointers(self) -> None:
        """Note how far the socket has got, if all that was sent is written; else at another time.

        Nothing is noted of a socket that is gone: what waited in its outbox was thrown away.
        """
        if not self._is_current():
            moving.discard(self)
            return
        if not self._client.written or self._held is not None:
            return
        for pointer in self._pointers():
            try:
                storage.journal.accept(pointer, partial(self._moved, pointer))
            except Busy as error:
                self._moved(pointer, error)

    def _moved(self, pointer: Pointer, moved: Pointer | ChatError | None) -> None:
        if isinstance(moved, ChatError) and self._is_current():  # at another time
            self._unmoved.add(pointer.with_user_id)
            moving.add(self)
        tell(moved, skip=self._client)


moving: set[Catchup] = set()  # those that have sent something since their pointers were moved


def move_pointers() -> None:
    """For all of them; called once a second, since a receipt for each message would cost a write."""
    for catchup in tuple(moving):
        catchup.move_pointers()
