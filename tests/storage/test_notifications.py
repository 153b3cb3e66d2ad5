"""Notifications and batches of them, on both engines: one record each, whatever is repeated."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from chat.errors import Conflicting
from chat.storage.batches import Batches, Work
from chat.storage.notifications import KEY_MS, Content, Notifications, Once
from chat.storage.storage import Storage


@pytest.fixture
def notifications(storage: Storage) -> Notifications:
    return storage.notifications


@pytest.fixture
def batches(storage: Storage) -> Batches:
    return storage.batches


def content(storage: Storage, message: str = "hi", lives_ms: int | None = None, ago: int = 0) -> Content:
    now = storage.database.now_ms() - ago
    expires_at = None if lives_ms is None else now + lives_ms
    return Content(message, "A title", "/there", "warning", now, expires_at)


def rows(storage: Storage, table: str) -> int:
    with storage.database.reading() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def test_a_notification_waits_for_its_user_in_any_spelling(storage: Storage, notifications: Notifications) -> None:
    said = content(storage)
    first, repeated = notifications.add("Bob", said, None)
    second, _ = notifications.add("bob", content(storage, "ho"), None)
    assert (repeated, second > first) == (False, True)
    found, count = notifications.unseen("BOB", 50)
    assert [(notice.id, notice.content.message) for notice in found] == [(first, "hi"), (second, "ho")]
    assert (found[0].content, found[0].seen, count) == (said, False, 2)
    assert notifications.unseen("carol", 50) == ([], 0)


def test_more_than_a_page_of_unseen_ones_are_counted_all_the_same(
    storage: Storage, notifications: Notifications
) -> None:
    for _ in range(5):
        notifications.add("bob", content(storage), None)
    found, count = notifications.unseen("bob", 2)
    assert (len(found), count) == (2, 5)


def test_what_has_expired_or_was_dismissed_is_not_shown(storage: Storage, notifications: Notifications) -> None:
    notifications.add("bob", content(storage, lives_ms=1_000, ago=5_000), None)
    lives, _ = notifications.add("bob", content(storage, lives_ms=60_000), None)
    gone, _ = notifications.add("bob", content(storage), None)
    assert notifications.dismiss("carol", gone) is None
    assert notifications.dismiss("Bob", gone) == 1
    assert notifications.dismiss("bob", gone) == 0
    assert notifications.dismiss("bob", 10**9) is None
    assert [n.id for n in notifications.unseen("bob", 9)[0]] == [lives]
    assert [n.id for n in notifications.page("bob", 9)[0]] == [lives]
    assert [n.id for n in notifications.after("bob", 0, 9)] == [lives]


def test_seen_ones_come_behind_the_unseen_and_no_page_shows_one_twice(
    storage: Storage, notifications: Notifications
) -> None:
    ids = [notifications.add("bob", content(storage), None)[0] for _ in range(6)]
    assert notifications.see([(ids[1], "Bob"), (ids[4], "bob")]) == {ids[1]: 1, ids[4]: 2}
    assert notifications.see([(ids[4], "bob"), (ids[0], "carol")]) == {}
    shown: list[int] = []
    place = None
    while page := notifications.page("bob", 2, place)[0]:
        shown += [notice.id for notice in page]
        place = page[-1].seen, page[-1].id
    assert shown == [ids[5], ids[3], ids[2], ids[0], ids[4], ids[1]]
    assert notifications.page("bob", 1)[1] == 4
    assert [n.id for n in notifications.after("bob", ids[2], 9)] == ids[3:], "seen or not"


def test_each_change_has_its_users_next_number_without_gaps_and_each_notification_its_last(storage: Storage) -> None:
    notifications, changes = storage.notifications, storage.notification_changes
    bob = [notifications.add("bob", content(storage), None)[0] for _ in range(4)]
    carol, _ = notifications.add("carol", content(storage), None)
    assert changes.after("bob", 0, 9) == ([], 0, False)
    assert notifications.see([(bob[2], "bob"), (carol, "carol"), (bob[0], "BOB")]) == {bob[0]: 1, bob[2]: 2, carol: 1}
    assert notifications.dismiss("bob", bob[0]) == 3
    assert notifications.see_up_to("Bob", bob[3], 1) == {bob[1]: 4}
    assert notifications.see_up_to("Bob", bob[3], 9) == {bob[3]: 5}
    assert notifications.see_up_to("bob", bob[3], 9) == {}
    found = changes.after("bob", 0, 9)
    assert [(one.change, one.id, one.seen, one.dismissed) for one in found.changes] == [
        (2, bob[2], True, False), (3, bob[0], True, True), (4, bob[1], True, False), (5, bob[3], True, False),
    ]  # fmt: skip
    assert [one.change for one in changes.after("BOB", 3, 1).changes] == [4]
    assert (changes.newest("bob"), changes.newest("carol"), changes.newest("dora")) == (5, 1, 0)
    assert notifications.dismiss_up_to("BOB", bob[2], 1) == {bob[1]: 6}, "the oldest that is not dismissed"
    assert notifications.dismiss_up_to("bob", bob[2], 9) == {bob[2]: 7}
    assert notifications.dismiss_up_to("bob", bob[2], 9) == {}
    assert ([one.id for one in notifications.page("bob", 9)[0]], notifications.page("carol", 9)[1]) == ([bob[3]], 0)


def test_who_was_away_for_longer_than_changes_are_kept_is_told_that_some_are_missing(storage: Storage) -> None:
    notifications, changes = storage.notifications, storage.notification_changes
    ids = [notifications.add("bob", content(storage, ago=ago), None)[0] for ago in (10_000, 10_000, 0)]
    notifications.dismiss("bob", ids[0])
    notifications.see([(ids[1], "bob"), (ids[2], "bob")])
    assert notifications.forget(storage.database.now_ms() - 5_000, 9) == 2
    found = changes.after("bob", 1, 9)
    assert ([one.change for one in found.changes], found.newest, found.is_incomplete) == ([3], 3, True)
    assert changes.after("bob", 2, 9).is_incomplete is False
    newer, _ = notifications.add("bob", content(storage), None)
    assert notifications.dismiss("bob", newer) == 4, "no number is given twice"


def test_the_newest_of_many_unseen_ones_are_told_where_they_are_asked_for(storage: Storage) -> None:
    ids = [storage.notifications.add("bob", content(storage), None)[0] for _ in range(5)]
    found, count = storage.notifications.unseen("bob", 2, newest=True)
    assert ([notice.id for notice in found], count) == (ids[3:], 5)


def test_a_repeated_request_makes_one_record(storage: Storage, notifications: Notifications) -> None:
    once = Once("ci", "build 7", "digest")
    first, _ = notifications.add("bob", content(storage), once)
    for _ in range(20):
        assert notifications.add("bob", content(storage), once) == (first, True)
    with pytest.raises(Conflicting) as refused:
        notifications.add("bob", content(storage, "other"), once._replace(digest="another"))
    assert refused.value.field == "Idempotency-Key"
    assert notifications.add("bob", content(storage), once._replace(service="cron"))[1] is False
    assert rows(storage, "notifications") == 2


def test_a_key_is_known_for_a_day(storage: Storage, notifications: Notifications) -> None:
    once = Once("ci", "nightly", "digest")
    old = content(storage, ago=KEY_MS + 1_000)
    first, _ = notifications.add("bob", old, once)
    second, repeated = notifications.add("bob", content(storage), once)
    assert (second != first, repeated) == (True, False)
    assert rows(storage, "idempotency_keys") == 1


def test_a_batch_is_sent_slice_by_slice_and_goes_on_where_it_was(
    storage: Storage, notifications: Notifications, batches: Batches
) -> None:
    names = [f"user{n}" for n in range(5)]
    id_, _ = batches.add("ci", [*names, "USER3"], content(storage), None)
    work = batches.next()
    assert work is not None
    assert (work.user_ids[:3], work.batch.total) == (names[:3], 5)
    ids = batches.send(work, 0, work.user_ids[:2], 0)
    assert ids == [notifications.unseen(name, 1)[0][0].id for name in names[:2]]
    assert batches.send(work, 0, work.user_ids[:2], 0) == [], "by another process, a moment later"
    again = batches.next()  # after a failure
    assert again is not None
    assert (again.batch.sent, again.batch.finished) == (2, False)
    batches.finish(again, 4)
    assert batches.next() == again, "three users have none yet"
    batches.send(again, 2, again.user_ids[2:], 3)
    batches.finish(again, 4)
    batches.finish(again, 0)  # by a process that was told nothing of it
    assert batches.next() is None
    found = batches.find("ci", id_)
    assert found is not None
    assert (found.sent, found.reached, found.finished) == (5, 4, True)
    assert batches.find("cron", id_) is None
    assert [notifications.unseen(name, 9)[1] for name in names] == [1] * 5
    assert rows(storage, "notifications") == 5


def test_everyone_is_who_is_stored_or_online_and_not_shut_out(storage: Storage, batches: Batches) -> None:
    accounts = storage.accounts
    accounts.keep_names(["alice", "Bob"])
    accounts.disable("mallory")
    batches.add("ci", None, content(storage), None, online=["bob", "carol", "mallory"])
    work: Work | None = batches.next()
    assert work is not None
    assert {user_id.lower() for user_id in work.user_ids} == {"alice", "bob", "carol"}
    assert accounts.unknown(["ALICE", "carol", "mallory"]) == ["carol"]


def test_a_repeated_batch_is_one(storage: Storage, batches: Batches) -> None:
    once = Once("ci", "news", "digest")
    first, _ = batches.add("ci", ["bob"], content(storage), once)
    assert batches.add("ci", ["bob"], content(storage), once) == (first, True)
    assert rows(storage, "batches") == 1


def test_what_is_done_with_and_old_is_forgotten_and_nothing_else(
    storage: Storage, notifications: Notifications, batches: Batches
) -> None:
    old, day = 10 * 86_400_000, 86_400_000
    waits, seen, dismissed, _, fresh = (
        notifications.add("bob", content(storage, name, lives_ms, ago), None)[0]
        for name, lives_ms, ago in (
            ("waits", None, old), ("seen", None, old), ("dismissed", None, old), ("expired", day, old),
            ("fresh", None, 0),
        )
    )  # fmt: skip
    notifications.see([(seen, "bob"), (fresh, "bob")])
    notifications.dismiss("bob", dismissed)
    week_ago = storage.database.now_ms() - 7 * day
    assert notifications.forget(week_ago, 2) == 2
    assert notifications.forget(week_ago, 500) == 1
    assert notifications.forget(week_ago, 500) == 0
    assert {notice.id for notice in notifications.page("bob", 50)[0]} == {waits, fresh}
    assert notifications.last_id() == fresh
    assert notifications.forget(storage.database.now_ms() + day, 500) == 0, "the newest stays"
    batches.add("ci", ["bob"], content(storage, ago=old), None)
    batches.forget(week_ago)
    assert rows(storage, "batches") == 1, "it is not sent yet"
    work = batches.next()
    assert work is not None
    batches.send(work, 0, work.user_ids, 0)
    batches.finish(work, 0)
    batches.forget(week_ago)
    assert rows(storage, "batches") == 0
