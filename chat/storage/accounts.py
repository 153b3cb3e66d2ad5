"""Owns accounts: names, password hashes, generations. Sessions stand beside it; who is let in is left to others."""

import secrets
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, select

from chat.protocol.lookalikes import skeleton
from chat.storage.compiled import Compiled
from chat.storage.database import Database
from chat.storage.look_up import parts
from chat.storage.schema import accounts, notifications, sessions

GENERATIONS = 2**53  # what every reader of JSON takes as a whole number


class Account(NamedTuple):
    """A user, stored or not. `password`: Argon2's string, None for a name without one."""

    name: str
    password: str | None = None
    disabled: bool = False
    valid_from: int = 0  # Unix time in milliseconds: a host's token that was issued before does not count
    generation: int = 0  # another one with each password: a token of ours that carries an older one does not count
    host: bool = False  # a host application's token named the user

    @property
    def is_free(self) -> bool:
        """True if anybody may use the name, where accounts are not required."""
        return self.password is None and not self.disabled and not self.host


class Accounts:
    """Accounts of one database. Blocking. Names are given in their canonical spelling, in any case."""

    def __init__(self, database: Database, user_key: Callable[[str], str]) -> None:
        self._database = database
        self._user_key = user_key
        self._insert = database.insert(accounts).on_conflict_do_nothing()
        self._find = Compiled(database.engine, _FIND)
        self._looks_like = Compiled(database.engine, _LOOKS_LIKE)
        self._ended = Compiled(database.engine, _ENDED)

    def find(self, name: str, session: str | None = None) -> tuple[Account | None, bool]:
        """Return the account of `name`, or None if nothing is stored of it; and whether `session` has ended."""
        with self._database.reading() as connection:
            account = self._account(connection, name)
            user = self._user_key(name)
            ended = session is not None and bool(self._ended.rows(connection, user=user, session=session))
        return account, ended

    def now(self) -> int:
        """Return the Unix time in milliseconds by the clock that `valid_from` goes by."""
        with self._database.reading() as connection:
            return int(connection.execute(select(self._database.shared_now())).scalar_one())

    def find_alike(self, name: str) -> tuple[Account | None, str | None]:
        """Return the account of `name`, as `find`; or else a name that is stored and looks like it."""
        with self._database.reading() as connection:
            if account := self._account(connection, name):
                return account, None
            one, other = skeleton(name), skeleton(self._user_key(name))
            alike = self._looks_like.first(connection, one=one, other=other)
            return None, None if alike is None else alike[0]

    def unknown(self, names: Sequence[str]) -> list[str]:
        """Return those of `names` that have no row. A disabled name has one; so has who got a single message."""
        keys = {self._user_key(name): name for name in names}
        with self._database.reading() as connection:
            for part in parts([*keys]):
                known = select(accounts.c.key).where(accounts.c.key.in_(part))
                for key in connection.scalars(known):
                    del keys[key]
        return [*keys.values()]

    def stored(self, keys: Sequence[str]) -> list[Account]:
        """Return the accounts of those users' keys that have one. At most IN_ONE_QUERY keys."""
        with self._database.reading() as connection:
            return [Account(*row) for row in connection.execute(select(*_ACCOUNT).where(accounts.c.key.in_(keys)))]

    def keep_names(self, names: Sequence[str]) -> list[str]:
        """Store names; return the spelling of each: that in which it first came."""
        with self._database.transaction() as connection:
            self.insert_new(connection, names)
            return [self._stored(connection, name).name for name in names]

    def make_known(self, names: Sequence[str]) -> None:
        """Have a row for each of the names."""
        with self._database.transaction() as connection:
            self.insert_new(connection, names)

    def keep_host_name(self, name: str) -> Account:
        """Note that a host application's token named a user: the name is the host's.

        Sessions of ours end, if it had no password: a stranger may have begun them.
        """
        with self._database.transaction() as connection:
            self.insert_new(connection, [name])
            account = self._stored(connection, name)
            generation = _new_generation() if account.password is None else account.generation
            row = accounts.update().where(accounts.c.key == self._user_key(name), ~accounts.c.host)
            changed_at = self._database.shared_now()
            connection.execute(row.values(host=True, generation=generation, changed_at=changed_at))
            return self._stored(connection, name)

    def sign_up(self, name: str, password: str) -> Account | None:
        """Make a name with a password; None if a row or a token has named it before, whoever it was."""
        key = {"key": self._user_key(name)}
        with self._database.transaction() as connection:
            if any(connection.execute(query, key).first() is not None for query in _NAMED):
                return None
            row = self._new_row(name) | {"password": password, "generation": _new_generation()}
            insert = self._insert.values(row | {"changed_at": self._database.shared_now()})
            made = connection.execute(insert.returning(*_ACCOUNT)).one_or_none()
            return None if made is None else Account(*made)

    def give_password(self, name: str, password: str, of_host: bool = False) -> Account | None:
        """Give a name its first password; None if it has one, or is disabled. Ends its sessions.

        `of_host`: also a name that is a host application's.
        """
        with self._database.transaction() as connection:
            self.insert_new(connection, [name])
            free = [accounts.c.password.is_(None), ~accounts.c.disabled]
            if not of_host:
                free.append(~accounts.c.host)
            return self._change(connection, name, *free, password=password)

    def renew_hash(self, name: str, old: str, new: str) -> None:
        """Keep another hash of the same password, if it is still that one. Ends no session."""
        row = accounts.update().where(accounts.c.key == self._user_key(name), accounts.c.password == old)
        with self._database.transaction() as connection:
            connection.execute(row.values(password=new))

    def change_password(self, name: str, old: str | None, new: str) -> Account | None:
        """Change a password if it is still `old`; None: whatever it is. Ends all sessions."""
        with self._database.transaction() as connection:
            same = () if old is None else (accounts.c.password == old,)
            return self._change(connection, name, *same, password=new)

    def end_sessions(self, name: str) -> None:
        """Have no token count that was made until now, of a name that is stored."""
        with self._database.transaction() as connection:
            self._change(connection, name)

    def disable(self, name: str, disabled: bool = True) -> Account:
        """Disable an account, or enable it again. Ends all sessions."""
        with self._database.transaction() as connection:
            self.insert_new(connection, [name])
            self._change(connection, name, disabled=disabled)
            return self._stored(connection, name)

    def changed_in(self, ms: int) -> list[Account]:
        """Return the accounts whose change may shut sockets out, of the last milliseconds."""
        changed = select(*_ACCOUNT).where(accounts.c.changed_at >= self._database.shared_now() - ms)
        with self._database.reading() as connection:
            return [Account(*row) for row in connection.execute(changed)]

    def insert_new(self, connection: Connection, names: Iterable[str]) -> None:
        """Have a row for each of the names, within a transaction."""
        rows = [self._new_row(name) for name in names]
        # In one order, so that two writers cannot deadlock.
        connection.execute(self._insert, sorted(rows, key=lambda row: str(row["key"])))

    def spelt_otherwise(self, connection: Connection, names: Iterable[str]) -> dict[str, str]:
        """Return name -> canonical spelling of those stored names that have another, as two workers met them at once."""
        keys = {name: self._user_key(name) for name in names}
        stored: dict[str, str] = {}
        for part in parts([*{*keys.values()}]):
            query = select(accounts.c.key, accounts.c.name).where(accounts.c.key.in_(part))
            stored |= {key: name for key, name in connection.execute(query)}  # noqa: C416
        return {name: stored[key] for name, key in keys.items() if stored[key] != name}

    def _new_row(self, name: str) -> dict[str, Any]:
        key = self._user_key(name)
        return {
            "key": key,
            "name": name,
            "skeleton": skeleton(key),
            "created_at": self._database.now_ms(),
            "changed_at": 0,
        }

    def _change(self, connection: Connection, name: str, *conditions: Any, **values: Any) -> Account | None:
        """Change a row if the conditions hold, and return it; tokens that were issued until now count no more."""
        now = self._database.shared_now()
        row = accounts.update().where(accounts.c.key == self._user_key(name), *conditions)
        values |= {"changed_at": now, "valid_from": now + 1, "generation": _new_generation()}
        changed = connection.execute(row.values(**values).returning(*_ACCOUNT)).one_or_none()
        return None if changed is None else Account(*changed)

    def _account(self, connection: Connection, name: str) -> Account | None:
        row = self._find.first(connection, account=self._user_key(name))
        return None if row is None else Account(*row)

    def _stored(self, connection: Connection, name: str) -> Account:
        account = self._account(connection, name)
        assert account is not None, "inserted in this transaction"
        return account


def _new_generation() -> int:
    """Return one that no token has: what is counted would come again after a backup was put back."""
    return secrets.randbelow(GENERATIONS - 1) + 1


_ACCOUNT = [accounts.c[name] for name in Account._fields]
_FIND = select(*_ACCOUNT).where(accounts.c.key == bindparam("account"))
_LOOKS_LIKE = select(accounts.c.name).where(accounts.c.skeleton.in_([bindparam("one"), bindparam("other")])).limit(1)
_ENDED = select(sessions.c.id).where(
    sessions.c.user_key == bindparam("user"), sessions.c.id == bindparam("session"), sessions.c.ended_at.is_not(None)
)
# Where a name may stand that has no row among the accounts.
_NAMED = [
    select(table.c.user_key).where(table.c.user_key == bindparam("key")).limit(1) for table in (sessions, notifications)
]
