"""Owns the erasing of old messages, from the beginning of each conversation, a slice at a time; and the note of what was erased.

A conversation knows its `first_seq`, and keeps its last message as a tombstone without a text: its place in lists,
and its numbers, stay. When something is erased is left to others.
"""

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from chat.storage.database import Database
from chat.storage.look_up import walk
from chat.storage.records import Change
from chat.storage.schema import changes, conversations, messages
from chat.storage.search_index import forget

ERASED = "erased"  # a kind of change
SLICE = 100  # messages in one transaction, which others' commits wait for: some 10 ms


class MessageErasure:
    """Erases messages of one database. Blocking; `erase` for one thread at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def old(self, after: int, before_ms: int) -> tuple[list[int], int | None]:
        """Return conversations that begin with an old message, as `walk`."""
        with self._database.reading() as connection:
            return walk(connection, _OLD, after, before=before_ms)

    def erase(self, conversation: int, before_ms: int) -> bool:
        """Erase the first messages of a conversation that were sent before this time; return whether there are more."""
        with self._database.transaction() as connection:
            last, indexed = connection.execute(_BOUNDS, {"place": conversation}).one()
            first_rows = connection.execute(_FIRST, {"place": conversation}).all()
            old = []
            for row in first_rows:
                if row.sent_at >= before_ms:
                    break
                old.append(row)
            if not old or (old[0].seq == last and not old[0].body):  # another worker has erased them meanwhile
                return False
            forget(connection, conversation, [(row.seq, row.body) for row in old if row.seq <= indexed and row.body])
            end = min(old[-1].seq + 1, last)  # the last one stays, without its text
            connection.execute(_DELETE, {"place": conversation, "end": end})
            if old[-1].seq == last:
                connection.execute(EMPTY, {"place": conversation, "erased": end})
            connection.execute(_SET_FIRST, {"place": conversation, "first": end})
            note_erased(connection, conversation, old[0].seq, old[-1].seq)
        return len(old) == SLICE and end < last


def note_erased(connection: Connection, conversation: int, first_seq: int, last_seq: int) -> None:
    """Number and keep one change, in the transaction that makes it: these messages have no text any more."""
    change = connection.execute(_COUNT, {"place": conversation}).scalar_one()  # locks the row: no number comes twice
    row = Change(change, ERASED, first_seq, last_seq)._asdict()
    connection.execute(insert(changes), {"conversation_id": conversation, **row})


_OLD = (
    select(conversations.c.id)
    .join_from(
        conversations,
        messages,
        (messages.c.conversation_id == conversations.c.id) & (messages.c.seq == conversations.c.first_seq),
    )
    .where(
        conversations.c.id > bindparam("after"),
        conversations.c.id <= bindparam("last"),
        messages.c.sent_at < bindparam("before"),
    )
    .where((conversations.c.first_seq < conversations.c.last_seq) | (messages.c.body != ""))
    .order_by(conversations.c.id)
)
_BOUNDS = (  # which locks the row: another worker's erasure, and messages, wait
    select(conversations.c.last_seq, conversations.c.indexed_seq)
    .where(conversations.c.id == bindparam("place"))
    .with_for_update()
)
_FIRST = (
    select(messages.c.seq, messages.c.sent_at, messages.c.body)
    .where(messages.c.conversation_id == bindparam("place"))
    .order_by(messages.c.seq)
    .limit(SLICE)
)
_DELETE = delete(messages).where(messages.c.conversation_id == bindparam("place"), messages.c.seq < bindparam("end"))
EMPTY = (  # one message, which keeps its place
    update(messages)
    .where(messages.c.conversation_id == bindparam("place"), messages.c.seq == bindparam("erased"))
    .values(body="", client_id=None, kind=None)
)
_SET_FIRST = update(conversations).where(conversations.c.id == bindparam("place")).values(first_seq=bindparam("first"))
_COUNT = (
    update(conversations)
    .where(conversations.c.id == bindparam("place"))
    .values(last_change=conversations.c.last_change + 1)
    .returning(conversations.c.last_change)
)
