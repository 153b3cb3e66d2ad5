"""Owns the searches: messages that hold a text, names that begin with one. The index is filled by others.

A text is taken letter by letter, upper and lower case alike (SQLite: of ASCII letters only where the index
is not used), and so are the two ways in which Unicode writes one letter, whole or in parts: a Mac's file names
come in parts. Texts of three and more letters are found by trigrams, in any language; shorter ones, and where
there is no index, by reading the newest messages of the newest conversations.

What a search may cost is bounded. The database says which messages may hold the text, and is asked little of it;
what they say is looked at here, in a time that grows with the messages' length alone. And it ends at its deadline.
"""

import time
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, and_, func, or_, select, text, true, tuple_

from chat.errors import Unavailable
from chat.storage.database import Database
from chat.storage.message_reader import newest_of_a_user
from chat.storage.newest_first import CLOCK_BACK_MS, NewestFirst, have_end
from chat.storage.records import Found, Message, Page, direct_key, other_of, page_of
from chat.storage.schema import MESSAGE, accounts, conversations, members, messages
from chat.storage.search_index import has_index
from chat.storage.short_conversations import ShortConversations, length_of
from chat.storage.trigrams import TRIGRAM, Candidates

SECONDS = 4  # for one search: whoever waits has an answer within 5
CONVERSATIONS = 1_000  # whose messages are searched: those with the newest message
# PostgreSQL's index is one for all users, so that it is slow with texts that are common among others: up to so many messages
# of a user are all read. Of more, some are read first, which finds a common text; a rare one is what the index is good for.
READ_ON_POSTGRES, READ_FIRST = 50_000, 10_000
UNINDEXED_CONVERSATIONS = 100
UNINDEXED_MESSAGES = 2_000  # of each; a text of two letters takes some 50 ms in all of them
DOTTED_I = "\u0130".casefold()  # of Istanbul, as Turkish writes it: two signs
BEGINNING = 12  # letters that SQLite looks for: it compares each of them at each place of a message

Place = tuple[int, str, int]  # sent_at, the other user or the conversation's key, seq


class Search:
    """Searches one database. Blocking, for any thread."""

    def __init__(self, database: Database, user_key: Callable[[str], str]) -> None:
        self._database = database
        self._user_key = user_key

    def messages(self, user_id: str, wanted: str, limit: int, before: Place | None = None) -> Page[Found]:
        """Return the user's messages that hold the text `wanted`, the newest first; only those after `before`."""
        if not wanted or "\0" in wanted:  # which no message holds
            return Page([], more=False)
        place = before and (before[0], direct_key(user_id, before[1]), before[2])
        with self._database.reading(SECONDS) as connection:
            wanted = unicodedata.normalize("NFC", wanted)
            is_indexed = len(wanted) >= TRIGRAM and has_index(connection)
            most = CONVERSATIONS if is_indexed else UNINDEXED_CONVERSATIONS
            listed = connection.execute(_MINE, {"user": user_id, "limit": most})
            mine = [*{row.id: row for row in listed}.values()]  # each once, also in a list that was damaged
            is_sqlite = self._database.is_sqlite
            if is_indexed and not is_sqlite:
                return page_of(_on_postgres(connection, user_id, wanted, limit + 1, place, mine), limit)
            candidates = short = None
            if is_indexed:
                candidates = Candidates(connection, _forms(wanted))
                if not candidates.are_few:
                    short = ShortConversations(connection, _forms(wanted), mine)
            walk = _Walk(connection, user_id, wanted, limit + 1, place, mine, candidates, short, is_sqlite)
            return page_of(walk.found(), limit)

    def names(self, beginning: str, limit: int) -> list[str]:
        """Return names that begin so, in the order of the alphabet; upper and lower case alike. None disabled."""
        start = self._user_key(beginning)
        if not start or "\0" in start:
            return []
        with self._database.reading() as connection:
            key: Any = accounts.c.key.collate("BINARY" if self._database.is_sqlite else "C")
            query = (
                select(accounts.c.name)
                .where(key >= start, key < f"{start}\U0010ffff", ~accounts.c.disabled)
                .order_by(key)
                .limit(limit)
            )
            return list(connection.scalars(query))


@dataclass(frozen=True)
class _Walk:
    """Looks into one conversation after the other, the newest first, as long as it can add something."""

    connection: Connection
    user_id: str
    wanted: str
    limit: int
    before: Place | None
    conversations: Sequence[Row[Any]]
    candidates: Candidates | None  # None: the index is not used
    short: ShortConversations | None  # None: none is read whole
    is_sqlite: bool  # PostgreSQL, without its index, looks at the whole text by itself

    def found(self) -> list[Found]:
        until = time.monotonic() + SECONDS
        found: list[tuple[Place, Message]] = []
        for conversation in self.conversations:
            if len(found) >= self.limit and found[-1][1].sent_at > conversation.last_at:
                break
            if time.monotonic() > until:  # each conversation in time, and all of them not
                raise Unavailable(rule="took_too_long")
            oldest = found[-1][1].sent_at - CLOCK_BACK_MS if len(found) >= self.limit else 0
            for message in islice(self._in_one(conversation, oldest), self.limit):
                found.append(((message.sent_at, conversation.key, message.seq), message))
            found = sorted(found, reverse=True)[: self.limit]
        return [Found(other_of(key, self.user_id), message) for (_, key, _), message in found]

    def _in_one(self, conversation: Row[Any], oldest: int) -> Iterator[Message]:
        """Give the messages of a conversation that hold the text, the newest first, back to the time `oldest`."""
        wanted = _folded(self.wanted)
        read = None if self.short is None else self.short.of(conversation, self._bound(conversation))
        for message in self._that_may_hold_it(conversation) if read is None else read:
            if message.sent_at < oldest:
                return
            if not self.is_sqlite or wanted in _folded(message.body):
                yield message

    def _that_may_hold_it(self, conversation: Row[Any]) -> Iterator[Message]:
        c = messages.c
        bound = self._bound(conversation)
        # What the index has not got yet is read, all of it: a search finds everything at any moment.
        start = conversation.last_seq - UNINDEXED_MESSAGES if self.candidates is None else conversation.indexed_seq
        if start < conversation.last_seq:
            query = select(*MESSAGE).where(c.conversation_id == conversation.id, c.seq > start)
            query = query.where(_holds(self.wanted, self.is_sqlite)).order_by(c.seq.desc())
            if bound:
                query = query.where(tuple_(c.sent_at, c.seq) < (bound["sent_at"], bound["seq"]))
            if not self.is_sqlite:  # which gives row after row, and finds no further one when nobody asks
                query = query.limit(self.limit)
            with self.connection.execute(query) as rows:
                yield from (Message(*row) for row in rows)
        if self.candidates is not None:
            yield from self.candidates.of(conversation.id, bound)

    def _bound(self, conversation: Row[Any]) -> dict[str, int]:
        """Return what the messages of a conversation stand behind: `sent_at` and `seq`; nothing: all of them count."""
        if self.before is None:
            return {}
        sent_at, key, seq = self.before
        # Whether one at the same millisecond stands behind it: by its conversation, or by its number.
        if conversation.key != key:
            seq = conversation.last_seq + 1 if conversation.key < key else 0
        return {"sent_at": sent_at, "seq": seq}


def _on_postgres(
    connection: Connection, user_id: str, wanted: str, limit: int, before: Place | None, mine: Sequence[Row[Any]]
) -> list[Found]:
    until = time.monotonic() + SECONDS
    folded = _folded(wanted).replace(DOTTED_I, "i")  # as its index has it

    def holds(body: str) -> bool:
        return folded in _folded(body).replace(DOTTED_I, "i")

    is_read = sum(map(length_of, mine)) <= READ_ON_POSTGRES
    most, back_to = (READ_ON_POSTGRES, 0) if is_read else (READ_FIRST, _unlisted(mine))
    found = NewestFirst(connection, _forms(wanted), mine, before).found(holds, limit, most, until, back_to)
    if found is None:
        have_end(connection, until)
        return _by_index(connection, user_id, wanted, limit, before)
    return [Found(other_of(key, user_id), message) for (_, key, _), message in found]


def _unlisted(mine: Sequence[Row[Any]]) -> int:
    """Return back to which time no further conversation has messages; 0: there is none."""
    return mine[-1].last_at if len(mine) == CONVERSATIONS else 0


def _by_index(connection: Connection, user_id: str, wanted: str, limit: int, before: Place | None) -> list[Found]:
    c = messages.c
    key: Any = select(conversations.c.key).where(conversations.c.id == c.conversation_id).scalar_subquery()
    ordered = key.collate("C")  # as Python sorts
    of_user = select(members.c.conversation_id).where(members.c.user_id == user_id)
    query = (
        select(key, *MESSAGE)
        # "IS TRUE", so that each message that the index finds is looked at. Joined, all messages of these conversations were
        # read: PostgreSQL takes each conversation for one of average length.
        .where(c.conversation_id.in_(of_user).is_(true()), _holds(wanted, is_sqlite=False))
        .order_by(c.sent_at.desc(), ordered.desc(), c.seq.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(tuple_(c.sent_at, ordered, c.seq) < before)
    return [Found(other_of(k, user_id), Message(*row)) for k, *row in connection.execute(query)]


def _folded(text_: str) -> str:
    """Return a text as it is compared: in whole letters, upper and lower case alike."""
    return unicodedata.normalize("NFC", text_).casefold()


def _forms(wanted: str) -> list[str]:
    """Return a text as Unicode writes it: whole letters (NFC), and where that is another text, in parts (NFD)."""
    return list(dict.fromkeys((wanted, unicodedata.normalize("NFD", wanted))))


def _holds(wanted: str, is_sqlite: bool) -> Any:
    """Whether a message's text holds this one (SQLite: its beginning, or more), each sign standing for itself."""
    body: Any = messages.c.body
    if is_sqlite:
        return or_(*(body.like(_pattern(form[:BEGINNING]), escape="\\") for form in _forms(wanted)))
    whole, *in_parts = (_pattern(form) for form in _forms(wanted))  # the backslash is its own; with ESCAPE, no index
    # The parts of one letter may begin another one: 가 is not in 각.
    checked = func.normalize(body, text("NFC")).ilike(whole)
    return or_(body.ilike(whole), *(and_(body.ilike(parts), checked) for parts in in_parts))


def _pattern(wanted: str) -> str:
    return "%" + wanted.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"


_MINE = newest_of_a_user(
    *(conversations.c[name] for name in ("id", "key", "first_seq", "last_seq", "indexed_seq", "last_at"))
)
