"""Owns the operations on conversations: list one's own, and read the messages of one."""

from typing import Annotated, NamedTuple

from msgspec import UNSET, Meta, UnsetType

from chat.protocol.names import UserId
from chat.protocol.structs import iso
from chat.server import ChatServer
from chat.storage.records import Message, Overview, page_of
from chat.storage.storage import Storage
from chat.web.cursors import Cursor, Next, cursor_of, place_of
from chat.web.operations import Operation
from chat.web.shapes import Answer, Limit, Moment, Name, OfUser, Request, Seq

FirstSeq = Annotated[Seq, Meta(description="What lies before it was erased; left out: nothing was.")] | UnsetType


class Place(NamedTuple):
    """A conversation's place among those of its user."""

    sent_at: Seq  # of the last message: Unix time in milliseconds
    with_user_id: UserId


class StoredMessage(Answer):
    """A message, as it is stored."""

    seq: Annotated[Seq, Meta(description="1, 2, 3 ... without gaps in each conversation.")]
    from_user_id: Name
    to_user_id: Name
    message: str
    timestamp: Moment
    client_id: str | UnsetType = UNSET
    erased: Annotated[bool, Meta(description="`true`: its text was erased.")] | UnsetType = UNSET


class ConversationsPage(Request):
    """Which of one's conversations. Fewer where last messages are long, as with messages."""

    limit: Limit = 50
    cursor: Cursor | UnsetType = UNSET


class Conversation(Answer):
    """A conversation, as one of its two users sees it. The four pointers are seqs; 0: none yet."""

    with_user_id: Name
    last_seq: Seq
    received: Seq
    read: Seq
    their_received: Seq
    their_read: Seq
    unread: Annotated[int, Meta(ge=0, description="Messages of the other user beyond `read`.")]
    last_message: StoredMessage
    first_seq: FirstSeq = UNSET


class Conversations(Answer):
    """One's conversations, that with the newest message first."""

    conversations: list[Conversation]
    next: Next


@Operation(
    "GET",
    "/conversations",
    "One's conversations, that with the newest message first.",
    example="""{"conversations": [{
      "withUserId": "bob", "lastSeq": 7, "received": 7, "read": 6, "theirReceived": 7, "theirRead": 7, "unread": 1,
      "lastMessage": {"seq": 7, "fromUserId": "bob", "toUserId": "alice", "message": "안녕!",
                      "timestamp": "2026-01-31T09:30:00.000Z", "clientId": "c-7"}
    }], "next": null}""",
)
def list_conversations(chat: ChatServer, user_id: str, query: ConversationsPage) -> Conversations:
    before = place_of(query.cursor, Place)
    found = chat.storage.in_thread(chat.storage.messages.overviews, user_id, query.limit + 1, before)
    shown, more = page_of(found, query.limit)
    return Conversations(
        conversations=[_conversation(user_id, overview) for overview in shown],
        next=cursor_of(Place(shown[-1].last_message.sent_at, shown[-1].with_user_id)) if more else None,
    )


def _conversation(user_id: str, overview: Overview) -> Conversation:
    last_message = _message(user_id, overview.with_user_id, overview.last_message)
    return Conversation(**overview._asdict() | {"last_message": last_message, "first_seq": _first(overview.first_seq)})


class MessagesPage(Request):
    """Which of a conversation's messages: the last `limit` of them, or with `after` the first.

    Fewer where these are long: a page ends with the message whose text fills 256 KiB.
    """

    before: Annotated[Seq, Meta(description="Only smaller seqs.")] | UnsetType = UNSET
    after: Annotated[Seq, Meta(description="Only larger seqs.")] | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=200, description="How many at most.")] = 50


class History(Answer):
    """Messages in the order of `seq`; none of an unknown conversation, whose `lastSeq` is 0."""

    messages: list[StoredMessage]
    last_seq: Seq
    more: Annotated[bool, Meta(description="There are others in the direction that was asked for.")]
    first_seq: FirstSeq = UNSET


@Operation(
    "GET",
    "/conversations/<chat_name:userId>/messages",
    "The messages of the conversation with a user, in the order of seq.",
    example="""{"messages": [{
      "seq": 7, "fromUserId": "bob", "toUserId": "alice", "message": "안녕!",
      "timestamp": "2026-01-31T09:30:00.000Z", "clientId": "c-7"
    }], "lastSeq": 7, "more": true}""",
)
def list_messages(chat: ChatServer, user_id: str, path: OfUser, query: MessagesPage) -> History:
    other = chat.directory.name_of(path.user_id, "userId")
    return chat.storage.in_thread(_history, chat.storage, user_id, other, query)


def _history(storage: Storage, me: str, other: str, query: MessagesPage) -> History:
    before, after = (None if seq is UNSET else seq for seq in (query.before, query.after))
    page = storage.messages.history(me, other, query.limit, before, after)
    # Asked for afterwards, so that the last one is never before one that is shown.
    first_seq, last_seq = storage.messages.bounds(me, other)
    return History(
        messages=[_message(me, other, message) for message in page.messages],
        last_seq=last_seq,
        more=page.more,
        first_seq=_first(first_seq),
    )


def _message(one: str, other: str, message: Message) -> StoredMessage:
    return StoredMessage(
        seq=message.seq,
        from_user_id=message.sender_id,
        to_user_id=other if message.sender_id == one else one,
        message=message.body,
        timestamp=iso(message.sent_at),
        client_id=UNSET if message.client_id is None else message.client_id,
        erased=UNSET if message.body else True,
    )


def _first(seq: int) -> int | UnsetType:
    return UNSET if seq == 1 else seq


VIEWS = (list_conversations, list_messages)
