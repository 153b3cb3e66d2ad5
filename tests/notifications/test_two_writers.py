"""Two processes write notifications to one PostgreSQL: no reader passes over one, and a batch is sent once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from sqlalchemy import Connection, event, text

from chat.notifications.batches import SLICE_USERS, BatchSender
from chat.storage.batches import CLAIM_SECONDS
from chat.storage.notifications import Content
from chat.storage.storage import Storage
from tests.clock import Clock
from tests.postgres import Postgres
from tests.storage.conftest import open_storage

SECONDS = 30
HI = Content("hi", None, None, "info", 1, None)
WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


@pytest.fixture
def two(postgres: Postgres) -> Iterator[tuple[Storage, Storage]]:
    url = postgres.create_database(f"two_{time.monotonic_ns()}")
    both = open_storage(url), open_storage(url)
    yield both
    for storage in both:
        storage.close()


def add(storage: Storage) -> None:
    storage.notifications.add("bob", HI, None)


def send_slice(storage: Storage) -> None:
    work = storage.batches.next()
    assert work is not None
    assert len(storage.batches.send(work, 0, work.user_ids, 0)) == 3


def is_locked_out(storage: Storage) -> bool:
    with storage.database.reading() as connection:
        return bool(connection.execute(text(WAITING)).scalar())


@pytest.mark.parametrize("write", [add, send_slice])
def test_a_reader_that_follows_the_ids_misses_none_of_two_writers(
    two: tuple[Storage, Storage], write: Callable[[Storage], None]
) -> None:
    slow, fast = two
    has_id, may_commit = threading.Event(), threading.Event()

    def before_commit(connection: Connection) -> None:
        if not connection.get_execution_options().get("writes"):
            return
        has_id.set()
        assert may_commit.wait(SECONDS)

    if write is send_slice:
        slow.batches.add("ci", ["carol", "bob", "alice"], HI, None)
    event.listen(slow.database.engine, "commit", before_commit)
    first = threading.Thread(target=write, args=[slow])
    second = threading.Thread(target=add, args=[fast])
    first.start()
    assert has_id.wait(SECONDS)
    fast.notifications.add("dora", HI, None)  # another user's waits for nobody
    second.start()
    until = time.monotonic() + SECONDS
    while second.is_alive() and not is_locked_out(fast):
        assert time.monotonic() < until
    read = [notice.id for notice in fast.notifications.after("bob", 0, 9)]
    may_commit.set()
    first.join(SECONDS)
    second.join(SECONDS)
    read += [notice.id for notice in fast.notifications.after("bob", read[-1] if read else 0, 9)]
    assert len(read) == 2, "one was given a smaller id than the reader had, and committed later"


class Shown(list[str]):
    """A notifier that only notes whom it was to show one."""

    def show(self, user_id: str, notice: Any) -> int:
        self.append(user_id)
        return 1

    def reached_elsewhere(self, user_ids: list[str]) -> int:
        return 0


def sender(storage: Storage, shown: Shown) -> BatchSender:
    nobody: Any = SimpleNamespace(users=list)
    directory: Any = SimpleNamespace(names_of=lambda names, field: names)
    made = BatchSender(storage, shown, directory, nobody, nobody, gevent.spawn)  # type: ignore[arg-type]
    made._begin_at = 0.0
    return made


def test_a_batch_is_one_workers_until_that_one_is_silent_and_then_another_goes_on(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, clock = postgres.create_database(f"claim_{time.monotonic_ns()}"), Clock()
    mine, other = open_storage(url, clock), open_storage(url, clock)
    names = [f"user{n}" for n in range(3 * SLICE_USERS)]
    id_, _ = mine.batches.add("ci", names, HI, None)
    send = mine.batches.send

    def send_late(*args: Any) -> list[int]:
        """Before our step we hang for so long that the other one takes two slices, and ends."""
        monkeypatch.undo()
        assert other.batches.next() is None, "it is ours"
        clock.now += CLAIM_SECONDS + 1
        work = other.batches.next()
        assert work is not None
        other.batches.send(work, 0, work.user_ids[:SLICE_USERS], 0)
        other.batches.send(work, SLICE_USERS, work.user_ids[SLICE_USERS : 2 * SLICE_USERS], 70)
        assert send(*args) == [], "it is ours no more"
        assert mine.batches.next() is None
        clock.now += CLAIM_SECONDS + 1
        return []

    monkeypatch.setattr(mine.batches, "send", send_late)
    shown = Shown()
    sender(mine, shown)._send_all()
    batch = mine.batches.find("ci", id_)
    assert batch is not None
    assert shown == names[2 * SLICE_USERS :], "who was shown it by the other process is not shown it again"
    assert (batch.sent, batch.reached, batch.finished) == (len(names), 70 + SLICE_USERS, True)
    mine.close()
    other.close()


def test_of_two_senders_of_one_batch_one_shows_it_to_everybody(two: tuple[Storage, Storage]) -> None:
    names = [f"user{n}" for n in range(10 * SLICE_USERS)]
    id_, _ = two[0].batches.add("ci", names, HI, None)
    shown = Shown()
    with gevent.Timeout(SECONDS):
        gevent.joinall([gevent.spawn(sender(storage, shown)._send_all) for storage in two], raise_error=True)
    assert sorted(shown) == sorted(names)
    batch = two[0].batches.find("ci", id_)
    assert batch is not None
    assert (batch.sent, batch.finished) == (len(names), True)
    assert [two[0].notifications.unseen(name, 9)[1] for name in names[::50]] == [1] * 20
