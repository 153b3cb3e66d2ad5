"""Owns the ids of conversations and messages: texts that a client takes as they are.

The id of a direct conversation is made of its users' names, which stay, so that nobody has to look it up. It gives no
right to anything. It begins with a sign that no name holds, so that a path takes either; a site's own id may begin so, but
is hardly ever the id of a conversation too.
"""

from base64 import urlsafe_b64decode
from binascii import b2a_base64
from collections.abc import Callable
from functools import lru_cache
from typing import Annotated

from msgspec import Meta

from chat.errors import InvalidField, MissingField
from chat.protocol.names import Names, keys_of, name_key

MARK = "~"
URL_SAFE = bytes.maketrans(b"+/", b"-_")  # RFC 4648, section 5; base64's own way takes twice as long
ID_CHARS = 1_024  # two names of 64 characters make at most 686

ConversationId = Annotated[str, Meta(min_length=1, max_length=ID_CHARS)]


@lru_cache(maxsize=8_192)  # made once, not once a message
def conversation_and_keys(
    one: str, other: str, user_key: Callable[[str], str] = name_key
) -> tuple[str, dict[str, str] | None]:
    """Return `conversation_id` and `keys_of` two users: the same dict each time, which nobody changes."""
    return conversation_id(one, other), keys_of((one, other), user_key)


@lru_cache(maxsize=8_192)
def conversation_id(one: str, other: str) -> str:
    """Return the id of two users' conversation, in whichever order they are named."""
    names = f"{one}\n{other}" if one < other else f"{other}\n{one}"
    return MARK + b2a_base64(names.encode(), newline=False).rstrip(b"=").translate(URL_SAFE).decode()


def message_id(one: str, other: str, seq: int) -> str:
    """Return the id of a message of two users."""
    return f"{conversation_id(one, other)}.{seq}"


def checked_other(user_id: str | None, id_: str | None, field: str, names: Names) -> str | None:
    """Check that exactly one of the two is given, and return the canonical name. Raises MissingField, InvalidField."""
    if user_id is None:
        if id_ is None:
            raise MissingField(field=field, rule="missing")
        return None
    if id_ is not None:
        raise InvalidField(field="conversationId", rule="only_one_of", fields=[field, "conversationId"])
    return names.checked(user_id, field)


def other_user(me: str, user_id: str | None, id_: str | None, names: Names, field: str = "conversationId") -> str:
    """Return whom I name by their name or by our conversation's id. Raises InvalidField: it is no conversation of mine."""
    if id_ is None:
        return str(user_id)
    both: list[str] = []
    try:
        both = urlsafe_b64decode(id_[1:] + "=" * (-len(id_[1:]) % 4)).decode().split("\n")
    except ValueError:
        pass
    if len(both) != 2 or me not in both or conversation_id(*both) != id_:
        raise InvalidField(field=field, rule="not_yours")
    return names.checked(both[both[0] == me], field)
