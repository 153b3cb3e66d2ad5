"""A compiled query answers and fails as SQLAlchemy's way does, on each engine."""

from __future__ import annotations

import pytest
from sqlalchemy import bindparam, column, literal_column, select
from sqlalchemy.exc import DBAPIError

from chat.storage.compiled import Compiled, rows_of
from chat.storage.failures import again_if_broken
from chat.storage.schema import accounts
from chat.storage.storage import Storage

FIND = select(accounts.c.name, accounts.c.disabled).where(accounts.c.key.in_([bindparam("one"), bindparam("other")]))


def test_rows_are_those_of_the_query_and_a_bool_is_one_on_every_engine(storage: Storage) -> None:
    storage.accounts.disable("alice")
    storage.accounts.keep_names(["bob"])
    compiled = Compiled(storage.database.engine, FIND.order_by(accounts.c.key).limit(bindparam("limit")))
    with storage.database.reading() as connection:
        rows = compiled.rows(connection, one="bob", other="alice", limit=9)
        assert rows == [
            *map(tuple, connection.execute(FIND.order_by(accounts.c.key), {"one": "bob", "other": "alice"}))
        ]
        assert rows[0][1] is True
        assert rows[1][1] is False
        assert compiled.rows(connection, one="bob", other="alice", limit=1) == rows[:1]
        assert compiled.first(connection, one="nobody", other="x", limit=9) is None


def test_what_fails_is_the_same_error_of_sqlalchemys_and_tells_no_value(storage: Storage) -> None:
    nonsense = Compiled(
        storage.database.engine, select(column("nonsense")).where(literal_column("nonsense") == bindparam("secret"))
    )
    with pytest.raises(DBAPIError) as failed, storage.database.reading() as connection:
        nonsense.rows(connection, secret="the text of a message")
    with pytest.raises(type(failed.value)), storage.database.reading() as connection:
        connection.exec_driver_sql("SELECT nonsense")
    assert "the text" not in str(failed.value)
    assert storage.accounts.find("nobody") == (None, False), "the next one gets a connection that works"


def test_a_line_that_broke_since_its_last_use_is_asked_again_on_a_new_one(storage: Storage) -> None:
    if storage.database.is_sqlite:
        return  # has no line that could break
    storage.accounts.keep_names(["alice"])
    storage.accounts.find("alice")  # its connection is kept
    with storage.database.transaction() as connection:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        rows_of(connection, f"{others} AND datname = current_database()", ())
    account, _ = again_if_broken(lambda: storage.accounts.find("alice"))
    assert account is not None
