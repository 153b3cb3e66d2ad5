"""Owns the records of notifications: one for each user and message, until it is done and old.

Showing them is left to others. The ids of one user grow in the order of commits, however many processes write:
whoever was sent id 7 lacks nothing of theirs below.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, Table, bindparam, func, or_, select, text

from chat.errors import Conflicting
from chat.protocol.structs import Level
from chat.storage.compiled import Compiled
from chat.storage.database import Database
from chat.storage.look_up import look_up
from chat.storage.notification_changes import note_deleted, number
from chat.storage.records import SEPARATOR
from chat.storage.schema import MAY_BE_DONE, idempotency_keys, notifications

KEY_MS = 24 * 3600 * 1000  # how long a repeated request is known


class Content(NamedTuple):
    """What a notification says. Times are Unix times in milliseconds."""

    message: str
    title: str | None
    link: str | None
    level: Level
    created_at: int
    expires_at: int | None  # None: never


class Notice(NamedTuple):
    """A notification of one user."""

    id: int
    content: Content
    seen: bool


class Once(NamedTuple):
    """By what a repeated request is known: who asks, the request's key, and a digest of its body."""

    service: str
    key: str
    digest: str


class Notifications:
    """The notifications of one database. Blocking."""

    def __init__(self, database: Database, user_key: Callable[[str], str]) -> None:
        self._database = database
        self._user_key = user_key
        self._oldest_unseen = Compiled(database.engine, _UNSEEN.order_by(notifications.c.id))
        self._newest_unseen = Compiled(database.engine, _UNSEEN.order_by(notifications.c.id.desc()))

    def add(self, user_id: str, content: Content, once: Once | None) -> tuple[int, bool]:
        """Store a notification; return and raise as `insert_once`."""
        row = {"user_key": self._user_key(user_id), **content._asdict()}
        with self._database.transaction() as connection:
            self._database.lock_names(connection, [row["user_key"], *lock_of(once)])  # before the id is given
            return insert_once(connection, notifications, row, once, content.created_at)

    def unseen(self, user_id: str, limit: int, newest: bool = False) -> tuple[list[Notice], int]:
        """Return what the user has not seen, the oldest first, and how many there are.

        At most `limit`: the oldest of them, or the `newest`.
        """
        key, now = self._user_key(user_id), self._database.now_ms()
        unseen = self._newest_unseen if newest else self._oldest_unseen
        with self._database.reading() as connection:
            rows = unseen.rows(connection, user=key, now=now, limit=limit)
            found = [_notice(row) for row in rows][:: -1 if newest else 1]
            if len(found) < limit:
                return found, len(found)
            return found, self._count_unseen(connection, user_id)

    def page(self, user_id: str, limit: int, after: tuple[bool, int] | None = None) -> tuple[list[Notice], int]:
        """Return the user's notifications, the unseen first, then the newest; and how many are unseen.

        Only those behind `after`: (whether it was seen, id) of one of them.
        """
        c = notifications.c
        seen = c.seen_at.is_not(None)
        query = self._of(user_id).order_by(seen, c.id.desc()).limit(limit)
        if after is not None:
            was_seen, last = after
            query = query.where(seen & (c.id < last) if was_seen else seen | (c.id < last))
        with self._database.reading() as connection:
            found = [_notice(row) for row in connection.execute(query)]
            return found, self._count_unseen(connection, user_id)

    def after(self, user_id: str, last: int, limit: int, unseen: bool = False) -> list[Notice]:
        """Return those with a larger id than `last`, in the order of ids; all, or the unseen ones."""
        c = notifications.c
        query = self._of(user_id).where(c.id > last).order_by(c.id).limit(limit)
        if unseen:
            query = query.where(_WAITING)
        with self._database.reading() as connection:
            return [_notice(row) for row in connection.execute(query)]

    def last_id(self) -> int:
        """Return the largest id; 0: there is none."""
        with self._database.reading() as connection:
            return connection.scalar(select(func.max(notifications.c.id))) or 0

    def see(self, notices: Iterable[tuple[int, str]]) -> dict[int, int]:
        """Mark each (id, its user) as seen; return id -> change of those that were not yet. Others' are left alone."""
        wanted = sorted({(id_, self._user_key(user_id)) for id_, user_id in notices})
        with self._database.transaction() as connection:
            self._database.lock_names(connection, {key for _, key in wanted})  # two workers' rows in two orders
            seen = look_up(connection, _SEE, wanted, self._database.now_ms())
            return number(connection, [(key, id_) for id_, key in seen])

    def see_up_to(self, user_id: str, up_to: int, limit: int) -> dict[int, int]:
        """Mark the user's oldest unseen ones as seen, up to an id and at most `limit`; return as `see`."""
        return self._mark_up_to(_SEE, user_id, up_to, limit, _WAITING)

    def dismiss_up_to(self, user_id: str, up_to: int, limit: int) -> dict[int, int]:
        """Mark the user's oldest ones as dismissed, up to an id and at most `limit`; return id -> change of these."""
        return self._mark_up_to(_DISMISS, user_id, up_to, limit)

    def _mark_up_to(self, mark: str, user_id: str, up_to: int, limit: int, *which: Any) -> dict[int, int]:
        c, key = notifications.c, self._user_key(user_id)
        there = select(c.id).where(c.user_key == key, c.id <= up_to, c.dismissed_at.is_(None), *which)
        with self._database.transaction() as connection:
            self._database.lock_names(connection, [key])
            found = list(connection.scalars(there.order_by(c.id).limit(limit)))
            marked = look_up(connection, mark, [(id_, key) for id_ in found], self._database.now_ms())
            return number(connection, [(key, id_) for id_, key in marked])

    def forget(self, made_before_ms: int, limit: int) -> int:
        """Delete what was made before a Unix time in milliseconds and is seen, dismissed or expired; return how many.

        At most `limit`. The newest row of all stays, so that `last_id` never falls.
        """
        c = notifications.c
        has_expired = c.expires_at <= self._database.now_ms()
        is_done = or_(c.seen_at.is_not(None), c.dismissed_at.is_not(None), has_expired)
        old = (c.created_at < made_before_ms) & text(MAY_BE_DONE) & is_done
        with self._database.transaction() as connection:
            newest = connection.scalar(select(func.max(c.id)))
            some = connection.execute(select(c.id, c.user_key).where(old, c.id != newest).limit(limit)).all()
            self._database.lock_names(connection, {key for _, key in some})
            deleted = look_up(connection, _DELETE, [(id_,) for id_, _ in some])  # what another worker has left of it
            note_deleted(connection, [(key, change) for key, change in deleted])
            return len(some)

    def dismiss(self, user_id: str, id_: int) -> int | None:
        """Mark one as dismissed; return the change. 0: it was already; None: the user has none of this id."""
        c, key = notifications.c, self._user_key(user_id)
        row = (c.id == id_) & (c.user_key == key)
        new = notifications.update().where(row, c.dismissed_at.is_(None))
        with self._database.transaction() as connection:
            self._database.lock_names(connection, [key])
            if connection.execute(new.values(dismissed_at=self._database.now_ms())).rowcount:
                return number(connection, [(key, id_)])[id_]
            return 0 if connection.scalar(select(c.id).where(row)) is not None else None

    def _count_unseen(self, connection: Connection, user_id: str) -> int:
        waiting = self._of(user_id).where(_WAITING).subquery()
        return int(connection.execute(select(func.count()).select_from(waiting)).scalar_one())

    def _of(self, user_id: str) -> Select[Any]:
        """Select the user's notifications that are neither dismissed nor expired."""
        return _there(self._user_key(user_id), self._database.now_ms())


def _there(user_key: Any, now_ms: Any) -> Select[Any]:
    c = notifications.c
    is_left = or_(c.expires_at.is_(None), c.expires_at > now_ms)
    return select(*_NOTICE).where(c.user_key == user_key, c.dismissed_at.is_(None), is_left)


def insert_once(
    connection: Connection, table: Table, row: dict[str, Any], once: Once | None, now_ms: int
) -> tuple[int, bool]:
    """Insert a row, unless the same request has done so before; return its id, and whether it has.

    Raises Conflicting: the request's key was used before, for another body.
    """
    if once is not None and (answer := _answer_of(connection, once, now_ms)) is not None:
        return answer, True
    key = connection.execute(table.insert().values(row)).inserted_primary_key
    assert key is not None, "of one row it is known"
    if once is not None:
        new = {**once._asdict(), "answer": key[0], "created_at": now_ms}
        connection.execute(idempotency_keys.insert().values(new))
    return int(key[0]), False


def lock_of(once: Once | None) -> list[str]:
    """Return the names to lock before `insert_once`: of one request that comes to two workers, one inserts."""
    return [] if once is None else [f"{once.service}{SEPARATOR}{once.key}"]


def _answer_of(connection: Connection, once: Once, now_ms: int) -> int | None:
    """Return the id of what the first request of this key inserted; None: this is the first."""
    c = idempotency_keys.c
    connection.execute(idempotency_keys.delete().where(c.created_at < now_ms - KEY_MS))
    query = select(c.digest, c.answer).where(c.service == once.service, c.key == once.key)
    row = connection.execute(query).one_or_none()
    if row is not None and row.digest != once.digest:
        raise Conflicting(field="Idempotency-Key", rule="key_used")
    return None if row is None else int(row.answer)


_CONTENT = [notifications.c[name] for name in Content._fields]
_NOTICE = [notifications.c.id, notifications.c.seen_at, *_CONTENT]
_WAITING = notifications.c.seen_at.is_(None)
_UNSEEN = _there(bindparam("user"), bindparam("now")).where(_WAITING).limit(bindparam("limit"))


def _notice(row: Any) -> Notice:
    id_, seen_at, *content = row
    return Notice(id_, Content(*content), seen_at is not None)


_SEE = """
WITH wanted (id, user_key) AS ({keys})
UPDATE notifications SET seen_at = {} FROM wanted
WHERE notifications.id = wanted.id AND notifications.user_key = wanted.user_key AND seen_at IS NULL
RETURNING notifications.id, notifications.user_key
"""
_DELETE = """
WITH wanted (id) AS ({keys})
DELETE FROM notifications WHERE id IN (SELECT id FROM wanted) RETURNING user_key, change
"""
_DISMISS = _SEE.replace("seen_at", "dismissed_at")
