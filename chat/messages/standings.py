"""Owns how a conversation's standing is told: the record, and how the other user is."""

from collections.abc import Collection

from msgspec import UNSET

from chat.people.presence import Presence
from chat.protocol.conversation_ids import conversation_id
from chat.protocol.structs import Member, Standing, iso
from chat.storage.records import ConversationState


def standing_of(me: str, state: ConversationState, presence: Presence, apart: Collection[str]) -> Standing:
    """Return how I stand in a conversation. `apart`: users who look offline, as one of the two blocks the other."""
    is_apart = state.with_user_id in apart
    status = "offline" if is_apart else presence.status_of(state.with_user_id)
    is_told = status == "offline" and state.last_seen is not None and not is_apart
    other = state.with_user_id
    return Standing(  # field by field: `ready` has a thousand of them
        with_user_id=other,
        last_seq=state.last_seq,
        received=state.received,
        read=state.read,
        their_received=state.their_received,
        their_read=state.their_read,
        unread=state.unread,
        presence=status,
        conversation_id=conversation_id(me, other),
        members=[] if other == me else [Member(other, state.their_received, state.their_read)],
        last_seen=iso(state.last_seen) if is_told else UNSET,
        change=state.change or UNSET,
        first_seq=UNSET if state.first_seq == 1 else state.first_seq,
    )
