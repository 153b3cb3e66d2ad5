"""Owns sessions: those that were begun here, and those that ended before their tokens expire.

A host application's token makes a session without a row; one that is ended gets its row then.
"""

from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import func, select

from chat.storage.database import Database
from chat.storage.schema import sessions

# After its token has expired: a worker whose clock is slow would else let the token of an ended session in.
FORGOTTEN_MS = 24 * 3600 * 1000
MOST_SESSIONS = 100  # of a user; what is begun beyond it counts, and is in no list


class BegunSession(NamedTuple):
    """A session that counts. Unix times in milliseconds."""

    id: str
    created_at: int
    expires_at: int


class EndedSession(NamedTuple):
    """A session whose token does not count any more, though it has not expired."""

    id: str
    user_key: str


class Sessions:
    """The sessions of one database. Blocking. Names are given in any spelling."""

    def __init__(self, database: Database, user_key: Callable[[str], str]) -> None:
        self._database = database
        self._user_key = user_key
        insert = database.insert(sessions)
        self._begin = insert.on_conflict_do_nothing()
        # Of two tokens of one session the one that expires last decides how long it stays ended.
        latest = func.max if database.is_sqlite else func.greatest
        kept = {"expires_at": latest(sessions.c.expires_at, insert.excluded.expires_at)}
        key = [sessions.c.user_key, sessions.c.id]
        self._renew = insert.on_conflict_do_update(index_elements=key, set_=kept)
        ended = {"ended_at": insert.excluded.ended_at}
        self._end = insert.on_conflict_do_update(index_elements=key, set_=kept | ended)

    def begin(self, name: str, session: str, generation: int, created_at: int, expires_at: float) -> None:
        """Note a new session. `created_at`: in milliseconds; `expires_at`: its token's, in seconds."""
        self.forget_expired()
        row = {"user_key": self._user_key(name), "id": session, "generation": generation, "created_at": created_at}
        with self._database.transaction() as connection:
            of_user = select(func.count()).where(sessions.c.user_key == row["user_key"])
            if connection.execute(of_user).scalar_one() < MOST_SESSIONS:
                connection.execute(self._begin, row | {"expires_at": int(expires_at * 1000)})

    def renew(self, name: str, session: str, generation: int, created_at: int, expires_at: float) -> None:
        """Note that a session goes on until `expires_at`. One that has ended stays so for as long.

        It is stored however many there are: else an end told by an older token would be forgotten with that one.
        """
        row = {"user_key": self._user_key(name), "id": session, "generation": generation, "created_at": created_at}
        with self._database.transaction() as connection:
            connection.execute(self._renew, row | {"expires_at": int(expires_at * 1000)})

    def of(self, name: str, generation: int) -> list[BegunSession]:
        """Return the sessions of a user that were begun here and count, the newest first."""
        c = sessions.c
        query = select(c.id, c.created_at, c.expires_at).where(
            c.user_key == self._user_key(name),
            c.generation == generation,
            c.ended_at.is_(None),
            c.expires_at > self._database.now_ms(),
        )
        with self._database.reading() as connection:
            return [BegunSession(*row) for row in connection.execute(query.order_by(c.created_at.desc(), c.id))]

    def end(self, session: str, name: str, expires_at: float) -> None:
        """Note that a session has ended; `expires_at` is its token's, a Unix time in seconds."""
        self.forget_expired()
        row = {"id": session, "user_key": self._user_key(name), "created_at": self._database.now_ms()}
        end = self._end.values(ended_at=self._database.shared_now())
        with self._database.transaction() as connection:
            connection.execute(end, row | {"expires_at": int(expires_at * 1000)})

    def ended_in(self, ms: int) -> list[EndedSession]:
        """Return the sessions that have ended in the last milliseconds, whose sockets have to close."""
        ended = sessions.c.ended_at >= self._database.shared_now() - ms
        query = select(sessions.c.id, sessions.c.user_key).where(ended)
        with self._database.reading() as connection:
            return [EndedSession(*row) for row in connection.execute(query)]

    def forget_expired(self) -> None:
        """Delete the sessions whose tokens have expired long ago: so the table is bounded."""
        expired = sessions.c.expires_at < self._database.shared_now() - FORGOTTEN_MS
        with self._database.transaction() as connection:
            connection.execute(sessions.delete().where(expired))
