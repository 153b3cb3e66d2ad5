"""Owns the hot path of a commit: numbers new messages, and stores them. Which ones are new, the caller says.

Works on the driver's own cursor, with statements that are compiled once: SQLAlchemy's way through a list
of parameters takes as long as the database does.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Engine, bindparam, insert, select, update

from chat.storage.records import Send
from chat.storage.schema import conversations, messages

# How many ids one query asks for: a few fixed sizes, so that the drivers keep the statements prepared.
SIZES = (1, 8, 64, 512)


class MessageAppend:
    """Stores messages at the end of their conversations.

    Args:
        engine: says which dialect the statements are written in.
    """

    def __init__(self, engine: Engine) -> None:
        text: Callable[[Any], str] = lambda statement: str(statement.compile(engine))  # noqa: E731
        c = conversations.c
        self._insert_message = text(insert(messages))
        self._lock_conversations = {
            size: text(
                select(c.id, c.last_seq)
                .where(c.id.in_([bindparam(f"id{n}") for n in range(size)]))
                .order_by(c.id)  # in one order, so that two writers cannot deadlock
                .with_for_update()  # SQLite has no such lock, and only one writer
            )
            for size in SIZES
        }
        self._set_last = text(
            update(conversations).values(last_seq=bindparam("last")).where(c.id == bindparam("conversation"))
        )

    def append(self, cursor: Any, places: Sequence[int], sends: Sequence[Send], sent_at: int) -> list[int]:
        """Store each send under the next `seq` of its conversation, and return these numbers.

        Args:
            cursor: of the driver, in a transaction that may write.
            places: the id of each send's conversation.
            sent_at: Unix time in milliseconds, of all of them.

        Raises:
            IntegrityError: of the driver: one of them is stored already under its client id, or is
                here twice.
        """
        counts = Counter(places)
        last = self._last_seqs(cursor, list(counts))
        cursor.executemany(self._set_last, [(last[id_] + n, id_) for id_, n in counts.items()])
        seqs = []
        for conversation in places:
            last[conversation] = seq = last[conversation] + 1
            seqs.append(seq)
        cursor.executemany(
            self._insert_message,
            [
                (conversation, seq, send.sender_id, send.client_id, send.body, sent_at)
                for conversation, seq, send in zip(places, seqs, sends, strict=True)
            ],
        )
        return seqs

    def _last_seqs(self, cursor: Any, wanted: list[int]) -> dict[int, int]:
        """Return the last `seq` of each conversation. Locks their rows until the transaction ends: so
        numbers are given in the order of commits, and none is given twice or left out.
        """
        wanted.sort()
        last: dict[int, int] = {}
        while wanted:
            size = next((size for size in SIZES if size >= len(wanted)), SIZES[-1])
            some, wanted = wanted[:size], wanted[size:]
            padded = some + some[-1:] * (size - len(some))
            cursor.execute(self._lock_conversations[size], padded)
            last.update(cursor.fetchall())
        return last
