"""What is unread is counted by numbers that the commits keep; it is what counting the messages one by one would say."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import Connection, text

from chat.storage import migrate, unread
from chat.storage.examination import examine
from chat.storage.records import Pointer, Send
from chat.storage.storage import Storage
from tests.storage.conftest import at_revision, open_storage
from tests.storage.test_listings import as_before
from tests.storage.test_migrate import database
from tests.storage.test_several_workers import at_once

USERS = ["al", "alice", "bob", "Zoe", "한나"]
ONE_BY_ONE = """
SELECT m.user_id, c.id, (SELECT count(*) FROM messages AS sent WHERE sent.conversation_id = c.id AND sent.seq > m.read_seq
  AND sent.sender_id <> m.user_id), c.key
FROM members AS m JOIN conversations AS c ON c.id = m.conversation_id
"""


def say(storage: Storage, sender: str, to: str, count: int = 1) -> None:
    storage.writer.commit([Send(sender, to, "hi", None) for _ in range(count)])


def read(storage: Storage, user: str, other: str, seq: int) -> None:
    storage.writer.commit([], [Pointer(user, other, seq, seq)])


def unread_of(storage: Storage, user: str = "alice") -> dict[str, int]:
    told = {state.with_user_id: state.unread for state in storage.messages.standings(user, 100)}
    assert {one.state.with_user_id: one.state.unread for one in storage.messages.overviews(user, 100)} == told
    return told


def one_by_one(storage: Storage) -> dict[tuple[str, str], int]:
    with storage.database.reading() as connection:
        return {
            (user, next((name for name in key.split("\x1f") if name != user), user)): min(count, unread.UNREAD_COUNTED)
            for user, _, count, key in connection.execute(text(ONE_BY_ONE))
        }


def assert_right(storage: Storage) -> None:
    told = {(user, other): count for user in USERS for other, count in unread_of(storage, user).items()}
    assert told == one_by_one(storage)
    found = examine(storage.database, lambda _done, _total: None)
    assert (found.unread, found.lists) == ([], []), "need `check` to say what the messages do"
    assert any(told.values()), "need some for this to mean anything"


@pytest.fixture
def other_worker(storage: Storage, database_url: str) -> Storage:
    return open_storage(database_url)


@pytest.mark.parametrize("seed", range(3))
def test_it_is_right_whoever_writes_reads_and_is_erased_in_any_order(storage: Storage, seed: int) -> None:
    dice = random.Random(seed)
    clock = iter(range(1, 10_000))
    storage.database.own_clock._clock = lambda: next(clock)
    for _ in range(12):
        for _ in range(dice.randrange(1, 6)):
            say(storage, dice.choice(USERS), dice.choice(USERS), dice.randrange(1, 6))
        for _ in range(dice.randrange(4)):
            one, two = dice.sample(USERS, 2)
            read(storage, one, two, dice.randrange(12))
        if dice.random() < 0.3:
            places, _ = storage.erasure.old(0, 1_000_000)
            storage.erasure.erase(dice.choice(places), storage.database.now_ms() - dice.randrange(20_000))
    say(storage, "bob", "alice")
    assert_right(storage)


def test_nothing_is_counted_message_by_message_where_the_numbers_say_it(storage: Storage) -> None:
    say(storage, "bob", "alice", 30)
    say(storage, "alice", "bob", 3)
    read(storage, "alice", "bob", 10)
    assert unread_of(storage) == {"bob": 20}
    with storage.database.transaction() as connection:
        connection.execute(text("DELETE FROM messages WHERE seq < 33"))
    assert unread_of(storage) == {"bob": 20}, "the messages were not looked at"


def test_far_behind_no_more_is_counted_than_is_told(storage: Storage) -> None:
    say(storage, "bob", "alice", unread.UNREAD_COUNTED + 50)
    read(storage, "alice", "bob", 10)
    assert unread_of(storage) == {"bob": unread.UNREAD_COUNTED}
    say(storage, "bob", "alice", 5)
    assert unread_of(storage) == {"bob": unread.UNREAD_COUNTED}
    read(storage, "alice", "bob", 1_000)
    assert unread_of(storage) == {"bob": 55}


def test_a_pointer_that_moves_looks_at_a_bounded_number_of_ones_own_messages(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unread, "LOOKED_AT", 5)

    def counted() -> int:
        with storage.database.reading() as connection:
            found = connection.execute(text("SELECT read_counted FROM members WHERE user_id = 'alice'"))
            return int(found.scalar_one())

    say(storage, "alice", "bob", 30)
    read(storage, "alice", "bob", 3)
    assert counted() == 3, "bob has written nothing, so that nothing has to be looked at"
    say(storage, "bob", "alice", 2)
    read(storage, "alice", "bob", 4)
    assert counted() == 4, "one message more was read"
    read(storage, "alice", "bob", 20)
    assert counted() == 4, "behind the bound nobody has looked"
    assert_right(storage)
    read(storage, "alice", "bob", 27)
    assert counted() == 27
    say(storage, "bob", "alice")
    assert_right(storage)
    assert unread_of(storage) == {"bob": 3}


def test_reading_far_behind_message_by_message_looks_at_what_was_read(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unread, "UNREAD_COUNTED", 10)
    monkeypatch.setattr(unread, "LOOKED_AT", 40)
    looked_at: list[int] = []
    between = storage.writer._unread._between
    rows = between.rows
    monkeypatch.setattr(
        between, "rows", lambda *args, **bound: looked_at.append(bound["last"] - bound["after"]) or rows(*args, **bound)
    )
    say(storage, "bob", "alice", 100)
    with storage.database.transaction() as connection:  # as the upgrade counts them: so many, or more
        connection.execute(text("UPDATE members SET read_sent = 90 WHERE user_id = 'alice'"))
    for seq in range(1, 101):
        read(storage, "alice", "bob", seq)
        assert unread_of(storage) == {"bob": min(10, 100 - seq)}
    assert 99 <= sum(looked_at) <= 300


def test_workers_that_write_and_read_at_once_count_all(storage: Storage, other_worker: Storage) -> None:
    pairs = [(one, other) for one in USERS for other in USERS if one != other]
    for pair in pairs:
        say(storage, *pair)

    def work(worker: Storage, order: int) -> None:
        for seq in range(1, 15):
            sends = [Send(*pair, "hi", None) for pair in pairs[::order] for _ in range(2)]
            worker.writer.commit(sends, [Pointer(*pair, seq * 3, seq * 3) for pair in pairs[::-order]])

    at_once(lambda: work(storage, 1), lambda: work(other_worker, -1))
    assert_right(storage)
    other_worker.close()


def before_counts(connection: Connection) -> None:
    """Conversations as a program of before the counts has them: of alice's messages, and some by the other one."""
    for id_, name, last in ((1, "bob", 6), (2, "Zoe", 4), (3, "alice", 2)):
        for seq in range(1, last + 1):
            as_before(connection, id_, name, seq, 10 * id_ + seq)
    by_other = "UPDATE messages SET sender_id = :name WHERE conversation_id = :id AND seq IN (2, 3, 6)"
    connection.execute(text(by_other), [{"name": "bob", "id": 1}, {"name": "Zoe", "id": 2}])
    moved = "UPDATE members SET received_seq = 2, read_seq = 2 WHERE user_id = 'alice' AND conversation_id = 1"
    connection.execute(text(moved))


def test_what_was_unread_before_is_unread_after_the_upgrade(new_database_url: str) -> None:
    opened = database(new_database_url)
    with at_revision(opened, "0020") as connection:
        before_counts(connection)
    migrate.upgrade(opened.engine)
    opened.close()
    storage = open_storage(new_database_url)
    assert_right(storage)
    assert unread_of(storage) == {"bob": 2, "Zoe": 2, "alice": 0}
    with storage.database.reading() as connection:
        uncovered = "SELECT count(*) FROM members JOIN conversations ON id = conversation_id WHERE"
        uncovered += " read_counted <> read_seq OR counted_seq <> last_seq"
        assert connection.execute(text(uncovered)).scalar() == 0
    say(storage, "Zoe", "alice", 2)
    say(storage, "alice", "bob")
    read(storage, "alice", "Zoe", 3)
    assert_right(storage)
    storage.close()


def test_what_an_older_program_writes_and_reads_beside_this_one_counts(storage: Storage) -> None:
    say(storage, "bob", "alice", 3)
    with storage.database.transaction() as connection:
        as_before(connection, 1, "bob", 4, 5)
        as_before(connection, 10, "Zoe", 1, 5)
        connection.execute(text("UPDATE members SET received_seq = 1, read_seq = 1 WHERE user_id = 'alice'"))
    with storage.database.reading() as connection:
        found = connection.execute(text("SELECT user_id, count(*) FROM listings GROUP BY user_id")).all()
    assert dict(map(tuple, found)) == {"alice": 1, "bob": 1}
    assert unread_of(storage) == {"bob": 2}
    assert unread_of(storage, "bob") == {"alice": 1}
    say(storage, "Zoe", "alice", 2)
    say(storage, "bob", "alice")
    assert_right(storage)
    read(storage, "alice", "bob", 2)
    read(storage, "Zoe", "alice", 1)
    assert_right(storage)
    with storage.database.transaction() as connection:
        as_before(connection, 1, "bob", 6, 6)
    for id_ in storage.listings.left_behind(storage.database, 0)[0]:
        storage.listings.mend(storage.database, id_)
    assert storage.listings.left_behind(storage.database, 0)[0] == []
    assert_right(storage)
