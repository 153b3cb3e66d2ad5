"""Owns when each user was last seen, and who shares conversations with whom. Who is online is not stored."""

from collections.abc import Mapping, Sequence

from sqlalchemy import func

from chat.storage.compiled import Compiled
from chat.storage.database import Database
from chat.storage.message_reader import newest_of_a_user
from chat.storage.records import other_of
from chat.storage.schema import conversations, last_seen


class LastSeen:
    """The times of one database. Blocking."""

    def __init__(self, database: Database) -> None:
        self._database = database
        insert = database.insert(last_seen)
        latest = func.max if database.is_sqlite else func.greatest  # a user leaves several workers
        at = latest(last_seen.c.at, insert.excluded.at)
        self._partners = Compiled(database.engine, newest_of_a_user(conversations.c.key))
        self._note = insert.on_conflict_do_update(index_elements=[last_seen.c.user_id], set_={"at": at})

    def partners(self, user_id: str, limit: int) -> list[str]:
        """Return the others of the user's conversations, the one with the newest message first."""
        with self._database.reading() as connection:
            rows = self._partners.rows(connection, user=user_id, limit=limit)
        return [other_of(key, user_id) for (key,) in rows]

    def partners_of(self, user_ids: Sequence[str], limit: int) -> dict[str, list[str]]:
        """Return the same of several users."""
        with self._database.reading_together():
            return {user_id: self.partners(user_id, limit) for user_id in user_ids}

    def note(self, seen: Mapping[str, int]) -> None:
        """Keep when each user was seen: user -> Unix time in milliseconds."""
        rows = [{"user_id": user, "at": at} for user, at in sorted(seen.items())]
        with self._database.transaction() as connection:
            connection.execute(self._note, rows)
