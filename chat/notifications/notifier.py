"""Owns notifications: stored, shown on all sockets and streams, seen, dismissed. Leaves to others who may."""

import collections
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chat.errors import Busy, ChatError, NotFound, Unavailable
from chat.figures.kinds import Counter
from chat.notifications.draft import Draft
from chat.notifications.feed import event_of
from chat.notifications.stream import as_stream_event
from chat.people.directory import Directory
from chat.people.fanout import Fanout
from chat.people.online import Receiver, Socket, encoded
from chat.protocol.notices import Dismissed, Seen
from chat.protocol.structs import ServerEvent
from chat.storage.notifications import Content, Notice, Once
from chat.storage.storage import Storage

MOST_IN_DOUBT = 1_000
SLICE = 500  # marked as seen or dismissed by one write, so that messages do not wait long behind it
MOST_TO_SEE = 2_000  # of one user, while a write is under way

MarkUpTo = Callable[[str, int, int], dict[int, int]]  # of a user, up to an id, at most so many: id -> change
Then = Callable[[ChatError | None], None]  # called with None when it is stored, or with the error


class PushResult(NamedTuple):
    """What became of a draft: a notification with `id`, or a batch of them with `batch_id`."""

    id: int | None
    batch_id: int | None
    sockets: int  # and streams that took it just now; of other workers each counts as one
    repeated: bool  # it had been there, by the same request, and was sent to nobody now


@dataclass(eq=False)
class Notifier:
    """The notifications of one chat. Lives on the event loop; what is stored blocks the greenlet."""

    _storage: Storage
    _directory: Directory
    _online: Fanout[Socket]
    _streams: Fanout[Receiver]
    _offline: Callable[[str, ServerEvent], None]  # told of a user and a notification that nobody took
    _sent: Counter
    _pushed: Callable[[str, int, Content], None] = lambda *_: None  # told of each one, for the site; must not block

    def __post_init__(self) -> None:
        self._to_see: list[_Seeing] = []  # what waits for the write that is under way
        self._to_see_of: collections.Counter[str] = collections.Counter()  # how many of them are each user's
        self._storing_seen = False
        self._in_doubt: set[Once] = set()  # requests that failed, and are to come again

    # Sending.

    def push(self, user_id: str, draft: Draft, once: Once | None = None) -> PushResult:
        """Notify one user: store it, then send it.

        Raises UnknownUser, where everybody needs an account and no site says who is there; Conflicting: `once` was used
        before, for another request; Busy or Unavailable: it was not stored.
        """
        user_id, content = self._directory.named(user_id), draft.content()

        def settle(stored: tuple[int, bool]) -> PushResult:
            id_, repeated = stored
            if once in self._in_doubt:  # it may be there since a commit that nobody heard of
                self._in_doubt.discard(once)
                repeated = False
            notice = Notice(id_, content, seen=False)
            return PushResult(id_, None, 0 if repeated else self.show(user_id, notice), repeated)

        add = self._storage.notifications.add
        try:
            pushed: PushResult = self._storage.journal.write(settle, add, user_id, content, once)
        except Unavailable:
            if once is not None and len(self._in_doubt) < MOST_IN_DOUBT:
                self._in_doubt.add(once)
            raise
        if not pushed.sockets and not pushed.repeated:
            pushed = pushed._replace(sockets=self.reached_elsewhere([user_id]))
        return pushed

    def show(self, user_id: str, notice: Notice) -> int:
        """Send a stored one to the user's sockets and streams, or tell of a user who is offline.

        Returns how many of this worker took it.
        """
        self._sent.add()
        self._pushed(user_id, notice.id, notice.content)
        if (until := notice.content.expires_at) is not None and until <= time.time() * 1000:
            return 0  # a batch that was broken off for long
        name = self._directory.known_as(user_id)
        event, reached = event_of(notice), []

        def settle(taken: int) -> None:
            reached.append(taken)
            if len(reached) == 2 and not any(reached):
                self._offline(name, event)

        mark = notice.id, self._storage.epoch
        return self._online.notify(name, notice.id, lambda: encoded(event), settle) + self._streams.notify(
            name, notice.id, lambda: as_stream_event(event, mark), settle
        )

    def reached_elsewhere(self, user_ids: Sequence[str]) -> int:
        """Return on how many other workers these users have sockets or streams. Blocks."""
        return self._online.count_elsewhere(user_ids) + self._streams.count_elsewhere(user_ids)

    # Seen and dismissed.

    def see(self, user_id: str, ids: Sequence[int], skip: object = None, then: Then = lambda _: None) -> None:
        """Mark as seen by the socket `skip`, and tell the user's others. Never blocks: one write takes what waits.

        Raises Busy: too many of the user's wait.
        """
        if self._to_see_of[user_id] >= MOST_TO_SEE:
            raise Busy
        self._to_see_of[user_id] += len(ids)
        self._to_see.append(_Seeing(user_id, ids, skip, then))
        self._store_seen()

    def dismiss(self, user_id: str, id_: int, skip: object = None) -> None:
        """Take one off all the user's screens; `skip` is not told. Blocks. Raises NotFound, Busy or Unavailable."""

        def settle(change: int | None) -> int | None:
            if change:
                self._tell(user_id, Dismissed(notification_id=id_, change=change), skip)
            return change

        if self._storage.journal.write(settle, self._storage.notifications.dismiss, user_id, id_) is None:
            raise NotFound(field="notificationId", rule="notification")

    def see_up_to(self, user_id: str, up_to: int, skip: object = None, then: Then = lambda _: None) -> None:
        """Mark all of the user's up to an id as seen, a slice at a time. As `see`, and never blocks. Raises Busy."""
        self._mark_up_to(self._storage.notifications.see_up_to, Seen, user_id, up_to, skip, then)

    def dismiss_up_to(self, user_id: str, up_to: int, skip: object = None, then: Then = lambda _: None) -> None:
        """Take all of the user's up to an id off all screens. As `see_up_to`."""
        self._mark_up_to(self._storage.notifications.dismiss_up_to, Dismissed, user_id, up_to, skip, then)

    def _mark_up_to(
        self, mark: MarkUpTo, told: type[Seen | Dismissed], user_id: str, up_to: int, skip: object, then: Then
    ) -> None:
        def settle(marked: dict[int, int] | ChatError) -> None:
            if isinstance(marked, ChatError):
                return then(marked)
            if marked:
                last = max(marked)
                self._tell(user_id, told(notification_id=last, change=marked[last], up_to=last), skip)
            if len(marked) < SLICE:
                return then(None)
            try:
                self._mark_up_to(mark, told, user_id, up_to, skip, then)
            except Busy as error:
                then(error)

        self._storage.journal.write_later(settle, mark, user_id, up_to, SLICE)

    def _tell(self, user_id: str, event: Seen | Dismissed, skip: object) -> None:
        """Tell all sockets and streams of the user, each behind the notification that it is about."""
        self._streams.tell(user_id, lambda: as_stream_event(event))
        self._online.tell(user_id, lambda: encoded(event), skip)

    def _store_seen(self) -> None:
        if self._storing_seen or not self._to_see:
            return
        seeing, self._to_see = self._to_see, []
        self._to_see_of.clear()

        def settle(new: dict[int, int] | ChatError) -> None:
            self._storing_seen = False
            seen, failed = ({}, new) if isinstance(new, ChatError) else (new, None)
            for user_id, ids, skip, then in seeing:
                for id_ in sorted(seen.keys() & ids):
                    self._tell(user_id, Seen(notification_id=id_, change=seen[id_]), skip)
                then(failed)
            self._store_seen()

        pairs = [(id_, user_id) for user_id, ids, _, _ in seeing for id_ in ids]
        self._storing_seen = True
        try:
            self._storage.journal.write_later(settle, self._storage.notifications.see, pairs)
        except Busy as error:
            settle(error)


class _Seeing(NamedTuple):
    user_id: str
    ids: Sequence[int]
    skip: object
    then: Then
