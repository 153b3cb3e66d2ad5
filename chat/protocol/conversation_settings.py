"""Owns what a user sets for a conversation, as the wire and the storage have it."""

from typing import Annotated

from msgspec import Meta, Struct

from chat.limits import SAFE_INTEGER


class ConversationSettings(Struct, rename="camel", kw_only=True, frozen=True):
    """What one user has set for a conversation. The other one is not told."""

    with_user_id: str
    muted: Annotated[bool, Meta(description="No sound, no notice and no count for what comes.")] = False
    marked_unread: Annotated[bool, Meta(description="Shown as unread until it is opened.")] = False
    hidden_seq: Annotated[
        int,
        Meta(
            ge=0,
            le=SAFE_INTEGER,
            description="Not in the list while its last message is not beyond this `seq`. 0: shown.",
        ),
    ] = 0

    @property
    def is_default(self) -> bool:
        return not (self.muted or self.marked_unread or self.hidden_seq)
