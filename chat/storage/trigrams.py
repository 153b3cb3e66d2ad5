"""Owns what SQLite's index of trigrams is asked: which messages may hold a text. Reading them closely is left to others.

It is asked for the two rarest trigrams of a text, never for the text: FTS5 takes one as a phrase, opens each of its
trigrams anew in each conversation, and compares their places in the messages, of which a long one has very many.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Executable, bindparam, select, text, tuple_

from chat.storage.records import Message
from chat.storage.schema import MESSAGE, messages
from chat.storage.search_index import SEQ_BITS, row_of

TRIGRAM = 3
LOOKED_UP = 12  # trigrams, spread over the text
ASKED = 2  # of them, the rarest
RARE = 500  # messages; where fewer hold a trigram, the index tells all of them at once


class Candidates:
    """The messages that may hold a text of three or more letters, as far as they are indexed."""

    def __init__(self, connection: Connection, forms: list[str]) -> None:
        """`forms`: what is wanted, in each way in which it may be written."""
        self._connection = connection
        counted = [sorted((*self._count(trigram), trigram) for trigram in _spread(form)) for form in forms]
        rarest = (" AND ".join(_quoted(trigram) for *_, trigram in trigrams[:ASKED]) for trigrams in counted)
        self._match = " OR ".join(f"({asked})" for asked in rarest)
        # self._rare[conversation] = seqs; None: there are too many, and each conversation is asked for.
        self._rare: dict[int, list[int]] | None = {} if all(trigrams[0][0] < RARE for trigrams in counted) else None
        if self._rare is not None:
            for row in connection.execute(_ALL, {"match": self._match}).scalars():
                self._rare.setdefault(row >> SEQ_BITS, []).append(row & (1 << SEQ_BITS) - 1)

    @property
    def are_few(self) -> bool:
        """Whether all of them are known, and no conversation has to be asked for."""
        return self._rare is not None

    def of(self, conversation: int, bound: dict[str, int]) -> Iterator[Message]:
        """Give those of a conversation, the newest first; with a `bound`, only those before (`sent_at`, `seq`)."""
        values: dict[str, Any] = bound | {"conversation": conversation}
        if self._rare is not None:
            query: Executable = _BY_SEQ_BEFORE if bound else _BY_SEQ
            values |= {"seqs": self._rare.get(conversation, [])}
            if not values["seqs"]:
                return
        else:
            query = _BY_INDEX_BEFORE if bound else _BY_INDEX
            values |= {"match": self._match, "first": row_of(conversation, 0), "last": row_of(conversation + 1, 0)}
        with self._connection.execute(query, values) as rows:
            yield from (Message(*row) for row in rows)

    def _count(self, trigram: str) -> tuple[int, int]:
        """Return how many messages hold it, RARE at most; and how far one has to go for so many, the less the farther."""
        count, last = self._connection.execute(_COUNT, {"match": _quoted(trigram), "limit": RARE}).one()
        return count, -last if count == RARE else 0


def _spread(wanted: str) -> list[str]:
    """Return LOOKED_UP trigrams of a text at most: the first, the last, and some between."""
    parts = (wanted[start : start + TRIGRAM] for start in range(len(wanted) - TRIGRAM + 1))
    unlike = [*{part.lower(): part for part in parts}.values()]
    if len(unlike) <= LOOKED_UP:
        return unlike
    return [unlike[number * (len(unlike) - 1) // (LOOKED_UP - 1)] for number in range(LOOKED_UP)]


def _quoted(trigram: str) -> str:
    return '"' + trigram.replace('"', '""') + '"'


_COUNT = text(
    "SELECT count(*), max(rowid) FROM (SELECT rowid FROM trigrams WHERE trigrams MATCH :match ORDER BY rowid LIMIT :limit)"
)
_ALL = text("SELECT rowid FROM trigrams WHERE trigrams MATCH :match")
_INDEXED = f"""
SELECT m.seq, m.sender_id, m.body, m.sent_at, m.client_id, m.kind
FROM trigrams JOIN messages AS m
  ON m.conversation_id = :conversation AND m.seq = trigrams.rowid & {(1 << SEQ_BITS) - 1}
WHERE trigrams MATCH :match AND trigrams.rowid >= :first AND trigrams.rowid < :last {{bound}}
ORDER BY trigrams.rowid DESC
"""
_BY_INDEX = text(_INDEXED.format(bound=""))
_BY_INDEX_BEFORE = text(_INDEXED.format(bound="AND (m.sent_at, m.seq) < (:sent_at, :seq)"))
_BY_SEQ = (
    select(*MESSAGE)
    .where(messages.c.conversation_id == bindparam("conversation"))
    .where(messages.c.seq.in_(bindparam("seqs", expanding=True)))
    .order_by(messages.c.seq.desc())
)
_BY_SEQ_BEFORE = _BY_SEQ.where(
    tuple_(messages.c.sent_at, messages.c.seq) < tuple_(bindparam("sent_at"), bindparam("seq"))
)
