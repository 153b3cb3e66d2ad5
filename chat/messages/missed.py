"""Owns what a plain client missed: one that knows only `init` and the chat event, and asks for nothing.

Its user's `received` pointer follows what it has read. A client that says `sync` is left to itself.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from chat.errors import Busy, ChatError
from chat.messages.backlog import Item, PingedOutlet, ProvenBacklog, Source
from chat.messages.receipts import Receipts
from chat.people.online import encoded
from chat.protocol.structs import ChatMessage, iso
from chat.storage.records import PAGE_BYTES, Message, Pointer
from chat.storage.storage import Storage
from chat.transport.connections import Connections

PAGE_MESSAGES = 200  # asked for at once; the next are when there is room for them


class Missed(Source):
    """The source of all plain clients' messages, which are sent as ordinary chat events."""

    def __init__(self, storage: Storage, receipts: Receipts, connections: Connections) -> None:
        super().__init__(connections)
        self._storage = storage
        self._receipts = receipts

    def backlog(self, client: PingedOutlet, user_id: str) -> ProvenBacklog:
        """Hold the client's live messages from now on, until its backlog is started."""
        return ProvenBacklog(self, client, user_id)

    def older(self, backlog: ProvenBacklog) -> Iterator[Item]:
        """Read what the user has not received, page by page. Blocks.

        Nothing here waits for a pong: who never sends one gets everything all the same, every time.
        What is stored after a page was asked for is no gap: it is held.
        """
        me = backlog.user_id
        more = True
        while more:
            page, more = self._storage.in_thread(
                self._storage.messages.missed, me, backlog.unproven, PAGE_MESSAGES, PAGE_BYTES
            )
            for other, message in page:
                is_own = message.sender_id == me
                yield other, message.seq, None if is_own else encoded(_event(message, me))
            backlog.ask_for_proof()  # the less is unproven, the less the next question leaves out

    def proven(self, backlog: ProvenBacklog, marks: Mapping[Any, int]) -> None:
        """Move the user's `received` pointers."""
        for other, seq in marks.items():
            then = partial(self._moved, backlog, other, seq)
            try:
                self._receipts.move(Pointer(backlog.user_id, other, seq, 0), backlog.peer, then)
            except Busy as error:
                then(error)

    def _moved(self, backlog: ProvenBacklog, other: str, seq: int, error: ChatError | None) -> None:
        if error is not None:
            backlog.note_again(other, seq)


def _event(message: Message, to_user_id: str) -> ChatMessage:
    return ChatMessage(
        from_user_id=message.sender_id,
        to_user_id=to_user_id,
        message=message.body,
        timestamp=iso(message.sent_at),
        seq=message.seq,
        client_id=message.client_id,
    )
