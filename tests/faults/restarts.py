"""What a restart does to many: HUP under load, and the storm of those who come back."""

from __future__ import annotations

import json
import os
import select
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import requests

from tests.conftest import ROOT
from tests.faults.many import Cluster, judged
from tests.faults.scenarios import Outcome, integrity_of, serving, wait_for
from tests.faults.server import Mortal
from tests.faults.workload import Crowd, Member, crowd

GONE_SECONDS = 8.0  # after HUP, the old worker
SYNCED_SECONDS = 30.0  # after the restart, the last of the storm
PAGE_P99_SECONDS = 1.0  # of `GET /` meanwhile


def hup(folder: Path, times: int, acks: int) -> Outcome:
    """HUP under load: each socket is told `restart` and 1012, nothing is lost, and the old worker is gone in time."""
    wrong, recoveries = [], []
    with serving(folder) as server, crowd(server) as people:
        for _ in range(times):
            people.wait_acked(acks)
            wait_for(lambda: all(m.online for m in people.members), "everybody online")
            begin = time.monotonic()
            wrong += _reload(server, people.members)
            recoveries.append(time.monotonic() - begin)
        people.wait_acked(acks)
        verdict = people.settle()
    if any("restart" not in member.heard for member in people.members):
        wrong.append("somebody was not told when to come back")
    wrong += integrity_of(server)
    return Outcome(
        "HUP under load", verdict, times, recoveries, wrong, max(GONE_SECONDS, 2 * server.first_start_seconds)
    )


def hup_in_turn(folder: Path, times: int, acks: int) -> Outcome:
    """HUP under load to each of two workers with a bus, one after the other: the other one's users notice nothing."""

    def reload(them: Cluster, people: Crowd) -> list[str]:
        wrong = []
        for number in range(times):
            people.wait_acked(acks // times, 120)
            server = them.servers[number % 2]
            theirs = [member for member in people.members if member.url == server.ws]
            others = [member for member in people.members if member.url != server.ws]
            wait_for(lambda: all(m.online for m in people.members), "everybody online")
            before = [len(member.codes) for member in others]
            wrong += _reload(server, theirs)
            if [len(member.codes) for member in others] != before:
                wrong.append("somebody at the other worker was sent away")
        return wrong

    return judged("HUP in turn", folder, reload, acks)


def _reload(server: Mortal, members: list[Member]) -> list[str]:
    """Send HUP, and wait until the next worker serves; return what was wrong with the end of the old one."""
    wrong = []
    told = [len(member.codes) for member in members]
    old, begin = server.worker_pid, time.monotonic()
    os.kill(server.master_pid, signal.SIGHUP)
    wait_for(lambda: _is_gone(old), "the end of the old worker")
    if (gone := time.monotonic() - begin) > GONE_SECONDS:
        wrong.append(f"the old worker was gone after {gone:.1f} s")
    wait_for(lambda: server.worker_pid != old, "a new worker")
    server.wait_ready()
    codes = [m.codes[n] for m, n in zip(members, told, strict=True)]
    if codes != [1012] * len(codes):
        wrong.append(f"close codes {codes}")
    return wrong


def storm(folder: Path, clients: int) -> Outcome:
    """So many clients are sent away by HUP, part by part, and come back when they were told: the pages stay fast, and
    who writes meanwhile loses nothing.
    """
    wrong: list[str] = []
    # They answer no ping, and on a busy machine take longer to be there than two heartbeats.
    with serving(folder, CHAT_HEARTBEAT_SECONDS="600") as server, crowd(server, pairs=2, window=1) as people:
        command = [sys.executable, "-m", "tests.faults.storm", str(server.port), str(clients)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as them:
            assert them.stdout is not None
            assert them.stdout.readline() == "here\n"
            old, begin = server.worker_pid, time.monotonic()
            os.kill(server.master_pid, signal.SIGHUP)
            wait_for(lambda: server.worker_pid != old, "a new worker")
            pages = _page_times(server, them.stdout)
            if not select.select([them.stdout], [], [], SYNCED_SECONDS)[0]:
                them.kill()
            back = json.loads(them.stdout.readline() or "[]")
            last = time.monotonic() - begin
        verdict = people.settle()
        if last > SYNCED_SECONDS or len(back) < clients:
            wrong.append(f"{len(back)} of {clients} were back after {last:.1f} s")
        p99 = sorted(pages)[int(len(pages) * 0.99)]
        if p99 > PAGE_P99_SECONDS:
            wrong.append(f"GET / took {statistics.median(pages):.3f} s, p99 {p99:.3f} s, of {len(pages)}")
        wrong += integrity_of(server)
    return Outcome(f"{clients:,} clients come back", verdict, 1, [last], wrong, SYNCED_SECONDS)


def _page_times(server: Mortal, them: IO[str]) -> list[float]:
    """Get the page again and again, from when the new worker serves until all are back, as `them` will say."""
    server.wait_ready()
    times: list[float] = []
    until = time.monotonic() + SYNCED_SECONDS
    while True:
        begin = time.monotonic()
        requests.get(f"{server.http}/", timeout=60)
        times.append(time.monotonic() - begin)
        if select.select([them], [], [], 0.05)[0] or time.monotonic() > until:
            return times


def _is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True
