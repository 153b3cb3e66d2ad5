"""What a balancer asks: whether a worker lives, and whether it may be given work. And that nobody can ask it to death."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import gevent
import pytest
from flask import Flask

from chat import create_app
from chat.readiness import ANSWER_SECONDS, KEPT_SECONDS, NO_ANSWER, Readiness
from chat.storage.storage import Storage
from tests.clock import Clock
from tests.storage.conftest import open_storage

READY = {"stopping": "ok", "database": "ok", "migrations": "ok"}


def ask(app: Flask, path: str = "/readyz") -> tuple[int, Any]:
    answer = app.test_client().get(path)
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.status_code, answer.json


@pytest.fixture
def storage(database_url: str) -> Iterator[Storage]:
    opened = open_storage(database_url)
    yield opened
    opened.close()


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Iterator[Storage]:
    opened = open_storage(f"sqlite:///{tmp_path}/chat.db")
    yield opened
    opened.close()


def readiness(storage: Storage, clock: Clock | None = None) -> Readiness:
    return Readiness(storage, lambda: False, *([clock] if clock else []))


def test_a_worker_that_can_work_is_ready_and_says_which_checks_it_made() -> None:
    app = create_app()
    assert ask(app) == (200, {"status": "ready", "checks": READY})
    assert ask(app, "/healthz") == (200, {"status": "ok"})
    app.extensions["chat"].stop()


def test_a_worker_that_stops_lives_and_is_given_nothing_more() -> None:
    app = create_app()
    app.extensions["chat"].connections.stopping = True
    status, said = ask(app)
    assert (status, said["status"]) == (503, "not_ready")
    assert said["checks"]["stopping"].startswith("This worker stops")
    assert ask(app, "/healthz")[0] == 200


def test_a_worker_that_has_lost_the_bus_goes_on_degraded() -> None:
    app = create_app()
    app.extensions["chat"].readiness.should["bus"] = lambda: "The bus is lost."
    assert ask(app) == (200, {"status": "degraded", "checks": {**READY, "bus": "The bus is lost."}})
    app.extensions["chat"].stop()


def test_a_database_that_may_only_be_read_is_seen_before_anybody_writes(storage: Storage) -> None:
    statement = {
        "sqlite": "PRAGMA query_only = ON",
        "postgresql": "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    }[storage.database.engine.dialect.name]
    with storage.database.transaction() as connection:
        connection.exec_driver_sql(statement)
    found = readiness(storage).look()
    assert found.status == "not_ready"
    assert found.checks["database"].startswith("database_read_only: Writes fail")


def test_tables_of_another_program_are_told(storage: Storage) -> None:
    with storage.database.transaction() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    found = readiness(storage).look()
    assert (found.status, found.checks["database"]) == ("not_ready", "ok")
    assert found.checks["migrations"].startswith("The tables are of revision 9999")


def test_however_many_ask_the_database_is_asked_once_a_second_and_nothing_is_written(
    on_sqlite: Storage, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(on_sqlite.health, "faults", lambda: asked.append(1) or {"database": None})
    looked = readiness(on_sqlite, clock)
    gevent.joinall([gevent.spawn(looked.look) for _ in range(100)], raise_error=True)
    assert len(asked) == 1
    clock.now += KEPT_SECONDS
    assert looked.look().status == "ready"
    assert len(asked) == 2


def test_to_ask_writes_nothing_to_the_disk() -> None:
    app = create_app()
    database = app.extensions["chat"].storage.database
    assert ask(app)[0] == 200
    with closing(sqlite3.connect(database.engine.url.database)) as other:
        before = other.execute("PRAGMA data_version").fetchone()
        app.extensions["chat"].readiness._told_at = float("-inf")
        assert ask(app)[0] == 200
        assert other.execute("PRAGMA data_version").fetchone() == before
    app.extensions["chat"].stop()


def test_a_database_that_hangs_is_told_in_time_and_holds_one_thread(
    on_sqlite: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.readiness.ANSWER_SECONDS", 0.05)
    assert ANSWER_SECONDS < 5, "a balancer gives up"
    calls: list[gevent.event.Event] = []

    def hang(_function: object) -> None:
        calls.append(gevent.event.Event())
        calls[-1].wait()

    monkeypatch.setattr(on_sqlite, "in_thread", hang)
    looked = readiness(on_sqlite)
    for _ in range(3):
        found = looked.look()
        assert (found.status, found.checks["database"]) == ("not_ready", NO_ANSWER)
    assert len(calls) == 1
