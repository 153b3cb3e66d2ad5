"""Owns the words for what changes beside the messages: receipts, presence, blocks, settings, profiles, and the server's restart."""

from chat.protocol.conversation_ids import ConversationId, checked_other
from chat.protocol.conversation_settings import ConversationSettings
from chat.protocol.names import Names, UserId
from chat.protocol.profiles import Profile
from chat.protocol.structs import Keys, Member, Payload, Seq, ServerEvent, Status


class Received(Payload):
    """What `with_user_id` and I wrote has arrived here, up to `seq`."""

    seq: Seq
    with_user_id: UserId | None = None
    conversation_id: ConversationId | None = None

    def check_names(self, names: Names) -> None:
        self.with_user_id = checked_other(self.with_user_id, self.conversation_id, "withUserId", names)


class Read(Received):
    """What `with_user_id` and I wrote was seen here, up to `seq`."""


class BlockUser(Payload):
    """Let nothing pass between `user_id` and me; or, with `unblock`, let it pass again."""

    user_id: UserId

    def check_names(self, names: Names) -> None:
        self.user_id = names.checked(self.user_id, "userId")


class Receipt(ServerEvent, tag="receipt"):
    """`user_id` has received and read the conversation with `with_user_id` up to these `seq`s."""

    user_id: str
    with_user_id: str
    received: int
    read: int
    conversation_id: str
    members: list[Member]  # whose pointers moved
    keys: Keys = None


class PresenceChange(ServerEvent, tag="presence"):
    """`user_id` is online, away or offline now."""

    user_id: str
    status: Status
    last_seen: str | None = None  # only with offline
    keys: Keys = None


class BlockChange(ServerEvent, tag="blocking"):
    """You have blocked `user_id`, or no longer do, on another of your screens."""

    user_id: str
    blocked: bool
    keys: Keys = None


class SettingsChange(ServerEvent, tag="settings"):
    """You have set something for a conversation, on any of your screens."""

    settings: ConversationSettings
    keys: Keys = None


class ProfileChange(ServerEvent, tag="profile"):
    """`user_id`, a partner of yours or somebody whom you asked for, is shown so from now on."""

    user_id: str
    profile: Profile
    keys: Keys = None


class Restart(ServerEvent, tag="restart"):
    """The server stops, and closes with 1012: come back after `retry_after` seconds."""

    retry_after: float
