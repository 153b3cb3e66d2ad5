"""Owns the way of a message: it is stored, then delivered, then acknowledged."""

import logging
from collections.abc import Callable, Sized
from dataclasses import dataclass
from functools import partial

from chat.errors import ChatError, Conflicting
from chat.figures.kinds import Counter
from chat.people.fanout import Fanout
from chat.people.online import Asker, Socket, encoded
from chat.people.presence import Presence
from chat.protocol.conversation_ids import conversation_and_keys
from chat.protocol.names import name_key
from chat.protocol.structs import ChatAck, ChatMessage, Ref, ServerEvent, iso
from chat.storage.journal import Journal
from chat.storage.records import Conflict, Send, Stored, StoredLate


@dataclass(eq=False)
class Sending:
    """Sends messages."""

    _journal: Journal
    _online: Fanout[Socket]
    _presence: Presence
    _offline: Callable[[str, ServerEvent], None]  # told of a user and a message that none of the sockets took
    _sent: Counter
    _log: logging.Logger
    _stored: Callable[[ChatMessage], None] = lambda _: None  # told of each message, for the site; must not block
    _listeners: Sized = ()  # of any site; empty: not even the call is made
    _user_key: Callable[[str], str] = name_key

    def send(self, client: Asker, send: Send, ref: Ref | None) -> None:
        """Send a message, and answer the client when it is stored. Never blocks. Raises Busy: too much waits."""
        self._journal.append(send, partial(self._settle, client, send, ref), client.address)

    def _settle(
        self, client: Asker, send: Send, ref: Ref | None, outcome: Stored | StoredLate | Conflict | ChatError
    ) -> None:
        """Deliver and answer, now that it is on the disk, or is not. Called in the order of `send`."""
        if isinstance(outcome, Stored):
            self._deliver(client, _event_of(send, outcome, self._user_key), outcome.repeated, ref)
        elif isinstance(outcome, StoredLate):  # its sender was told `unavailable`, and gets its ack by a repeat
            self._deliver(client, _event_of(send, outcome, self._user_key), False, None)
        elif isinstance(outcome, Conflict):
            client.answer(ref, Conflicting(field="clientId"))
        else:
            client.answer(ref, outcome)

    def _deliver(self, client: Asker, event: ChatMessage, is_repeat: bool, ref: Ref | None) -> None:
        """Send it to the receiver's sockets and the sender's others, and then answer."""
        sender, receiver, seq, online = event.from_user_id, event.to_user_id, event.seq, self._online
        if online.relay is not None:
            self._deliver_everywhere(client, event, is_repeat, ref)
        elif is_repeat:  # it was delivered the first time, or found late, or is by who comes back
            self._acknowledge(client, ref, event, True, len(online.of(receiver)))
        else:
            frame = encoded(event)
            taken = online.hand_over(receiver, sender, seq, frame, client)
            if sender != receiver:
                online.hand_over(sender, receiver, seq, frame, client)
            self._note(event, taken)
            self._acknowledge(client, ref, event, False, taken)

    def _deliver_everywhere(self, client: Asker, event: ChatMessage, is_repeat: bool, ref: Ref | None) -> None:
        """As `_deliver`, where other workers have to hear of it; they may have to say whether somebody took it."""
        sender, receiver, seq = event.from_user_id, event.to_user_id, event.seq
        frame = encoded(event)

        def delivered(taken: int) -> None:
            if not is_repeat:
                self._note(event, taken)
            acknowledge = partial(self._acknowledge, client, ref, event, is_repeat, taken)
            if sender == receiver:
                acknowledge()
            else:
                relay.deliver_own(sender, receiver, seq, frame, client, acknowledge, is_repeat)

        relay = self._online.relay
        relay.deliver(receiver, sender, seq, frame, client, delivered, is_repeat)

    def _note(self, event: ChatMessage, taken: int) -> None:
        sender, receiver = event.from_user_id, event.to_user_id
        self._sent.add()
        if self._listeners:
            self._stored(event)
        if event.seq == 1:
            self._presence.introduce(sender, receiver)
        if not taken:
            self._log.info("message to an offline user: from=%r to=%r", sender, receiver)
            if sender != receiver:
                self._offline(receiver, event)

    def _acknowledge(self, client: Asker, ref: Ref | None, event: ChatMessage, is_repeat: bool, taken: int) -> None:
        if ref is not None:
            ack = ChatAck(
                ref=ref,
                seq=event.seq,
                timestamp=event.timestamp,
                delivered=taken > 0,
                conversation_id=event.conversation_id,
                id=event.id,
                repeated=is_repeat or None,
            )
            client.emit(ack)


def _event_of(send: Send, stored: Stored | StoredLate, user_key: Callable[[str], str]) -> ChatMessage:
    conversation, keys = conversation_and_keys(send.sender_id, send.receiver_id, user_key)
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
