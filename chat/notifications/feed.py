"""Owns the way of notifications to sockets: each once, in the order of their ids.

What a plain client was sent counts as seen when its pong has come. A client that says `sync` is left to tell.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

from chat.errors import Busy, ChatError
from chat.messages.backlog import Backlog, Item, PingedOutlet, ProvenBacklog, Source
from chat.people.online import encoded
from chat.protocol.notices import Dismissed, Notification, Seen
from chat.protocol.structs import iso
from chat.storage.notification_changes import NoticeChange
from chat.storage.notifications import Notice
from chat.storage.storage import Storage
from chat.transport.connections import Connections

PAGE = 50  # told of behind `ready` (of a client that says `sync` the newest), or asked for at once
NOTIFICATION = "notification"  # the one key of all: their ids grow together
See = Callable[[str, Sequence[int], object], None]  # marks as seen what a socket of a user has read


class Client(PingedOutlet, Protocol):
    wants_sync: bool


class _Feed(ProvenBacklog):
    """Each notification is proven by itself."""

    __slots__ = ()

    def _note(self, key: Hashable, number: int) -> None:
        super()._note(number, number)


class Feeds(Source):
    """The source of all sockets' notifications."""

    def __init__(self, storage: Storage, see: See, connections: Connections) -> None:
        super().__init__(connections)
        self._storage = storage
        self._see = see

    def feed(self, client: Client, user_id: str) -> Backlog:
        """Hold the socket's live notifications from now on, until its feed is started."""
        return (Backlog if client.wants_sync else _Feed)(self, client, user_id)

    def older(self, feed: Backlog, first: Sequence[Notice]) -> Iterator[Item]:
        """Read what the user has not seen. Blocks. A client that says `sync` gets the first page alone."""
        page, after = first, self._storage.notifications.after
        with suppress(ChatError):  # the others come at the next init
            while page:
                for notice in page:
                    yield NOTIFICATION, notice.id, encoded(event_of(notice))
                if not isinstance(feed, _Feed):
                    return
                page = self._storage.in_thread(after, feed.user_id, page[-1].id, PAGE, True)

    def proven(self, backlog: ProvenBacklog, marks: Mapping[Any, int]) -> None:
        """Mark them as seen."""
        try:
            self._see(backlog.user_id, [*marks], backlog.peer)
        except Busy:
            for id_ in marks:
                backlog.note_again(id_, id_)


def change_event_of(change: NoticeChange) -> Seen | Dismissed:
    """Return a change as the wire has it."""
    return (Dismissed if change.dismissed else Seen)(notification_id=change.id, change=change.change)


def event_of(notice: Notice) -> Notification:
    """Return a record as the wire has it."""
    content = notice.content
    expires = None if content.expires_at is None else iso(content.expires_at)
    return Notification(
        notification_id=notice.id,
        id=notice.id,
        message=content.message,
        title=content.title,
        level=content.level,
        link=content.link,
        timestamp=iso(content.created_at),
        expires_at=expires,
        expires=expires,
        seen=notice.seen or None,
    )
