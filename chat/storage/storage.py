"""What is kept: conversations, messages, and how far each member has got. The only place that knows SQL.

`storage` is this process's, opened by `create_app`: `storage.journal` is the way in, `storage.read` the
way to the questions of `store.py`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from gevent import get_hub
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from chat.errors import Unavailable
from chat.storage import migrate
from chat.storage.accounts import Accounts
from chat.storage.batches import Batches
from chat.storage.database import Database
from chat.storage.in_turn import InTurn
from chat.storage.journal import Journal
from chat.storage.last_seen import Sightings
from chat.storage.message_reader import Questions as MessageReader
from chat.storage.notifications import Notifications
from chat.storage.search import Search
from chat.storage.store import Store

log = logging.getLogger("chat")

T = TypeVar("T")


class Storage:
    """The store and its journal, once `open` has been called."""

    store: Store
    database: Database
    messages: MessageReader
    search: Search
    journal: Journal
    accounts: Accounts
    notifications: Notifications
    batches: Batches
    in_turn: InTurn  # the way into the last two
    last_seen: Sightings
    _is_indexing = False

    def open(self, url: str, journal_records: int, check: bool = True) -> None:
        """Connect, bring an embedded database's tables up to date, and be ready for both.

        Several servers may share another database, so its tables are not changed by starting one.

        Args:
            check: see that its tables are up to date. False for who is going to change them.

        Raises:
            Unavailable: the database cannot be opened, or not be brought up to date.
            WrongTables: it must be brought up to date first, or is newer than this program.
        """
        self.store = Store(url)
        self.database = self.store.database
        self.messages = self.store.questions
        self.search = self.store.search
        self.journal = Journal(self.store, journal_records)
        self.accounts = Accounts(self.store.database)
        self.notifications = Notifications(self.store.database)
        self.batches = Batches(self.store.database)
        self.in_turn = InTurn()
        self.last_seen = Sightings(self.store.database)
        if self.store.engine.dialect.name == "sqlite":
            migrate.upgrade(self.store.engine)
        elif check:
            migrate.check(self.store.engine)

    def keep_index(self) -> None:
        """Index what came since the last call: a little, or as long as nothing is committed, all of it.

        Blocks the calling greenlet. Called once a second; what fails, which `in_thread` has logged, is tried again.
        """
        if self._is_indexing:
            return
        self._is_indexing = True
        try:
            commits = self.journal.commits
            while self.in_thread(self.store.indexing.step) and self.journal.commits == commits:
                pass
        except Unavailable:
            pass
        finally:
            self._is_indexing = False

    def write(self, function: Callable[..., T], *args: Any) -> T:
        """Have function(*args) write, off the loop; block the calling greenlet until it is done.

        Raises:
            ChatError: Busy, Unavailable, or what the function raised.
        """
        written: T = self.in_turn.do(lambda outcome: outcome, function, *args)
        return written

    @staticmethod
    def in_thread(question: Callable[..., T], *args: Any, **options: Any) -> T:
        """Ask the store in a native thread, so that only the calling greenlet waits for the disk.

        Raises:
            Unavailable: the database did not answer.
        """
        answer = get_hub().threadpool.apply(_asked, (question, args, options))
        if isinstance(answer, SQLAlchemyError):
            log.error("the database could not be read: %s", type(answer).__name__)
            raise Unavailable("The database cannot be read just now. Try again.")
        found: T = answer
        return found


def _asked(
    question: Callable[..., T], args: tuple[Any, ...], options: dict[str, Any]
) -> T | SQLAlchemyError:
    """The answer, or the error as a value: gevent's pool would print one that is raised, and with it
    whose messages were asked for.
    """
    try:
        try:
            return question(*args, **options)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            return question(*args, **options)  # the line had broken since it was used last
    except SQLAlchemyError as error:
        return error
