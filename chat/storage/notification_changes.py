"""Owns the changes of notifications: each time that one is seen or dismissed gets its user's next number, 1, 2, 3 ...

A notification keeps the number of its last change alone, so what changed twice is told of once, as it is now.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select

from chat.storage.compiled import Compiled
from chat.storage.database import Database
from chat.storage.look_up import look_up
from chat.storage.schema import notification_changes, notifications


class NoticeChange(NamedTuple):
    """What became of a notification."""

    change: int
    id: int
    seen: bool
    dismissed: bool


class NoticeChanges(NamedTuple):
    """Some of a user's changes, the oldest first. `newest`: the last number of all."""

    changes: list[NoticeChange]
    newest: int
    is_incomplete: bool  # some after the place asked for were deleted with their notifications


class NotificationChanges:
    """The changes in one database. Blocking."""

    def __init__(self, database: Database, user_key: Callable[[str], str]) -> None:
        self._database = database
        self._user_key = user_key
        self._of_user = Compiled(database.engine, _OF_USER)

    def newest(self, user_id: str) -> int:
        """Return the number of the user's last change; 0: there is none."""
        with self._database.reading() as connection:
            found = self._of_user.first(connection, user=self._user_key(user_id))
        return 0 if found is None else int(found[0])

    def after(self, user_id: str, after: int, limit: int) -> NoticeChanges:
        """Return the changes behind the number `after`, at most `limit`."""
        key, c = self._user_key(user_id), notifications.c
        query = select(c.change, c.id, c.seen_at.is_not(None), c.dismissed_at.is_not(None))
        query = query.where(c.user_key == key, c.change > after).order_by(c.change).limit(limit)
        with self._database.reading() as connection:
            found = [NoticeChange(*row) for row in connection.execute(query)]
            # Asked for afterwards, so that it is never before one that is shown.
            newest, forgotten = self._of_user.first(connection, user=key) or (0, 0)
        return NoticeChanges(found, newest, after < forgotten)


def number(connection: Connection, changed: Iterable[tuple[str, int]]) -> dict[int, int]:
    """Give each of these (user's key, id) its user's next number, in the order of ids; return id -> number."""
    in_order = sorted(changed)
    counts = Counter(key for key, _ in in_order)
    newest = dict(look_up(connection, _COUNT_ON, list(counts.items())))
    numbers = {}
    for key, id_ in in_order:
        numbers[id_] = newest[key] - counts[key] + 1
        counts[key] -= 1
    look_up(connection, _SET, list(numbers.items()))
    return numbers


def note_deleted(connection: Connection, deleted: Sequence[tuple[str, int | None]]) -> None:
    """Note that notifications were deleted: (user's key, number of the last change; None: it had none)."""
    last: dict[str, int] = {}
    for key, change in deleted:
        if change is not None:
            last[key] = max(change, last.get(key, 0))
    look_up(connection, _FORGET, list(last.items()))


_OF_USER = select(notification_changes.c.newest, notification_changes.c.forgotten).where(
    notification_changes.c.user_key == bindparam("user")
)
# WHERE: SQLite would else read ON as a part of FROM. DISTINCT: a list of keys may hold its last one several times.
_COUNT_ON = """
WITH wanted (user_key, count) AS ({keys})
INSERT INTO notification_changes (user_key, newest, forgotten) SELECT DISTINCT user_key, count, 0 FROM wanted WHERE true
ON CONFLICT (user_key) DO UPDATE SET newest = notification_changes.newest + excluded.newest
RETURNING user_key, newest
"""
_SET = """
WITH wanted (id, change) AS ({keys})
UPDATE notifications SET change = wanted.change FROM wanted WHERE notifications.id = wanted.id RETURNING notifications.id
"""
_FORGET = """
WITH wanted (user_key, change) AS ({keys})
UPDATE notification_changes SET forgotten = wanted.change FROM wanted
WHERE notification_changes.user_key = wanted.user_key AND forgotten < wanted.change
RETURNING notification_changes.user_key
"""
