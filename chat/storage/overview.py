"""Owns what an operator asks of the whole database: how much is in it, and who."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import text

from chat.storage.database import Database
from chat.storage.examination import HOURS

LISTED = 1_000  # users in one transaction


class Amounts(NamedTuple):
    """How much there is of everything."""

    users: int
    with_password: int
    disabled: int
    conversations: int
    messages: int
    notifications: int
    unseen_notifications: int


class Listed(NamedTuple):
    """One account. Times are Unix time in milliseconds; `seen_ms` None: nobody has noted it."""

    key: str
    name: str
    has_password: bool
    is_disabled: bool
    created_ms: int
    seen_ms: int | None


def amounts(database: Database) -> Amounts:
    """Count. Reads accounts, conversations and notifications from end to end, and no message. Blocks."""
    with database.reading(HOURS) as connection:
        return Amounts(*map(int, connection.execute(_AMOUNTS).one()))


def users(database: Database) -> Iterator[Listed]:
    """Return all accounts by their names. Blocks."""
    after = ""
    while page := page_of_users(database, after):
        yield from page
        after = page[-1].key


def user(database: Database, key: str) -> Listed | None:
    """Return the account of a user's key. Blocks."""
    with database.reading() as connection:
        row = connection.execute(_USER, {"key": key}).one_or_none()
    return None if row is None else _listed(row)


def page_of_users(database: Database, after: str) -> list[Listed]:
    """Return LISTED accounts whose keys are behind `after`, in their order. Blocks."""
    with database.reading(HOURS) as connection:
        rows = connection.execute(_USERS, {"after": after, "limit": LISTED}).all()
    return [*map(_listed, rows)]


def _listed(row: Any) -> Listed:
    return Listed(row.key, row.name, bool(row.has_password), bool(row.disabled), row.created_at, row.at)


_AMOUNTS = text("""
SELECT (SELECT count(*) FROM accounts), (SELECT count(*) FROM accounts WHERE password IS NOT NULL),
  (SELECT count(*) FROM accounts WHERE disabled), (SELECT count(*) FROM conversations),
  (SELECT coalesce(sum(last_seq - first_seq + 1), 0) FROM conversations), (SELECT count(*) FROM notifications),
  (SELECT count(*) FROM notifications WHERE seen_at IS NULL AND dismissed_at IS NULL)
""")
_ACCOUNTS = """
SELECT accounts.key, accounts.name, accounts.password IS NOT NULL AS has_password, accounts.disabled, accounts.created_at,
  last_seen.at FROM accounts LEFT JOIN last_seen ON last_seen.user_id = accounts.name
"""
_USERS = text(f"{_ACCOUNTS} WHERE accounts.key > :after ORDER BY accounts.key LIMIT :limit")
_USER = text(f"{_ACCOUNTS} WHERE accounts.key = :key")
