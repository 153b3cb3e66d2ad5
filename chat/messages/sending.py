"""Owns the way of a message: it is stored, then delivered, then acknowledged."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from chat.errors import ChatError, Conflicting
from chat.figures.kinds import Counter
from chat.people.online import Asker, Online, Socket, encoded
from chat.people.presence import Presence
from chat.protocol.conversation_ids import conversation_and_keys
from chat.protocol.structs import ChatAck, ChatMessage, Ref, ServerEvent, iso
from chat.storage.journal import Journal
from chat.storage.records import Conflict, Send, Stored, StoredLate


@dataclass(eq=False)
class Sending:
    """Sends messages."""

    _journal: Journal
    _online: Online[Socket]
    _presence: Presence
    _offline: Callable[[str, ServerEvent], None]  # told of a user and a message that none of the sockets took
    _sent: Counter
    _log: logging.Logger

    def send(self, client: Asker, send: Send, ref: Ref | None) -> None:
        """Send a message, and answer the client when it is stored. Never blocks. Raises Busy: too much waits."""
        self._journal.append(send, partial(self._settle, client, send, ref), client.address)

    def _settle(
        self, client: Asker, send: Send, ref: Ref | None, outcome: Stored | StoredLate | Conflict | ChatError
    ) -> None:
        """Deliver and answer, now that it is on the disk, or is not. Called in the order of `send`."""
        if isinstance(outcome, Stored):
            event = _event_of(send, outcome)
            # A repeat was delivered the first time, or found late, or is by who comes back.
            delivered = bool(self._online.of(send.receiver_id)) if outcome.repeated else self._deliver(client, event)
            if ref is not None:
                ack = ChatAck(
                    ref=ref,
                    seq=event.seq,
                    timestamp=event.timestamp,
                    delivered=delivered,
                    conversation_id=event.conversation_id,
                    id=event.id,
                    repeated=outcome.repeated or None,
                )
                client.emit(ack)
        elif isinstance(outcome, StoredLate):  # its sender was told `unavailable`, and gets its ack by a repeat
            self._deliver(client, _event_of(send, outcome))
        elif isinstance(outcome, Conflict):
            client.answer(ref, Conflicting(field="clientId"))
        else:
            client.answer(ref, outcome)

    def _deliver(self, skip: object, event: ChatMessage) -> bool:
        """Send it to the receiver's sockets and the sender's other ones; True if one of the receiver's took it."""
        sender, receiver, seq = event.from_user_id, event.to_user_id, event.seq
        frame = encoded(event)
        delivered = False
        for socket in self._online.of(receiver):
            if socket is not skip and socket.deliver(sender, seq, frame):
                delivered = True
        if sender != receiver:
            for socket in self._online.of(sender):
                if socket is not skip:
                    socket.deliver(receiver, seq, frame)
        self._sent.add()
        if seq == 1:
            self._presence.introduce(sender, receiver)
        if not delivered:
            self._log.info("message to an offline user: from=%r to=%r", sender, receiver)
            if sender != receiver:
                self._offline(receiver, event)
        return delivered


def _event_of(send: Send, stored: Stored | StoredLate) -> ChatMessage:
    conversation, keys = conversation_and_keys(send.sender_id, send.receiver_id)
    return ChatMessage(
        from_user_id=send.sender_id,
        to_user_id=send.receiver_id,
        message=send.body,
        timestamp=iso(stored.sent_at),
        seq=stored.seq,
        conversation_id=conversation,
        id=f"{conversation}.{stored.seq}",
        client_id=send.client_id,
        kind=send.kind,
        keys=keys,
    )
