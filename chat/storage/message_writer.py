"""Owns the writing of messages, at the end of their conversations, and of pointers. Reads nothing for users."""

import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, TypeGuard

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.exc import SQLAlchemyError

from chat.storage.accounts import Accounts
from chat.storage.database import Database
from chat.storage.database_file import FileReplaced
from chat.storage.failures import CommitUnknown
from chat.storage.look_up import look_up, parts
from chat.storage.message_append import MessageAppend
from chat.storage.records import Conflict, Message, Outcome, Pointer, Send, Stored, StoredLate, direct_key, users_of
from chat.storage.schema import MESSAGE, conversations, members, messages
from chat.storage.unread import MemberState, UnreadCounts

NOWHERE = MemberState(0, 0)  # in a conversation that there is not
KNOWN_CONVERSATIONS = 100_000  # ids kept in memory, so that a send need not look for them

Pair = tuple[str, str]  # the two users of a conversation, in any order
Member = tuple[str, int]  # user, conversation
Mark = tuple[int, str, str | int]  # conversation, sender, and what tells two sends apart
Committed = tuple[Sequence[Outcome], Sequence[Pointer | None]]
Store = Callable[[Connection, Sequence[int], Sequence[Send], int], Sequence[Outcome]]


class MessageWriter:
    """Writes to one database. Blocking; for one thread at a time."""

    def __init__(self, database: Database, accounts: Accounts, log: logging.Logger) -> None:
        self._database = database
        self._accounts = accounts
        self._log = log
        self._ids: dict[Pair, int] = {}  # committed conversations, by their users in both orders
        # (conversation, send, where it lies) of a commit of which nobody can say whether it took place
        self._doubts: list[tuple[int, Send, Any]] = []
        self._grown: set[int] = set()  # conversations, since `grown` was called
        self._appended = 0  # messages, since then
        self._insert_conversation = database.insert(conversations).on_conflict_do_nothing()
        self._insert_member = database.insert(members).on_conflict_do_nothing()
        self._message_append = MessageAppend(database.engine)
        self._unread = UnreadCounts(database.engine)

    def commit(self, sends: Sequence[Send], pointers: Sequence[Pointer] = ()) -> Committed:
        """Store the messages in their order, then move the pointers, all in one transaction.

        Returns one outcome for each send; and for each pointer where both of the member's stand now,
        or None where they stood there before: they never move back, nor beyond the last message.
        When this returns, all is on the disk. Raises SQLAlchemyError, or the driver's own error, when the database
        is full, locked, gone, ...: nothing is stored then, but for what `found_late` will find.
        """
        try:
            return self._commit(sends, pointers, self._message_append.append)
        except self._database.unique_broken:  # a repeat: rare, so looked for when one was met
            return self._commit(sends, pointers, self._append_new)

    def grown(self) -> tuple[set[int], int]:
        """Return the conversations that got messages since the last call, and how many, repeats among them."""
        grown, self._grown = (self._grown, self._appended), set()
        self._appended = 0
        return grown

    def _commit(self, sends: Sequence[Send], pointers: Sequence[Pointer], store: Store) -> Committed:
        ids: dict[Pair, int] = {}
        places: Sequence[int] = []
        outcomes: Sequence[Outcome] = []
        moved: Sequence[Pointer | None] = []
        try:
            with self._database.transaction() as connection:
                if sends:
                    now = self._database.now_ms()
                    pairs = [(send.sender_id, send.receiver_id) for send in sends]
                    try:  # most are known: a third of a commit's time in Python is saved
                        places = [*map(self._ids.__getitem__, pairs)]
                    except KeyError:
                        pairs = self._keep_names(connection, sends, pairs)
                        ids = self._conversation_ids(connection, set(pairs), begin=True)
                        places = [*map(ids.__getitem__, pairs)]
                    outcomes = store(connection, places, sends, now)
                if pointers:
                    moved = self._move(connection, pointers)
        except (CommitUnknown, FileReplaced):
            self._doubts += [d for d in zip(places, sends, outcomes, strict=False) if _is_new(d[2])]
            if self._database.is_sqlite or not self._was_stored():
                raise
        if len(self._ids) > KNOWN_CONVERSATIONS:
            self._ids.clear()
        self._ids |= ids
        self._grown.update(places)
        self._appended += len(places)
        return outcomes, moved

    def found_late(self) -> list[tuple[Send, StoredLate]]:
        """Return what a failed commit has stored all the same, in its order, and forget that commit.

        To be called before the next `commit`, so that nothing overtakes these. Raises as `commit`: nobody can say yet.
        """
        found = []
        if self._doubts:
            m = messages.c
            with self._database.transaction() as connection:
                # The other end of a line that broke may be at it still: it holds these locks until it is over.
                self._lock(connection, {place for place, _, _ in self._doubts})
                for place, send, new in self._doubts:
                    query = select(*MESSAGE).where(m.conversation_id == place, m.seq == new.seq)
                    row = connection.execute(query).one_or_none()
                    if row is not None and Message(*row) == _message(send, new):
                        found.append((send, StoredLate(new.seq, new.sent_at)))
            self._doubts = []
        return found

    def _was_stored(self) -> bool:
        """Look at once, where the line to PostgreSQL broke in a commit. One of pointers alone may be repeated: False."""
        self._log.warning("the line to the database broke in a commit: asking what became of it")
        with suppress(SQLAlchemyError):  # `found_late` will be asked again
            return bool(self.found_late())
        return False

    def _lock(self, connection: Connection, places: Iterable[int]) -> None:
        for part in parts(sorted(places)):  # in one order, so that two writers cannot deadlock
            lock = select(conversations.c.id).where(conversations.c.id.in_(part))
            connection.execute(lock.order_by(conversations.c.id).with_for_update())

    def _keep_names(self, connection: Connection, sends: Sequence[Send], pairs: Sequence[Pair]) -> list[Pair]:
        """Store the names of new conversations; give the sends, and return, the spelling that was stored first."""
        new = {user for pair in pairs if pair not in self._ids for user in pair}
        self._accounts.insert_new(connection, new)
        spelt = self._accounts.spelt_otherwise(connection, new)
        if spelt:
            for send in sends:
                send.sender_id = spelt.get(send.sender_id, send.sender_id)
                send.receiver_id = spelt.get(send.receiver_id, send.receiver_id)
        return [(send.sender_id, send.receiver_id) for send in sends]

    def _conversation_ids(self, connection: Connection, pairs: set[Pair], begin: bool = False) -> dict[Pair, int]:
        """Find the conversations; `begin` those that are not there yet."""
        ids = {pair: self._ids[pair] for pair in pairs if pair in self._ids}
        for keys in parts(sorted({direct_key(*pair) for pair in pairs - ids.keys()})):
            if begin:
                connection.execute(self._insert_conversation, [{"kind": "direct", "key": key} for key in keys])
            query = select(conversations.c.key, conversations.c.id).where(conversations.c.key.in_(keys))
            found = [(users_of(key), id_) for key, id_ in connection.execute(query)]
            for users, id_ in found:
                ids[users[0], users[-1]] = ids[users[-1], users[0]] = id_
            if begin:
                both = [{"user_id": user, "conversation_id": id_} for users, id_ in found for user in users]
                connection.execute(self._insert_member, both)
        return ids

    # Repeated messages.

    def _append_new(
        self, connection: Connection, places: Sequence[int], sends: Sequence[Send], now: int
    ) -> list[Outcome]:
        """Store the messages that are not there yet."""
        marks: list[Mark] = [  # a send without a client id is like no other
            (place, send.sender_id, number if send.client_id is None else send.client_id)
            for number, (place, send) in enumerate(zip(places, sends, strict=True))
        ]
        # placed[mark]: the message of that mark, where it lies or will lie after the commit
        placed = self._placed(connection, marks)
        told = set(placed)
        new: dict[Mark, Send] = {}
        for mark, send in zip(marks, sends, strict=True):
            if mark not in placed:
                new.setdefault(mark, send)
        if new:
            stored = self._message_append.append(connection, [mark[0] for mark in new], [*new.values()], now)
            placed |= {mark: _message(new[mark], outcome) for mark, outcome in zip(new, stored, strict=True)}
        outcomes: list[Outcome] = []
        for mark, send in zip(marks, sends, strict=True):
            message = placed[mark]
            if (message.body, message.kind) == (send.body, send.kind):
                outcomes.append(Stored(message.seq, message.sent_at, repeated=mark in told))
            else:
                outcomes.append(Conflict(message.seq))
            told.add(mark)
        return outcomes

    def _placed(self, connection: Connection, marks: Sequence[Mark]) -> dict[Mark, Message]:
        """Return the messages that are stored under one of the marks already."""
        wanted = sorted({mark for mark in marks if isinstance(mark[2], str)})
        # No other writer can put one of them in between the look and the insert.
        self._lock(connection, {mark[0] for mark in wanted})
        placed: dict[Mark, Message] = {}
        for conversation, *rest in look_up(connection, _PLACED, wanted):
            message = Message(*rest)
            placed[conversation, message.sender_id, str(message.client_id)] = message
        return placed

    # Pointers.

    def _move(self, connection: Connection, pointers: Sequence[Pointer]) -> list[Pointer | None]:
        pairs = [(pointer.user_id, pointer.with_user_id) for pointer in pointers]
        ids = self._conversation_ids(connection, set(pairs))
        now_at = self._pointers(connection, {(pair[0], ids[pair]) for pair in pairs if pair in ids})
        moved: list[Pointer | None] = []
        changed: dict[Member, MemberState] = {}
        for pointer, pair in zip(pointers, pairs, strict=True):
            member = (pointer.user_id, ids.get(pair, 0))
            old = now_at.get(member, NOWHERE)
            read = max(old.read, min(pointer.read, old.last_seq))
            received = max(old.received, min(pointer.received, old.last_seq), read)
            if (received, read) == (old.received, old.read):
                moved.append(None)
            else:
                now_at[member] = changed[member] = old._replace(received=received, read=read)
                moved.append(pointer._replace(received=received, read=read))
        if changed:
            rows = [
                {"user": user, "conversation": id_, "received_seq": at.received, "read_seq": at.read}
                | self._unread.read_counts(connection, user, id_, at)
                for (user, id_), at in changed.items()
            ]
            connection.execute(_MOVE_POINTERS, rows)
        return moved

    def _pointers(self, connection: Connection, wanted: set[Member]) -> dict[Member, MemberState]:
        """Return how far members have got; lock their rows."""
        # In one order, so that two writers cannot deadlock.
        query = (
            _POINTERS if self._database.is_sqlite else f'{_POINTERS} ORDER BY m.user_id COLLATE "C", 2 FOR UPDATE OF m'
        )
        found = look_up(connection, query, sorted(wanted))
        return {(user, conversation): MemberState(*at) for user, conversation, *at in found}


def _is_new(outcome: Outcome) -> TypeGuard[Stored]:
    return isinstance(outcome, Stored) and not outcome.repeated


def _message(send: Send, stored: Stored) -> Message:
    return Message(stored.seq, send.sender_id, send.body, stored.sent_at, send.client_id, send.kind)


_MOVE_POINTERS = (
    update(members)
    .where(members.c.user_id == bindparam("user"), members.c.conversation_id == bindparam("conversation"))
    .values({name: bindparam(name) for name in ("received_seq", "read_seq", "read_sent", "read_counted")})
)
_PLACED = """
WITH wanted (conversation_id, sender_id, client_id) AS ({keys})
SELECT m.conversation_id, m.seq, m.sender_id, m.body, m.sent_at, m.client_id, m.kind
FROM wanted JOIN messages AS m
ON m.client_id = wanted.client_id AND m.conversation_id = wanted.conversation_id AND m.sender_id = wanted.sender_id
"""
# The sum keeps PostgreSQL from reading many conversations in their order, to find those that are wanted among them.
_POINTERS = """
WITH wanted (user_id, conversation_id) AS ({keys})
SELECT m.user_id, m.conversation_id, m.received_seq, m.read_seq, c.last_seq, m.read_sent, m.read_counted,
  c.key, c.first_sent, c.counted_seq, c.first_seq
FROM wanted JOIN members AS m ON m.user_id = wanted.user_id AND m.conversation_id = wanted.conversation_id
JOIN conversations AS c ON c.id = m.conversation_id + 0
"""
