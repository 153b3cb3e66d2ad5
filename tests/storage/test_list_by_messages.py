"""What lists tell is what the messages themselves say, after any mixture of what two workers and an older program do."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from chat.storage import unread
from chat.storage.records import Pointer, Send, other_of
from chat.storage.storage import Storage
from tests.storage.conftest import open_storage

USERS = ["Z", "a", "é", "한나", "\U00010400x"]  # in another order by most collations
STEPS = 60
CONVERSATIONS = """
SELECT c.id, c.key, c.last_seq, c.first_seq, mine.received_seq, mine.read_seq, last.sent_at,
  (SELECT count(*) FROM messages AS m WHERE m.conversation_id = c.id AND m.seq > mine.read_seq AND m.sender_id <> :user) AS unread
FROM members AS mine JOIN conversations AS c ON c.id = mine.conversation_id
JOIN messages AS last ON last.conversation_id = c.id AND last.seq = c.last_seq
WHERE mine.user_id = :user ORDER BY last.sent_at DESC, c.id DESC
"""


class _StoppedError(Exception):
    """In the place of a process that ends before its commit."""


@pytest.fixture
def workers(storage: Storage, database_url: str) -> Iterator[list[Storage]]:
    other = open_storage(database_url)
    yield [storage, other]
    other.close()


@pytest.mark.parametrize("seed", range(2))
def test_lists_their_pages_and_what_is_unread_are_what_the_messages_say(
    workers: list[Storage], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(unread, "LOOKED_AT", 2)
    dice = random.Random(seed)
    now = [1_000]
    for worker in workers:
        worker.database.own_clock._clock = lambda: now[0] / 1_000
    some_unread = 0
    for _ in range(STEPS):
        now[0] += dice.choice([0, 0, 1, 50, -20])
        _act(dice, dice.choice(workers), now[0])
        user, reader = dice.choice(USERS), dice.choice(workers)
        with reader.database.reading() as connection:
            rows = connection.execute(text(CONVERSATIONS), {"user": user}).all()
        said = [(other_of(r.key, user), r.last_seq, r.first_seq, r.received_seq, r.read_seq, r.unread) for r in rows]
        assert [_told(state) for state in reader.messages.standings(user, 50)] == said
        listed, place = [], None
        while page := reader.messages.overviews(user, 2, place):
            listed += [_told(one.state) for one in page]
            assert len(listed) <= len(said)
            place = page[-1].listed_at, page[-1].state.with_user_id
        assert listed == said
        some_unread += sum(row.unread for row in rows)
    assert some_unread, "need some for this to mean anything"


def _told(state: object) -> tuple[object, ...]:
    names = ("with_user_id", "last_seq", "first_seq", "received", "read", "unread")
    return tuple(getattr(state, name) for name in names)


def _act(dice: random.Random, worker: Storage, now: int) -> None:
    sends = [Send(dice.choice(USERS), dice.choice(USERS), "hi", None) for _ in range(dice.choice([1, 2, 9]))]
    moved = [
        Pointer(dice.choice(USERS), dice.choice(USERS), dice.randrange(12), dice.choice([1, 2, 3, 5, 9]))
        for _ in range(3)
    ]
    match dice.choice(["write", "write", "read", "read", "stop", "erase", "older"]):
        case "write":
            worker.writer.commit(sends, moved)
        case "read":
            worker.writer.commit([], moved)
        case "stop":
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(worker.writer, "_move", _stop)
                with pytest.raises(_StoppedError):
                    worker.writer.commit(sends, moved)
        case "erase":
            before = now - dice.choice([-1, 0, 60])
            for place in worker.erasure.old(0, before)[0][:2]:
                worker.erasure.erase(place, before)
        case "older":
            user = dice.choice(USERS)
            others = _as_older(worker, user, now)
            worker.writer.commit([], moved)
            if dice.random() < 0.5:  # the next messages put it right, or a walk does
                worker.writer.commit([Send(user, other, "hi", None) for other in others])
            for place in worker.listings.left_behind(worker.database, 0)[0]:
                worker.listings.mend(worker.database, place)


def _stop(*_: object) -> None:
    raise _StoppedError


def _as_older(worker: Storage, user: str, now: int) -> list[str]:
    """Write to a user's conversations, and read in them, as a program of before the listings does. Returns the others."""
    with worker.database.transaction() as connection:
        rows = connection.execute(text(CONVERSATIONS), {"user": user}).all()
        for row in rows:
            bound = {"id": row.id, "seq": row.last_seq + 1, "user": user, "now": now, "read": row.last_seq}
            message = "INSERT INTO messages (conversation_id, seq, sender_id, body, sent_at)"
            connection.execute(text(f"{message} VALUES (:id, :seq, :user, 'hi', :now)"), bound)
            connection.execute(text("UPDATE conversations SET last_seq = :seq WHERE id = :id"), bound)
            pointers = "UPDATE members SET received_seq = :read, read_seq = :read"
            connection.execute(text(f"{pointers} WHERE conversation_id = :id AND user_id = :user"), bound)
    return [other_of(row.key, user) for row in rows]
