"""Notifications: stored, then shown on all sockets and streams of their users; seen and dismissed for all.

What a program may say stands in `draft.py`, who may say it in `web/notifications.py`, how one socket gets each
of them once in `notices.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from chat import metrics
from chat.errors import Busy, ChatError, NotFound, Unavailable
from chat.notifications.draft import Draft
from chat.notifications.feed import event_of, say, show
from chat.notifications.stream import Listener
from chat.notifications.webhook import Webhook
from chat.people.directory import Directory
from chat.people.online import as_stream_event, encoded, sockets, streams
from chat.protocol.structs import Dismissed, Seen
from chat.storage.batches import Batch, Batches, Work
from chat.storage.in_turn import InTurn
from chat.storage.notifications import Notice, Notifications, Once
from chat.transport.event_stream import Stream
from chat.transport.sockets import Socket

# After a start pages come back first, and are not taken for people who are offline.
RESUME_SECONDS = 5
MOST_IN_DOUBT = 1_000
SLICE_USERS = 100  # of a batch, between two turns of the loop

Then = Callable[[ChatError | None], None]  # what came of something that was to be stored


def _nothing(_: ChatError | None) -> None:
    """What is done where nobody waits for the answer."""


class Pushed(NamedTuple):
    """What became of a draft: a notification with `id`, or a batch of them with `batch_id`.

    `sockets`: how many sockets and streams took it just now. `repeated`: it had been there, by the same
    request, and was sent to nobody now.
    """

    id: int | None
    batch_id: int | None
    sockets: int
    repeated: bool


class Notifier:
    """The notifications of this process. Lives on the event loop; what is stored blocks the greenlet."""

    def open(
        self,
        notifications: Notifications,
        batches: Batches,
        in_turn: InTurn,
        directory: Directory,
        webhook: Webhook,
        spawn: Callable[[Callable[[], None]], None],
    ) -> None:
        """Serve these.

        Args:
            spawn: calls a function soon, in a greenlet.
        """
        self.stored = notifications
        self.batches = batches
        self._in_turn = in_turn
        self._directory = directory
        self._webhook = webhook
        self._spawn = spawn
        self._unfinished = True  # a batch of before the restart, perhaps
        self._begin_at = time.monotonic() + RESUME_SECONDS
        self._sending = False
        self._stopping = False
        self._to_see: list[_Seeing] = []  # what waits for the write that is under way
        self._storing_seen = False
        self._in_doubt: set[Once | None] = set()  # requests that failed, and are to come again

    # Sending.

    def push(self, user_id: str, draft: Draft, once: Once | None = None) -> Pushed:
        """To one user: stored, then sent.

        Raises:
            UnknownUser: there is no such user, where everybody needs an account.
            Conflicting: `once` was used before, for another request.
            Busy, Unavailable: it was not stored.
        """
        user_id, content = self._directory.name_of(user_id), draft.content()

        def settle(stored: tuple[int, bool]) -> Pushed:
            id_, repeated = stored
            if once in self._in_doubt:  # it may be there since a commit that nobody heard of
                self._in_doubt.discard(once)
                repeated = False
            notice = Notice(id_, content, seen=False)
            return Pushed(id_, None, 0 if repeated else self._send(user_id, notice), repeated)

        try:
            pushed: Pushed = self._in_turn.do(settle, self.stored.add, user_id, content, once)
        except Unavailable:
            if once is not None and len(self._in_doubt) < MOST_IN_DOUBT:
                self._in_doubt.add(once)
            raise
        return pushed

    def push_to_many(
        self, service: str, user_ids: Sequence[str] | None, draft: Draft, once: Once | None = None
    ) -> Pushed:
        """To many, or None: to everybody; stored as a batch, which is sent in the background.

        Raises: as `push`; the UnknownUser names the first one.
        """
        online: list[str] = []
        if user_ids is None:
            online = [*sockets.users(), *streams.users()]
        else:
            user_ids = self._directory.names_of(user_ids, "toUserIds")

        def settle(stored: tuple[int, bool]) -> Pushed:
            self._unfinished, self._begin_at = True, 0.0
            return Pushed(None, stored[0], 0, stored[1])

        content = draft.content()
        pushed: Pushed = self._in_turn.do(
            settle, self.batches.add, service, user_ids, content, once, online
        )
        self.keep_sending()
        return pushed

    def keep_sending(self) -> None:
        """Go on with the batches that are not finished: at the start, and after a failure. Never blocks."""
        if time.monotonic() < self._begin_at:
            return
        if self._unfinished and not self._sending and not self._stopping:
            self._sending = True
            self._spawn(self._send_batches)

    def progress(self, service: str, batch_id: int) -> Batch:
        """How far a batch has got.

        Raises:
            NotFound: this service has none of this id.
        """
        batch: Batch | None = self._directory.run(self.batches.find, service, batch_id)
        if batch is None:
            raise NotFound("There is no such batch.", "batchId")
        return batch

    # Seen and dismissed.

    def see(
        self, user_id: str, ids: Sequence[int], skip: Socket | None = None, then: Then = _nothing
    ) -> None:
        """The user has seen these. Never blocks: what comes in while a write is under way is the next one.

        Args:
            skip: the socket that says so; the user's others are told.
            then: called when it is stored, with None, or with the error if it is not.
        """
        self._to_see.append(_Seeing(user_id, [*ids], skip, then))
        self._store_seen()

    def dismiss(self, user_id: str, id_: int, skip: Socket | None = None) -> None:
        """Take it off all screens of the user, but that of `skip`, which says so. Blocks.

        Raises:
            NotFound: the user has none of this id.
            Busy, Unavailable: it was not stored.
        """

        def settle(dismissed: bool | None) -> bool | None:
            if dismissed:
                event = Dismissed(notification_id=id_)
                self._tell(user_id, event, skip)
                for listener in _all(streams.of(user_id)):
                    listener.say(as_stream_event(event))
            return dismissed

        if self._in_turn.do(settle, self.stored.dismiss, user_id, id_) is None:
            raise NotFound("There is no such notification.", "notificationId")

    def listen(self, listener: Listener, stream: Stream, resumed: bool) -> None:
        """Send a stream what waits, and from then on what comes. Never blocks."""
        listener.open(stream)
        self._spawn(partial(listener.catch_up, self.stored, self._directory.run, resumed))

    def stop(self) -> bool:
        """Begin no further slice of a batch; whether something that was accepted is not stored yet."""
        self._stopping = True
        return not self._in_turn.idle

    # Helpers.

    def _send(self, user_id: str, notice: Notice) -> int:
        """To the user's sockets and streams, or to the webhook; how many took it."""
        metrics.notifications.add()
        if (until := notice.content.expires_at) is not None and until <= time.time() * 1000:
            return 0  # a batch that was broken off for long
        name = self._directory.known_as(user_id)
        event, taken = event_of(notice), 0
        if clients := _all(sockets.of(name)):
            frame = encoded(event)
            taken = sum(show(client, name, notice.id, frame, self.see) for client in clients)
        if listeners := _all(streams.of(name)):
            chunk = as_stream_event(event, notice.id)
            taken += sum(listener.deliver(notice.id, chunk) for listener in listeners)
        if not taken:
            self._webhook.tell(name, event)
        return taken

    def _tell(self, user_id: str, event: Seen | Dismissed, skip: Socket | None) -> None:
        """All sockets of the user, each behind the notification that it is about."""
        frame = encoded(event)
        for client in _all(sockets.of(user_id)):
            if client is not skip:
                say(client, frame)

    def _send_batches(self) -> None:
        """Blocks until all are sent, or the database fails; the next sweep tries again then."""
        try:
            self._unfinished = False
            while not self._stopping and (work := self._directory.run(self.batches.next)):
                self._send_batch(work)
        except ChatError:  # logged where it was met
            self._unfinished = True
        except Exception:
            self._unfinished = True
            raise
        finally:
            self._sending = False

    def _send_batch(self, work: Work) -> None:
        sent, reached = work.batch.sent, work.batch.reached
        while some := work.user_ids[sent : sent + SLICE_USERS]:
            if self._stopping:
                return  # the next process goes on

            def settle(ids: Sequence[int], some: Sequence[str] = some) -> int:
                notices = [Notice(id_, work.content, seen=False) for id_ in ids]
                return sum(map(self._send, some, notices))

            taken = self._in_turn.do(settle, self.batches.send, work, sent, some, reached)
            sent, reached = sent + len(some), reached + taken
        self._in_turn.do(_as_it_is, self.batches.finish, work, reached)

    def _store_seen(self) -> None:
        if self._storing_seen or not self._to_see:
            return
        seeing, self._to_see = self._to_see, []

        def settle(new: list[int] | ChatError) -> None:
            self._storing_seen = False
            failed = new if isinstance(new, ChatError) else None
            seen = set() if isinstance(new, ChatError) else set(new)
            for user_id, ids, skip, then in seeing:
                for id_ in seen.intersection(ids):
                    self._tell(user_id, Seen(notification_id=id_), skip)
                then(failed)
            self._store_seen()

        pairs = [(id_, user_id) for user_id, ids, _, _ in seeing for id_ in ids]
        self._storing_seen = True
        try:
            self._in_turn.accept(settle, self.stored.see, pairs)
        except Busy as error:
            settle(error)


class _Seeing(NamedTuple):
    user_id: str
    ids: list[int]
    skip: Socket | None
    then: Then


def _all(found: tuple[Any, ...]) -> tuple[Any, ...]:
    return found


def _as_it_is(outcome: Any) -> Any:
    return outcome


notifier = Notifier()  # of this process
