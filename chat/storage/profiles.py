"""Owns how users are shown, as it is stored, and the pictures that they uploaded. Who may change it is left to others."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, select

from chat.protocol.profiles import Profile, folded
from chat.storage.accounts import Accounts
from chat.storage.database import Database
from chat.storage.look_up import look_up, parts
from chat.storage.schema import accounts, pictures, profile_words, profiles

MOST_WORDS = 8  # of a display name by which it is found


class Picture(NamedTuple):
    """A picture in its two sizes. `digest` names it in its address."""

    digest: str
    small: bytes
    large: bytes


class Row(NamedTuple):
    """A profile, as it is stored. `avatar_url` or `picture`, or neither."""

    display_name: str | None = None
    avatar_url: str | None = None
    picture: str | None = None
    subtitle: str | None = None

    @property
    def profile(self) -> Profile:
        # The small one, below the path of the chat.
        avatar = f"avatars/{self.picture}-96.webp" if self.picture else self.avatar_url
        return Profile(display_name=self.display_name, avatar_url=avatar, subtitle=self.subtitle)


class Profiles:
    """The profiles of one database. Blocking, for any thread; writes for one at a time."""

    def __init__(self, database: Database, user_key: Callable[[str], str], known: Accounts) -> None:
        self._database = database
        self._user_key = user_key
        self._accounts = known
        insert = database.insert(profiles)
        changed = {name: insert.excluded[name] for name in (*Row._fields, "updated_at")}
        self._put = insert.on_conflict_do_update(index_elements=[profiles.c.user_key], set_=changed)
        self._add_words = database.insert(profile_words).on_conflict_do_nothing()
        self._add_picture = database.insert(pictures).on_conflict_do_nothing()

    def of(self, user_ids: Iterable[str]) -> dict[str, Profile]:
        """Return user -> profile, of those who have one."""
        keys = {user_id: self._user_key(user_id) for user_id in user_ids}
        with self._database.reading() as connection:
            found = self._rows(connection, keys.values())
        return {user_id: found[key].profile for user_id, key in keys.items() if key in found}

    def put(self, given: Mapping[str, Profile]) -> list[str]:
        """Store user -> profile in the place of what there was, all or nothing; return whose is another one now.

        The users are known from then on. Of two spellings of one the last counts; those returned are spelt as stored.
        """
        with self._database.transaction() as connection:
            if given:
                self._accounts.insert_new(connection, given)
            spelt = self._accounts.spelt_otherwise(connection, given)
            rows = {spelt.get(user_id, user_id): Row(p.display_name, p.avatar_url, None, p.subtitle) for user_id, p in given.items()}  # fmt: skip
            return self._replace(connection, rows)

    def put_words(self, user_id: str, display_name: str | None, subtitle: str | None) -> Profile:
        """Store what a user says; the picture stays."""
        return self._change(user_id, None, display_name=display_name, subtitle=subtitle)

    def put_picture(self, user_id: str, picture: Picture | None) -> Profile:
        """Store what a user uploaded; None: have no picture."""
        return self._change(user_id, picture, avatar_url=None, picture=picture and picture.digest)

    def picture(self, digest: str, is_large: bool) -> bytes | None:
        """Return a picture as WebP; None: there is none."""
        column = pictures.c.large if is_large else pictures.c.small
        with self._database.reading() as connection:
            found: bytes | None = connection.scalar(select(column).where(pictures.c.digest == digest))
            return found

    def named(self, beginning: str, limit: int) -> list[str]:
        """Return users of whose display name a word begins so, in the order of the alphabet. None disabled."""
        start = folded(beginning)
        if not start or "\0" in start:
            return []
        words: Any = profile_words.c.words.collate("BINARY" if self._database.is_sqlite else "C")
        query = (
            select(accounts.c.name)
            .join_from(profile_words, accounts, accounts.c.key == profile_words.c.user_key)
            .where(words >= start, words < f"{start}\U0010ffff", ~accounts.c.disabled)
            .order_by(words)
            .limit(limit)
        )
        with self._database.reading() as connection:
            return list(connection.scalars(query))

    def _change(self, user_id: str, added: Picture | None, **changed: str | None) -> Profile:
        with self._database.transaction() as connection:
            self._accounts.insert_new(connection, [user_id])
            self._lock(connection)
            if added is not None:
                connection.execute(self._add_picture, added._asdict())
            row = self._rows(connection, [key := self._user_key(user_id)]).get(key, Row())._replace(**changed)
            self._replace(connection, {user_id: row})
            return row.profile

    def _replace(self, connection: Connection, given: Mapping[str, Row]) -> list[str]:
        self._lock(connection)
        keys = {user_id: self._user_key(user_id) for user_id in given}
        before = self._rows(connection, keys.values())
        changed = [user_id for user_id, row in given.items() if row != before.get(keys[user_id], Row())]
        if not changed:
            return []
        now = self._database.now_ms()
        some = [user_id for user_id in changed if given[user_id] != Row()]
        if some:
            rows = [{"user_key": keys[user_id], "updated_at": now, **given[user_id]._asdict()} for user_id in some]
            connection.execute(self._put, rows)
        for part in parts([keys[user_id] for user_id in changed if given[user_id] == Row()]):
            connection.execute(delete(profiles).where(profiles.c.user_key.in_(part)))
        for part in parts([keys[user_id] for user_id in changed]):
            connection.execute(delete(profile_words).where(profile_words.c.user_key.in_(part)))
        words = [{"words": words, "user_key": keys[user_id]} for user_id in changed for words in _words(given[user_id])]
        if words:
            connection.execute(self._add_words, words)
        gone = {row.picture for user_id in changed if (row := before.get(keys[user_id])) and row.picture}
        for part in parts([*gone]):
            used = select(profiles.c.picture).where(profiles.c.picture == pictures.c.digest).exists()
            connection.execute(delete(pictures).where(pictures.c.digest.in_(part), ~used))
        return changed

    def _rows(self, connection: Connection, keys: Iterable[str]) -> dict[str, Row]:
        return {key: Row(*row) for key, *row in look_up(connection, _OF, [(key,) for key in keys])}

    def _lock(self, connection: Connection) -> None:
        """One writer at a time, of all workers: a picture that one takes is not deleted by another."""
        self._database.lock_names(connection, [profiles.name])


def _words(row: Row) -> set[str]:
    words: Sequence[str] = folded(row.display_name or "").split()
    return {" ".join(words[start:]) for start in range(min(len(words), MOST_WORDS))}


_OF = """
WITH wanted (user_key) AS ({keys})
SELECT p.user_key, p.display_name, p.avatar_url, p.picture, p.subtitle
FROM wanted JOIN profiles AS p ON p.user_key = wanted.user_key
"""
