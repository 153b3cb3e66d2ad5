"""The questions asked of the database, as named methods. Blocking: called in threads, off the loop.

Does not know who is online, and nothing of events: what goes in and comes out are the plain records
of `records.py`. The same statements run on SQLite and on PostgreSQL.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import (
    Connection,
    NullPool,
    bindparam,
    create_engine,
    event,
    func,
    insert,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from chat.storage.records import (
    Conflict,
    Message,
    Outcome,
    Overview,
    Pointer,
    Send,
    Standing,
    Stored,
    direct_key,
    other_of,
    users_of,
)
from chat.storage.schema import conversations, members, messages

KNOWN_CONVERSATIONS = 100_000  # ids kept in memory, so that a send need not ask for them
BUSY_SECONDS = 10  # how long a commit waits for another process that holds SQLite's lock
IN_ONE_QUESTION = 500  # values of an IN (...), below every database's bound

T = TypeVar("T")
Mark = tuple[int, str, str | int]  # conversation, sender, and what tells two sends apart


class Store:
    """One database.

    `commit` is called by one thread at a time, everything else by any.

    Args:
        url: SQLAlchemy's, of SQLite or of PostgreSQL with psycopg 3.
        clock: Unix time in seconds.
    """

    def __init__(self, url: str, clock: Callable[[], float] = time.time) -> None:
        insert_new: Any
        if url.startswith("postgresql"):
            self.engine = create_engine(url, poolclass=NullPool, paramstyle="format")
            insert_new = postgresql.insert
        else:
            arguments = {"check_same_thread": False, "timeout": BUSY_SECONDS}
            self.engine = create_engine(url, poolclass=NullPool, connect_args=arguments)
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
            insert_new = sqlite.insert
        self._clock = clock
        driver: Any = self.engine.dialect.dbapi
        self._unique_broken = (IntegrityError, driver.IntegrityError)
        self._ids: dict[str, int] = {}  # conversation key -> id; of committed ones only
        self._writer: Connection | None = None
        self._readers: deque[Connection] = deque()  # idle; a reader takes one out and puts it back
        self._insert_conversation = insert_new(conversations).on_conflict_do_nothing()
        self._insert_member = insert_new(members).on_conflict_do_nothing()
        # The two hot statements, compiled once and given to the driver with plain tuples:
        # SQLAlchemy's own way through a list of parameters takes as long as SQLite does.
        self._insert_message = str(insert(messages).compile(self.engine))
        self._take_seqs = str(
            update(conversations)
            .values(last_seq=conversations.c.last_seq + bindparam("count"))
            .where(conversations.c.id == bindparam("conversation"))
            .returning(conversations.c.last_seq)
            .compile(self.engine)
        )
        self._move_pointers = (
            update(members)
            .where(members.c.user_id == bindparam("user"))
            .where(members.c.conversation_id == bindparam("conversation"))
            .values(received_seq=bindparam("received_seq"), read_seq=bindparam("read_seq"))
        )

    # Writing.

    def commit(
        self, sends: Sequence[Send], pointers: Sequence[Pointer] = ()
    ) -> tuple[list[Outcome], list[Pointer | None]]:
        """Store the messages in their order, then move the pointers, all in one transaction.

        Returns one outcome for each send; and for each pointer where both of the member's stand now,
        or None where they stood there before: they never move back, nor beyond the last message.
        When this returns, all is on the disk; when it raises, nothing is.

        Raises:
            SQLAlchemyError, or the driver's own error: the database is full, locked, gone, ...
        """
        try:
            return self._commit(sends, pointers, look_for_repeats=False)
        except (
            self._unique_broken
        ):  # a repeat. They are rare, so they are looked for when one was met.
            return self._commit(sends, pointers, look_for_repeats=True)

    def _commit(
        self, sends: Sequence[Send], pointers: Sequence[Pointer], look_for_repeats: bool
    ) -> tuple[list[Outcome], list[Pointer | None]]:
        with self._transaction() as connection:
            ids = self._conversation_ids(connection, {send.key for send in sends}, begin=True)
            outcomes = self._append(connection, ids, sends, look_for_repeats) if sends else []
            moved = self._advance(connection, pointers) if pointers else []
        if len(self._ids) > KNOWN_CONVERSATIONS:
            self._ids.clear()
        self._ids |= ids
        return outcomes, moved

    def _append(
        self,
        connection: Connection,
        ids: dict[str, int],
        sends: Sequence[Send],
        look_for_repeats: bool,
    ) -> list[Outcome]:
        marks = [_mark(ids[send.key], send, number) for number, send in enumerate(sends)]
        # placed[mark]: the message of that mark, where it lies or will lie after the commit
        placed = self._placed(connection, marks) if look_for_repeats else {}
        told = set(placed)
        fresh: dict[int, dict[Mark, Send]] = {}  # conversation -> what is new in it, in order
        for mark, send in zip(marks, sends, strict=True):
            if mark not in placed:
                fresh.setdefault(mark[0], {}).setdefault(mark, send)
        now, rows = int(self._clock() * 1000), []
        cursor = _driver_cursor(connection)
        for conversation in sorted(fresh):  # in one order, so that two writers cannot deadlock
            new = fresh[conversation]
            cursor.execute(self._take_seqs, (len(new), conversation))
            last = cursor.fetchone()[0]
            for seq, (mark, send) in enumerate(new.items(), last - len(new) + 1):
                placed[mark] = Message(seq, send.sender_id, send.body, now, send.client_id)
                rows.append((conversation, seq, send.sender_id, send.client_id, send.body, now))
        if rows:
            cursor.executemany(self._insert_message, rows)
        outcomes = []
        for send, mark in zip(sends, marks, strict=True):
            outcomes.append(_outcome(send, placed[mark], repeated=mark in told))
            told.add(mark)
        return outcomes

    def _conversation_ids(
        self, connection: Connection, keys: set[str], begin: bool
    ) -> dict[str, int]:
        """Find the conversations, and begin those that are not there yet if `begin`."""
        ids = {key: self._ids[key] for key in keys if key in self._ids}
        for part in _parts(sorted(keys - ids.keys())):
            if begin:
                rows = [{"kind": "direct", "key": key} for key in part]
                connection.execute(self._insert_conversation, rows)
            question = select(conversations.c.key, conversations.c.id)
            found = connection.execute(question.where(conversations.c.key.in_(part)))
            ids.update({row[0]: row[1] for row in found})
            if begin:
                both = [
                    {"user_id": user, "conversation_id": ids[key]}
                    for key in part
                    for user in users_of(key)
                ]
                connection.execute(self._insert_member, both)
        return ids

    def _placed(self, connection: Connection, marks: Sequence[Mark]) -> dict[Mark, Message]:
        """The messages that are stored under one of the marks already."""
        wanted = sorted({mark for mark in marks if isinstance(mark[2], str)})
        for part in _parts(sorted({mark[0] for mark in wanted})):
            # No other writer can put one of them in between the look and the insert.
            lock = select(conversations.c.id).where(conversations.c.id.in_(part))
            connection.execute(lock.order_by(conversations.c.id).with_for_update())
        c = messages.c
        by_mark = tuple_(c.conversation_id, c.sender_id, c.client_id)
        placed: dict[Mark, Message] = {}
        for some in _parts(wanted):
            rows = connection.execute(select(c.conversation_id, *_MESSAGE).where(by_mark.in_(some)))
            for conversation, *rest in rows:
                message = Message(*rest)
                placed[conversation, message.sender_id, str(message.client_id)] = message
        return placed

    def _advance(self, connection: Connection, pointers: Sequence[Pointer]) -> list[Pointer | None]:
        ids = self._conversation_ids(connection, {pointer.key for pointer in pointers}, begin=False)
        stand = self._pointers(
            connection, {(p.user_id, ids[p.key]) for p in pointers if p.key in ids}
        )
        moved: list[Pointer | None] = []
        changed = {}
        for pointer in pointers:
            member = (pointer.user_id, ids.get(pointer.key, 0))
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
            for part in _parts(sorted(wanted))
            for user, conversation, received, read, last in connection.execute(
                question.where(by_member.in_(part))
            )
        }

    # Reading.

    def overviews(
        self, user_id: str, limit: int, before: tuple[int, str] | None = None
    ) -> list[Overview]:
        """The user's conversations, the one with the newest message first.

        Args:
            before: (sent_at of its last message, the other user) of one of them: only those after it
                in that order. A place, not a count: a conversation that gets a message meanwhile moves
                up and shifts nobody onto another page. None: from the first.
        """
        c, mine, last = conversations.c, members.c, messages.alias("last").c
        # The page by itself, so that unread messages are not counted of what is not on it.
        page_of = (
            select(
                c.id, c.key, c.last_seq, mine.received_seq, mine.read_seq,
                last.seq, last.sender_id, last.body, last.sent_at, last.client_id,
            )
            .where(mine.user_id == user_id, c.id == mine.conversation_id)
            .where(last.conversation_id == c.id, last.seq == c.last_seq)
            .order_by(last.sent_at.desc(), c.key.desc())
            .limit(limit)
        )  # fmt: skip
        if before is not None:
            place = before[0], direct_key(user_id, before[1])
            page_of = page_of.where(tuple_(last.sent_at, c.key) < place)
        page = page_of.subquery("page").c
        unread = (
            select(func.count())
            .where(
                messages.c.conversation_id == page.id,
                messages.c.seq > page.read_seq,
                messages.c.sender_id != user_id,
            )
            .scalar_subquery()
        )
        question = select(*page, unread).order_by(page.sent_at.desc(), page.key.desc())
        with self._reading() as connection:
            rows = connection.execute(question).all()
            theirs = self._theirs(connection, user_id, [(id_, key) for id_, key, *_ in rows])
        overviews = []
        for id_, key, last_seq, received, read, *message, unread in rows:
            their_received, their_read = theirs.get(id_, (0, 0))
            overviews.append(
                Overview(
                    with_user_id=other_of(key, user_id), last_seq=last_seq, received=received,
                    read=read, their_received=their_received, their_read=their_read,
                    unread=unread, last_message=Message(*message),
                )
            )  # fmt: skip
        return overviews

    def history(
        self, one: str, other: str, limit: int, before: int | None = None, after: int | None = None
    ) -> list[Message]:
        """Messages of two users' conversation, in order of `seq`.

        Args:
            before: only smaller `seq`s; the last `limit` of them. None: no upper bound.
            after: only larger `seq`s; with it, the first `limit` of them. None: no lower bound.
        """
        c = messages.c
        conversation = (
            select(conversations.c.id)
            .where(conversations.c.key == direct_key(one, other))
            .scalar_subquery()
        )
        question = select(*_MESSAGE).where(c.conversation_id == conversation).limit(limit)
        if before is not None:
            question = question.where(c.seq < before)
        if after is not None:
            question = question.where(c.seq > after)
        newest_first = after is None
        question = question.order_by(c.seq.desc() if newest_first else c.seq)
        with self._reading() as connection:
            found = [Message(*row) for row in connection.execute(question)]
        return found[::-1] if newest_first else found

    def standings(self, user_id: str, limit: int) -> list[Standing]:
        """How far the user's conversations have got, the one with the newest message first."""
        c, mine, last = conversations.c, members.c, messages.alias("last").c
        question = (
            select(c.id, c.key, c.last_seq, mine.received_seq, mine.read_seq)
            .where(mine.user_id == user_id, c.id == mine.conversation_id)
            .where(last.conversation_id == c.id, last.seq == c.last_seq)
            .order_by(last.sent_at.desc(), c.key.desc())
            .limit(limit)
        )
        with self._reading() as connection:
            rows = connection.execute(question).all()
            theirs = self._theirs(connection, user_id, [(id_, key) for id_, key, *_ in rows])
        return [
            Standing(other_of(key, user_id), last_seq, received, read, *theirs.get(id_, (0, 0)))
            for id_, key, last_seq, received, read in rows
        ]

    def _theirs(
        self, connection: Connection, user_id: str, wanted: list[tuple[int, str]]
    ) -> dict[int, tuple[int, int]]:
        """The other sides' (received, read) of conversations, given as (id, key).

        Asked by the primary key: members have no index that is led by the conversation.
        """
        m = members.c
        others = [(other_of(key, user_id), id_) for id_, key in wanted]
        question = select(m.conversation_id, m.received_seq, m.read_seq)
        return {
            id_: (received, read)
            for part in _parts([member for member in others if member[0] != user_id])
            for id_, received, read in connection.execute(
                question.where(tuple_(m.user_id, m.conversation_id).in_(part))
            )
        }

    def missed(self, user_id: str, limit: int) -> list[Message]:
        """What others wrote to the user beyond what they have received, the oldest first.
        There is no cursor: with the pointers moved, the next call goes on. One over
        the time or a number would lose what commits late.
        """
        me, m = members.c, messages.c
        question = (
            select(*_MESSAGE)
            .join_from(members, messages, m.conversation_id == me.conversation_id)
            .where(me.user_id == user_id, m.seq > me.received_seq, m.sender_id != user_id)
            .order_by(m.sent_at, m.conversation_id, m.seq)
            .limit(limit)
        )
        with self._reading() as connection:
            return [Message(*row) for row in connection.execute(question)]

    # Connections.

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """The writer's connection within a transaction; after a failure the next one is a new one."""
        if self._writer is None:
            self._writer = self.engine.connect().execution_options(writes=True)
        try:
            with self._writer.begin():
                yield self._writer
        except self._unique_broken:
            raise
        except BaseException:
            writer, self._writer = self._writer, None
            writer.invalidate()
            writer.close()
            raise

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        try:
            connection = self._readers.pop()
        except IndexError:
            connection = self.engine.connect()
        try:
            with connection.begin():
                yield connection
        except BaseException:
            connection.invalidate()
            connection.close()
            raise
        self._readers.append(connection)

    def close(self) -> None:
        for connection in [*self._readers, *([self._writer] if self._writer else [])]:
            connection.close()
        self._readers.clear()
        self._writer = None
        self.engine.dispose()


_MESSAGE = (
    messages.c.seq,
    messages.c.sender_id,
    messages.c.body,
    messages.c.sent_at,
    messages.c.client_id,
)


def _mark(conversation: int, send: Send, number: int) -> Mark:
    """What makes two sends one: their clientId; a send without one is like no other."""
    return conversation, send.sender_id, number if send.client_id is None else send.client_id


def _outcome(send: Send, message: Message, repeated: bool) -> Outcome:
    if message.body != send.body:
        return Conflict(message.seq)
    return Stored(message.seq, message.sent_at, repeated)


def _parts(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), IN_ONE_QUESTION):
        yield values[start : start + IN_ONE_QUESTION]


def _driver_cursor(connection: Connection) -> Any:
    return connection.connection.cursor()


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """WAL, so that readers and the writer do not wait for each other; FULL, so that what was committed
    survives a power cut, not only a crash of the process."""
    connection.isolation_level = None  # BEGIN is said in `_begin_sqlite`
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # IMMEDIATE takes the lock at once: a transaction that began by reading cannot wait for it.
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
