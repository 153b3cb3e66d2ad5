"""Owns the search in SQLite's short conversations: all of their messages are read, of many conversations at once.

To ask the index for one conversation takes as long as to read some hundred messages.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from chat.storage.look_up import look_up
from chat.storage.records import Message

SHORT = 300  # messages, of a conversation that is read
AT_ONCE, MESSAGES_AT_ONCE = 64, 2_000  # conversations and, about, messages that one question reads
AT_ONCE_LETTERS = 1_000  # of a message that is read with the others; longer ones come one by one, as they are asked for
BEGINNING = 12  # letters that SQLite looks for
FOLDED = "iks"  # whose other case may be no letter of ASCII: the dotted I, the Kelvin sign, the long s


class ShortConversations:
    """What a walk reads of them: the messages that may hold a text, and perhaps some that do not."""

    def __init__(self, connection: Connection, forms: Sequence[str], conversations: Sequence[Any]) -> None:
        """`forms`: what is wanted, in each way in which it may be written. `conversations`: in the order of the walk."""
        self._connection = connection
        self._patterns = [pattern(form) for form in forms]
        holds = " OR ".join([_HOLDS] * len(forms))
        self._query = _QUERY.format(holds, letters=AT_ONCE_LETTERS, keys="{keys}")
        self._ahead = iter([one for one in conversations if _is_short(one)])
        self._read: dict[int, dict[int, Message]] = {}  # conversation -> seq -> message

    def of(self, conversation: Any, bound: dict[str, int]) -> Iterator[Message] | None:
        """Return those of a conversation, the newest first; None: it is not short. To be asked in the walk's order.

        `bound`: `sent_at` and `seq`, behind which all stand; empty: anywhere.
        """
        if not _is_short(conversation):
            return None
        while conversation.id not in self._read:
            self._read_on()
        found = sorted(self._read.pop(conversation.id).items(), reverse=True)
        place = (bound["sent_at"], bound["seq"]) if bound else None
        return (
            with_text(self._connection, conversation.id, message)
            for seq, message in found
            if place is None or (message.sent_at, seq) < place
        )

    def _read_on(self) -> None:
        some = [*self._next()]
        self._read |= {id_: {} for id_ in some}
        for id_, *row in look_up(self._connection, self._query, [(id_,) for id_ in some], *self._patterns):
            message = Message(*row)
            self._read[id_][message.seq] = message

    def _next(self) -> Iterator[int]:
        messages = 0
        for one in islice(self._ahead, AT_ONCE):
            yield one.id
            messages += length_of(one)
            if messages >= MESSAGES_AT_ONCE:
                return


def _is_short(conversation: Any) -> bool:
    return length_of(conversation) <= SHORT


def length_of(conversation: Any) -> int:
    """Return how many messages a conversation has."""
    return int(conversation.last_seq - conversation.first_seq + 1)


def with_text(connection: Connection, conversation: int, message: Message) -> Message:
    """Return a message that was read without its text, as it was long, with it."""
    if message.body:
        return message
    found = look_up(connection, _BODY, [(conversation, message.seq)])
    # On PostgreSQL it may have been erased since the others were read.
    return message._replace(body=found[0][0]) if found else message


def pattern(wanted: str) -> str:
    """Return what LIKE finds a text's beginning by. It knows the case of ASCII's letters alone: others stand for any sign."""
    return f"%{''.join(map(_sign, wanted[:BEGINNING]))}%"


def _sign(letter: str) -> str:
    if letter.lower() in FOLDED or (not letter.isascii() and letter.lower() != letter.upper()):
        return "_"
    return f"\\{letter}" if letter in "\\%_" else letter


_HOLDS = "m.body LIKE {} ESCAPE '\\'"
_QUERY = """
WITH wanted (id) AS ({keys})
SELECT m.conversation_id, m.seq, m.sender_id, CASE WHEN length(m.body) <= {letters} THEN m.body ELSE '' END,
  m.sent_at, m.client_id, m.kind
FROM wanted JOIN messages AS m ON m.conversation_id = wanted.id WHERE {}
"""
_BODY = """
WITH wanted (conversation_id, seq) AS ({keys})
SELECT m.body FROM wanted JOIN messages AS m ON m.conversation_id = wanted.conversation_id AND m.seq = wanted.seq
"""
