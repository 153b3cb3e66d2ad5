"""Whatever the storage asks costs the same, however long its tables are: no statement reads one from end to end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import Connection, event, text

from chat.protocol.conversation_settings import ConversationSettings
from chat.protocol.profiles import Profile
from chat.storage import compiled, newest_first, search, short_conversations, trigrams
from chat.storage.notifications import Content, Once
from chat.storage.profiles import Picture
from chat.storage.recent import Recent
from chat.storage.records import SEPARATOR, Pointer, Send, Stored
from chat.storage.service_tokens import ServiceToken
from chat.storage.storage import Storage
from tests.conftest import new_database
from tests.storage.conftest import open_storage
from tests.storage.plans import Plans, not_reached, scanned

MESSAGES = 100_000
FILL = """
INSERT INTO messages (conversation_id, seq, sender_id, client_id, body, sent_at)
WITH RECURSIVE numbers(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM numbers WHERE n < :messages)
SELECT c.id, n, 'alice', 'c' || n, 'hi', n FROM numbers, conversations AS c
"""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def long(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storage]:
    """Two conversations of 100,000 messages, on each engine. To fill it takes seconds: the tests share and only read it."""
    if request.param == "sqlite":
        storage = open_storage(f"sqlite:///{tmp_path_factory.mktemp('long')}/chat.db")
    else:
        storage = open_storage(new_database(request.getfixturevalue("postgres")))
    storage.writer.commit([Send("alice", other, "hi", "c1") for other in ("bob", "carol")])
    with filling(storage) as connection:
        connection.execute(text(FILL), {"messages": MESSAGES})
        connection.execute(text(f"UPDATE conversations SET last_seq = {MESSAGES}"))
    analyze(storage)
    yield storage
    storage.close()


@contextmanager
def filling(storage: Storage) -> Iterator[Connection]:
    """A transaction that no deadline breaks off: a slow machine takes more than the storage's own for 100,000 rows."""
    with storage.database.engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


def analyze(storage: Storage) -> None:
    statement = "ANALYZE" if storage.database.engine.dialect.name == "sqlite" else "VACUUM ANALYZE"
    with storage.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(statement)


@pytest.fixture
def questions(long: Storage) -> Iterator[list[tuple[str, Any]]]:
    with asked_of(long) as asked:
        yield asked


@contextmanager
def asked_of(storage: Storage) -> Iterator[list[tuple[str, Any]]]:
    """What the storage asks from now on."""
    asked: list[tuple[str, Any]] = []

    def ask(_connection: Any, _cursor: Any, statement: str, values: Any, _context: Any, _many: bool) -> None:
        asked.append((statement, values))

    def rows_of(connection: Any, statement: str, values: Any) -> Any:
        asked.append((statement, values))
        return as_it_is(connection, statement, values)

    event.listen(storage.database.engine, "before_cursor_execute", ask)
    as_it_is = compiled.rows_of
    with patch.object(compiled, "rows_of", rows_of):
        yield asked
    event.remove(storage.database.engine, "before_cursor_execute", ask)


def plan_of(storage: Storage, asked: list[tuple[str, Any]]) -> str:
    [(statement, values)] = [one for one in asked if re.match(r"\s*(SELECT|WITH)", one[0])]
    asked.clear()
    sqlite = storage.database.engine.dialect.name == "sqlite"
    explain = "EXPLAIN QUERY PLAN" if sqlite else "EXPLAIN (ANALYZE, TIMING OFF)"
    with storage.database.engine.connect() as connection:
        rows = connection.exec_driver_sql(f"{explain} {statement}", values).all()
    return "\n".join(str(row[-1]) for row in rows)


@pytest.mark.parametrize(
    "bounds", [{}, {"before": 50_000}, {"after": 50_000}, {"after": 10, "before": 90_000}], ids=str
)
def test_a_page_of_a_long_conversation_is_read_from_the_index_in_its_order(
    long: Storage, questions: list[tuple[str, Any]], bounds: dict[str, int]
) -> None:
    page = long.messages.history("alice", "bob", 50, **bounds)
    assert (len(page.messages), page.more) == (50, True)
    plan = plan_of(long, questions)
    if long.database.engine.dialect.name == "sqlite":
        assert re.search(r"SEARCH messages USING INDEX \S+ \(conversation_id=\?", plan), plan
        assert "SCAN messages" not in plan
        assert "TEMP B-TREE" not in plan, "nothing is sorted"
    else:
        assert re.search(r"Index Scan (Backward )?using messages_pkey on messages .*rows=51", plan)
        assert not re.search("Seq Scan on messages|Sort", plan), plan


def test_the_first_message_of_a_day_is_found_by_looking_at_few_of_a_long_conversation(
    long: Storage, questions: list[tuple[str, Any]]
) -> None:
    last = long.messages.last_before("alice", "bob", 60_001)  # they were sent at 2, 3, 4 ...
    assert last == 60_000
    looks = [asked for asked in questions if "sent_at" in asked[0]]
    assert len(looks) <= 17, "2 to the 17th is more than there are"
    questions[:] = looks[-1:]
    plan = plan_of(long, questions)
    if long.database.engine.dialect.name == "sqlite":
        assert re.search(r"SEARCH messages USING INDEX \S+ \(conversation_id=\? AND seq=\?\)", plan), plan
    else:
        assert re.search(r"Index Scan using messages_pkey on messages .*rows=1", plan), plan


def test_of_what_was_missed_a_page_at_most_is_looked_at_in_each_conversation(
    long: Storage, questions: list[tuple[str, Any]]
) -> None:
    page = long.messages.missed("bob", {"alice": 50_000}, 50, 100_000)
    assert page.messages[0].message.seq == 50_001
    plan = plan_of(long, questions)
    if long.database.engine.dialect.name == "sqlite":
        bounded = r"SEARCH m USING INDEX \S+ \(conversation_id=\? AND seq>\? AND seq<\?\)"
        assert re.search(bounded, plan), plan
        assert not scanned(plan), plan
    else:
        assert not re.search("Seq Scan on messages", plan), plan
        looked_at = re.findall(r"(?:Scan|Heap).* on messages.*actual rows=(\d+)", plan)
        assert looked_at, plan
        assert max(map(int, looked_at)) <= 51, plan


def test_a_page_of_a_long_list_reads_a_page_of_it(long: Storage, questions: list[tuple[str, Any]]) -> None:
    long.writer.commit([Send("busy", f"friend{number}", "hi", None) for number in range(2_000)])
    long.last_seen.note({f"friend{number}": 1 for number in range(2_000)})
    analyze(long)
    last = long.messages.overviews("busy", 1_000)[-1]
    questions.clear()
    place = last.last_message.sent_at, last.state.with_user_id
    assert len(long.messages.overviews("busy", 51, place)) == 51
    reading = [one for one in questions if re.match("SELECT|WITH", one[0])]
    assert len(reading) == 2, "where the page begins, and the page with all that it tells"
    questions[:] = [one for one in questions if "listings" in one[0]]
    plan = plan_of(long, questions)
    if long.database.is_sqlite:
        behind = r"SEARCH listings USING PRIMARY KEY \(user_id=\? AND \(last_at,conversation_id\)<\(\?,\?\)\)"
        assert re.search(behind, plan), plan
        assert "SEARCH members USING PRIMARY KEY (conversation_id=? AND user_id=?)" in plan, plan
        assert "SEARCH other USING PRIMARY KEY (conversation_id=?)" in plan, plan
        assert "AUTOMATIC" not in plan, plan
    else:
        rows = re.findall(r"Index (?:Only )?Scan Backward using listings_pkey on listings .*rows=(\d+)", plan)
        assert rows == ["51"], plan
        assert not re.search("Seq Scan", plan), plan


HOURLY = """
INSERT INTO messages (conversation_id, seq, sender_id, client_id, body, sent_at)
SELECT c.id, n, 'alice', 'c' || n, CASE WHEN n = 5 THEN 'rare' WHEN n % 4 = 0 THEN 'frequent' ELSE 'hello' END, n * 3600000::bigint
FROM generate_series(2, :messages) AS n, conversations AS c
"""


@pytest.fixture
def hourly(storage: Storage) -> Storage:
    """Two conversations of PostgreSQL's, of which nobody reads all: 40,000 messages, each an hour after the one before."""
    if not storage.database.is_sqlite:
        storage.writer.commit([Send("alice", other, "hi", "c1") for other in ("bob", "carol")])
        with filling(storage) as connection:
            connection.execute(text(HOURLY), {"messages": 40_000})
            last = "last_seq = 40000, counted_seq = 40000, last_at = 40000 * 3600000::bigint"
            connection.execute(text(f"UPDATE conversations SET {last}"))
            connection.execute(text("UPDATE listings SET last_at = 40000 * 3600000::bigint"))
        analyze(storage)
    return storage


@pytest.mark.parametrize("wanted", ["rare", "no such text"])
def test_a_rare_text_is_looked_for_by_postgresqls_index_however_many_messages_a_user_has(
    hourly: Storage, wanted: str
) -> None:
    if hourly.database.is_sqlite:
        return  # which asks its index for each conversation
    with asked_of(hourly) as asked:
        found = hourly.search.messages("alice", wanted, 20).messages
    assert len(found) == (2 if wanted == "rare" else 0)
    *read, by_index = [one for one in asked if re.search(r"(FROM|JOIN) messages\b", one[0])]
    read_of = [sum(last - first + 1 for first, last in zip(*values[2:4], strict=True)) for _, values in read]
    assert 0 < sum(read_of) <= search.READ_FIRST, "of 80,000"
    plan = plan_of(hourly, [by_index])
    assert re.search(r"Bitmap Index Scan on trigrams .*actual rows=[02]", plan), plan
    assert len(re.findall(" on messages", plan)) == 1, plan


@pytest.mark.parametrize("before", [None, (20_000 * 3_600_000, "bob", 20_000)], ids=["first page", "far behind"])
def test_a_frequent_text_is_found_on_postgresql_in_few_messages(hourly: Storage, before: search.Place | None) -> None:
    if hourly.database.is_sqlite:
        return  # whose index has the order of time
    with asked_of(hourly) as asked:
        found = hourly.search.messages("alice", "frequent", 20, before).messages
    newest = before[2] - 4 if before else 40_000
    assert [(one.message.seq, one.with_user_id) for one in found] == [
        (newest - 4 * (n // 2), ("carol", "bob")[n % 2]) for n in range(20)
    ]
    asked = [one for one in asked if re.search(r"(FROM|JOIN) messages\b", one[0])]
    assert len(asked) == (1 if before is None else 2)
    for one in asked:
        plan = plan_of(hourly, [one])
        looked_at = re.findall(r"on messages.*actual rows=(\d+) loops=(\d+)", plan)
        assert 0 < max(int(rows) * int(loops) for rows, loops in looked_at) <= newest_first.FIRST_READ, plan


SEEN = """
INSERT INTO notifications (user_key, message, level, created_at, seen_at)
WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :notifications)
SELECT 'user' || (n % 10), 'hi', 'info', n, n FROM numbers
"""


def test_what_waits_for_a_user_is_found_without_looking_at_what_was_seen(
    long: Storage, questions: list[tuple[str, Any]]
) -> None:
    notifications = long.notifications
    with filling(long) as connection:
        connection.execute(text(SEEN), {"notifications": MESSAGES})
    analyze(long)
    waiting, _ = notifications.add("user7", Content("new", None, None, "info", 1, None), None)
    questions.clear()
    assert [notice.id for notice in notifications.unseen("user7", 50)[0]] == [waiting]
    plan = plan_of(long, questions)
    assert "notifications_unseen" in plan, plan
    assert "SCAN" not in plan.upper().replace("INDEX SCAN", ""), plan


NOW = 1_700_000_000_000
FILLS = (
    "INSERT INTO conversations (kind, key, last_seq, last_at)"
    " SELECT 'direct', 'x' || n || :sep || 'y' || n % 500, 10, n FROM n",
    "INSERT INTO members (user_id, conversation_id) SELECT split_part(key, :sep, 1), id FROM conversations"
    " UNION ALL SELECT split_part(key, :sep, 2), id FROM conversations",
    "INSERT INTO listings (user_id, last_at, conversation_id) SELECT split_part(key, :sep, 1), last_at, id FROM conversations"
    " UNION ALL SELECT split_part(key, :sep, 2), last_at, id FROM conversations",
    "INSERT INTO messages (conversation_id, seq, sender_id, client_id, body, sent_at)"
    " SELECT id, seq, split_part(key, :sep, 1), id || '-' || seq, 'hello', id * 10 + seq"
    " FROM conversations, generate_series(1, 10) AS seq",
    "INSERT INTO accounts (key, name, created_at, changed_at, skeleton) SELECT 'x' || n, 'X' || n, n, n, 's' || n FROM n",
    "INSERT INTO profiles (user_key, display_name, picture, updated_at) SELECT 'x' || n, 'X ' || n, 'd' || n, n FROM n",
    "INSERT INTO profile_words (words, user_key) SELECT 'x ' || n, 'x' || n FROM n",
    "INSERT INTO pictures (digest, small, large) SELECT 'd' || n, 'x', 'x' FROM n",
    "INSERT INTO last_seen (user_id, at) SELECT 'x' || n, n FROM n",
    "INSERT INTO conversation_settings (user_id, with_user_id, muted, marked_unread, hidden_seq)"
    " SELECT 'x' || n % 100, 'x' || n, true, false, n FROM n",
    "INSERT INTO blocks (user_id, blocked_id, since) SELECT 'x' || n, 'x' || n % 100, n FROM n",
    "INSERT INTO sessions (user_key, id, created_at, expires_at, ended_at)"
    " SELECT 'x' || n, 's' || n, n, n * 10000000000, n FROM n",
    "INSERT INTO service_tokens (id, service, scope, created_at, expires_at)"
    " SELECT 't' || n, 'ci', 'notify', n, n * 10000000000 FROM n",
    "INSERT INTO notifications (user_key, message, level, created_at, seen_at)"
    " SELECT 'x' || n % 100, 'hi', 'info', n, n FROM many",
    "INSERT INTO batches (service, message, level, created_at, user_ids, total, sent, reached, finished_at)"
    " SELECT 'ci', 'hi', 'info', n, '[]', 1, 1, 1, n FROM n",
    "INSERT INTO idempotency_keys (service, key, digest, answer, created_at)"
    " SELECT 'ci', 'k' || n, 'd', n, n * 10000000000 FROM n",
)


def fill(storage: Storage) -> None:
    """Tables of so many rows that PostgreSQL prefers an index. SQLite takes its tables for large ones anyhow."""
    numbers = "(SELECT generate_series(1, 3000) AS n) AS numbers"
    many = numbers.replace("3000", "30000")
    with filling(storage) as connection:
        for statement in FILLS:
            connection.execute(
                text(statement.replace("FROM n", f"FROM {numbers}").replace("FROM many", f"FROM {many}")),
                {"sep": SEPARATOR},
            )
    with storage.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")


NAMES = [f"friend{n}" for n in range(9)]
HI = Content("hi", None, None, "info", NOW, None)
ONLY_ON_POSTGRES = {"_by_index", "_read_back", "_skip_later", "have_end"}
# What reads a whole table, and may.
WHOLE = {
    "SELECT accounts.name, accounts.disabled": "whom a notification for everyone is for",
    "DELETE FROM batches WHERE batches.created_at": "every ten minutes; those of some days, which programs made",
    "WHERE conversations.last_seq > conversations.indexed_seq": "at the start of a server on SQLite",
}


def exercise_messages(storage: Storage) -> None:
    sends = [Send("alice", name, "hello, a text for trigrams", f"client-{name}") for name in NAMES]
    storage.writer.commit(sends)
    place = storage.writer._ids["alice", NAMES[0]]
    storage.writer.commit([*sends[1:], Send("alice", NAMES[0], "hello again", None)])  # most of them are repeats
    storage.writer.commit([], [Pointer("alice", name, 1, 1) for name in NAMES])
    storage.writer.commit([], [Pointer(NAMES[0], "alice", 1, 1)])  # with one more unread
    storage.writer._doubts = [(place, sends[0], Stored(1, 1, False))]
    storage.writer.found_late()
    read = storage.messages
    for before in (None, (NOW, "friend0")):
        read.overviews("alice", 5, before)
    read.overviews("alice", 1, with_user_id="friend0")
    for bounds in ({}, {"before": 9}, {"after": 0}, {"after": 0, "before": 9}):
        read.history("alice", "friend0", 5, **bounds)
    read.bounds("alice", "friend0")
    read.last_before("alice", "friend0", NOW)
    storage.messages.changes("alice", "friend0", 0, 5)
    read.standings("alice", 50)
    read.missed("friend0", {one.with_user_id: one.start for one in read.behind("friend0", 0, 5)}, 5, 1_000)
    storage.last_seen.note(dict.fromkeys(NAMES, NOW))
    storage.last_seen.partners("alice", 5)
    while storage.search_index.step():
        pass
    for rare, short in ((trigrams.RARE, 0), (1, 0), (1, 9)):
        with (
            patch.object(trigrams, "RARE", rare),
            patch.object(short_conversations, "SHORT", short),
            patch.object(search, "READ_ON_POSTGRES", short * 100),
            patch.object(search, "READ_FIRST", 0),
            patch.object(short_conversations, "AT_ONCE_LETTERS", 5),
        ):
            for wanted in ("trigrams", "he"):
                for where in (None, (NOW * 2, "friend0", 1)):
                    storage.search.messages("alice", wanted, 5, where)
    storage.search.names("fri", 5)
    recent = Recent(storage.database)
    for _ in range(2):
        recent.changed(60)
    with filling(storage) as connection:  # as a program of before the listings leaves them
        connection.execute(
            text("UPDATE conversations SET last_at = 1, counted_seq = 0 WHERE id = :place"), {"place": place}
        )
        connection.execute(
            text("UPDATE listings SET last_at = 1 WHERE user_id = 'alice' AND conversation_id = :place"),
            {"place": place},
        )
    assert place in storage.listings.left_behind(storage.database, place - 1)[0]
    storage.listings.mend(storage.database, place)
    storage.erasure.old(0, NOW * 2)
    storage.erasure.erase(place, NOW * 2)


def exercise_accounts(storage: Storage) -> None:
    accounts, sessions, tokens, blocks = storage.accounts, storage.sessions, storage.service_tokens, storage.blocks
    accounts.keep_names(NAMES)
    accounts.keep_host_name("host")
    accounts.sign_up("dora", "hash")
    accounts.give_password("eve", "hash")
    accounts.renew_hash("dora", "hash", "new hash")
    accounts.change_password("dora", "new hash", "hash")
    accounts.disable("eve")
    accounts.find("dora", "session")
    accounts.find_alike("nobody")
    accounts.unknown([*NAMES, "nobody"])
    accounts.changed_in(1_000)
    accounts.now()
    accounts.stored(NAMES)
    sessions.begin("dora", "session", 1, NOW, NOW)
    sessions.renew("dora", "session", 1, NOW, NOW)
    sessions.of("dora", 1)
    sessions.end("session", "dora", NOW)
    sessions.ended_in(1_000)
    tokens.add(ServiceToken("id", "ci", "notify", NOW, NOW * 2))
    tokens.revoke("id")
    tokens.revoked()
    blocks.add("alice", "bob")
    blocks.listed("alice")
    blocks.of("alice")
    blocks.remove("alice", "bob")
    blocks.changed_in(1_000)
    storage.settings.put("alice", ConversationSettings(with_user_id="bob", muted=True))
    storage.settings.of("alice")


def exercise_profiles(storage: Storage) -> None:
    profiles = storage.profiles
    profiles.put({name: Profile(display_name=f"Friend {name}") for name in NAMES})
    profiles.put_words(NAMES[0], "Best friend", None)
    for picture in (Picture("d", b"small", b"large"), None):
        profiles.put_picture(NAMES[0], picture)
        profiles.picture("d", True)
    profiles.put({NAMES[0]: Profile()})
    profiles.of(NAMES)
    profiles.named("fri", 5)


def exercise_notifications(storage: Storage) -> None:
    notifications, batches = storage.notifications, storage.batches
    ids = [notifications.add(name, HI, Once("ci", name, "digest"))[0] for name in NAMES]
    notifications.unseen(NAMES[0], 1)
    for after in (None, (False, 9), (True, 9)):
        notifications.page(NAMES[0], 5, after)
    for unseen in (False, True):
        notifications.after(NAMES[0], 0, 5, unseen)
    notifications.last_id()
    notifications.see(list(zip(ids, NAMES, strict=True)))
    notifications.dismiss(NAMES[0], ids[0])
    notifications.dismiss(NAMES[0], ids[0])
    notifications.add(NAMES[0], HI, None)
    notifications.unseen(NAMES[0], 1, newest=True)
    notifications.see_up_to(NAMES[0], ids[-1] + 9, 5)
    notifications.dismiss_up_to(NAMES[0], ids[-1] + 9, 5)
    storage.notification_changes.after(NAMES[0], 0, 5)
    storage.notification_changes.newest(NAMES[0])
    notifications.forget(storage.database.now_ms() + 1_000, 5)
    batches.add("ci", None, HI, None, ["alice"])
    id_, _ = batches.add("ci", NAMES, HI, Once("ci", "batch", "digest"))
    batches.find("ci", id_)
    work = batches.next()
    assert work is not None
    batches.send(work, 0, work.user_ids, 0)
    batches.finish(work, 1)
    batches.forget(NOW)


def exercise_person(storage: Storage) -> None:
    person, alice = storage.person, "alice"
    assert person.notifications(NAMES[0], 0)
    person.sessions("dora")
    storage.writer.commit([Send(alice, NAMES[0], "to be erased", None)])
    while storage.search_index.step():
        pass
    assert sum(person.erase_messages(one.id, alice, 0)[0] for one in person.conversations(alice, 0))
    storage.notifications.add(NAMES[1], HI, None)
    storage.notifications.add(NAMES[0], HI, None)
    person.erase_notifications(NAMES[1])
    person.erase_notifications(NAMES[0])
    person.erase_rest(alice)


def test_no_statement_of_the_storage_reads_a_table_that_grows_from_end_to_end(storage: Storage) -> None:
    if not storage.database.is_sqlite:
        fill(storage)
    plans = Plans(storage)
    with plans.watch():
        for exercise in (
            exercise_messages, exercise_accounts, exercise_profiles, exercise_notifications, exercise_person,
        ):  # fmt: skip
            exercise(storage)
    if storage.database.is_sqlite:
        left = {place for place, function in not_reached(plans.lines).items() if function not in ONLY_ON_POSTGRES}
        assert not left, "the exercise above has to make it ask here too"
    else:
        assert not [place for place, function in not_reached(plans.lines).items() if function in ONLY_ON_POSTGRES]
    assert len(plans.of) > 60, "or nothing was watched"
    scans = {statement: plan for statement, plan in plans.of.items() if scanned(plan)}
    may = {part for part in WHOLE if any(part in statement for statement in scans)}
    assert may == {part for part in WHOLE if storage.database.is_sqlite or "indexed_seq" not in part}
    not_allowed = [pair for pair in scans.items() if not any(part in pair[0] for part in may)]
    assert not not_allowed, "\n\n".join(f"{statement}\n{plan}" for statement, plan in not_allowed)


def test_repeats_are_looked_for_by_their_ids_and_not_in_whole_conversations(storage: Storage) -> None:
    if not storage.database.is_sqlite:
        fill(storage)
    sends = [Send("alice", name, "hello", f"client-{name}") for name in NAMES]
    storage.writer.commit(sends)
    plans = Plans(storage)
    with plans.watch():
        [*outcomes], _ = storage.writer.commit(sends)
    assert outcomes == [Stored(1, outcome.sent_at, repeated=True) for outcome in outcomes]
    [plan] = [
        plan for statement, plan in plans.of.items() if re.search(r"SELECT[^;]*JOIN messages|FROM messages", statement)
    ]
    of_one_message = r"\(client_id.* AND \(?conversation_id.* AND \(?sender_id"
    assert re.search(of_one_message, plan), plan
