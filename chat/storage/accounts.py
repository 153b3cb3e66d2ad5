"""The questions about accounts: names, password hashes, and what ended before its time. Blocking.

Which password fits is decided in `passwords.py`, who is let in in `directory.py`; nothing here is asked for
each message.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, select, update

from chat.protocol.names import name_key
from chat.storage.database import Database, parts
from chat.storage.schema import accounts, ended_sessions


class Account(NamedTuple):
    """Somebody, stored or not. `password`: Argon2's string, None for a name without one."""

    name: str
    password: str | None = None
    disabled: bool = False
    valid_from: int = 0  # Unix time in milliseconds: a token that was issued before does not count

    @property
    def is_free(self) -> bool:
        """Whether anybody may use the name, where accounts are not required."""
        return self.password is None and not self.disabled


class EndedSession(NamedTuple):
    """A session whose token is not to count any more, though it has not expired."""

    id: str
    user_key: str


def new_accounts(names: Iterable[str], now_ms: int) -> list[dict[str, Any]]:
    """Rows of free names, in one order, so that two writers cannot deadlock. Nobody need notice them."""
    rows = [{"key": name_key(n), "name": n, "created_at": now_ms, "changed_at": 0} for n in names]
    return sorted(rows, key=lambda row: str(row["key"]))


class Accounts:
    """Accounts of one database.

    Names are given in their canonical spelling (`names.checked_user_id`); upper and lower case may differ.

    Args:
        clock: Unix time in seconds.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        self._insert = database.insert(accounts).on_conflict_do_nothing()
        self._insert_ended = database.insert(ended_sessions).on_conflict_do_nothing()

    def find(self, name: str, session: str | None = None) -> tuple[Account | None, bool]:
        """The account of `name`, None for a name that nothing is stored of; and whether `session` has ended."""
        with self._database.reading() as connection:
            account = self._account(connection, name)
            if session is None:
                return account, False
            ended = connection.execute(_ENDED, {"session": session}).first() is not None
        return account, ended

    def unknown(self, names: Sequence[str]) -> list[str]:
        """Those of `names` that nothing is stored of. Who is shut out is known; a single message is taken too."""
        keys = {name_key(name): name for name in names}
        with self._database.reading() as connection:
            for part in parts(list(keys)):
                known = select(accounts.c.key).where(accounts.c.key.in_(part))
                for (key,) in connection.execute(known).all():
                    del keys[key]
        return list(keys.values())

    def keep_names(self, names: Sequence[str]) -> list[str]:
        """Have each name stored, and return how each is written: as it was when it first came."""
        with self._database.writing() as connection:
            self._insert_new(connection, names)
            return [self._stored(connection, name).name for name in names]

    def give_password(self, name: str, password: str) -> Account | None:
        """Protect a name that has no password; None if it has one, or is disabled. Ends its sessions."""
        with self._database.writing() as connection:
            self._insert_new(connection, [name])
            free = (accounts.c.password.is_(None), ~accounts.c.disabled)
            changed = self._change(connection, name, *free, password=password)
            return self._stored(connection, name) if changed else None

    def change_password(self, name: str, old: str | None, new: str) -> Account | None:
        """Change a password if it is still `old`, None meaning whatever it is. Ends all sessions."""
        with self._database.writing() as connection:
            same = () if old is None else (accounts.c.password == old,)
            changed = self._change(connection, name, *same, password=new)
            return self._stored(connection, name) if changed else None

    def disable(self, name: str, disabled: bool = True) -> Account:
        """Shut somebody out, or let them in again. Ends all sessions."""
        with self._database.writing() as connection:
            self._insert_new(connection, [name])
            self._change(connection, name, disabled=disabled)
            return self._stored(connection, name)

    def end_session(self, session: str, name: str, expires_at: float) -> None:
        """Note that a session has ended; `expires_at` is its token's, a Unix time in seconds."""
        self.forget_expired()  # so that the table holds no more than one lifetime of tokens
        row = {"id": session, "user_key": name_key(name), "ended_at": self._now()}
        with self._database.writing() as connection:
            connection.execute(self._insert_ended, row | {"expires_at": int(expires_at * 1000)})

    def changed_since(self, unix_ms: int) -> tuple[list[Account], list[EndedSession]]:
        """What may shut sockets out: accounts that changed, sessions that ended."""
        changed = select(*_ACCOUNT).where(accounts.c.changed_at >= unix_ms)
        c = ended_sessions.c
        with self._database.reading() as connection:
            return (
                [Account(*row) for row in connection.execute(changed)],
                [
                    EndedSession(*row)
                    for row in connection.execute(
                        select(c.id, c.user_key).where(c.ended_at >= unix_ms)
                    )
                ],
            )

    def forget_expired(self) -> None:
        """Delete the ended sessions whose tokens nobody takes any more."""
        with self._database.writing() as connection:
            connection.execute(
                delete(ended_sessions).where(ended_sessions.c.expires_at < self._now())
            )

    # Helpers.

    def _insert_new(self, connection: Connection, names: Sequence[str]) -> None:
        now = self._now()
        connection.execute(self._insert, new_accounts(names, now))

    def _change(self, connection: Connection, name: str, *conditions: Any, **values: Any) -> bool:
        """Change a row if the conditions hold; tokens that were issued until now lose their worth."""
        now = self._now()
        row = update(accounts).where(accounts.c.key == name_key(name), *conditions)
        values |= {"changed_at": now, "valid_from": now + 1}
        return connection.execute(row.values(**values)).rowcount == 1

    def _account(self, connection: Connection, name: str) -> Account | None:
        row = connection.execute(_FIND, {"account": name_key(name)}).first()
        return None if row is None else Account(*row)

    def _stored(self, connection: Connection, name: str) -> Account:
        account = self._account(connection, name)
        assert account is not None, "inserted in this transaction"
        return account

    def _now(self) -> int:
        return int(self._clock() * 1000)


_ACCOUNT = accounts.c.name, accounts.c.password, accounts.c.disabled, accounts.c.valid_from
_FIND = select(*_ACCOUNT).where(accounts.c.key == bindparam("account"))
_ENDED = select(ended_sessions.c.id).where(ended_sessions.c.id == bindparam("session"))
