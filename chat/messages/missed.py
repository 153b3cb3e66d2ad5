"""Owns what a plain client missed: one that knows only `init` and the chat event, and asks for nothing.

Its user's `received` pointer follows what it has read. A client that says `sync` is left to itself.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from chat.errors import Busy, ChatError
from chat.messages.backlog import Item, PingedOutlet, ProvenBacklog, Source
from chat.messages.receipts import Receipts
from chat.people.online import encoded
from chat.protocol.conversation_ids import conversation_and_keys, message_id
from chat.protocol.structs import ChatMessage, iso
from chat.storage.message_reader import MOST_STARTS
from chat.storage.records import PAGE_BYTES, Behind, Message, Pointer
from chat.storage.storage import Storage
from chat.transport.connections import Connections

PAGE_MESSAGES = 200  # asked for at once; the next are when there is room for them
# Of a group of conversations, out of which each page is sorted: at most a page of each is looked at.
GROUP_MESSAGES = 5_000
MOVED_AT_ONCE = 50  # pointers of one client, in one commit


@dataclass(slots=True)
class _Moves:
    """The pointers of one client that are to be moved: other user -> `seq`."""

    waiting: dict[str, int] = field(default_factory=dict)
    under_way: int = 0


class Missed(Source):
    """The source of all plain clients' messages, which are sent as ordinary chat events."""

    def __init__(self, storage: Storage, receipts: Receipts, connections: Connections) -> None:
        super().__init__(connections)
        self._storage = storage
        self._receipts = receipts
        self._moves: dict[ProvenBacklog, _Moves] = {}  # of those who have some

    def backlog(self, client: PingedOutlet, user_id: str) -> ProvenBacklog:
        """Hold the client's live messages from now on, until its backlog is started."""
        return ProvenBacklog(self, client, user_id)

    def older(self, backlog: ProvenBacklog, known: Mapping[str, int]) -> Iterator[Item]:
        """Read what the user has not received, page by page. Blocks.

        `known`: how far each conversation had got when the client came. What was stored later comes live, and is
        held: read here, it would come to the socket that sent it too. Nothing here waits for a pong: who never sends one
        gets everything all the same, every time.
        """
        me, missed = backlog.user_id, self._storage.messages.missed
        for group in self._groups(me):
            ends = {one.with_user_id: known.get(one.with_user_id, one.end) for one in group}
            # What was read last of each.
            places = {one.with_user_id: one.start for one in group if one.start < ends[one.with_user_id]}
            while places:
                page, more = self._storage.in_thread(missed, me, places, PAGE_MESSAGES, PAGE_BYTES)
                for other, message in page:
                    places[other] = message.seq
                    if message.seq <= ends[other]:
                        yield other, message.seq, None if message.sender_id == me else self._frame(message, me)
                places = {other: seq for other, seq in places.items() if more and seq < ends[other]}
                backlog.ask_for_proof()

    def _frame(self, message: Message, me: str) -> bytes:
        return encoded(chat_event(message, me, self._storage.user_key))

    def _groups(self, user_id: str) -> Iterator[list[Behind]]:
        """Read which conversations are behind, a few at a time."""
        behind = partial(self._storage.in_thread, self._storage.messages.behind, user_id)
        found = behind(0, MOST_STARTS)
        while found:
            group: list[Behind] = []
            looked_at = 0
            for one in found:
                size = min(one.end - one.start, PAGE_MESSAGES)
                if group and looked_at + size > GROUP_MESSAGES:
                    yield group
                    group, looked_at = [], 0
                group.append(one)
                looked_at += size
            yield group
            found = behind(found[-1].conversation, MOST_STARTS)

    def proven(self, backlog: ProvenBacklog, marks: Mapping[Any, int]) -> None:
        """Move the user's `received` pointers: few at a time, since everybody's messages wait for a commit of these."""
        moves = self._moves.setdefault(backlog, _Moves())
        moves.waiting |= marks
        self._move(backlog, moves)

    def _move(self, backlog: ProvenBacklog, moves: _Moves) -> None:
        while moves.waiting and moves.under_way < MOVED_AT_ONCE:
            other, seq = moves.waiting.popitem()
            then = partial(self._moved, backlog, moves, other, seq)
            moves.under_way += 1
            try:
                self._receipts.move(Pointer(backlog.user_id, other, seq, 0), backlog.peer, then)
            except Busy:
                moves.under_way -= 1
                backlog.note_again(other, seq)
        if not moves.under_way:
            self._moves.pop(backlog, None)

    def _moved(self, backlog: ProvenBacklog, moves: _Moves, other: str, seq: int, error: ChatError | None) -> None:
        moves.under_way -= 1
        if error is not None:
            backlog.note_again(other, seq)
        self._move(backlog, moves)


def chat_event(message: Message, to_user_id: str, user_key: Callable[[str], str]) -> ChatMessage:
    """Return a stored message as the wire has it."""
    conversation, keys = conversation_and_keys(message.sender_id, to_user_id, user_key)
    return ChatMessage(
        from_user_id=message.sender_id,
        to_user_id=to_user_id,
        message=message.body,
        timestamp=iso(message.sent_at),
        seq=message.seq,
        conversation_id=conversation,
        id=message_id(message.sender_id, to_user_id, message.seq),
        client_id=message.client_id,
        kind=message.kind,
        keys=keys,
    )
