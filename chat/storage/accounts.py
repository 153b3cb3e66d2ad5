"""Owns accounts: names, password hashes, sessions that ended early. Who is let in is left to others."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, select

from chat.protocol.lookalikes import skeleton
from chat.storage.database import Database, parts
from chat.storage.schema import accounts, ended_sessions


class Account(NamedTuple):
    """A user, stored or not. `password`: Argon2's string, None for a name without one."""

    name: str
    password: str | None = None
    disabled: bool = False
    valid_from: int = 0  # Unix time in milliseconds: a token that was issued before does not count

    @property
    def is_free(self) -> bool:
        """True if anybody may use the name, where accounts are not required."""
        return self.password is None and not self.disabled


class EndedSession(NamedTuple):
    """A session whose token does not count any more, though it has not expired."""

    id: str
    user_key: str


class Accounts:
    """Accounts of one database. Blocking. Names are given in their canonical spelling, in any case."""

    def __init__(self, database: Database, user_key: Callable[[str], str]) -> None:
        self._database = database
        self._user_key = user_key
        self._insert = database.insert(accounts).on_conflict_do_nothing()
        self._insert_ended = database.insert(ended_sessions).on_conflict_do_nothing()

    def find(self, name: str, session: str | None = None) -> tuple[Account | None, bool]:
        """Return the account of `name`, or None if nothing is stored of it; and whether `session` has ended."""
        with self._database.reading() as connection:
            account = self._account(connection, name)
            ended = session is not None and connection.execute(_ENDED, {"session": session}).first() is not None
        return account, ended

    def find_alike(self, name: str) -> tuple[Account | None, str | None]:
        """Return the account of `name`, as `find`; or else a name that is stored and looks like it."""
        with self._database.reading() as connection:
            if account := self._account(connection, name):
                return account, None
            looks = [skeleton(name), skeleton(self._user_key(name))]
            return None, connection.scalar(select(accounts.c.name).where(accounts.c.skeleton.in_(looks)).limit(1))

    def unknown(self, names: Sequence[str]) -> list[str]:
        """Return those of `names` that have no row. A disabled name has one; so has who got a single message."""
        keys = {self._user_key(name): name for name in names}
        with self._database.reading() as connection:
            for part in parts([*keys]):
                known = select(accounts.c.key).where(accounts.c.key.in_(part))
                for key in connection.scalars(known):
                    del keys[key]
        return [*keys.values()]

    def keep_names(self, names: Sequence[str]) -> list[str]:
        """Store names; return the spelling of each: that in which it first came."""
        with self._database.transaction() as connection:
            self.insert_new(connection, names, self._database.now_ms())
            return [self._stored(connection, name).name for name in names]

    def give_password(self, name: str, password: str) -> Account | None:
        """Give a name its first password; None if it has one, or is disabled. Ends its sessions."""
        with self._database.transaction() as connection:
            self.insert_new(connection, [name], self._database.now_ms())
            free = (accounts.c.password.is_(None), ~accounts.c.disabled)
            changed = self._change(connection, name, *free, password=password)
            return self._stored(connection, name) if changed else None

    def change_password(self, name: str, old: str | None, new: str) -> Account | None:
        """Change a password if it is still `old`; None: whatever it is. Ends all sessions."""
        with self._database.transaction() as connection:
            same = () if old is None else (accounts.c.password == old,)
            changed = self._change(connection, name, *same, password=new)
            return self._stored(connection, name) if changed else None

    def disable(self, name: str, disabled: bool = True) -> Account:
        """Disable an account, or enable it again. Ends all sessions."""
        with self._database.transaction() as connection:
            self.insert_new(connection, [name], self._database.now_ms())
            self._change(connection, name, disabled=disabled)
            return self._stored(connection, name)

    def end_session(self, session: str, name: str, expires_at: float) -> None:
        """Note that a session has ended; `expires_at` is its token's, a Unix time in seconds."""
        self.forget_expired()  # so that the table holds no more than one lifetime of tokens
        row = {"id": session, "user_key": self._user_key(name), "ended_at": self._database.now_ms()}
        with self._database.transaction() as connection:
            connection.execute(self._insert_ended, row | {"expires_at": int(expires_at * 1000)})

    def changed_since(self, unix_ms: int) -> tuple[list[Account], list[EndedSession]]:
        """Return what may shut sockets out: accounts that changed, sessions that ended."""
        changed = select(*_ACCOUNT).where(accounts.c.changed_at >= unix_ms)
        c = ended_sessions.c
        ended = select(c.id, c.user_key).where(c.ended_at >= unix_ms)
        with self._database.reading() as connection:
            found = [Account(*row) for row in connection.execute(changed)]
            return found, [EndedSession(*row) for row in connection.execute(ended)]

    def forget_expired(self) -> None:
        """Delete the ended sessions whose tokens have expired."""
        expired = ended_sessions.c.expires_at < self._database.now_ms()
        with self._database.transaction() as connection:
            connection.execute(ended_sessions.delete().where(expired))

    def insert_new(self, connection: Connection, names: Iterable[str], now_ms: int) -> None:
        """Have a row for each of the names, within a transaction."""
        rows = [
            {
                "key": (key := self._user_key(name)),
                "name": name,
                "skeleton": skeleton(key),
                "created_at": now_ms,
                "changed_at": 0,
            }
            for name in names
        ]
        # In one order, so that two writers cannot deadlock.
        connection.execute(self._insert, sorted(rows, key=lambda row: str(row["key"])))

    def _change(self, connection: Connection, name: str, *conditions: Any, **values: Any) -> bool:
        """Change a row if the conditions hold; tokens that were issued until now count no more."""
        now = self._database.now_ms()
        row = accounts.update().where(accounts.c.key == self._user_key(name), *conditions)
        values |= {"changed_at": now, "valid_from": now + 1}
        return connection.execute(row.values(**values)).rowcount == 1

    def _account(self, connection: Connection, name: str) -> Account | None:
        row = connection.execute(_FIND, {"account": self._user_key(name)}).first()
        return None if row is None else Account(*row)

    def _stored(self, connection: Connection, name: str) -> Account:
        account = self._account(connection, name)
        assert account is not None, "inserted in this transaction"
        return account


_ACCOUNT = accounts.c.name, accounts.c.password, accounts.c.disabled, accounts.c.valid_from
_FIND = select(*_ACCOUNT).where(accounts.c.key == bindparam("account"))
_ENDED = select(ended_sessions.c.id).where(ended_sessions.c.id == bindparam("session"))
