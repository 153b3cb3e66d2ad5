"""Owns what a user sets for a conversation, as the wire and the storage have it."""

from typing import Annotated

from msgspec import Meta, Struct

from chat.limits import SAFE_INTEGER

Muted = Annotated[bool, Meta(description="No sound, no notice and no count for what comes.")]
MarkedUnread = Annotated[bool, Meta(description="Shown as unread until it is opened.")]
HiddenSeq = Annotated[
    int, Meta(ge=0, le=SAFE_INTEGER, description="Not in the list while its last message is not beyond this. 0: shown.")
]


class ConversationSettings(Struct, rename="camel", kw_only=True, frozen=True):
    """What one user has set for a conversation. The other one is not told."""

    with_user_id: str
    muted: Muted = False
    marked_unread: MarkedUnread = False
    hidden_seq: HiddenSeq = 0

    @property
    def is_default(self) -> bool:
        """Return whether nothing is set."""
        return not (self.muted or self.marked_unread or self.hidden_seq)
