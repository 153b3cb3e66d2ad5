"""Who shares conversations with whom, and when they were last seen."""

from __future__ import annotations

from chat.storage.records import Send
from chat.storage.storage import Storage


def test_partners_are_the_others_of_ones_conversations_the_newest_first(storage: Storage) -> None:
    times = iter(range(1, 100))
    storage.database.own_clock._clock = lambda: next(times)
    for other in ("bob", "carol", "dave", "alice"):
        storage.writer.commit([Send("alice", other, "hi", None)])
    storage.writer.commit([Send("bob", "alice", "hello", None), Send("bob", "carol", "hello", None)])
    assert storage.last_seen.partners("alice", 10) == ["bob", "alice", "dave", "carol"]
    assert storage.last_seen.partners("alice", 2) == ["bob", "alice"]
    of_two = storage.last_seen.partners_of(["dave", "nobody"], 10)
    assert of_two == {"dave": ["alice"], "nobody": []}


def test_the_latest_time_stands_beside_the_conversation(storage: Storage) -> None:
    storage.writer.commit([Send("alice", "bob", "hi", None), Send("alice", "carol", "hi", None)])
    storage.last_seen.note({"bob": 1000, "alice": 1})
    storage.last_seen.note({"bob": 2000})
    seen = {row.with_user_id: row.last_seen for row in storage.messages.standings("alice", 10)}
    assert seen == {"bob": 2000, "carol": None}
