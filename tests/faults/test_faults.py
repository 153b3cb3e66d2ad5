"""The promise through each fault, in short; `make faults` takes its time. Real processes, real files."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from chat.storage.records import Send
from tests.faults import away, many, restarts, scenarios
from tests.faults.databases import PostgresDatabase
from tests.faults.scenarios import Outcome
from tests.postgres import Postgres
from tests.storage.conftest import open_storage

# Other tests use the processors meanwhile, so a start may wait for them: `make faults`, alone, holds BACK_SECONDS.
BESIDE_OTHERS_SECONDS = 30.0


def holds(outcome: Outcome, least: int = 1) -> None:
    outcome.back_seconds = max(outcome.back_seconds, BESIDE_OTHERS_SECONDS)
    assert outcome.faults == []
    assert outcome.verdict.acked >= least, "need acknowledged messages for this to mean anything"


@pytest.mark.parametrize("what", ["worker", "master and workers"])
def test_what_was_acknowledged_survives_a_kill_9(tmp_path: Path, what: str) -> None:
    outcome = scenarios.kill_9(tmp_path, 2, 400, what)
    holds(outcome, least=400)
    assert len(outcome.recoveries) == 2


@pytest.fixture
def on_postgres(postgres: Postgres) -> PostgresDatabase:
    return PostgresDatabase(postgres, f"faults_{time.monotonic_ns()}")


def test_what_was_acknowledged_on_postgresql_survives_a_kill_9(tmp_path: Path, on_postgres: PostgresDatabase) -> None:
    holds(scenarios.kill_9(tmp_path, 2, 400, "worker", on_postgres), least=400)


def test_a_crash_of_postgresql_loses_nothing(tmp_path: Path, on_postgres: PostgresDatabase) -> None:
    holds(scenarios.database_crashes(tmp_path, 3, on_postgres), least=300)


def test_a_send_whose_ack_was_lost_is_stored_once_and_gets_it_again(tmp_path: Path) -> None:
    holds(scenarios.cut_before_the_ack(tmp_path, 4), least=200)


def test_what_went_into_a_plain_clients_dead_line_comes_again(tmp_path: Path) -> None:
    holds(scenarios.dead_line(tmp_path, 1), least=200)


def test_a_send_that_comes_a_hundred_times_at_once_is_one_message(tmp_path: Path) -> None:
    holds(scenarios.one_client_id_at_once(tmp_path, 3), least=3)


def test_a_full_disk_refuses_what_it_cannot_keep_and_recovers(tmp_path: Path) -> None:
    try:
        outcome = scenarios.disk_full(tmp_path, 1)
    except scenarios.Skipped as reason:
        pytest.skip(str(reason))
    holds(outcome, least=400)


def test_a_database_that_somebody_else_locks_holds_up_nothing_but_commits(tmp_path: Path) -> None:
    holds(scenarios.locked(tmp_path, 5), least=400)


def test_a_proper_end_under_load_loses_nothing_and_says_1012_to_each(tmp_path: Path) -> None:
    holds(scenarios.sigterm(tmp_path, 1), least=300)


def test_of_several_workers_one_dies_and_nothing_is_lost_or_out_of_order(tmp_path: Path) -> None:
    holds(many.worker_dies(tmp_path, 400, kills=2, workers=2), least=400)


def test_a_commit_waits_for_the_disk_itself(tmp_path: Path) -> None:
    """A kill cannot tell FULL from NORMAL: the page cache outlives the process, but not the power."""
    storage = open_storage(f"sqlite:///{tmp_path}/chat.db")
    storage.writer.commit([Send("alice", "bob", "hi", None)])
    with storage.database.transaction() as writer:  # the very connection that commits
        assert writer.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert writer.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert writer.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    storage.close()


def test_a_databases_file_that_is_put_back_loses_and_doubles_nothing(tmp_path: Path) -> None:
    holds(away.file_put_back(tmp_path, 2), least=400)


def test_a_databases_folder_that_is_put_back_loses_and_doubles_nothing(tmp_path: Path) -> None:
    holds(away.folder_put_back(tmp_path, 1), least=200)


def test_of_what_went_into_a_dead_line_the_webhook_hears_once(tmp_path: Path) -> None:
    holds(away.dead_line_of_the_offline(tmp_path, 1), least=2)


@pytest.mark.alone
def test_a_reload_under_load_loses_nothing_and_tells_each_when_to_come_back(tmp_path: Path) -> None:
    holds(restarts.hup(tmp_path, 1, 300), least=600)
