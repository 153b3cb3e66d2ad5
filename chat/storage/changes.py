"""Owns what changed messages after they were written: each change has a number of its conversation, 1, 2, 3 ..."""

from sqlalchemy import Connection, bindparam, insert, select, update

from chat.storage.database import Database
from chat.storage.records import Change, direct_key
from chat.storage.schema import changes, conversations

ERASED = "erased"


def note_erased(connection: Connection, conversation: int, first_seq: int, last_seq: int) -> None:
    """Number and keep one change, in the transaction that makes it: these messages have no text any more."""
    connection.execute(_COUNT, {"place": conversation})  # locks the row first, so that no number is given twice
    change = connection.execute(_LAST, {"place": conversation}).scalar_one()
    row = {
        "conversation_id": conversation,
        "change": change,
        "kind": ERASED,
        "first_seq": first_seq,
        "last_seq": last_seq,
    }
    connection.execute(insert(changes), row)


class Changes:
    """Reads the changes of one database. Blocking; for any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def after(self, one: str, other: str, change: int, limit: int) -> tuple[list[Change], int]:
        """Return the first `limit` changes of two users' conversation behind `change`, and the number of the last."""
        bound = {"key": direct_key(one, other), "after": change, "limit": limit}
        with self._database.reading() as connection:
            last = connection.execute(_LAST_OF, {"key": bound["key"]}).scalar()
            found = [Change(*row) for row in connection.execute(_AFTER, bound)]
        return found, last or 0


_COUNT = (
    update(conversations)
    .where(conversations.c.id == bindparam("place"))
    .values(last_change=conversations.c.last_change + 1)
)
_LAST = select(conversations.c.last_change).where(conversations.c.id == bindparam("place"))
_LAST_OF = select(conversations.c.last_change).where(conversations.c.key == bindparam("key"))
_AFTER = (
    select(changes.c.change, changes.c.kind, changes.c.first_seq, changes.c.last_seq)
    .join_from(changes, conversations, conversations.c.id == changes.c.conversation_id)
    .where(conversations.c.key == bindparam("key"), changes.c.change > bindparam("after"))
    .order_by(changes.c.change)
    .limit(bindparam("limit"))
)
