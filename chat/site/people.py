"""Owns what a site asks of its chat's users and of what they have written: `chat.users`, `chat.messages`, `chat.unread`."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from chat.errors import InvalidField
from chat.protocol.names import text_of_id
from chat.protocol.profiles import Profile
from chat.server import ChatServer
from chat.signals import SiteMessage, time_of
from chat.storage import overview

MOST_MESSAGES = 200  # of one page
CONVERSATIONS = 1_000  # the newest ones, of which the unread messages are counted


class SiteUser(NamedTuple):
    """A user of the chat, as a site sees it."""

    id: str
    created_at: datetime
    last_seen: datetime | None  # None: nobody has noted it
    has_password: bool
    is_disabled: bool
    display_name: str | None = None  # None: the id is shown
    avatar_url: str | None = None
    subtitle: str | None = None


class Unread(NamedTuple):
    """How much waits for somebody. Of a conversation at most 1,000 messages are counted, of a muted one none."""

    messages: int
    conversations: int
    notifications: int


class SiteUsers:
    """`chat.users`."""

    def __init__(self, server: ChatServer) -> None:
        self._server = server

    def get(self, user_id: str | int | UUID) -> SiteUser | None:
        """Return a user; None: the chat knows of none."""
        storage, user = self._server.storage, self._server.names.checked(text_of_id(user_id, "user_id"), "user_id")
        found = storage.in_thread(overview.user, storage.database, self._server.user_key(user))
        return None if found is None else self._as_users([found])[0]

    def list(self) -> Iterator[SiteUser]:
        """Give everybody, a page at a time, in the order of their ids."""
        after, storage = "", self._server.storage
        while page := storage.in_thread(overview.page_of_users, storage.database, after):
            after = page[-1].key
            yield from self._as_users(page)

    def put(
        self,
        user_id: str | int | UUID,
        display_name: str | None = None,
        avatar_url: str | None = None,
        subtitle: str | None = None,
    ) -> None:
        """Store how a user is shown, in the place of what there was, and make the user known. Open pages are told.

        Where the site says it by `@chat.profile`, that counts more.

        Raises:
            InvalidField: the id, or what is said, cannot be one.
        """
        user, profiles = self._server.names.checked(text_of_id(user_id, "user_id"), "user_id"), self._server.profiles
        said = Profile(display_name=display_name, avatar_url=avatar_url, subtitle=subtitle)
        profiles.put({user: profiles.checked(said)})

    def _as_users(self, page: Sequence[overview.Listed]) -> Sequence[SiteUser]:
        profiles = self._server.profiles.of(one.name for one in page)
        found = []
        for one in page:
            last_seen = None if one.seen_ms is None else time_of(one.seen_ms)
            shown = profiles.get(one.name, Profile())
            said = shown.display_name, shown.avatar_url, shown.subtitle
            found.append(
                SiteUser(one.name, time_of(one.created_ms), last_seen, one.has_password, one.is_disabled, *said)
            )
        return found


class SiteMessages:
    """`chat.messages`."""

    def __init__(self, server: ChatServer) -> None:
        self._server = server

    def history(
        self, one: str | int | UUID, other: str | int | UUID, before: int | None = None, limit: int = 50
    ) -> list[SiteMessage]:
        """Return the last messages of two users' conversation, the oldest first.

        Args:
            before: a `seq`: only messages with a smaller one. None: up to the last.
            limit: 1 to 200.

        Raises:
            InvalidField: an id or the limit cannot be one.
        """
        if limit < 1:
            raise InvalidField(field="limit", rule="too_small", min=1)
        if limit > MOST_MESSAGES:
            raise InvalidField(field="limit", rule="too_large", max=MOST_MESSAGES)
        server, storage = self._server, self._server.storage
        first, second = spelling_of(server, one), spelling_of(server, other)
        found: list[SiteMessage] = []
        while len(found) < limit:
            page = storage.in_thread(storage.messages.history, first, second, limit - len(found), before)
            found[:0] = [
                SiteMessage(sender, second if sender == first else first, body, seq, time_of(sent_at), kind)
                for seq, sender, body, sent_at, _, kind in page.messages
            ]
            if not page.more:
                break
            before = page.messages[0].seq
        return found


def unread(server: ChatServer, user_id: str | int | UUID) -> Unread:
    """Count what waits for somebody: 0 for whom the chat does not know."""
    storage, user = server.storage, spelling_of(server, user_id)
    muted = {one.with_user_id for one in storage.in_thread(storage.settings.of, user) if one.muted}
    standings = storage.in_thread(storage.messages.standings, user, CONVERSATIONS)
    waiting = [one.unread for one in standings if one.unread and one.with_user_id not in muted]
    _, notices = storage.in_thread(storage.notifications.unseen, user, 1)
    return Unread(sum(waiting), len(waiting), notices)


def spelling_of(server: ChatServer, user_id: str | int | UUID) -> str:
    """Return an id as it is stored, or as it is given where nothing is. Raises InvalidField: it cannot be an id."""
    name = server.names.checked(text_of_id(user_id, "user_id"), "user_id")
    account, _ = server.storage.in_thread(server.storage.accounts.find, name)
    return name if account is None else account.name
