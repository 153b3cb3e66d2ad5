"""Owns the operations that find things: messages by their text, and people by how their names begin."""

from typing import Annotated, NamedTuple

from msgspec import UNSET, Meta, UnsetType

from chat.errors import InvalidField, MissingField
from chat.limits import SEARCH_CHARS
from chat.people.directory import unknown_user
from chat.people.presence import PARTNERS, Presence
from chat.protocol.names import USER_ID_CHARS, UserId, keys_of
from chat.protocol.structs import Status
from chat.server import ChatServer
from chat.web.cursors import Cursor, Next, cursor_of, place_of
from chat.web.messages import StoredMessage, message_fields
from chat.web.operations import Operation
from chat.web.requests import peer_address
from chat.web.shapes import Answer, Epoch, Keys, Limit, Name, OfUser, Profiles, Request, Seq


class Place(NamedTuple):
    """A message's place among those of its user."""

    sent_at: Seq  # Unix time in milliseconds
    with_user_id: UserId
    seq: Seq


class MessagesQuery(Request):
    """A text that is looked for in one's messages, letter by letter; upper and lower case alike."""

    q: Annotated[str, Meta(max_length=SEARCH_CHARS, description="Spaces around it do not count.")]
    limit: Limit = 20
    cursor: Cursor | UnsetType = UNSET


class FoundMessage(StoredMessage, kw_only=True):
    """A message that holds the text, and whom it was exchanged with."""

    with_user_id: Name


class FoundMessages(Answer):
    """What was found, the newest first."""

    messages: list[FoundMessage]
    next: Next
    epoch: Epoch
    keys: Keys = UNSET
    profiles: Profiles = UNSET


@Operation(
    "GET",
    "/search",
    "One's messages that hold a text, the newest first.",
    example="""{"messages": [{
      "withUserId": "bob", "seq": 7, "fromUserId": "bob", "toUserId": "alice", "message": "안녕!",
      "timestamp": "2026-01-31T09:30:00.000Z", "conversationId": "~YWxpY2UKYm9i", "id": "~YWxpY2UKYm9i.7", "clientId": "c-7"
    }], "next": null, "epoch": "dQw4w9WgXcQ1"}""",
    errors=(MissingField,),
)
def search_messages(chat: ChatServer, user_id: str, query: MessagesQuery) -> FoundMessages:
    before = place_of(query.cursor, Place, chat.names)
    found, more = chat.searching.messages(user_id, query.q.strip(), query.limit, before)
    last = found[-1] if more else None
    return FoundMessages(
        messages=[
            FoundMessage(with_user_id=other, **message_fields(user_id, other, message)) for other, message in found
        ],
        next=last and cursor_of(Place(last.message.sent_at, last.with_user_id, last.message.seq)),
        epoch=chat.storage.epoch,
        keys=keys_of((other for other, _ in found), chat.user_key) or UNSET,
        profiles=chat.profiles.of((other for other, _ in found), user_id) or UNSET,
    )


class UsersQuery(Request):
    """How a name begins, or a word of a display name; of a partner's, any part. Empty: all partners, or with `here` all who are here."""

    q: Annotated[str, Meta(max_length=4 * USER_ID_CHARS, description="In any case.")] = ""
    here: Annotated[bool, Meta(description="`true`: only those who are online or away.")] = False
    limit: Limit = 10


class User(Answer):
    """Somebody to write to."""

    user_id: Name
    presence: (
        Annotated[Status, Meta(description="How the user is. Left out: you may not know; see `CHAT_AUTH`.")] | UnsetType
    ) = UNSET


class Users(Answer):
    """Those first whom one shares a conversation with, the newest first; then others by the alphabet."""

    users: list[User]
    keys: Keys = UNSET
    profiles: Profiles = UNSET


@Operation("GET", "/users", "Names that begin so.", example='{"users": [{"userId": "bob", "presence": "online"}]}')
def list_users(chat: ChatServer, user_id: str, query: UsersQuery) -> Users:
    storage, beginning = chat.storage, chat.names.canonical(query.q.strip())
    start = chat.user_key(beginning)
    apart = chat.blocking.apart_from(user_id)
    partners = storage.in_thread(storage.last_seen.partners, user_id, PARTNERS)
    shown = _Shown(chat.presence, None if chat.settings.is_open else frozenset(partners), apart)
    names = [name for name in partners if start in chat.user_key(name)]
    names.sort(key=lambda name: not chat.user_key(name).startswith(start))
    names += chat.profiles.named_so(partners, beginning) if beginning else []
    if query.here:
        others = [name for name in chat.online.users() if chat.user_key(name).startswith(start)]
        chat.presence.look_up(names)
        names = [name for name in names + sorted(others) if shown.status_of(name) in ("online", "away")]
    elif len(names) <= query.limit:
        names += storage.in_thread(storage.search.names, beginning, 2 * query.limit + 1)
        names += storage.in_thread(storage.profiles.named, beginning, 2 * query.limit + 1)
    found = [name for name in dict.fromkeys(names) if name != user_id][: query.limit]
    chat.presence.look_up(found)
    users = [User(user_id=name, presence=shown.status_of(name)) for name in found]
    profiles = chat.profiles.of(found, user_id) or UNSET
    return Users(users=users, keys=keys_of(found, chat.user_key) or UNSET, profiles=profiles)


class _Shown(NamedTuple):
    """How somebody is, as one user may see it: of partners; on an open server, where all may write to all, of all."""

    presence: Presence
    among: frozenset[str] | None  # None: everybody
    apart: frozenset[str]  # one has blocked the other: offline to each other

    def status_of(self, name: str) -> Status | UnsetType:
        if self.among is not None and name not in self.among:
            return UNSET
        return "offline" if name in self.apart else self.presence.status_of(name)


class NamedUser(Answer):
    """How a user's name is spelt, whichever spelling was asked for."""

    user_id: Name
    keys: Keys = UNSET
    profiles: Profiles = UNSET


@Operation(
    "GET",
    "/users/<chat_name:userId>",
    "Whose a name is that somebody typed, and how it is spelt.",
    example='{"userId": "Bob", "keys": {"Bob": "bob"}}',
    errors=(unknown_user("bob", "userId"), InvalidField(field="userId", rule="looks_like", userId="bob")),
)
def show_user(chat: ChatServer, user_id: str, path: OfUser) -> NamedUser:
    name = chat.directory.name_of(path.user_id, "userId", peer_address())
    profiles = chat.profiles.of([name], user_id) or UNSET
    return NamedUser(user_id=name, keys=keys_of([name], chat.user_key) or UNSET, profiles=profiles)
