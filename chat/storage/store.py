"""One database: what is written to it and what is asked of it. Blocking: called in threads, off the loop.

Does not know who is online, and nothing of events: what goes in and comes out are the plain records
of `records.py`. The same statements run on SQLite and on PostgreSQL.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from chat.storage.database import Database
from chat.storage.message_reader import Questions
from chat.storage.message_writer import Writer
from chat.storage.search import Search
from chat.storage.search_index import Indexing


class Store:
    """The parts of one database under one name.

    `commit`, and what else writes within `transaction`, is called by one thread at a time, everything
    else by any.

    Args:
        url: SQLAlchemy's, of SQLite or of PostgreSQL with psycopg 3.
        clock: Unix time in seconds.
    """

    def __init__(self, url: str, clock: Callable[[], float] = time.time) -> None:
        self.database = Database(url, clock)
        self.writer = Writer(self.database)
        self.questions = Questions(self.database)
        self.search = Search(self.database)
        self.indexing = Indexing(self.database, self.writer.grown)

        self.commit = self.writer.commit

        self.overviews = self.questions.overviews
        self.history = self.questions.history
        self.standings = self.questions.standings
        self.missed = self.questions.missed

        self.engine = self.database.engine
        self.transaction = self.database.transaction
        self.reading = self.database.reading
        self.now_ms = self.database.now_ms
        self.close = self.database.close
