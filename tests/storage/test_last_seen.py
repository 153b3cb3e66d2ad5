"""Whom somebody shares conversations with, and when they were last seen."""

from __future__ import annotations

from chat.storage.last_seen import Sightings
from chat.storage.records import Send
from chat.storage.store import Store


def test_companions_are_the_others_of_ones_conversations_the_newest_first(store: Store) -> None:
    times = iter(range(1, 100))
    store.database._clock = lambda: next(times)
    for other in ("bob", "carol", "dave", "alice"):
        store.commit([Send("alice", other, "hi", None)])
    store.commit([Send("bob", "alice", "hello", None), Send("bob", "carol", "hello", None)])
    sightings = Sightings(store.database)
    assert sightings.companions("alice", 10) == ["bob", "alice", "dave", "carol"]
    assert sightings.companions("alice", 2) == ["bob", "alice"]
    assert sightings.companions("nobody", 10) == []


def test_the_latest_sighting_stands_beside_the_conversation(store: Store) -> None:
    store.commit([Send("alice", "bob", "hi", None), Send("alice", "carol", "hi", None)])
    sightings = Sightings(store.database)
    sightings.note({"bob": 1000, "alice": 1})
    sightings.note({"bob": 2000})
    seen = {row.with_user_id: row.last_seen for row in store.standings("alice", 10)}
    assert seen == {"bob": 2000, "carol": None}
