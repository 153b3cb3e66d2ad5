"""What is written: messages at the end of their conversations, and pointers. Blocking, in one thread."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import Any

from sqlalchemy import Connection, bindparam, select, tuple_, update

from chat.storage.accounts import new_accounts
from chat.storage.commit_outcome import InDoubt, is_stored
from chat.storage.database import Database, parts
from chat.storage.message_append import Appender
from chat.storage.records import (
    Conflict,
    Message,
    Outcome,
    Pointer,
    Send,
    Stored,
    direct_key,
    users_of,
)
from chat.storage.schema import MESSAGE, accounts, conversations, members, messages

KNOWN_CONVERSATIONS = 100_000  # ids kept in memory, so that a send need not ask for them

Pair = tuple[str, str]  # the two users of a conversation, in any order
Mark = tuple[int, str, str | int]  # conversation, sender, and what tells two sends apart


class Writer:
    """Writes to one database. For one thread at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # self._ids[one user, the other] = conversation, in both orders; of committed ones only
        self._ids: dict[Pair, int] = {}
        self._grown: set[int] = (
            set()
        )  # conversations, since `grown` was called; guarded by the lock
        self._grown_lock = Lock()
        self._insert_conversation = database.insert(conversations).on_conflict_do_nothing()
        self._insert_member = database.insert(members).on_conflict_do_nothing()
        self._insert_account = database.insert(accounts).on_conflict_do_nothing()
        self._appender = Appender(database.engine)
        self._move_pointers = (
            update(members)
            .where(members.c.user_id == bindparam("user"))
            .where(members.c.conversation_id == bindparam("conversation"))
            .values(received_seq=bindparam("received_seq"), read_seq=bindparam("read_seq"))
        )

    def commit(
        self, sends: Sequence[Send], pointers: Sequence[Pointer] = ()
    ) -> tuple[Sequence[Outcome], Sequence[Pointer | None]]:
        """Store the messages in their order, then move the pointers, all in one transaction.

        Returns one outcome for each send; and for each pointer where both of the member's stand now,
        or None where they stood there before: they never move back, nor beyond the last message.
        When this returns, all is on the disk; when it raises, nothing is.

        Raises:
            SQLAlchemyError, or the driver's own error: the database is full, locked, gone, ...
        """
        try:
            return self._commit(sends, pointers, look_for_repeats=False)
        except self._database.unique_broken:  # a repeat: rare, so looked for when one was met
            return self._commit(sends, pointers, look_for_repeats=True)

    def _commit(
        self, sends: Sequence[Send], pointers: Sequence[Pointer], look_for_repeats: bool
    ) -> tuple[Sequence[Outcome], Sequence[Pointer | None]]:
        found: dict[Pair, int] = {}
        places: Sequence[int] = []
        outcomes: Sequence[Outcome] = []
        try:
            with self._database.transaction() as connection:
                if sends:
                    now = self._database.now_ms()
                    places, found = self._places(connection, sends, now)
                    if look_for_repeats:
                        outcomes = self._append_what_is_new(connection, places, sends, now)
                    else:
                        outcomes = self._append(connection, places, sends, now)
                moved = self._advance(connection, pointers) if pointers else []
        except InDoubt:
            if not self._is_stored(places, sends, outcomes):
                raise
        if len(self._ids) > KNOWN_CONVERSATIONS:
            self._ids.clear()
        self._ids |= found
        with self._grown_lock:
            self._grown.update(places)
        return outcomes, moved

    def grown(self) -> set[int]:
        """The conversations that got messages since the last call. For any thread."""
        with self._grown_lock:
            grown, self._grown = self._grown, set()
        return grown

    def _is_stored(
        self, places: Sequence[int], sends: Sequence[Send], outcomes: Sequence[Outcome]
    ) -> bool:
        """Whether the commit took place that these came of. Of pointers alone: no, so that they are
        moved again, which does no harm.
        """
        for place, send, outcome in zip(places, sends, outcomes, strict=True):
            if isinstance(outcome, Stored) and not outcome.repeated:
                message = Message(
                    outcome.seq, send.sender_id, send.body, outcome.sent_at, send.client_id
                )
                return is_stored(self._database, place, message)
        return False

    def _places(
        self, connection: Connection, sends: Sequence[Send], now: int
    ) -> tuple[list[int], dict[Pair, int]]:
        """The conversation of each send; and those that had to be asked for or begun."""
        pairs = [(send.sender_id, send.receiver_id) for send in sends]
        try:
            return [*map(self._ids.__getitem__, pairs)], {}
        except KeyError:
            found = self._conversation_ids(connection, set(pairs), begun_at=now)
            return [found[pair] for pair in pairs], found

    def _append(
        self, connection: Connection, places: Sequence[int], sends: Sequence[Send], now: int
    ) -> list[Stored]:
        seqs = self._appender.append(_driver_cursor(connection), places, sends, now)
        return [Stored(seq, now, False) for seq in seqs]

    def _append_what_is_new(
        self, connection: Connection, places: Sequence[int], sends: Sequence[Send], now: int
    ) -> list[Outcome]:
        marks = [
            _mark(place, send, number)
            for number, (place, send) in enumerate(zip(places, sends, strict=True))
        ]
        # placed[mark]: the message of that mark, where it lies or will lie after the commit
        placed = self._placed(connection, marks)
        told = set(placed)
        fresh: dict[Mark, Send] = {}
        for mark, send in zip(marks, sends, strict=True):
            if mark not in placed:
                fresh.setdefault(mark, send)
        stored = (
            self._append(connection, [mark[0] for mark in fresh], [*fresh.values()], now)
            if fresh
            else []
        )
        for (mark, send), new in zip(fresh.items(), stored, strict=True):
            placed[mark] = Message(new.seq, send.sender_id, send.body, new.sent_at, send.client_id)
        outcomes = []
        for send, mark in zip(sends, marks, strict=True):
            outcomes.append(_outcome(send, placed[mark], repeated=mark in told))
            told.add(mark)
        return outcomes

    def _conversation_ids(
        self, connection: Connection, pairs: set[Pair], begun_at: int | None = None
    ) -> dict[Pair, int]:
        """Find the conversations; with a time, begin those that are not there yet."""
        ids = {pair: self._ids[pair] for pair in pairs if pair in self._ids}
        keys = {direct_key(*pair): pair for pair in pairs - ids.keys()}
        for part in parts(sorted(keys)):
            if begun_at is not None:
                rows = [{"kind": "direct", "key": key} for key in part]
                connection.execute(self._insert_conversation, rows)
            question = select(conversations.c.key, conversations.c.id)
            found = connection.execute(question.where(conversations.c.key.in_(part))).all()
            if begun_at is not None:
                both = [
                    {"user_id": user, "conversation_id": id_}
                    for key, id_ in found
                    for user in users_of(key)
                ]
                connection.execute(self._insert_member, both)
                names = {str(row["user_id"]) for row in both}
                connection.execute(self._insert_account, new_accounts(names, begun_at))
            for key, id_ in found:
                one, other = keys[key]
                ids[one, other] = ids[other, one] = id_
        return ids

    def _placed(self, connection: Connection, marks: Sequence[Mark]) -> dict[Mark, Message]:
        """The messages that are stored under one of the marks already."""
        wanted = sorted({mark for mark in marks if isinstance(mark[2], str)})
        for part in parts(sorted({mark[0] for mark in wanted})):
            # No other writer can put one of them in between the look and the insert.
            lock = select(conversations.c.id).where(conversations.c.id.in_(part))
            connection.execute(lock.order_by(conversations.c.id).with_for_update())
        c = messages.c
        by_mark = tuple_(c.conversation_id, c.sender_id, c.client_id)
        placed: dict[Mark, Message] = {}
        for some in parts(wanted):
            rows = connection.execute(select(c.conversation_id, *MESSAGE).where(by_mark.in_(some)))
            for conversation, *rest in rows:
                message = Message(*rest)
                placed[conversation, message.sender_id, str(message.client_id)] = message
        return placed

    def _advance(self, connection: Connection, pointers: Sequence[Pointer]) -> list[Pointer | None]:
        pairs = [(pointer.user_id, pointer.with_user_id) for pointer in pointers]
        ids = self._conversation_ids(connection, set(pairs))
        stand = self._pointers(connection, {(pair[0], ids[pair]) for pair in pairs if pair in ids})
        moved: list[Pointer | None] = []
        changed = {}
        for pointer, pair in zip(pointers, pairs, strict=True):
            member = (pointer.user_id, ids.get(pair, 0))
            old_received, old_read, last = stand.get(member, (0, 0, 0))
            read = max(old_read, min(pointer.read, last))
            received = max(old_received, min(pointer.received, last), read)
            if (received, read) == (old_received, old_read):
                moved.append(None)
                continue
            stand[member] = received, read, last
            changed[member] = {"received_seq": received, "read_seq": read}
            moved.append(pointer._replace(received=received, read=read))
        if changed:
            rows = [{"user": u, "conversation": c, **new} for (u, c), new in changed.items()]
            connection.execute(self._move_pointers, rows)
        return moved

    def _pointers(
        self, connection: Connection, wanted: set[tuple[str, int]]
    ) -> dict[tuple[str, int], tuple[int, int, int]]:
        """(received, read, last seq of the conversation) of members; holds their rows' locks."""
        m, c = members.c, conversations.c
        question = (
            select(m.user_id, m.conversation_id, m.received_seq, m.read_seq, c.last_seq)
            .join_from(members, conversations, c.id == m.conversation_id)
            .order_by(m.user_id, m.conversation_id)
            .with_for_update(of=members)
        )
        by_member = tuple_(m.user_id, m.conversation_id)
        return {
            (user, conversation): (received, read, last)
            for part in parts(sorted(wanted))
            for user, conversation, received, read, last in connection.execute(
                question.where(by_member.in_(part))
            )
        }


def _mark(conversation: int, send: Send, number: int) -> Mark:
    """What makes two sends one: their clientId; a send without one is like no other."""
    return conversation, send.sender_id, number if send.client_id is None else send.client_id


def _outcome(send: Send, message: Message, repeated: bool) -> Outcome:
    if message.body != send.body:
        return Conflict(message.seq)
    return Stored(message.seq, message.sent_at, repeated)


def _driver_cursor(connection: Connection) -> Any:
    return connection.connection.cursor()
