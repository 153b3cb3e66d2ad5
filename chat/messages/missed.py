"""What a plain client missed: one that knows only `init` and the chat event, and asks for nothing.

It is sent what others wrote while it was away, as ordinary chat events, and its user's `received`
pointer follows what it has read. What the kernel took proves nothing: on a dead line it is lost. So a
ping goes behind the messages, and its pong moves the pointer. A client that says `sync` does both for
itself.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from chat.errors import Busy, ChatError
from chat.messages.receipts import tell
from chat.people.online import encoded
from chat.protocol.structs import TOO_SLOW, TRY_AGAIN_LATER, ChatMessage, iso
from chat.storage import storage
from chat.storage.pages import PAGE_BYTES
from chat.storage.records import Message, Pointer
from chat.transport.outbox import OPEN

if TYPE_CHECKING:
    from chat.router import Client

log = logging.getLogger("chat")

PAGE_MESSAGES = 200  # asked for at once; the next are when there is room for them
ROOM_SECONDS = 30  # how long the client may take for what waits
NOTHING: dict[
    str, int
] = {}  # one for all; replaced, never changed: an empty dict takes 64 bytes of each


class Catchup:
    """A plain client's way through what it missed, and from then on its place in each conversation."""

    __slots__ = (
        "_asked", "_client", "_held", "_held_bytes", "_ping", "_sent", "_unproven", "_user_id",
    )  # fmt: skip

    def __init__(self, client: Client, user_id: str) -> None:
        self._client = client
        self._user_id = user_id
        # self._sent[other user] = seq of the last missed message that was sent; and so in the two below
        self._sent = NOTHING
        # Live messages while older ones are on their way: (from or to whom, seq, frame).
        self._held: list[tuple[str, int, bytes]] | None = []
        self._held_bytes = 0  # of frames; bounded as the outbox is
        self._unproven = NOTHING  # of messages that went out behind our last ping
        self._asked = NOTHING  # of those between that ping and the one before
        self._ping = 0  # number of the ping whose pong proves `_asked`; 0: none is on its way

    def deliver(self, other: str, seq: int, frame: bytes) -> bool:
        """Send a live message, now or after those before it. False if it was not taken."""
        if self._held is None:
            return self._send(other, seq, frame)
        self._held.append((other, seq, frame))
        self._held_bytes += len(frame)
        if self._held_bytes > self._client.settings.outbox_bytes:
            self._client.close(TOO_SLOW, "reads too slowly")
        return True

    def begin(self, something_was_missed: bool) -> None:
        """Send what was missed, and then what came meanwhile; where that can take long, in a greenlet."""
        if something_was_missed or self._held_bytes:
            self._client.connections.spawn(self._catch_up)
        else:
            self._held = None

    def _catch_up(self) -> None:
        """Blocks.

        Where the database fails, the client is sent away, and begins anew when it comes back.
        """
        try:
            self._run()
        except Exception:
            log.exception("catching up failed for user=%r", self._user_id)
            self._client.close(TRY_AGAIN_LATER, "storage is unavailable")

    def _run(self) -> None:
        """Nothing here waits for a pong: who never sends one gets everything all the same, every time.

        What is stored after a page was asked for is no gap: the client's socket is in the dict already,
        and so it is held.
        """
        self._sent = {}
        more = True
        while more and self._is_current():
            page, more = storage.read(
                storage.store.missed,
                self._user_id,
                self._asked | self._unproven,
                PAGE_MESSAGES,
                PAGE_BYTES,
            )
            for other, message in page:
                if message.seq <= self._sent.get(other, 0):
                    continue  # its pointer is on its way to the database
                if message.sender_id == self._user_id:
                    self._note(other, message.seq)
                elif not self._send_when_there_is_room(
                    other, message.seq, encoded(self._event(message))
                ):
                    return
                self._sent[other] = message.seq
            self.ask_for_proof()  # the less is unproven, the less the next question has to leave out
        while self._held and self._is_current():  # more may come while these are written
            other, seq, frame = self._held.pop(0)
            self._held_bytes -= len(frame)
            if not self._send_when_there_is_room(other, seq, frame):
                return
        self._held = None

    def _send_when_there_is_room(self, other: str, seq: int, frame: bytes) -> bool:
        """Leaves half of the outbox for what others send; False if the client took nothing for too long."""
        client = self._client
        if not client.has_room(len(frame)) and not client.wait_written(ROOM_SECONDS):
            client.close(TOO_SLOW, "reads too slowly")
            return False
        return self._send(other, seq, frame)

    def _send(self, other: str, seq: int, frame: bytes) -> bool:
        if seq <= self._sent.get(other, 0):
            return True  # committed early enough to be among the missed ones, delivered late
        if not self._client.send(frame):
            return False
        self._note(other, seq)
        return True

    def _note(self, other: str, seq: int) -> None:
        if self._unproven is NOTHING:
            self._unproven = {}
        self._unproven[other] = seq
        unproven.add(self)

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

    def ask_for_proof(self) -> None:
        """Send a ping behind what was sent, unless one is on its way. Nothing is noted of a socket that
        is gone: its user gets the messages again.
        """
        if not self._is_current():
            unproven.discard(self)
        elif not self._ping:
            unproven.discard(self)
            self._asked, self._unproven = self._unproven, NOTHING
            self._ping = self._client.ping()

    def ponged(self, number: int) -> None:
        """The client has read all that was sent before the ping of this number."""
        if not self._ping or number < self._ping:
            return
        proven, self._asked, self._ping = self._asked, NOTHING, 0
        for other, seq in proven.items():
            pointer = Pointer(self._user_id, other, seq, 0)
            try:
                storage.journal.accept(pointer, partial(self._moved, pointer))
            except Busy as error:
                self._moved(pointer, error)

    def _moved(self, pointer: Pointer, moved: Pointer | ChatError | None) -> None:
        other = pointer.with_user_id
        failed = isinstance(moved, ChatError) and self._is_current()
        if failed and other not in self._unproven:
            self._note(other, pointer.received)  # at another time
        tell(moved, skip=self._client)


unproven: set[Catchup] = set()  # those that have sent something since their last ping


def ask_for_proof() -> None:
    """Of all of them; called once a second, since a ping and a receipt for each message would cost more
    than the message.
    """
    for catchup in tuple(unproven):
        catchup.ask_for_proof()
