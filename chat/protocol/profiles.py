"""Owns what a profile says of a user, and its rules. Who may change one is left to others."""

import re
import unicodedata
from collections.abc import Collection
from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from chat.errors import InvalidField
from chat.protocol.texts import check_storable

DISPLAY_NAME_CHARS = 80
SUBTITLE_CHARS = 120
AVATAR_URL_CHARS = 2_000

# A letter may be written in up to four parts. The documents say what is meant.
DisplayName = Annotated[
    str,
    Meta(
        max_length=4 * DISPLAY_NAME_CHARS,
        description="What is shown in the place of the id.",
        examples=["Alice Smith"],
        extra_json_schema={"x-maxLength": DISPLAY_NAME_CHARS},
    ),
]
Subtitle = Annotated[
    str, Meta(max_length=4 * SUBTITLE_CHARS, description="A line below it.", examples=["Support, Seoul"])
]
AvatarUrl = Annotated[
    str, Meta(max_length=AVATAR_URL_CHARS, description="`https:`, or a path on this site that begins with one `/`.")
]

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Profile(Struct, rename="camel", kw_only=True, omit_defaults=True, frozen=True):
    """How a user is shown. What is left out: the id, the first letter of the name, and nothing."""

    display_name: str | None = None
    avatar_url: str | None = None  # `https:`; a path on the site, with a / before it; or of a picture, below the chat's
    subtitle: str | None = None


def checked(profile: Profile, hosts: Collection[str], of: str = "") -> Profile:
    """Return it as it is shown. Raises InvalidField, whose field begins with `of`.

    `hosts`: whose pictures the page may show; `*`: all.
    """
    return Profile(
        display_name=checked_line(profile.display_name, f"{of}displayName", DISPLAY_NAME_CHARS),
        avatar_url=_checked_address(profile.avatar_url, f"{of}avatarUrl", hosts),
        subtitle=checked_line(profile.subtitle, f"{of}subtitle", SUBTITLE_CHARS),
    )


def checked_line(line: str | None, field: str, most: int) -> str | None:
    """Return any text of one line; None: it is blank. Raises InvalidField: it is too long, or holds a control."""
    line = unicodedata.normalize("NFC", line or "").strip()
    if len(line) > most:
        raise InvalidField(field=field, rule="too_long", max=most)
    if _CONTROLS.search(line):
        raise InvalidField(field=field, rule="controls")
    check_storable(line, field)
    # Marks and what cannot be seen alone would leave a place without a name.
    if line and not any(unicodedata.category(sign)[0] in "LNPS" for sign in line):
        raise InvalidField(field=field, rule="empty")
    return line or None


def folded(text: str) -> str:
    """Return the same for texts that a search finds by one another: in any case, typed on any system."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _checked_address(url: str | None, field: str, hosts: Collection[str]) -> str | None:
    if not url:
        return None
    if len(url) > AVATAR_URL_CHARS:
        raise InvalidField(field=field, rule="too_long", max=AVATAR_URL_CHARS)
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise InvalidField(field=field, rule="bad_picture_address") from None
    is_path = re.match(r"/(?![/\\])", url) is not None
    if (
        re.search(r"[\s\\\x00-\x20\x7f]", url)
        or not (is_path or (parts.scheme == "https" and host))
        or "@" in parts.netloc
    ):
        raise InvalidField(field=field, rule="bad_picture_address")
    if not is_path and "*" not in hosts and host.lower() not in hosts:
        raise InvalidField(field=field, rule="picture_host", host=host[:100])
    check_storable(url, field)
    return url
