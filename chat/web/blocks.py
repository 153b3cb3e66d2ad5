"""Owns the operations on blocks: list whom one has blocked, block, unblock."""

from msgspec import UNSET

from chat.errors import Forbidden
from chat.people.blocking import MOST
from chat.people.directory import unknown_user
from chat.protocol.names import keys_of
from chat.protocol.structs import iso
from chat.server import ChatServer
from chat.web.operations import Operation
from chat.web.shapes import Answer, Keys, Moment, Name, OfUser


class BlockedUser(Answer):
    """Somebody whom one has blocked."""

    user_id: Name
    since: Moment


class BlockedUsers(Answer):
    """All whom one has blocked, in the order of the alphabet."""

    blocked: list[BlockedUser]
    keys: Keys = UNSET


@Operation(
    "GET",
    "/blocks",
    "Whom you have blocked.",
    example='{"blocked": [{"userId": "mallory", "since": "2026-01-31T09:30:00.000Z"}]}',
)
def list_blocks(chat: ChatServer, user_id: str) -> BlockedUsers:
    found = chat.storage.in_thread(chat.storage.blocks.listed, user_id)
    return BlockedUsers(
        blocked=[BlockedUser(user_id=block.user_id, since=iso(block.since)) for block in found],
        keys=keys_of((block.user_id for block in found), chat.user_key) or UNSET,
    )


@Operation(
    "PUT",
    "/blocks/<chat_name:userId>",
    "Block a user: nothing passes between the two any more.",
    errors=(Forbidden(field="userId", rule="too_many_blocked", max=MOST), unknown_user("bob", "userId")),
)
def block_user(chat: ChatServer, user_id: str, path: OfUser) -> None:
    chat.blocking.block(user_id, chat.directory.name_of(path.user_id, "userId"))


@Operation("DELETE", "/blocks/<chat_name:userId>", "Unblock a user.", errors=(unknown_user("bob", "userId"),))
def unblock_user(chat: ChatServer, user_id: str, path: OfUser) -> None:
    chat.blocking.unblock(user_id, chat.directory.name_of(path.user_id, "userId"))
