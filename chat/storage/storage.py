"""Owns everything that is kept: opens one database, and makes the parts that read and write it."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

from gevent import get_hub, sleep
from gevent.threadpool import ThreadPool
from gevent.util import wrap_errors
from sqlalchemy.exc import SQLAlchemyError

from chat.errors import Busy, ChatError, Unavailable
from chat.metrics import Metrics
from chat.storage import migrate
from chat.storage.accounts import Accounts
from chat.storage.batches import Batches
from chat.storage.blocks import Blocks
from chat.storage.conversation_settings import StoredSettings
from chat.storage.database import Database
from chat.storage.direct_journal import DirectJournal
from chat.storage.epoch import Epoch
from chat.storage.failures import FailureLog, again_if_broken, log_text, name_of
from chat.storage.health import DatabaseHealth
from chat.storage.journal import Journal
from chat.storage.last_seen import LastSeen
from chat.storage.listings import Listings
from chat.storage.message_erasure import MessageErasure
from chat.storage.message_reader import MessageReader
from chat.storage.message_writer import MessageWriter
from chat.storage.notification_changes import NotificationChanges
from chat.storage.notifications import Notifications
from chat.storage.person import Person
from chat.storage.profiles import Profiles
from chat.storage.search import Search
from chat.storage.search_index import SearchIndex
from chat.storage.service_tokens import ServiceTokens
from chat.storage.sessions import Sessions
from chat.storage.together import Together
from chat.storage.writer_thread import OneThread

T = TypeVar("T")

# Of the search index, while messages come: 2,500 messages a second, a fifth of the writer's time. With more records
# waiting than this the server has no time to spare, and what is not indexed is searched all the same.
BUSY_STEPS, BUSY_PAUSE_SECONDS, BUSY_RECORDS = 25, 0.03, 50
SEARCHES_AT_ONCE = 2  # in threads and with connections of their own: however long they take, other reads go on
CLOSE_SECONDS = 1  # how long a read may take that is under way when the server stops
CLOSE_POLL_SECONDS = 0.005


class Storage:
    """One database and its parts. Connects at the first use; its thread starts with the first write.

    SQLite's tables are brought up to date. Several servers may share another database, so its tables are
    not changed by starting one.

    Args:
        url: SQLAlchemy's, of SQLite or of PostgreSQL with psycopg 3; or the Path of an SQLite database's file.
        user_key: makes the key by which two spellings of a name are one user.
        journal_records: how many messages and pointers may wait to be stored.
        check: whether another database's tables must be up to date.
        clock: as of `Database`.
        metrics: where commits are counted; None: nowhere.
        is_direct: whether the calling thread itself reads and writes, for tests of a site.

    Raises:
        Unavailable: the database cannot be opened, or not be brought up to date.
        WrongTables: it must be brought up to date first, or is newer than this program.
    """

    def __init__(
        self,
        url: str | Path,
        user_key: Callable[[str], str],
        log: logging.Logger,
        journal_records: int,
        check: bool = True,
        clock: Callable[[], float] | None = None,
        metrics: Metrics | None = None,
        is_direct: bool = False,
    ) -> None:
        self.user_key = user_key
        self._failure_log = FailureLog(log)
        self._is_direct = is_direct
        self.database = Database(url, log, clock)
        self.accounts = Accounts(self.database, user_key)
        self.sessions = Sessions(self.database, user_key)
        self.service_tokens = ServiceTokens(self.database)
        self.messages = MessageReader(self.database)
        self.writer = MessageWriter(self.database, self.accounts, log)
        self.search = Search(self.database, user_key)
        self.search_index = SearchIndex(self.database, self.writer.grown, log)
        self.notifications = Notifications(self.database, user_key)
        self.notification_changes = NotificationChanges(self.database, user_key)
        self.batches = Batches(self.database, user_key)
        self.erasure = MessageErasure(self.database)
        self.listings = Listings(self.database.engine)
        self.blocks = Blocks(self.database)
        self.settings = StoredSettings(self.database)
        self.last_seen = LastSeen(self.database)
        self.person = Person(self.database, user_key)
        self.profiles = Profiles(self.database, user_key, self.accounts)
        journal = DirectJournal if is_direct else Journal
        self.journal: Journal = journal(self.writer, journal_records, log, metrics or Metrics())
        self.health = DatabaseHealth(self.database, self.in_thread, self.write)
        self._reader = OneThread()
        self._together = Together(
            self.database, lambda function, *args: self._apply(self._reader, "read", partial(function, *args))
        )
        self._search_threads = ThreadPool(SEARCHES_AT_ONCE)
        self._stopping = False
        self._reads = 0  # under way in native threads
        if self.database.is_sqlite:
            before, _ = migrate.upgrade(self.database.engine)
            if before is None and not check and isinstance(url, Path):  # of a command, perhaps without the settings
                log.warning("a new database is made, %s: is the server's CHAT_DATABASE_URL set here?", url)
        elif check:
            migrate.check(self.database.engine)
        # They change only while no server runs. "": for who is going to change the tables.
        epoch, is_ready = Epoch(self.database), check or self.database.is_sqlite
        self.epoch, self.identity = (epoch.value(), epoch.identity()) if is_ready else ("", "")
        self.database.rest()  # one that is made and never used keeps no descriptor

    def in_thread(self, function: Callable[..., T], *args: Any, **options: Any) -> T:
        """Call what reads in a native thread; the calling greenlet waits. Raises Unavailable: no answer, or closed."""
        return self._apply(get_hub().threadpool, "read", partial(function, *args, **options))

    def read_together(self, function: Callable[..., T], *args: Any) -> T:
        """As `in_thread`, in one thread and one transaction with all others that wait for this just now."""
        if self._is_direct or not self.journal.is_here:
            return self.in_thread(function, *args)
        return self._together.read(function, *args)

    def search_in_thread(self, function: Callable[..., T], *args: Any) -> T:
        """Call a function of `search` as `in_thread` does, in one of the threads that only searches use."""
        return self._apply(self._search_threads, "read", partial(function, *args))

    def _apply(self, threads: ThreadPool | OneThread, done: str, call: "partial[T]") -> T:
        if self.database.is_closed:
            raise Unavailable(rule="no_answer")  # closed: the server stops
        self._reads += 1
        try:
            # The error as a value: the pool would print one that is raised, and with it whose messages were read.
            errors = (SQLAlchemyError, ChatError)
            careful = wrap_errors(errors, partial(again_if_broken, call))
            answer: T | SQLAlchemyError | ChatError = careful() if self._is_direct else threads.apply(careful)
        finally:
            self._reads -= 1
        if isinstance(answer, ChatError):
            raise answer
        if isinstance(answer, SQLAlchemyError):
            self._failure_log.error("the database could not be %s (%s): %s", done, name_of(call), log_text(answer))
            raise Unavailable(rule="no_answer")
        return answer

    def write(self, function: Callable[..., T], *args: Any) -> T:
        """Call what writes in the journal's thread; the calling greenlet waits. Raises as `Journal.write`."""
        if not self.journal.is_here:  # a server without gevent's patches, where each request has a thread
            return self._apply(get_hub().threadpool, "written", partial(function, *args))
        return cast(T, self.journal.write(lambda outcome: outcome, function, *args))

    def keep_index(self) -> None:
        """Index what came since the last call: all of it, or while somebody writes, BUSY_STEPS' worth a second.

        Blocks the calling greenlet; not twice at once. What fails is tried again by the next call.
        """
        if self.database.write_error is not None:  # else a line in the log each second
            return
        commits, steps, is_behind = self.journal.commits, 0, True
        with suppress(Busy, Unavailable):
            while is_behind and not self._stopping and steps < BUSY_STEPS:
                is_behind = self.write(self.search_index.step)
                if self.journal.commits != commits:
                    if self.journal.waiting > BUSY_RECORDS:
                        break
                    commits, steps = self.journal.commits, steps + 1
                    sleep(BUSY_PAUSE_SECONDS)

    def unstored(self) -> Callable[[], bool]:
        """Return what tells, as often as it is called, whether a record of before is not stored and settled yet."""
        journal = self.journal
        last, commit = journal.taken + journal.waiting, 0

        def is_unstored() -> bool:
            nonlocal commit
            if not journal.idle and journal.taken >= last:  # the commit that took the last one is under way
                commit = commit or journal.commits
            return not journal.idle and commit in (0, journal.commits)

        return is_unstored

    def stop(self) -> bool:
        """Begin no further step of the index; return whether something that was taken in is unwritten."""
        self._stopping = True
        return not self.journal.idle

    def close(self) -> None:
        """End the thread, and close the connections. Blocks the calling greenlet while something is read."""
        until = time.monotonic() + CLOSE_SECONDS
        self.database.is_closed = True  # nothing new begins
        while (self._reads or not self.journal.idle) and time.monotonic() < until:
            sleep(CLOSE_POLL_SECONDS)
        self.journal.close()
        self._search_threads.kill()
        self._reader.close()
        self.database.close()
