"""Owns the operations on conversations: list one's own, look how one stands, and mark it as read.

Leaves their messages to others.
"""

from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple

from msgspec import UNSET, Meta, UnsetType, structs

from chat.errors import Forbidden, NotFound, Unavailable
from chat.messages.standings import standing_of
from chat.people.conversation_settings import MOST
from chat.people.directory import unknown_user
from chat.protocol.conversation_settings import ConversationSettings, HiddenSeq, MarkedUnread, Muted
from chat.protocol.names import UserId, keys_of
from chat.protocol.structs import Member
from chat.server import ChatServer
from chat.storage.records import Overview, Pointer, page_of
from chat.transport.reply import Reply
from chat.web.cursors import Cursor, Next, cursor_of, place_of
from chat.web.messages import FirstSeq, StoredMessage, message_fields
from chat.web.operations import Operation
from chat.web.requests import peer_address
from chat.web.shapes import (
    Answer,
    ConversationName,
    Epoch,
    Keys,
    Limit,
    Moment,
    Name,
    OfConversation,
    Profiles,
    Request,
    Seq,
)

EXAMPLE = """{
      "withUserId": "bob", "lastSeq": 7, "received": 7, "read": 6, "theirReceived": 7, "theirRead": 7, "unread": 1,
      "presence": "online", "conversationId": "~YWxpY2UKYm9i",
      "members": [{"userId": "bob", "received": 7, "read": 7}],
      "lastMessage": {"seq": 7, "fromUserId": "bob", "toUserId": "alice", "message": "안녕!",
                      "timestamp": "2026-01-31T09:30:00.000Z", "conversationId": "~YWxpY2UKYm9i",
                      "id": "~YWxpY2UKYm9i.7", "clientId": "c-7"}
    }"""


class Place(NamedTuple):
    """A conversation's place among those of its user."""

    listed_at: Seq  # as the storage lists it: Unix time in milliseconds
    with_user_id: UserId


class ConversationsPage(Request):
    """Which of one's conversations. Fewer where last messages are long, as with messages."""

    limit: Limit = 50
    cursor: Cursor | UnsetType = UNSET


class Conversation(Answer, kw_only=True):
    """A conversation, as one of its two users sees it. The four pointers are seqs; 0: none yet."""

    with_user_id: Name
    last_seq: Seq
    received: Seq
    read: Seq
    their_received: Seq
    their_read: Seq
    unread: Annotated[int, Meta(ge=0, description="Messages of the other user beyond `read`; counted to 1,000.")]
    presence: Annotated[Literal["online", "away", "offline"], Meta(description="How the other user is.")]
    conversation_id: ConversationName
    members: Annotated[list[Member], Meta(description="The others, and how far each has got.")]
    last_seen: Annotated[Moment, Meta(description="Since when they are offline, where that is known.")] | UnsetType = (
        UNSET
    )
    last_message: StoredMessage
    change: Annotated[Seq, Meta(description="The last change; left out: there was none.")] | UnsetType = UNSET
    first_seq: FirstSeq = UNSET
    keys: Keys = UNSET  # of one that is shown alone; a list has them once for all
    settings: Annotated[ConversationSettings, Meta(description="What you have set. Left out: nothing.")] | UnsetType = (
        UNSET
    )


class Conversations(Answer):
    """One's conversations, that with the newest message first."""

    conversations: list[Conversation]
    next: Next
    epoch: Epoch
    keys: Keys = UNSET
    profiles: Profiles = UNSET


@Operation(
    "GET",
    "/conversations",
    "One's conversations, that with the newest message first.",
    example=f"""{{"conversations": [{EXAMPLE}], "next": null, "epoch": "dQw4w9WgXcQ1"}}""",
)
def list_conversations(chat: ChatServer, user_id: str, query: ConversationsPage) -> Conversations:
    before = place_of(query.cursor, Place, chat.names)
    found = chat.storage.in_thread(chat.storage.messages.overviews, user_id, query.limit + 1, before)
    shown, more = page_of(found, query.limit)
    look = _look_of(chat, user_id, shown)
    last = shown[-1] if more else None
    return Conversations(
        conversations=[_conversation(chat, user_id, overview, look) for overview in shown],
        next=last and cursor_of(Place(last.listed_at, last.state.with_user_id)),
        epoch=chat.storage.epoch,
        keys=keys_of((overview.state.with_user_id for overview in shown), chat.user_key) or UNSET,
        profiles=chat.profiles.of((overview.state.with_user_id for overview in shown), user_id) or UNSET,
    )


class _Look(NamedTuple):
    """What a user's conversations look like to that user alone."""

    apart: frozenset[str]  # one has blocked the other
    settings: dict[str, ConversationSettings]


def _look_of(chat: ChatServer, user_id: str, shown: Sequence[Overview]) -> _Look:
    chat.presence.look_up(overview.state.with_user_id for overview in shown)
    settings = chat.storage.in_thread(chat.storage.settings.of, user_id)
    return _Look(chat.blocking.apart_from(user_id), {each.with_user_id: each for each in settings})


def _conversation(chat: ChatServer, user_id: str, overview: Overview, look: _Look) -> Conversation:
    standing = standing_of(user_id, overview.state, chat.presence, look.apart)
    settings = look.settings.get(standing.with_user_id, UNSET)
    message = StoredMessage(**message_fields(user_id, standing.with_user_id, overview.last_message))
    return Conversation(**structs.asdict(standing), last_message=message, settings=settings)


@Operation(
    "GET",
    "/conversations/<chat_name:userId>",
    "How the conversation with a user stands.",
    example=EXAMPLE,
    errors=(unknown_user("bob", "userId"), NotFound(field="userId", rule="not_begun")),
)
def show_conversation(chat: ChatServer, user_id: str, path: OfConversation) -> Conversation:
    other = chat.directory.name_of(path.other_than(user_id, chat.names), "userId")
    found = chat.storage.in_thread(chat.storage.messages.overviews, user_id, 1, None, other)
    if not found:
        raise NotFound(field="userId", rule="not_begun")
    shown = _conversation(chat, user_id, found[0], _look_of(chat, user_id, found))
    shown.keys = keys_of([shown.with_user_id], chat.user_key) or UNSET
    return shown


class ReadUpTo(Request):
    """How far somebody has read."""

    seq: Annotated[Seq, Meta(description="Of the last message that was seen; it is `received` too.")]


@Operation(
    "PUT",
    "/conversations/<chat_name:userId>/read",
    "Say how far you have read the conversation with a user. It only moves forward.",
    body_example='{"seq": 7}',
    errors=(unknown_user("bob", "userId"), Unavailable),
)
def mark_read(chat: ChatServer, user_id: str, path: OfConversation, body: ReadUpTo) -> None:
    address, reply = peer_address(), Reply()
    other = chat.directory.name_of(path.other_than(user_id, chat.names), "userId", address)
    chat.blocking.apart_from(user_id)  # known from then on, as after an init: a receipt is told from memory alone
    chat.receipts.move(Pointer(user_id, other, received=body.seq, read=body.seq), None, reply, address)
    reply.wait()


class NewSettings(Request):
    """All that one sets for a conversation."""

    muted: Muted
    marked_unread: MarkedUnread
    hidden_seq: HiddenSeq


@Operation(
    "PUT",
    "/conversations/<chat_name:userId>/settings",
    "Mute a conversation, mark it as unread, hide it until its next message. The other user is not told.",
    body_example='{"muted": true, "markedUnread": false, "hiddenSeq": 0}',
    errors=(unknown_user("bob", "userId"), Forbidden(field="userId", rule="too_many_set", max=MOST), Unavailable),
)
def set_conversation(chat: ChatServer, user_id: str, path: OfConversation, body: NewSettings) -> None:
    other = chat.directory.name_of(path.other_than(user_id, chat.names), "userId")
    chat.conversation_settings.put(user_id, ConversationSettings(with_user_id=other, **structs.asdict(body)))
