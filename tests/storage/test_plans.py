"""Opening a conversation costs the same, however long it is and however many others there are."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import event, text

from chat.storage.notifications import Content
from chat.storage.records import Send
from chat.storage.storage import Storage

MESSAGES = 100_000
FILL = """
INSERT INTO messages (conversation_id, seq, sender_id, client_id, body, sent_at)
WITH RECURSIVE numbers(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM numbers WHERE n < :messages)
SELECT c.id, n, 'alice', 'c' || n, 'hi', n FROM numbers, conversations AS c
"""


@pytest.fixture
def questions(storage: Storage) -> list[tuple[str, Any]]:
    """Two conversations of 100,000 messages; and what the storage asks from now on."""
    storage.writer.commit([Send("alice", other, "hi", "c1") for other in ("bob", "carol")])
    with storage.database.transaction() as connection:
        connection.execute(text(FILL), {"messages": MESSAGES})
        connection.execute(text(f"UPDATE conversations SET last_seq = {MESSAGES}"))
    analyze = "ANALYZE" if storage.database.engine.dialect.name == "sqlite" else "VACUUM ANALYZE"
    with storage.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(analyze)
    asked: list[tuple[str, Any]] = []
    event.listen(
        storage.database.engine,
        "before_cursor_execute",
        lambda _c, _cursor, statement, values, _x, _m: asked.append((statement, values)),
    )
    return asked


def plan_of(storage: Storage, asked: list[tuple[str, Any]]) -> str:
    [(statement, values)] = [one for one in asked if one[0].startswith("SELECT")]
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
    storage: Storage, questions: list[tuple[str, Any]], bounds: dict[str, int]
) -> None:
    page = storage.messages.history("alice", "bob", 50, **bounds)
    assert (len(page.messages), page.more) == (50, True)
    plan = plan_of(storage, questions)
    if storage.database.engine.dialect.name == "sqlite":
        assert re.search(r"SEARCH messages USING INDEX \S+ \(conversation_id=\?", plan), plan
        assert "SCAN messages" not in plan
        assert "TEMP B-TREE" not in plan, "nothing is sorted"
    else:
        assert re.search(r"Index Scan (Backward )?using messages_pkey on messages .*rows=51", plan)
        assert not re.search("Seq Scan on messages|Sort", plan), plan


def test_of_what_was_missed_a_page_at_most_is_looked_at_in_each_conversation(
    storage: Storage, questions: list[tuple[str, Any]]
) -> None:
    page = storage.messages.missed("bob", {"alice": 50_000}, 50, 100_000)
    assert page.messages[0].message.seq == 50_001
    plan = plan_of(storage, questions)
    if storage.database.engine.dialect.name == "sqlite":
        bounded = r"SEARCH messages USING INDEX \S+ \(conversation_id=\? AND seq>\? AND seq<\?\)"
        assert re.search(bounded, plan), plan
        assert not re.search("SCAN (messages|members|conversations)", plan), plan
    else:
        assert not re.search("Seq Scan on messages", plan), plan
        looked_at = re.findall(r"(?:Scan|Heap).* on messages.*actual rows=(\d+)", plan)
        assert looked_at, plan
        assert max(map(int, looked_at)) <= 51, plan


SEEN = """
INSERT INTO notifications (user_key, message, level, created_at, seen_at)
WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :notifications)
SELECT 'user' || (n % 10), 'hi', 'info', n, n FROM numbers
"""


def test_what_waits_for_a_user_is_found_without_looking_at_what_was_seen(
    storage: Storage, questions: list[tuple[str, Any]]
) -> None:
    notifications = storage.notifications
    with storage.database.transaction() as connection:
        connection.execute(text(SEEN), {"notifications": MESSAGES})
    analyze = "ANALYZE" if storage.database.engine.dialect.name == "sqlite" else "VACUUM ANALYZE"
    with storage.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(analyze)
    waiting, _ = notifications.add("user7", Content("new", None, None, "info", 1, None), None)
    questions.clear()
    assert [notice.id for notice in notifications.unseen("user7", 50)[0]] == [waiting]
    plan = plan_of(storage, questions)
    assert "notifications_unseen" in plan, plan
    assert "SCAN" not in plan.upper().replace("INDEX SCAN", ""), plan
