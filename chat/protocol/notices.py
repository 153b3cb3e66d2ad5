"""Owns what a client says of its notifications."""

from typing import Annotated

import msgspec

from chat.errors import InvalidField, MissingField
from chat.protocol.structs import SAFE_INTEGER, Payload

NotificationId = Annotated[int, msgspec.Meta(ge=1, le=SAFE_INTEGER)]


class Dismiss(Payload):
    """Take this notification off all my screens."""

    notification_id: NotificationId


class See(Payload):
    """I have seen this notification; or all `up_to` this one."""

    notification_id: NotificationId | None = None
    up_to: NotificationId | None = None

    def __post_init__(self) -> None:
        if self.notification_id is None and self.up_to is None:
            raise MissingField(field="notificationId", rule="missing")
        if self.notification_id is not None and self.up_to is not None:
            raise InvalidField(field="upTo", rule="only_one_of", fields=["notificationId", "upTo"])
