"""Owns the check of a whole database: its file, the numbers of its messages, the lists, and the index.

It reads all, and can empty the index.
"""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from chat.storage.backup import Progress
from chat.storage.database import Database
from chat.storage.failures import reason_of
from chat.storage.listings import LEFT_BEHIND
from chat.storage.search_index import SEQ_BITS, has_index
from chat.storage.unread import UNREAD_COUNTED, unread_of

LOOKED_AT = 1_000  # conversations in one transaction
MOST_FAULTS = 10  # of a kind that are told
HOURS = 6 * 3_600.0  # that a question may take: whoever asks wants to know it all


@dataclass
class Examined:
    """What was looked at, and the faults that were found, as sentences: MOST_FAULTS of each kind at most."""

    conversations: int = 0
    messages: int = 0
    gaps: list[str] = field(default_factory=list)
    pointers: list[str] = field(default_factory=list)
    unindexed: list[str] = field(default_factory=list)
    lists: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    behind: int = 0  # conversations that an older program has written to, and a walk of this one will list and count

    def add(self, faults: list[str], fault: str) -> None:
        if len(faults) < MOST_FAULTS:
            faults.append(fault)


def faults_of_file(database: Database) -> list[str] | None:
    """Return what is broken in SQLite's file and in its index; None: PostgreSQL, which has pg_amcheck. Blocks."""
    if not database.is_sqlite:
        return None
    try:
        with database.reading(HOURS) as connection:
            faults = list(connection.exec_driver_sql(f"PRAGMA integrity_check({MOST_FAULTS})").scalars())
            orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    except SQLAlchemyError as error:
        return [f"It cannot be read to its end: {reason_of(error)}."]
    found = [fault for fault in faults if fault != "ok"]
    return found + [f"A row of {row[0]} belongs to no row of {row[2]}." for row in orphans[:MOST_FAULTS]]


def examine(database: Database, progress: Progress) -> Examined:
    """Look at each conversation. Blocks."""
    found = Examined()
    with database.reading(HOURS) as connection:
        total: int = connection.execute(text("SELECT count(*) FROM conversations")).scalar_one()
    after = 0
    while True:
        try:
            with database.reading(HOURS) as connection:  # a part at a time: what is written meanwhile does no harm
                last = _examine_part(connection, found, after)
        except SQLAlchemyError as error:
            found.gaps.append(f"What lies behind conversation {after} cannot be read: {reason_of(error)}.")
            return found
        if last is None:
            break
        after = last
        progress(found.conversations, max(total, found.conversations))
    with database.reading(HOURS) as connection:
        for row in connection.execute(_MISPLACED):
            should = "not be there" if row.at is None else f"be at {row.at}"
            said = f"Conversation {row.conversation_id} is in the list of {row.user_id} at {row.last_at}, and should {should}."
            found.add(found.lists, said)
    return found


def _examine_part(connection: Connection, found: Examined, after: int) -> int | None:
    """Look at some conversations; return the last one's id. None: there are no more."""
    rows = connection.execute(_CONVERSATIONS, {"after": after, "limit": LOOKED_AT}).all()
    if not rows:
        return None
    bounds = {"after": after, "last": rows[-1].id}
    _count(found, rows)
    for row in connection.execute(_POINTERS, bounds):
        said = f"has read {row.read_seq} of {row.received_seq} received of {row.last_seq}."
        found.add(found.pointers, f"A member of conversation {row.id} {said}")
    found.behind += len(connection.execute(LEFT_BEHIND, bounds).all())
    for row in connection.execute(_UNLISTED, bounds):
        found.add(found.lists, f"Conversation {row.id} is not in the list of {row.user_id}, and should be.")
    for user, id_, unread, *counts in connection.execute(_UNREAD, bounds):
        if (told := unread_of(user, *counts)) != unread:
            found.add(found.unread, f"Conversation {id_} has {unread} unread messages for {user}, and {told} are told.")
    if connection.dialect.name == "sqlite" and has_index(connection):
        for row in connection.execute(_UNINDEXED, bounds):
            found.add(found.unindexed, f"Message {row.seq} of conversation {row.id} is not in the index.")
    found.conversations += len(rows)
    return int(rows[-1].id)


def begin_anew(database: Database) -> None:
    """Empty the index, so that the next server fills it again. For no server to run meanwhile."""
    with database.transaction() as connection:
        if connection.dialect.name == "sqlite" and has_index(connection):
            connection.exec_driver_sql("INSERT INTO trigrams (trigrams) VALUES ('delete-all')")
            connection.exec_driver_sql("UPDATE conversations SET indexed_seq = 0")


def _count(found: Examined, rows: Any) -> None:
    for row in rows:
        found.messages += row.count
        expected = row.last_seq - row.first_seq + 1
        if row.count != expected or (expected and (row.first, row.last) != (row.first_seq, row.last_seq)):
            said = f"Conversation {row.id} has {row.count} messages from {row.first} to {row.last}, "
            found.add(found.gaps, said + f"and should have {expected} from {row.first_seq} to {row.last_seq}.")
        if row.changes != row.last_change:
            found.add(
                found.gaps, f"Conversation {row.id} has {row.changes} changes, and should have {row.last_change}."
            )


_CONVERSATIONS = text("""
SELECT c.id, c.first_seq, c.last_seq, c.last_change, count(m.seq) AS count, min(m.seq) AS first, max(m.seq) AS last,
  (SELECT count(*) FROM changes WHERE changes.conversation_id = c.id) AS changes
FROM (SELECT id, first_seq, last_seq, last_change FROM conversations WHERE id > :after ORDER BY id LIMIT :limit) AS c
LEFT JOIN messages AS m ON m.conversation_id = c.id
GROUP BY c.id, c.first_seq, c.last_seq, c.last_change ORDER BY c.id
""")
_POINTERS = text(f"""
SELECT c.id, members.read_seq, members.received_seq, c.last_seq
FROM members JOIN conversations AS c ON c.id = members.conversation_id
WHERE c.id > :after AND c.id <= :last
AND NOT (members.read_seq <= members.received_seq AND members.received_seq <= c.last_seq) LIMIT {MOST_FAULTS}
""")
_UNINDEXED = text(f"""
SELECT c.id, m.seq FROM conversations AS c JOIN messages AS m ON m.conversation_id = c.id AND m.seq <= c.indexed_seq
WHERE c.id > :after AND c.id <= :last AND m.body <> ''
AND NOT EXISTS (SELECT 1 FROM trigrams_docsize AS d WHERE d.id = (c.id << {SEQ_BITS} | m.seq)) LIMIT {MOST_FAULTS}
""")
# Counted, so that each row is looked up: for NOT EXISTS, PostgreSQL may read all listings, and again for each member.
_UNLISTED = text(f"""
SELECT c.id, m.user_id FROM conversations AS c JOIN members AS m ON m.conversation_id = c.id
WHERE c.id > :after AND c.id <= :last AND c.last_at IS NOT NULL AND 0 = (
  SELECT count(*) FROM listings AS l WHERE l.user_id = m.user_id AND l.last_at = c.last_at AND l.conversation_id = c.id
) LIMIT {MOST_FAULTS}
""")
_MISPLACED = text(f"""
SELECT l.user_id, l.last_at, l.conversation_id, CASE WHEN m.user_id IS NOT NULL THEN c.last_at END AS at
FROM listings AS l LEFT JOIN conversations AS c ON c.id = l.conversation_id
LEFT JOIN members AS m ON m.user_id = l.user_id AND m.conversation_id = l.conversation_id
WHERE m.user_id IS NULL OR c.last_at IS NULL OR c.last_at <> l.last_at LIMIT {MOST_FAULTS}
""")
# Of those that the kept numbers are told of; of the others the messages are counted whenever somebody asks.
_UNREAD = text(f"""
SELECT m.user_id, c.id, (SELECT count(*) FROM (
    SELECT 1 FROM messages WHERE messages.conversation_id = c.id AND messages.seq > m.read_seq
    AND messages.sender_id <> m.user_id LIMIT {UNREAD_COUNTED}
  ) AS unread), c.key, c.first_sent, c.counted_seq, m.read_sent, m.read_counted
FROM conversations AS c JOIN members AS m ON m.conversation_id = c.id
WHERE c.id > :after AND c.id <= :last
AND c.counted_seq = c.last_seq AND m.read_counted = m.read_seq AND c.first_seq <= m.read_seq + 1
""")
