"""Owns what is said of notifications on the wire, in both directions."""

from typing import Annotated

import msgspec

from chat.errors import InvalidField, MissingField
from chat.limits import SAFE_INTEGER
from chat.protocol.structs import Level, Payload, ServerEvent

NotificationId = Annotated[int, msgspec.Meta(ge=1, le=SAFE_INTEGER)]


class OneOrUpTo(Payload):
    """A notification, or all `up_to` one."""

    notification_id: NotificationId | None = None
    up_to: NotificationId | None = None

    def __post_init__(self) -> None:
        if self.notification_id is None and self.up_to is None:
            raise MissingField(field="notificationId", rule="missing")
        if self.notification_id is not None and self.up_to is not None:
            raise InvalidField(field="upTo", rule="only_one_of", fields=["notificationId", "upTo"])


class Dismiss(OneOrUpTo):
    """Take this notification off all my screens; or all `up_to` this one."""


class See(OneOrUpTo):
    """I have seen this notification; or all `up_to` this one."""


class Notification(ServerEvent, tag="notification"):
    """Something that a program wants somebody to know."""

    notification_id: int
    id: int  # the same, as it was called first
    message: str
    level: Level
    timestamp: str
    title: str | None = None
    link: str | None = None
    expires_at: str | None = None  # it is not to be shown after that
    expires: str | None = None  # the same, as it was called first
    seen: bool | None = None  # on another screen, or earlier on this one


class Dismissed(ServerEvent, tag="dismissed"):
    """One of your other screens has done with this notification, or with all `up_to` this one."""

    notification_id: int
    change: int  # its number among the changes of your notifications
    up_to: int | None = None


class Seen(ServerEvent, tag="seen"):
    """This notification was seen on one of your other screens, or all `up_to` this one."""

    notification_id: int
    change: int
    up_to: int | None = None
