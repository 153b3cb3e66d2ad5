"""Owns the batches: one notification for many users, stored at once. Sending it, slice by slice, is left to others.

A slice and how far the batch has got are stored in one transaction, so that a batch that a crash breaks
off goes on where it was, and nobody gets it twice.
"""

import secrets
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, select

from chat.storage.database import Database
from chat.storage.notifications import Content, Once, insert_once, lock_of
from chat.storage.schema import accounts, batches, notifications

CLAIM_SECONDS = 5  # without a slice: then its worker is dead or stuck, and another goes on


class Batch(NamedTuple):
    """How far a batch has got. `reached`: how many sockets and streams took it so far."""

    id: int
    total: int
    sent: int
    reached: int
    finished: bool


class Work(NamedTuple):
    """A batch that is not finished, with all that sending it needs."""

    batch: Batch
    content: Content
    user_ids: list[str]


class Batches:
    """The batches of one database. Blocking."""

    def __init__(self, database: Database, user_key: Callable[[str], str]) -> None:
        self._database = database
        self._user_key = user_key
        self._me = secrets.token_hex(8)  # of this process; one that was forked from it opens a storage of its own

    def add(
        self, service: str, users: Iterable[str] | None, content: Content, once: Once | None, online: Iterable[str] = ()
    ) -> tuple[int, bool]:
        """Store a batch; return its id, and whether it was there already, by the same request.

        Who is twice in `users` counts once. None: everybody who has an account, and those `online`;
        nobody who is disabled. Raises Conflicting: the request's key was used before, for another body.
        """
        with self._database.transaction() as connection:
            self._database.lock_names(connection, lock_of(once))
            if users is None:
                users = self._everyone(connection, online)
            ids = list({self._user_key(user_id): user_id for user_id in users}.values())
            progress = {"user_ids": msgspec.json.encode(ids).decode(), "total": len(ids), "sent": 0, "reached": 0}
            row = {"service": service, **content._asdict(), **progress}
            return insert_once(connection, batches, row, once, content.created_at)

    def find(self, service: str, id_: int) -> Batch | None:
        """Return a batch of this service; None: it has none of this id."""
        query = select(*_BATCH).where(batches.c.id == id_, batches.c.service == service)
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Batch(*row)

    def next(self) -> Work | None:
        """Claim the oldest batch that is not finished and nobody's, and return it; None: there is none.

        It is this process's for CLAIM_SECONDS after each slice, by the database's clock.
        """
        c, now = batches.c, self._database.shared_now()
        free = c.finished_at.is_(None) & ((c.claimed_by == self._me) | (c.claimed_until < now))
        first = select(*_BATCH, c.user_ids, *_CONTENT).where(free).order_by(c.id).limit(1)
        with self._database.transaction() as connection:
            row = connection.execute(first.with_for_update(skip_locked=True)).one_or_none()
            if row is None:
                return None
            connection.execute(batches.update().where(c.id == row.id).values(self._claim()))
        return Work(Batch(*row[:5]), Content(*row[6:]), msgspec.json.decode(row[5], type=list[str]))

    def send(self, work: Work, sent: int, user_ids: Sequence[str], reached: int) -> list[int]:
        """Store the notifications of a batch's next users; return their ids. [] if another process has claimed it.

        The ids are in the order of `user_ids`. `sent` users before these have theirs; `reached` sockets and
        streams took those.
        """
        content = work.content._asdict()
        keys = [self._user_key(user_id) for user_id in user_ids]
        rows = [{"user_key": key, **content} for key in keys]
        c = batches.c
        step = batches.update().where(c.id == work.batch.id, c.sent == sent, c.claimed_by == self._me)
        made = notifications.insert().returning(notifications.c.user_key, notifications.c.id)
        with self._database.transaction() as connection:
            progress = step.values(sent=sent + len(user_ids), reached=reached, **self._claim())
            if connection.execute(progress).rowcount != 1:
                return []
            self._database.lock_names(connection, keys)  # before ids are given
            ids: dict[str, int] = {key: id_ for key, id_ in connection.execute(made, rows)}  # noqa: C416
        return [ids[key] for key in keys]

    def forget(self, made_before_ms: int) -> None:
        """Delete finished batches that were made before a Unix time in milliseconds."""
        old = (batches.c.created_at < made_before_ms) & batches.c.finished_at.is_not(None)
        with self._database.transaction() as connection:
            connection.execute(batches.delete().where(old))

    def finish(self, work: Work, reached: int) -> None:
        """Note that all users of a batch have been sent it, unless some have not, or it was noted before."""
        done = {"user_ids": "[]", "reached": reached, "finished_at": self._database.now_ms()}
        c = batches.c
        row = batches.update().where(c.id == work.batch.id, c.sent == c.total, c.finished_at.is_(None))
        with self._database.transaction() as connection:
            connection.execute(row.values(done))

    def _claim(self) -> dict[str, Any]:
        return {"claimed_by": self._me, "claimed_until": self._database.shared_now() + CLAIM_SECONDS * 1000}

    def _everyone(self, connection: Connection, online: Iterable[str]) -> list[str]:
        rows = connection.execute(select(accounts.c.name, accounts.c.disabled)).all()
        disabled = {self._user_key(name) for name, is_disabled in rows if is_disabled}
        names = [*(name for name, _ in rows), *online]
        return [name for name in names if self._user_key(name) not in disabled]


_BATCH = batches.c.id, batches.c.total, batches.c.sent, batches.c.reached, batches.c.finished_at.is_not(None)
_CONTENT = [batches.c[name] for name in Content._fields]
