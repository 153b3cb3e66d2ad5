"""Owns the messages of a conversation over HTTP: how one looks, and reading and sending them."""

from datetime import datetime
from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType

from chat import handlers
from chat.errors import Blocked, Conflicting, Unavailable
from chat.limits import PAGE_MESSAGES
from chat.people.directory import unknown_user
from chat.protocol.conversation_ids import conversation_id, message_id
from chat.protocol.names import KIND_CHARS
from chat.protocol.structs import CLIENT_ID_CHARS, Chat, iso
from chat.server import ChatServer
from chat.storage.records import Message
from chat.storage.storage import Storage
from chat.transport.reply import Asked
from chat.web.operations import Operation
from chat.web.requests import peer_address
from chat.web.shapes import Answer, ConversationName, Epoch, Moment, Name, OfConversation, Request, Seq

FirstSeq = Annotated[Seq, Meta(description="What lies before it was erased; left out: nothing was.")] | UnsetType


MessageName = Annotated[str, Meta(description="The message's own, for ever.", examples=["~YWxpY2UKYm9i.7"])]


class StoredMessage(Answer):
    """A message, as it is stored."""

    seq: Annotated[Seq, Meta(description="1, 2, 3 ... without gaps in each conversation.")]
    from_user_id: Name
    to_user_id: Name
    message: str
    timestamp: Moment
    conversation_id: ConversationName
    id: MessageName
    client_id: str | UnsetType = UNSET
    kind: Annotated[str, Meta(description="What it is; left out: a text. `message` says it in words.")] | UnsetType = (
        UNSET
    )
    erased: Annotated[bool, Meta(description="`true`: its text was erased.")] | UnsetType = UNSET


class MessagesPage(Request):
    """Which of a conversation's messages: the last `limit` of them, or with `after` or `since` the first.

    Fewer where these are long: a page ends with the message whose text fills 256 KiB.
    """

    before: Annotated[Seq, Meta(description="Only smaller seqs.")] | UnsetType = UNSET
    after: Annotated[Seq, Meta(description="Only larger seqs.")] | UnsetType = UNSET
    since: (
        Annotated[datetime, Meta(tz=True, description="From the first that was sent then, or later.")] | UnsetType
    ) = UNSET
    limit: Annotated[int, Meta(ge=1, le=PAGE_MESSAGES, description="How many at most.")] = 50


class History(Answer):
    """Messages in the order of `seq`; none of an unknown conversation, whose `lastSeq` is 0."""

    messages: list[StoredMessage]
    last_seq: Seq
    more: Annotated[bool, Meta(description="There are others in the direction that was asked for.")]
    epoch: Epoch
    first_seq: FirstSeq = UNSET


@Operation(
    "GET",
    "/conversations/<chat_name:userId>/messages",
    "The messages of the conversation with a user, in the order of seq.",
    errors=(unknown_user("bob", "userId"),),
    example="""{"messages": [{
      "seq": 7, "fromUserId": "bob", "toUserId": "alice", "message": "안녕!",
      "timestamp": "2026-01-31T09:30:00.000Z", "conversationId": "~YWxpY2UKYm9i", "id": "~YWxpY2UKYm9i.7", "clientId": "c-7"
    }], "lastSeq": 7, "more": true, "epoch": "dQw4w9WgXcQ1"}""",
)
def list_messages(chat: ChatServer, user_id: str, path: OfConversation, query: MessagesPage) -> History:
    other = chat.directory.name_of(path.other_than(user_id, chat.names), "userId")
    return chat.storage.in_thread(_history, chat.storage, user_id, other, query)


def _history(storage: Storage, me: str, other: str, query: MessagesPage) -> History:
    before, after = (None if seq is UNSET else seq for seq in (query.before, query.after))
    if query.since is not UNSET:
        earlier = storage.messages.last_before(me, other, int(query.since.timestamp() * 1000))
        after = max(earlier, after or 0)
    page = storage.messages.history(me, other, query.limit, before, after)
    # Asked for afterwards, so that the last one is never before one that is shown.
    first_seq, last_seq = storage.messages.bounds(me, other)
    return History(
        messages=[StoredMessage(**message_fields(me, other, message)) for message in page.messages],
        last_seq=last_seq,
        more=page.more,
        epoch=storage.epoch,
        first_seq=UNSET if first_seq == 1 else first_seq,
    )


def message_fields(one: str, other: str, message: Message) -> dict[str, Any]:
    """Return the fields of a message of two users."""
    return {
        "seq": message.seq,
        "from_user_id": message.sender_id,
        "to_user_id": other if message.sender_id == one else one,
        "message": message.body,
        "timestamp": iso(message.sent_at),
        "conversation_id": conversation_id(one, other),
        "id": message_id(one, other, message.seq),
        "client_id": UNSET if message.client_id is None else message.client_id,
        "kind": UNSET if message.kind is None else message.kind,
        "erased": UNSET if message.body else True,
    }


Kind = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=KIND_CHARS,
        description="What it is besides a text.",
        extra_json_schema={"pattern": "^[a-z0-9._-]+$"},
    ),
]


class NewMessage(Request):
    """A message. With the same `clientId` it may be sent any number of times, and is one."""

    message: Annotated[str, Meta(min_length=1, description="Plain text.")]
    client_id: (
        Annotated[str, Meta(min_length=1, max_length=CLIENT_ID_CHARS, description="Your own mark for it.")] | None
    ) = None
    kind: Kind | None = None


class SentMessage(Answer):
    """It is stored. `repeated`: it had been before."""

    seq: Seq
    timestamp: Moment
    delivered: Annotated[bool, Meta(description="A socket of the receiver took it.")]
    conversation_id: ConversationName
    id: MessageName
    repeated: bool | UnsetType = UNSET


@Operation(
    "POST",
    "/conversations/<chat_name:userId>/messages",
    "Send a message to a user.",
    body_example='{"message": "안녕!", "clientId": "c-7"}',
    body_bytes=0,
    example='{"seq": 7, "timestamp": "2026-01-31T09:30:00.000Z", "delivered": true, '
    '"conversationId": "~YWxpY2UKYm9i", "id": "~YWxpY2UKYm9i.7"}',
    status=201,
    repeated_status=200,
    errors=(unknown_user("bob", "userId"), Blocked(field="toUserId"), Conflicting(field="clientId"), Unavailable),
)
def send_message(chat: ChatServer, user_id: str, path: OfConversation, body: NewMessage) -> SentMessage:
    asker = Asked(peer_address())
    other = chat.directory.name_of(path.other_than(user_id, chat.names), "userId", asker.address)
    handlers.send(
        chat,
        user_id,
        Chat(to_user_id=other, message=body.message, client_id=body.client_id, kind=body.kind, ref=0),
        asker,
    )
    ack = asker.wait()
    return SentMessage(
        seq=ack.seq,
        timestamp=ack.timestamp,
        delivered=ack.delivered,
        conversation_id=ack.conversation_id,
        id=ack.id,
        repeated=ack.repeated or UNSET,
    )
