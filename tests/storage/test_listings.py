"""The order of a user's conversations is that of their last messages, at any moment and whoever stored these."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, text

from chat.messages.relisting import Relisting
from chat.server import ChatServer
from chat.storage import look_up, migrate
from chat.storage.records import Send, direct_key
from chat.storage.storage import Storage
from tests.clock import Clock
from tests.storage.conftest import at_revision, open_storage
from tests.storage.test_migrate import database
from tests.storage.test_several_workers import at_once

RIGHT = """
SELECT m.user_id, c.id, sent.sent_at FROM members AS m JOIN conversations AS c ON c.id = m.conversation_id
JOIN messages AS sent ON sent.conversation_id = c.id AND sent.seq = c.last_seq
"""


def listed(storage: Storage, user: str = "alice", limit: int = 50) -> list[str]:
    return [one.state.with_user_id for one in storage.messages.overviews(user, limit)]


def assert_listed_rightly(connection: Connection) -> None:
    """Each conversation is listed for each of its members once, at the time of its last message."""
    found = connection.execute(text("SELECT user_id, conversation_id, last_at FROM listings")).all()
    assert sorted(map(tuple, found)) == sorted(map(tuple, connection.execute(text(RIGHT))))
    assert found, "need some for this to mean anything"


@pytest.fixture
def other(storage: Storage, database_url: str) -> Iterator[Storage]:
    """Another worker on the same database."""
    opened = open_storage(database_url)
    yield opened
    opened.close()


def test_whoever_got_a_message_last_stands_first_even_where_the_clock_was_set_back(
    storage: Storage, clock: Clock
) -> None:
    storage.database.own_clock._clock = clock
    for name, clock.now in (("bob", 5), ("carol", 6), ("alice", 7), ("bob", 4)):
        storage.writer.commit([Send("alice", name, "hi", None)])
    assert listed(storage) == ["alice", "carol", "bob"], "the last message of bob's is the oldest now"
    clock.now = 7
    storage.writer.commit([Send("bob", "alice", "hi", None)])
    assert set(listed(storage)[:2]) == {"alice", "bob"}, "of the same moment"
    with storage.database.reading() as connection:
        assert_listed_rightly(connection)


def test_pages_name_each_conversation_once_though_all_are_of_one_moment(storage: Storage) -> None:
    names = [f"friend{number}" for number in range(25)]
    storage.writer.commit([Send("alice", name, "hi", None) for name in names])
    found: list[str] = []
    place = None
    while page := storage.messages.overviews("alice", 4, place):
        found += [one.state.with_user_id for one in page]
        place = page[-1].last_message.sent_at, found[-1]
    assert sorted(found) == sorted(names)
    assert found == [state.with_user_id for state in storage.messages.standings("alice", 50)]
    assert found == storage.last_seen.partners("alice", 50)
    nobody = storage.messages.overviews("alice", 4, (place[0] if place else 0, "nobody"))
    assert nobody == [], "a cursor of a conversation that there is not stands behind all of its moment"


def test_workers_that_begin_and_go_on_with_the_same_conversations_list_each_once(
    storage: Storage, other: Storage
) -> None:
    names = [f"friend{number}" for number in range(40)]

    def say(worker: Storage, sender: str | None, order: int) -> None:
        for _ in range(5):
            pairs = [(name, "alice") if sender is None else (sender, name) for name in names[::order]]
            worker.writer.commit([Send(*pair, "hi", None) for pair in pairs])

    at_once(lambda: say(storage, "alice", 1), lambda: say(other, None, -1))
    with storage.database.reading() as connection:
        assert connection.execute(text("SELECT min(last_seq) FROM conversations")).scalar() == 10
        assert_listed_rightly(connection)


MESSAGE = "INSERT INTO messages (conversation_id, seq, sender_id, body, sent_at) VALUES (:id, :seq, :sender, 'hi', :at)"


def as_before(connection: Connection, id_: int, other: str, seq: int, at: int) -> None:
    """Store a message of alice as a program of before the listings does."""
    row = {"id": id_, "key": direct_key("alice", other), "seq": seq, "sender": "alice", "at": at, "other": other}
    if seq == 1:
        new = "INSERT INTO conversations (id, kind, key) VALUES (:id, 'direct', :key)"
        connection.execute(text(new), row)
        for user in dict.fromkeys(("alice", other)):
            member = text("INSERT INTO members (user_id, conversation_id) VALUES (:user, :id)")
            connection.execute(member, {"user": user, "id": id_})
    connection.execute(text(MESSAGE), row)
    connection.execute(text("UPDATE conversations SET last_seq = :seq WHERE id = :id"), row)


def test_what_was_stored_before_is_listed_after_the_upgrade(new_database_url: str) -> None:
    opened = database(new_database_url)
    with at_revision(opened, "0020") as connection:
        for id_, name, last in ((1, "bob", 3), (2, "carol", 1), (3, "dan", 2), (4, "alice", 1)):
            for seq in range(1, last + 1):
                as_before(connection, id_, name, seq, 100 * seq + id_)
    migrate.upgrade(opened.engine)
    with opened.reading() as connection:
        assert_listed_rightly(connection)
    opened.close()
    storage = open_storage(new_database_url)
    assert listed(storage) == ["bob", "dan", "alice", "carol"]
    storage.writer.commit([Send("carol", "alice", "hi", None)])
    assert listed(storage)[0] == "carol"
    storage.close()


def test_what_an_older_program_stores_beside_this_one_is_listed_by_the_next_walk(
    chat: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look_up, "WALKED", 2)
    storage = chat.storage
    storage.writer.commit([Send("alice", name, "hi", None) for name in ("bob", "carol", "dan")])
    later = storage.database.now_ms() + 60_000
    with storage.database.transaction() as connection:
        as_before(connection, 1, "bob", 2, later)
        as_before(connection, 10, "eve", 1, later + 1)
        as_before(connection, 11, "fay", 1, later + 2)
    Relisting(storage, lambda walk: walk()).walk()
    assert listed(storage)[:3] == ["fay", "eve", "bob"]
    with storage.database.reading() as connection:
        assert_listed_rightly(connection)


def test_a_conversation_that_an_older_program_began_is_listed_by_its_next_message(storage: Storage) -> None:
    with storage.database.transaction() as connection:
        as_before(connection, 10, "eve", 1, 5)
    assert listed(storage) == []
    storage.writer.commit([Send("eve", "alice", "hi", None)])
    assert listed(storage) == ["eve"]
    with storage.database.reading() as connection:
        assert_listed_rightly(connection)
