"""Owns the words on the wire: one typed struct for each event, the close codes, and how they are written.

What a user's partners and other screens are told of is in changes.py. Knows no sockets and no rights. Names are
camelCase on the wire; `rename="camel"` turns them.
"""

import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Literal

import msgspec

from chat.errors import ChatError, InvalidField
from chat.limits import SAFE_INTEGER
from chat.protocol.conversation_ids import ConversationId, checked_other
from chat.protocol.conversation_settings import ConversationSettings
from chat.protocol.names import Names, UserId, check_kind
from chat.protocol.profiles import Profile
from chat.protocol.told_limits import ToldLimits
from chat.rules import Param

# Close codes of RFC 6455, section 7.4.1, and our own. The table of `chat-socket.js` must agree on
# which of them a client comes back after: 1xxx soon, 40xx with backoff, 1008 and 45xx but NO_INIT not by itself.
NORMAL = 1000
GOING_AWAY = 1001
PROTOCOL_ERROR = 1002
INVALID_TEXT = 1007
TOO_BIG = 1009
INTERNAL_ERROR = 1011
SERVICE_RESTART = 1012
TRY_AGAIN_LATER = 1013
TOO_SLOW = 4008
TOO_MUCH = 4009
TOO_MANY = 4010
SIGN_IN = 4501
NO_INIT = 4502

PROTOCOL_VERSION = 1
# What may be sent to a server that names it, and to no other. It only grows.
FEATURES = ["blocking", "notification-changes", "dismiss-up-to", "conversation-settings", "profiles"]
REF_CHARS = CLIENT_ID_CHARS = 64
TOKEN_CHARS = 8_192  # ours have 200; a host application's may say more

Ref = (
    Annotated[int, msgspec.Meta(ge=-SAFE_INTEGER, le=SAFE_INTEGER)] | Annotated[str, msgspec.Meta(max_length=REF_CHARS)]
)
Seq = Annotated[int, msgspec.Meta(ge=0, le=SAFE_INTEGER)]
Status = Literal["online", "away", "offline"]
Level = Literal["info", "success", "warning", "error"]
Keys = dict[str, str] | None  # of the names in an event, as `keys_of` gives them


class Payload(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True, tag_field="type"):
    """What a client sends with an event. Subclass it for an event of your own.

    A rule that a type cannot say is checked in `__post_init__`, which raises InvalidField. An event with
    a `ref`, the client's own mark, is answered by exactly one `ack` or `error` with the same `ref`.
    """

    ref: Ref | None = None

    def check_names(self, names: Names) -> None:
        """Check the users that it names, and take their canonical spelling. Raises ChatError."""


class Init(Payload, forbid_unknown_fields=False):
    """I am `user_id`, as `token` proves. With `sync` I fetch what I missed, and say what I received.

    `v` and `features` say what the client knows. Other fields may be a later version's, so they are passed over.
    """

    user_id: UserId
    v: Seq = 0
    features: Annotated[list[Annotated[str, msgspec.Meta(max_length=64)]], msgspec.Meta(max_length=64)] = []
    sync: bool = False
    token: Annotated[str, msgspec.Meta(max_length=TOKEN_CHARS)] | None = None

    def check_names(self, names: Names) -> None:
        self.user_id = names.checked(self.user_id, "userId")


class Chat(Payload):
    """A message to another user. `from_user_id`, where given, must be the sender's own name."""

    message: Annotated[str, msgspec.Meta(min_length=1)]
    to_user_id: UserId | None = None
    conversation_id: ConversationId | None = None
    from_user_id: UserId | None = None
    client_id: Annotated[str, msgspec.Meta(min_length=1, max_length=CLIENT_ID_CHARS)] | None = None
    kind: str | None = None  # None: a text; of any other the message says it in words

    def check_names(self, names: Names) -> None:
        self.to_user_id = checked_other(self.to_user_id, self.conversation_id, "toUserId", names)

    def __post_init__(self) -> None:
        if self.kind is not None:
            check_kind(self.kind)
        if "\0" in self.message:  # no database keeps it, and no keyboard types it
            raise InvalidField(field="message", rule="null_character")
        if self.client_id and "\0" in self.client_id:
            raise InvalidField(field="clientId", rule="null_character")


class Typing(Payload):
    """I am writing to `to_user_id` just now."""

    to_user_id: UserId | None = None
    conversation_id: ConversationId | None = None

    def check_names(self, names: Names) -> None:
        self.to_user_id = checked_other(self.to_user_id, self.conversation_id, "toUserId", names)


class ServerEvent(msgspec.Struct, rename="camel", kw_only=True, omit_defaults=True, tag_field="type"):
    """What the server sends. Fields that are None are left out."""


class Member(msgspec.Struct, rename="camel"):
    """How far somebody has received and read a conversation, each a `seq`."""

    user_id: str
    received: int
    read: int


class Standing(msgspec.Struct, rename="camel", kw_only=True):
    """How far a conversation has got, and how far its users: `seq`s, 0 for nothing. `presence` is the other user's."""

    with_user_id: str
    last_seq: int
    received: int
    read: int
    their_received: int
    their_read: int
    unread: int  # messages of the other one beyond `read`; counted to 1,000
    presence: Status
    conversation_id: str
    members: list[Member]  # the others
    last_seen: str | msgspec.UnsetType = msgspec.UNSET
    change: int | msgspec.UnsetType = msgspec.UNSET  # the last one; left out: none was
    first_seq: int | msgspec.UnsetType = msgspec.UNSET  # what lies before it was erased; left out: nothing was


class Ready(ServerEvent, tag="ready"):
    """The answer to `init`. `features` names what the server has beyond version `v` of the protocol."""

    v: int
    features: list[str]
    server: str  # its name and version
    epoch: str  # of the database: with another one, what the client holds counts no more
    timestamp: str  # the server's clock, by which `expires` counts
    user_id: str
    heartbeat: float  # seconds
    limits: ToldLimits
    conversations: list[Standing]  # the newest first
    more: bool | None = None  # True: there are older conversations
    unseen: int | None = None  # how many notifications wait; None: none
    notification_change: int | None = None  # the newest; None: nothing was seen or dismissed yet
    expires_at: str | None = None  # when the token ends, and the socket with it; None: it showed none
    blocked: list[str] | None = None  # whom the user has blocked; None: nobody
    settings: list[ConversationSettings] | None = None  # where anything is set
    profiles: dict[str, Profile] | None = None  # of the user, and of the first conversations' users
    keys: Keys = None


class ChatMessage(ServerEvent, tag="chat"):
    """A message on its way to the receiver's sockets and the sender's other ones."""

    from_user_id: str
    to_user_id: str
    message: str
    timestamp: str
    seq: int
    conversation_id: str
    id: str
    client_id: str | None = None
    kind: str | None = None  # None: a text
    keys: Keys = None


class Ack(ServerEvent, tag="ack"):
    """The answer to an event with a `ref`: it was done."""

    ref: Ref


class ChatAck(ServerEvent, tag="ack"):
    """The answer to a `chat` with a `ref`: it is stored, as `seq` of its conversation."""

    ref: Ref
    seq: int
    timestamp: str
    delivered: bool  # whether a socket of the receiver took it
    conversation_id: str
    id: str
    repeated: bool | None = None  # True: it had been stored before


class TypingHint(ServerEvent, tag="typing"):
    """`from_user_id` is writing to you."""

    from_user_id: str
    conversation_id: str
    keys: Keys = None


class Pong(ServerEvent, tag="pong"):
    """The answer to `ping`."""

    timestamp: str


class Failure(ServerEvent, tag="error"):
    """The answer to an event that failed."""

    code: str
    message: str
    field: str | None = None
    rule: str | None = None  # of chat/rules.py; None: the code says it all
    params: dict[str, Param] | None = None  # the rule's
    ref: Ref | None = None  # the event's own, where it could be read
    retry_after: int | None = None  # seconds until trying again makes sense, where the server knows


encode = msgspec.json.Encoder().encode  # struct or dict -> JSON as UTF-8 bytes


def timestamp() -> str:
    """Return the time now, as ISO 8601 in UTC with milliseconds: `2026-01-31T09:30:00.000Z`."""
    return iso(int(time.time() * 1000))


@lru_cache(maxsize=2)  # under load many messages share a millisecond
def iso(unix_ms: int) -> str:
    """Return a Unix time in milliseconds, as `timestamp` writes it."""
    moment = datetime.fromtimestamp(unix_ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{unix_ms % 1000:03d}Z"


def error_event(error: ChatError, ref: Ref | None = None) -> Failure:
    """Return the event that tells a client of `error`."""
    return Failure(
        code=error.code,
        message=error.message,
        field=error.field,
        rule=error.rule,
        params=error.params or None,
        ref=ref,
        retry_after=error.retry_after,
    )
