"""Owns PostgreSQL's search in a user's newest messages: all conversations are read side by side, back in time.

A frequent text is found so after few messages. The index, which is one for all users and gives no order, is left to others.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection

from chat.errors import Unavailable
from chat.storage import compiled, short_conversations
from chat.storage.records import Message
from chat.storage.short_conversations import pattern, with_text

CLOCK_BACK_MS = 3_600_000  # so far the clock may have been set back between two messages of a conversation
FIRST_READ = 1_000  # messages, about, by the first question; each further one reads twice as many
AT_LEAST = 16  # of a conversation, by one question
WIDER = 4  # each question looks so many times as far back as the one before
NEVER = 2**62

Place = tuple[int, str, int]  # sent_at, the conversation's key, seq


class _Part(NamedTuple):
    """What of a conversation is not read yet: the messages up to `last`, of the time `at` and before."""

    at: int
    id: int
    key: str
    first: int  # seq
    last: int


class NewestFirst:
    """One search in the messages of `conversations`, behind the place `before`; None: in all of them."""

    def __init__(
        self, connection: Connection, forms: Iterable[str], conversations: Sequence[Any], before: Place | None
    ) -> None:
        """`forms`: what is wanted, in each way in which it may be written."""
        self._connection = connection
        self._patterns = [pattern(form) for form in forms]
        self._before = before
        self._unread = {
            one.id: _Part(one.last_at, one.id, one.key, one.first_seq, one.last_seq) for one in conversations
        }
        self._waiting: list[tuple[Place, int, Message]] = []  # that may hold it: their places, conversations
        if before:
            self._skip_later(before[0])

    def found(
        self, holds: Callable[[str], bool], limit: int, most: int, until: float, back_to: int = 0
    ) -> list[tuple[Place, Message]] | None:
        """Return the newest `limit` messages whose text `holds` is true of; None: `most`, about, were read in vain.

        `until`: by time.monotonic(). `back_to`: before this time there are messages that this search does not know.
        Raises Unavailable: it took longer.
        """
        found: list[tuple[Place, Message]] = []
        size, span = FIRST_READ, CLOCK_BACK_MS
        while True:
            newest = max((one.at for one in self._unread.values()), default=0)
            self._waiting.sort(key=itemgetter(0))
            while self._waiting and self._waiting[-1][0][0] > max(newest, back_to) and len(found) < limit:
                if time.monotonic() > until:  # the texts of long messages are asked for one by one
                    raise Unavailable(rule="took_too_long")
                place, id_, message = self._waiting.pop()
                message = with_text(self._connection, id_, message)
                if holds(message.body):
                    found.append((place, message))
            if len(found) == limit:
                return found
            if not newest:
                return None if back_to else found
            if most <= 0:
                return None
            have_end(self._connection, until)
            most -= self._read_back([one for one in self._unread.values() if one.at >= newest - span], min(size, most))
            size, span = 2 * size, WIDER * span

    def _read_back(self, some: list[_Part], size: int) -> int:
        """Read the newest messages of conversations, `size` of all together; return how many, about."""
        each = max(AT_LEAST, size // len(some))
        firsts: dict[int, int] = {}  # by conversation, the `seq` from which on it is read
        read = 0
        for one in sorted(some, key=attrgetter("at"), reverse=True):
            if read >= size:
                break
            firsts[one.id] = first = max(one.first, one.last - each + 1)
            read += one.last - first + 1
        lasts = [self._unread[id_].last for id_ in firsts]
        before = NEVER if self._before is None else self._before[0]
        bounds = [*firsts], [*firsts.values()], lasts
        values = (short_conversations.AT_ONCE_LETTERS, *bounds, before, self._patterns)
        rows = compiled.rows_of(self._connection, _READ, values)
        times: dict[int, int] = {}  # by conversation, when those before were sent at the latest
        for id_, may_hold_it, *row in rows:
            message = Message(*row)
            place = (message.sent_at, self._unread[id_].key, message.seq)
            if message.seq == firsts[id_]:
                times[id_] = message.sent_at + CLOCK_BACK_MS
            if may_hold_it and (self._before is None or place < self._before):
                self._waiting.append((place, id_, message))
        for id_, first in firsts.items():
            one = self._unread.pop(id_)
            if first > one.first:
                self._unread[id_] = one._replace(last=first - 1, at=min(one.at, times.get(id_, NEVER)))
        return read

    def _skip_later(self, before: int) -> None:
        """Begin where each conversation has got to at the time `before`, about."""
        later = [one for one in self._unread.values() if one.at > before]
        bounds = [[one.id for one in later], [one.first - 1 for one in later], [one.last for one in later]]
        at = before + CLOCK_BACK_MS
        for id_, last in compiled.rows_of(self._connection, _SKIP, (*bounds, at, at, AT_LEAST)):
            self._unread[id_] = self._unread[id_]._replace(last=last, at=before)


def have_end(connection: Connection, until: float) -> None:
    """Have the statements that follow end at this time, by time.monotonic(). Raises Unavailable: it is over."""
    left = until - time.monotonic()
    if left <= 0:
        raise Unavailable(rule="took_too_long")
    compiled.rows_of(connection, _HAVE_END, (str(max(1, round(left * 1000))),))


_HAVE_END = "SELECT set_config('statement_timeout', %s, true)"  # of this transaction
# Besides what may hold the text, the first message of each part: its time says what may come before it.
# With an expression, so that the index is not asked: it would find a common text in the messages of all users.
_READ = """
SELECT m.conversation_id, f.may_hold_it, m.seq, m.sender_id,
  CASE WHEN f.may_hold_it AND length(m.body) <= %s THEN m.body ELSE '' END, m.sent_at, m.client_id, m.kind
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS part (id, first, last)
JOIN messages AS m ON m.conversation_id = part.id AND m.seq BETWEEN part.first AND part.last
CROSS JOIN LATERAL (SELECT m.sent_at <= %s AND m.body || '' ILIKE ANY (%s::text[]) AS may_hold_it) AS f
WHERE f.may_hold_it OR m.seq = part.first
"""
# Halves each conversation until AT_LEAST messages are left. What stands behind `high` was sent later.
_SKIP = """
WITH RECURSIVE part (id, low, high) AS (
  SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[])
  UNION ALL
  SELECT id, CASE WHEN at > %s THEN low ELSE middle END, CASE WHEN at > %s THEN middle - 1 ELSE high END
  FROM part CROSS JOIN LATERAL (SELECT (low + high + 1) / 2 AS middle) AS half
  CROSS JOIN LATERAL (
    SELECT (SELECT sent_at FROM messages WHERE conversation_id = id AND seq <= middle ORDER BY seq DESC LIMIT 1) AS at
  ) AS look
  WHERE high - low > %s
)
SELECT id, min(high) FROM part GROUP BY id
"""
