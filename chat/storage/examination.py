"""Owns the check of a whole database: its file, the numbers of its messages, and the index. It reads all, and can empty the index."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from chat.storage.backup import Progress
from chat.storage.database import Database
from chat.storage.failures import reason_of
from chat.storage.search_index import SEQ_BITS, has_index

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
                last, count = _examine_part(connection, found, after)
        except SQLAlchemyError as error:
            found.gaps.append(f"What lies behind conversation {after} cannot be read: {reason_of(error)}.")
            return found
        if not count:
            return found
        after = last
        found.conversations += count
        progress(found.conversations, max(total, found.conversations))


def _examine_part(connection: Connection, found: Examined, after: int) -> tuple[int, int]:
    """Look at some conversations; return the last one's id, and how many they were."""
    rows = connection.execute(_CONVERSATIONS, {"after": after, "limit": LOOKED_AT}).all()
    if not rows:
        return after, 0
    bounds = {"after": after, "last": rows[-1].id}
    _count(found, rows)
    for fault in _wrong_pointers(connection, bounds):
        found.add(found.pointers, fault)
    if connection.dialect.name == "sqlite" and has_index(connection):
        for row in connection.execute(_UNINDEXED, bounds):
            found.add(found.unindexed, f"Message {row.seq} of conversation {row.id} is not in the index.")
    return rows[-1].id, len(rows)


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


def _wrong_pointers(connection: Connection, bounds: dict[str, int]) -> Iterator[str]:
    for row in connection.execute(_POINTERS, bounds):
        yield f"A member of conversation {row.id} has read {row.read_seq} of {row.received_seq} received of {row.last_seq}."


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
