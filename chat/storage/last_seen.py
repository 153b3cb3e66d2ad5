"""The questions about presence: whom somebody shares conversations with, and when they were last seen. Blocking.

Who is online is not stored; that is `presence.py`'s.
"""

from __future__ import annotations

from collections.abc import Mapping

from chat.storage.database import Database
from chat.storage.message_reader import newest_of_a_user
from chat.storage.records import other_of
from chat.storage.schema import conversations, last_seen


class Sightings:
    """Sightings of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        insert = database.insert(last_seen)
        self._note = insert.on_conflict_do_update(
            index_elements=[last_seen.c.user_id], set_={"at": insert.excluded.at}
        )

    def companions(self, user_id: str, limit: int) -> list[str]:
        """The others of the user's conversations, that with the newest message first."""
        with self._database.reading() as connection:
            rows = connection.execute(_COMPANIONS, {"user": user_id, "limit": limit})
            return [other_of(key, user_id) for (key,) in rows]

    def note(self, seen: Mapping[str, int]) -> None:
        """Keep when each user was seen: user -> Unix time in milliseconds. In a transaction of its own."""
        rows = [{"user_id": user, "at": at} for user, at in sorted(seen.items())]
        with (
            self._database.engine.connect().execution_options(writes=True) as connection,
            connection.begin(),
        ):
            connection.execute(self._note, rows)


_COMPANIONS = newest_of_a_user(conversations.c.key)
