"""What is counted and measured, and how Prometheus reads it: of one worker, and of several together."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import prometheus_client
from prometheus_client.parser import text_string_to_metric_families

from chat.figures.exposition import Exposition
from chat.figures.kinds import MOST_LABELS, OTHER, Counter, Counts, Figure, Gauge, Histogram
from chat.figures.workers import SILENT_SECONDS, Workers


def read(exposition: Exposition) -> dict[str, float]:
    """Each figure by its name and labels, as Prometheus would store it."""
    return {
        "".join([sample.name, *(f" {name}={value}" for name, value in sorted(sample.labels.items()))]): sample.value
        for family in text_string_to_metric_families(exposition.text())
        for sample in family.samples
    }


def figures() -> tuple[Counter, Gauge, Counts, Histogram]:
    gauge = Gauge("sockets", "Open.", value=lambda: 3)
    return Counter("sent_total", "Sent."), gauge, Counts("closes_total", "Ended.", "code"), Histogram("took", "Time.")


def use(made: tuple[Counter, Gauge, Counts, Histogram]) -> list[Figure]:
    sent, _, closes, took = made
    sent.add(2)
    closes.add("1001")
    took.observe_all([0.0, 5.0, 9.95], 10.0)  # 10 s, 5 s and 50 ms ago
    return list(made)


def test_each_kind_of_figure_is_shown_as_prometheus_reads_it() -> None:
    shown = read(Exposition(use(figures())))
    assert (shown["sent_total"], shown["sockets"], shown["closes_total code=1001"]) == (2, 3, 1)
    assert {bound: shown[f"took_bucket le={bound}"] for bound in ("0.01", "0.1", "2.5", "5.0", "10.0", "+Inf")} == {
        "0.01": 0, "0.1": 1, "2.5": 1, "5.0": 2, "10.0": 3, "+Inf": 3,
    }  # fmt: skip
    assert (shown["took_count"], round(shown["took_sum"], 6)) == (3, 15.05)


def test_what_a_process_takes_is_shown_and_the_hosts_own_registry_is_left_alone() -> None:
    before = {family.name for family in prometheus_client.REGISTRY.collect()}
    shown = read(Exposition(use(figures())))
    worker = f"worker={os.getpid()}"
    assert shown[f"process_resident_memory_bytes {worker}"] > 1_000_000
    assert {f"process_cpu_seconds_total {worker}", f"process_open_fds {worker}"} <= shown.keys()
    assert {family.name for family in prometheus_client.REGISTRY.collect()} == before


def test_two_chats_of_one_process_have_figures_of_their_own() -> None:
    one, other = Exposition(use(figures())), Exposition(list(figures()))
    assert (read(one)["sent_total"], read(other)["sent_total"]) == (2, 0)


def test_what_comes_from_outside_makes_no_more_labels_than_a_bound() -> None:
    counts = Counts("closes_total", "Ended.", "code")
    for code in range(3 * MOST_LABELS):
        counts.add(str(code))
    assert len(counts.counts) == MOST_LABELS + 1
    assert counts.counts[OTHER] == 2 * MOST_LABELS


# Several workers.

ENDED = 2**22 + 1  # the number of a process that is no more: Linux gives none above 2**22


def worker(folder: Path, pid: int, made: list[Figure]) -> Exposition:
    exposition = Exposition(made)
    exposition.share_with(Workers("a chat", os.getpid(), folder, pid))
    return exposition


def test_each_worker_shows_the_figures_of_all(tmp_path: Path) -> None:
    one = worker(tmp_path, os.getpid(), use(figures()))
    other = worker(tmp_path, os.getppid(), use(figures()))
    one.share()
    for exposition in (one, other):
        shown = read(exposition)
        assert (shown["sent_total"], shown["sockets"], shown["closes_total code=1001"]) == (4, 6, 2)
        assert (shown["took_bucket le=5.0"], shown["took_count"]) == (4, 6)
    for pid in (os.getpid(), os.getppid()):
        assert f"process_cpu_seconds_total worker={pid}" in read(one)
        assert read(one)[f"chat_worker_silent_seconds worker={pid}"] < SILENT_SECONDS


def test_what_is_the_same_for_all_workers_is_not_added_up(tmp_path: Path) -> None:
    for pid, size in ((os.getppid(), 5), (os.getpid(), 4)):
        one = worker(tmp_path, pid, [Gauge("bytes", "Of the database.", value=lambda size=size: size, merge=max)])
    assert read(one)["bytes"] == 5


def test_what_a_dead_worker_counted_still_counts_and_its_sockets_do_not(tmp_path: Path) -> None:
    worker(tmp_path, ENDED, use(figures()))
    for _ in range(2):  # the second one finds it joined by the first
        one = worker(tmp_path, os.getpid(), use(figures()))
        shown = read(one)
        assert (shown["sent_total"], shown["sockets"], shown["took_count"]) == (4, 3, 6)
        assert f"process_cpu_seconds_total worker={ENDED}" not in shown
    assert not list(tmp_path.glob(f"*/{ENDED}.json")), "one more file after each restart"


def test_a_worker_that_says_nothing_any_more_has_no_sockets(tmp_path: Path) -> None:
    worker(tmp_path, os.getppid(), use(figures()))
    one = worker(tmp_path, os.getpid(), use(figures()))
    [file] = tmp_path.glob(f"*/{os.getppid()}.json")
    long_ago = time.time() - SILENT_SECONDS - 1
    os.utime(file, (long_ago, long_ago))
    assert (read(one)["sockets"], read(one)["sent_total"]) == (3, 4)


def test_the_folder_of_a_gunicorn_that_ended_is_removed_and_nobody_else_may_read_one(tmp_path: Path) -> None:
    Workers("a chat", ENDED, tmp_path)
    [old] = tmp_path.iterdir()
    assert old.stat().st_mode & 0o777 == 0o700
    Workers("a chat", os.getpid(), tmp_path)
    assert not old.exists()


def test_a_folder_that_somebody_emptied_is_made_anew(tmp_path: Path) -> None:
    one, other = (worker(tmp_path, pid, use(figures())) for pid in (os.getpid(), os.getppid()))
    [folder] = tmp_path.iterdir()
    shutil.rmtree(folder)
    assert read(one)["sent_total"] == 2
    shutil.rmtree(folder)
    other.share()
    assert read(one)["sent_total"] == 4


def test_a_disk_without_room_changes_nothing_for_who_is_asked(tmp_path: Path) -> None:
    one = worker(tmp_path, os.getpid(), use(figures()))
    [folder] = tmp_path.iterdir()
    shutil.rmtree(folder)
    folder.write_text("in the way")
    one.share()


def test_only_folders_of_this_machines_dead_gunicorns_are_removed(tmp_path: Path) -> None:
    Workers("a chat", ENDED, tmp_path)
    [mine] = tmp_path.iterdir()
    others = [mine.with_name(mine.name.replace(f"-{ENDED}-", f"-{name}-")) for name in (f"2-{ENDED}", "1")]
    for other in others:  # another machine's, whose name begins with this one's; and of a process of another user
        other.mkdir()
    Workers("a chat", os.getpid(), tmp_path)
    assert not mine.exists()
    assert all(other.exists() for other in others)


def test_two_chats_of_one_gunicorn_do_not_mix(tmp_path: Path) -> None:
    one, other = (Exposition(use(figures())) for _ in range(2))
    one.share_with(Workers("a chat", os.getpid(), tmp_path))
    other.share_with(Workers("another chat", os.getpid(), tmp_path, os.getppid()))
    assert read(one)["sent_total"] == 2


def test_a_worker_that_hangs_with_the_lock_delays_nobody(tmp_path: Path) -> None:
    import fcntl

    one = worker(tmp_path, os.getpid(), use(figures()))
    worker(tmp_path, os.getppid(), use(figures()))
    [lock] = tmp_path.glob("*/lock")
    with lock.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert read(one)["sent_total"] == 4
