"""Owns the operation that tells what changed the messages of a conversation after they were written."""

from typing import Annotated, Literal

from msgspec import Meta

from chat.people.directory import unknown_user
from chat.server import ChatServer
from chat.web.operations import Operation
from chat.web.shapes import Answer, Epoch, Limit, OfConversation, Request, Seq


class ChangesPage(Request):
    """Which changes: the first `limit` behind `after`."""

    after: Annotated[Seq, Meta(description="Only larger numbers of changes.")] = 0
    limit: Limit = 50


class MessageChange(Answer):
    """What changed the messages from `firstSeq` to `lastSeq`."""

    change: Annotated[Seq, Meta(description="1, 2, 3 ... without gaps in each conversation.")]
    kind: Annotated[Literal["erased"], Meta(description="`erased`: they have no text any more. Others may come.")]
    first_seq: Seq
    last_seq: Seq


class MessageChanges(Answer):
    """Changes in the order of their numbers."""

    changes: list[MessageChange]
    change: Annotated[Seq, Meta(description="The number of the last one that there is; 0: none.")]
    more: Annotated[bool, Meta(description="There are others behind these.")]
    epoch: Epoch


@Operation(
    "GET",
    "/conversations/<chat_name:userId>/changes",
    "What changed messages of a conversation after they were written.",
    errors=(unknown_user("bob", "userId"),),
    example="""{"changes": [{"change": 1, "kind": "erased", "firstSeq": 1, "lastSeq": 100}],
      "change": 1, "more": false, "epoch": "dQw4w9WgXcQ1"}""",
)
def list_changes(chat: ChatServer, user_id: str, path: OfConversation, query: ChangesPage) -> MessageChanges:
    other = chat.directory.name_of(path.other_than(user_id, chat.names), "userId")
    found, last = chat.storage.in_thread(chat.storage.messages.changes, user_id, other, query.after, query.limit + 1)
    return MessageChanges(
        changes=[MessageChange(**one._asdict()) for one in found[: query.limit]],
        change=last,
        more=len(found) > query.limit,
        epoch=chat.storage.epoch,
    )
