"""Owns the way of notifications to readers of server-sent events: from the first, or from where they broke off.

The event's own id is the notification's and the epoch, so that Last-Event-ID says what a reader has.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

import msgspec

from chat.errors import ChatError
from chat.messages.backlog import Backlog, Item, Outlet, Source
from chat.notifications.feed import NOTIFICATION, change_event_of, event_of
from chat.notifications.unproven import STREAM_SECONDS, Taken, Unproven
from chat.people.online import Online, Receiver
from chat.people.tokens import Admission
from chat.protocol.structs import SIGN_IN, encode
from chat.storage.storage import Storage
from chat.transport.connections import Connections

PAGE = 100  # notifications asked for at once


@dataclass(eq=False, repr=False, slots=True)
class Listener:
    """One reader. It is in the dict of streams from `begin` until its stream is over."""

    _streams: Streams
    _user_id: str
    admission: Admission | None
    owner: str | None = field(default=None, init=False)
    _feed: Backlog = field(init=False)  # made by `begin`; nobody finds the reader before
    _is_over: bool = field(default=False, init=False)
    taken: Taken | None = field(init=False)

    def __post_init__(self) -> None:
        self.taken = self._streams.taken()

    def begin(self, stream: Outlet, last: int | None, change: int | None = None) -> None:
        """Send what is unseen, or whatever has a larger id than `last`, and then what comes. Never blocks.

        Before it the changes behind the number `change`, where that is given.
        """
        if self._is_over:  # it read so slowly that not even the head fits
            return
        self._feed = Backlog(self._streams, stream, self._user_id)
        self._streams.online.add(self._user_id, self)
        self._feed.start(self._streams.older(self._user_id, last, change))

    def left(self, reason: str) -> None:
        """Called when the stream is over."""
        self._is_over = True
        if (user_id := self.owner) is not None:  # it has begun
            self._streams.online.remove(self)
            self._feed.is_over = True
            self._streams.left(user_id, self.taken, reason)

    def notify(self, id_: int, frame: bytes) -> bool:
        """Send a new notification, behind the older ones. False if it was not taken."""
        is_taken = self._feed.deliver(NOTIFICATION, id_, frame)
        if is_taken and self.taken is not None:
            self.taken.notification(id_)
        return is_taken

    def tell(self, frame: bytes) -> bool:
        """Send what is said of a notification, but not before that one."""
        return self._feed.deliver(None, 0, frame)

    def send(self, frame: bytes) -> bool:
        return self._feed.peer.send(frame)

    def close(self, code: int, reason: str = "") -> None:
        self._feed.peer.close(code, reason)

    def shut_out(self, why: ChatError) -> None:
        self._feed.peer.close(SIGN_IN, why.code)


class Streams(Source):
    """The source of all streams' notifications, and who listens. A program that listens proves nothing."""

    def __init__(
        self, storage: Storage, online: Online[Receiver], connections: Connections, unproven: Unproven
    ) -> None:
        super().__init__(connections)
        self.taken = unproven.taken
        self.left = partial(unproven.left, seconds=STREAM_SECONDS)
        self.online = online
        self._storage = storage

    def listener(self, user_id: str, admission: Admission) -> Listener:
        """Make a reader, who begins when its stream is there."""
        return Listener(self, user_id, admission)

    def last_of(self, mark: str) -> int | None:
        """Return the id in a Last-Event-ID; None where it is of another epoch, or there is none."""
        id_, _, epoch = mark.partition(".")
        return int(id_) if id_ and epoch in ("", self._storage.epoch) else None

    def older(self, user_id: str, last: int | None, change: int | None = None) -> Iterator[Item]:
        """Read what waits for the user. Blocks."""
        stored, run = self._storage.notifications, self._storage.in_thread
        if self.online.relay is not None:
            self.online.relay.wait_ready(user_id)  # what another worker stores from now on comes live
        while change is not None and (
            some := run(self._storage.notification_changes.after, user_id, change, PAGE).changes
        ):
            for one in some:
                yield None, 0, as_stream_event(change_event_of(one))
            change = some[-1].change
        if last is not None and last > run(stored.last_id):
            last = None  # of another database
        unseen, after = last is None, last or 0
        while page := run(stored.after, user_id, after, PAGE, unseen):
            for notice in page:
                yield NOTIFICATION, notice.id, as_stream_event(event_of(notice), (notice.id, self._storage.epoch))
            after = page[-1].id


def as_stream_event(event: msgspec.Struct, mark: tuple[int, str] | None = None) -> bytes:
    """Return the event as a server-sent one. `mark`: id and epoch for the next Last-Event-ID; None: it stays."""
    line = b"" if mark is None else b"id: %d.%s\n" % (mark[0], mark[1].encode())
    name = str(event.__struct_config__.tag).encode()
    return b"%sevent: %s\ndata: %s\n\n" % (line, name, encode(event))
