"""The shapes of requests and answers about notifications; the others, and their manner, are in `shapes.py`."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from chat.errors import InvalidField, MissingField
from chat.notifications.draft import MOST_USERS, Draft, Level
from chat.protocol.names import UserId, checked_user_id
from chat.web.shapes import Answer, Moment, Name, Request, Seq


class NewNotification(Draft, kw_only=True):
    """What to say, and whom: exactly one of `toUserId`, `toUserIds` and `everyone`."""

    to_user_id: Name | None = None
    to_user_ids: Annotated[list[UserId], Meta(min_length=1, max_length=MOST_USERS)] | None = None
    everyone: Annotated[bool, Meta(description="Whoever is known here or online.")] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        given = (self.to_user_id is not None, self.to_user_ids is not None, self.everyone)
        if not any(given):
            raise MissingField("Say whom: toUserId, toUserIds or everyone.", "toUserId")
        if sum(given) > 1:
            field = "everyone" if self.everyone else "toUserIds"
            raise InvalidField("Only one of toUserId, toUserIds and everyone can be given.", field)
        if self.to_user_id is not None:
            self.to_user_id = checked_user_id(self.to_user_id, "toUserId")


class PushHeaders(Request, rename={"idempotency_key": "Idempotency-Key"}):
    """By what a repeated request is known."""

    idempotency_key: (
        Annotated[
            str,
            Meta(
                pattern="^[!-~]{1,200}$",
                description="Your own mark for this request; known for a day.",
            ),
        ]
        | UnsetType
    ) = UNSET


class StreamHeaders(Request, rename={"last_event_id": "Last-Event-ID"}):
    """Where a stream broke off."""

    last_event_id: (
        Annotated[Seq, Meta(description="The `id` of the last event that came.")] | UnsetType
    ) = UNSET


class WithNotification(Request):
    """Which notification."""

    notification_id: Annotated[Seq, Meta(description="Its `id`.")]


class WithBatch(Request):
    """Which batch."""

    batch_id: Annotated[Seq, Meta(description="As it was answered.")]


class NotificationsPage(Request):
    """Which of one's notifications."""

    limit: Annotated[int, Meta(ge=1, le=100, description="How many at most.")] = 50
    cursor: (
        Annotated[
            str, Meta(pattern="^[us][0-9]{1,15}$", description="The `next` of the page before.")
        ]
        | UnsetType
    ) = UNSET

    def __post_init__(self) -> None:
        if (
            self.cursor is not UNSET and not self.cursor.isalnum()
        ):  # a pattern's $ allows a line end
            raise InvalidField("cursor must be the next of an earlier answer.", "cursor")


class Pushed(Answer):
    """A notification, or with `toUserIds` or `everyone` a batch of them, is stored.

    `sockets`: how many sockets and streams took it just now. `repeated`: it had been there already.
    """

    id: int | UnsetType = UNSET
    batch_id: int | UnsetType = UNSET
    sockets: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    repeated: bool | UnsetType = UNSET


class BatchProgress(Answer):
    """How far a batch has got: `sent` of `total` users have theirs, and so many sockets took it."""

    batch_id: int
    total: Annotated[int, Meta(ge=0)]
    sent: Annotated[int, Meta(ge=0)]
    sockets: Annotated[int, Meta(ge=0)]
    finished: bool


class StoredNotification(Answer):
    """A notification, as it is stored."""

    id: int
    message: str
    level: Level
    timestamp: Moment
    seen: bool
    title: str | UnsetType = UNSET
    link: str | UnsetType = UNSET
    expires: Moment | UnsetType = UNSET


class Notifications(Answer):
    """One's notifications, the unseen first, then the newest. `next`: `cursor` for the page after."""

    notifications: list[StoredNotification]
    unseen: Annotated[int, Meta(ge=0, description="How many are unseen, of all.")]
    next: str | UnsetType = UNSET
