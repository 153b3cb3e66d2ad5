"""Owns what a program may say in a notification, checked at the door."""

import re
import time
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from chat.errors import InvalidField
from chat.protocol.mistakes import explained
from chat.protocol.structs import Level
from chat.protocol.texts import check_storable
from chat.storage.notifications import Content

MOST_USERS = 10_000  # of one batch
MESSAGE_CHARS = 4_000
TITLE_CHARS = 200
LINK_CHARS = 2_000
LONGEST_SECONDS = 366 * 24 * 3600

# An address of the web, or a path on this site. Browsers read a backslash as a slash, and "//" as a host.
LINK = re.compile(r"(https?://[^/\s\\\x00-\x1f\x7f][^\s\\\x00-\x1f\x7f]*|/(?!/)[^\s\\\x00-\x1f\x7f]*)")

Lifetime = Annotated[int, Meta(ge=1, le=LONGEST_SECONDS, description="Seconds until it is shown no more.")]


class Draft(msgspec.Struct, rename="camel", kw_only=True, forbid_unknown_fields=True):
    """What a program wants to say."""

    message: Annotated[str, Meta(min_length=1, max_length=MESSAGE_CHARS, description="Plain text.")]
    title: Annotated[str, Meta(min_length=1, max_length=TITLE_CHARS)] | None = None
    link: Annotated[str, Meta(max_length=LINK_CHARS, description="http, https, or a path on this site.")] | None = None
    level: Level = "info"
    expires_in: Lifetime | None = None

    def __post_init__(self) -> None:
        if self.link is not None and not LINK.fullmatch(self.link):
            raise InvalidField(field="link", rule="bad_link")
        for field in ("message", "title", "link"):
            check_storable(getattr(self, field) or "", field)

    def content(self) -> Content:
        """Return it as a record that is made now."""
        now = int(time.time() * 1000)
        expires_at = None if self.expires_in is None else now + self.expires_in * 1000
        return Content(self.message, self.title, self.link, self.level, now, expires_at)


def draft_of(message: str, **said: Any) -> Draft:
    """Return a draft of what Python code says. Raises InvalidField: something breaks its rule."""
    if "expires_in" in said:
        said["expiresIn"] = said.pop("expires_in")
    try:
        return msgspec.convert({"message": message, **said}, Draft)
    except msgspec.ValidationError as error:
        raise explained(error) from None
