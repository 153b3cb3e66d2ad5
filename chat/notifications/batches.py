"""Owns batches: one notification for many users, accepted at once, sent slice by slice, also after a crash."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chat.errors import ChatError, NotFound
from chat.notifications.draft import Draft
from chat.notifications.notifier import Notifier, PushResult
from chat.people.directory import Directory
from chat.people.online import Online, Receiver, Socket
from chat.storage.batches import CLAIM_SECONDS, Batch, Work
from chat.storage.notifications import Notice, Once
from chat.storage.storage import Storage

RESUME_SECONDS = 5  # after a start: pages come back first, and are not taken for people who are offline
SLICE_USERS = 100  # of a batch, between two turns of the loop


@dataclass(eq=False)
class BatchSender:
    """The batches of one chat. Lives on the event loop."""

    _storage: Storage
    _notifier: Notifier
    _directory: Directory
    _online: Online[Socket]
    _streams: Online[Receiver]
    _spawn: Callable[..., None]  # calls a function soon, in a greenlet

    def __post_init__(self) -> None:
        self._unfinished = True  # a batch of before the restart, perhaps
        self._begin_at = time.monotonic() + RESUME_SECONDS
        self._look_at = 0.0  # for those of other workers
        self._sending = False
        self._stopping = False

    def push(self, service: str, user_ids: Sequence[str] | None, draft: Draft, once: Once | None = None) -> PushResult:
        """Notify many, or None: everybody, in the background. Raises: as `Notifier.push`, UnknownUser of the first."""
        online: list[str] = []
        if user_ids is None:
            online = [*self._online.users(), *self._streams.users()]
        else:
            user_ids = self._directory.names_of(user_ids, "toUserIds")

        def settle(stored: tuple[int, bool]) -> PushResult:
            self._unfinished, self._begin_at = True, 0.0
            return PushResult(None, stored[0], 0, stored[1])

        add, content = self._storage.batches.add, draft.content()
        pushed: PushResult = self._storage.journal.write(settle, add, service, user_ids, content, once, online)
        self.keep_sending()
        return pushed

    def progress(self, service: str, batch_id: int) -> Batch:
        """Return how far a batch has got. Raises NotFound: this service has none of this id."""
        batch = self._storage.in_thread(self._storage.batches.find, service, batch_id)
        if batch is None:
            raise NotFound(field="batchId", rule="batch")
        return batch

    def keep_sending(self) -> None:
        """Go on with unfinished batches: at the start, after a failure, and when their worker died. Never blocks."""
        now = time.monotonic()
        if now < self._begin_at or not (self._unfinished or now >= self._look_at):
            return
        if not self._sending and not self._stopping and self._storage.database.write_error is None:
            self._sending = True
            self._spawn(self._send_all)

    def stop(self) -> None:
        """Begin no further slice: the next process goes on."""
        self._stopping = True

    def _send_all(self) -> None:
        """Blocks until all are sent, or the database fails; the next sweep tries again then."""
        try:
            self._unfinished = False
            while not self._stopping and (work := self._storage.write(self._storage.batches.next)):
                self._send(work)
        except Exception as error:
            self._unfinished = True
            if not isinstance(error, ChatError):  # which was logged where it was met
                raise
        finally:
            self._sending, self._look_at = False, time.monotonic() + CLAIM_SECONDS

    def _send(self, work: Work) -> None:
        """Send the slices that are left; return early when another worker has claimed the batch."""
        write, stored = self._storage.journal.write, self._storage.batches
        sent, reached = work.batch.sent, work.batch.reached
        while some := work.user_ids[sent : sent + SLICE_USERS]:
            if self._stopping:
                return

            def settle(ids: Sequence[int], some: Sequence[str] = some) -> list[int] | None:
                notices = [Notice(id_, work.content, seen=False) for id_ in ids]
                return [*map(self._notifier.show, some, notices)] if ids else None

            taken = write(settle, stored.send, work, sent, some, reached)
            if taken is None:
                return
            missed = [user_id for user_id, count in zip(some, taken, strict=True) if not count]
            sent, reached = sent + len(some), reached + sum(taken) + self._notifier.reached_elsewhere(missed)
        self._storage.write(stored.finish, work, reached)
