"""Owns the writing of messages, at the end of their conversations, and of pointers. Reads nothing for users."""

import logging
from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, select, tuple_, update

from chat.storage.accounts import Accounts
from chat.storage.commit_outcome import is_stored
from chat.storage.database import CommitUnknown, Database, parts
from chat.storage.message_append import MessageAppend
from chat.storage.records import Conflict, Message, Outcome, Pointer, Send, Stored, direct_key, users_of
from chat.storage.schema import MESSAGE, conversations, members, messages

KNOWN_CONVERSATIONS = 100_000  # ids kept in memory, so that a send need not look for them

Pair = tuple[str, str]  # the two users of a conversation, in any order
Mark = tuple[int, str, str | int]  # conversation, sender, and what tells two sends apart


class MessageWriter:
    """Writes to one database. Blocking; for one thread at a time."""

    def __init__(self, database: Database, accounts: Accounts, log: logging.Logger) -> None:
        self._database = database
        self._accounts = accounts
        self._log = log
        # self._ids[one user, the other] = conversation, in both orders; of committed ones only
        self._ids: dict[Pair, int] = {}
        self._grown: set[int] = set()  # conversations, since `grown` was called
        self._insert_conversation = database.insert(conversations).on_conflict_do_nothing()
        self._insert_member = database.insert(members).on_conflict_do_nothing()
        self._message_append = MessageAppend(database.engine)
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

    def grown(self) -> set[int]:
        """Return the conversations that got messages since the last call."""
        grown, self._grown = self._grown, set()
        return grown

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
                    store = self._store_new if look_for_repeats else self._store
                    outcomes = store(connection, places, sends, now)
                moved = self._move(connection, pointers) if pointers else []
        except CommitUnknown:
            if not self._was_stored(places, sends, outcomes):
                raise
        if len(self._ids) > KNOWN_CONVERSATIONS:
            self._ids.clear()
        self._ids |= found
        self._grown.update(places)
        return outcomes, moved

    def _was_stored(self, places: Sequence[int], sends: Sequence[Send], outcomes: Sequence[Outcome]) -> bool:
        """Return whether the commit with these outcomes took place. Of pointers alone: no, so that they
        are moved again, which does no harm.
        """
        for place, send, new in zip(places, sends, outcomes, strict=True):
            if isinstance(new, Stored) and not new.repeated:
                return is_stored(self._database, place, _message(send, new), self._log)
        return False

    # Conversations.

    def _places(self, connection: Connection, sends: Sequence[Send], now: int) -> tuple[list[int], dict[Pair, int]]:
        """Return the conversation of each send; and those that had to be looked for or begun."""
        pairs = [(send.sender_id, send.receiver_id) for send in sends]
        try:
            return [*map(self._ids.__getitem__, pairs)], {}
        except KeyError:
            found = self._conversation_ids(connection, set(pairs), begun_at=now)
            return [found[pair] for pair in pairs], found

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
            query = select(conversations.c.key, conversations.c.id)
            found = connection.execute(query.where(conversations.c.key.in_(part))).all()
            if begun_at is not None:
                both = [(user, id_) for key, id_ in found for user in users_of(key)]
                rows = [{"user_id": user, "conversation_id": id_} for user, id_ in both]
                connection.execute(self._insert_member, rows)
                self._accounts.insert_new(connection, {user for user, _ in both}, begun_at)
            for key, id_ in found:
                one, other = keys[key]
                ids[one, other] = ids[other, one] = id_
        return ids

    # Messages.

    def _store(self, connection: Connection, places: Sequence[int], sends: Sequence[Send], now: int) -> list[Stored]:
        """Store messages that are all new."""
        cursor = connection.connection.cursor()
        seqs = self._message_append.append(cursor, places, sends, now)
        return [Stored(seq, now, False) for seq in seqs]

    def _store_new(
        self, connection: Connection, places: Sequence[int], sends: Sequence[Send], now: int
    ) -> list[Outcome]:
        """Store those that are not there yet."""
        marks = [_mark(place, send, number) for number, (place, send) in enumerate(zip(places, sends, strict=True))]
        # placed[mark]: the message of that mark, where it lies or will lie after the commit
        placed = self._placed(connection, marks)
        told = set(placed)
        new: dict[Mark, Send] = {}
        for mark, send in zip(marks, sends, strict=True):
            if mark not in placed:
                new.setdefault(mark, send)
        if new:
            stored = self._store(connection, [mark[0] for mark in new], [*new.values()], now)
            for (mark, send), outcome in zip(new.items(), stored, strict=True):
                placed[mark] = _message(send, outcome)
        outcomes: list[Outcome] = []
        for send, mark in zip(sends, marks, strict=True):
            message = placed[mark]
            is_same = message.body == send.body
            repeat = Stored(message.seq, message.sent_at, repeated=mark in told)
            outcomes.append(repeat if is_same else Conflict(message.seq))
            told.add(mark)
        return outcomes

    def _placed(self, connection: Connection, marks: Sequence[Mark]) -> dict[Mark, Message]:
        """Return the messages that are stored under one of the marks already."""
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

    # Pointers.

    def _move(self, connection: Connection, pointers: Sequence[Pointer]) -> list[Pointer | None]:
        pairs = [(pointer.user_id, pointer.with_user_id) for pointer in pointers]
        ids = self._conversation_ids(connection, set(pairs))
        now_at = self._pointers(connection, {(pair[0], ids[pair]) for pair in pairs if pair in ids})
        moved: list[Pointer | None] = []
        changed = {}
        for pointer, pair in zip(pointers, pairs, strict=True):
            member = (pointer.user_id, ids.get(pair, 0))
            old_received, old_read, last = now_at.get(member, (0, 0, 0))
            read = max(old_read, min(pointer.read, last))
            received = max(old_received, min(pointer.received, last), read)
            if (received, read) == (old_received, old_read):
                moved.append(None)
                continue
            now_at[member] = received, read, last
            changed[member] = {"received_seq": received, "read_seq": read}
            moved.append(pointer._replace(received=received, read=read))
        if changed:
            rows = [{"user": u, "conversation": c, **new} for (u, c), new in changed.items()]
            connection.execute(self._move_pointers, rows)
        return moved

    def _pointers(
        self, connection: Connection, wanted: set[tuple[str, int]]
    ) -> dict[tuple[str, int], tuple[int, int, int]]:
        """Return (received, read, last seq of the conversation) of members; lock their rows."""
        m, c = members.c, conversations.c
        query = (
            select(m.user_id, m.conversation_id, m.received_seq, m.read_seq, c.last_seq)
            .join_from(members, conversations, c.id == m.conversation_id)
            .order_by(m.user_id, m.conversation_id)
            .with_for_update(of=members)
        )
        by_member = tuple_(m.user_id, m.conversation_id)
        return {
            (user, conversation): (received, read, last)
            for part in parts(sorted(wanted))
            for user, conversation, received, read, last in connection.execute(query.where(by_member.in_(part)))
        }


def _mark(conversation: int, send: Send, number: int) -> Mark:
    """Return what makes two sends one: their clientId; a send without one is like no other."""
    return conversation, send.sender_id, number if send.client_id is None else send.client_id


def _message(send: Send, stored: Stored) -> Message:
    return Message(stored.seq, send.sender_id, send.body, stored.sent_at, send.client_id)
