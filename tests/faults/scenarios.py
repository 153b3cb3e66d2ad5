"""What is done to the server, each with the workload around it. Long in `make faults`, short in the tests."""

from __future__ import annotations

import os
import random
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import requests

from chat.people.tokens import Tokens
from chat.storage.lease_row import STALE_SECONDS
from tests.clients import Person
from tests.conftest import ROOT
from tests.faults.checker import Acked, Sent, Verdict, check
from tests.faults.databases import ALL, Database, PostgresDatabase, SqliteFile, messages_of
from tests.faults.proxy import Proxy
from tests.faults.server import SECRET, Mortal
from tests.faults.workload import Crowd, Member, crowd
from tests.postgres import Postgres

BACK_SECONDS = 3.0  # after a kill, until somebody has signed in again
ANSWER_SECONDS = 5.0  # until a sender is told that a database does not answer
BUSY = 2  # times the first start: where other things run, even that one takes longer than BACK_SECONDS
DEAD_SECONDS = 2.5  # pointers are moved once a second
QUIET_SECONDS, QUIET_AT_LAST_SECONDS = 0.3, 10
PING_MEDIAN_SECONDS = 0.05
PING_P99_SECONDS = 0.25  # for a machine that does other things too


class Skipped(Exception):
    """This machine cannot do this to the server; the message says why."""


@dataclass
class Outcome:
    """What came of a scenario. `wrong`: what else was found, beside the checker's verdict."""

    scenario: str
    verdict: Verdict
    kills: int = 0
    recoveries: list[float] = field(default_factory=list)  # seconds
    wrong: list[str] = field(default_factory=list)
    back_seconds: float = BACK_SECONDS  # what a recovery may take

    @property
    def faults(self) -> list[str]:
        late = []
        # The median: one start on a busy machine says little.
        if self.recoveries and statistics.median(self.recoveries) > self.back_seconds:
            late = [f"back after {self.recoveries} seconds"]
        return self.verdict.faults + self.wrong + late


def kill_9(folder: Path, kills: int, acks: int, what: str, database: Database | None = None) -> Outcome:
    """kill -9 in mid-burst, `what` being "worker" or "master and workers"; `acks` in all at least."""
    wrong, recoveries = [], []
    dice = random.Random(kills)  # the same bursts each time; the moments differ all the same
    with serving(folder, database) as server, crowd(server) as people:
        for _ in range(kills):
            people.wait_acked(dice.randint(acks // kills, 2 * acks // kills))
            time.sleep(dice.random() * 0.02)  # anywhere between two commits
            if not any(member.unacked for member in people.members):
                wrong.append("nothing was on its way when it was killed")
            if what == "worker":
                recoveries.append(server.kill_worker())
            else:
                server.kill_all()
                if (said := server.integrity()) != "ok":
                    wrong.append(said)
                recoveries.append(server.start())
        people.wait_acked(100)
        verdict = people.settle()
    wrong += integrity_of(server)
    where = " (PostgreSQL)" if database else ""
    lease = STALE_SECONDS if database else 0  # the dead one's row
    return Outcome(f"kill -9 of {what}{where}", verdict, kills, recoveries, wrong, _back_seconds(server) + lease)


def database_crashes(folder: Path, crashes: int, database: PostgresDatabase, kill_9: bool = False) -> Outcome:
    """PostgreSQL dies in mid-burst, also between a commit and the word of it, and comes back."""
    wrong, recoveries = [], []
    dice = random.Random(crashes)
    with serving(folder, database) as server, crowd(server) as people:
        for _ in range(crashes):
            people.wait_acked(dice.randint(100, 300))
            time.sleep(dice.random() * 0.02)
            database.server.kill() if kill_9 else database.server.crash()
            begin = time.monotonic()
            database.server.start()
            people.wait_acked(1)
            recoveries.append(time.monotonic() - begin)
        people.wait_acked(100)
        verdict = people.settle()
    wrong += integrity_of(server)
    scenario = "kill -9 of PostgreSQL" if kill_9 else "PostgreSQL crashes"
    return Outcome(scenario, verdict, crashes, recoveries, wrong, _back_seconds(server))


def database_stops(folder: Path, times: int, acks: int, database: PostgresDatabase) -> Outcome:
    """SIGSTOP of PostgreSQL in mid-burst: each sender is told soon; what it commits when it goes on is found."""
    wrong, recoveries = [], []
    dice = random.Random(times)
    with serving(folder, database) as server, crowd(server) as people:
        for _ in range(times):
            people.wait_acked(acks // times)
            time.sleep(dice.random() * 0.02)
            with database.server.stopped():
                begin, refused = time.monotonic(), people.refused
                wait_for(partial(_refused_since, people, refused), "an error for each sender")
                if (seconds := time.monotonic() - begin) > ANSWER_SECONDS:
                    wrong.append(f"the last sender was told after {seconds:.1f} s")
            begin = time.monotonic()
            people.wait_acked(1)
            recoveries.append(time.monotonic() - begin)
        people.wait_acked(100)
        verdict = people.settle()
    wrong += integrity_of(server)
    return Outcome("SIGSTOP of PostgreSQL", verdict, times, recoveries, wrong, _back_seconds(server))


def two_writers(folder: Path, messages: int, database: Database | None = None) -> Outcome:
    """Two processes send into one conversation, each message a commit, a tenth of them in both: `seq` has no gap."""
    database = database or SqliteFile(folder / "chat.db")
    shared = messages // 10
    each = (messages + shared) // 2
    command = [sys.executable, "-c", WRITER, database.url, str(shared), str(each)]
    codes = [writer.wait(600) for writer in [subprocess.Popen([*command, one], cwd=ROOT) for one in "xy"]]
    stored = messages_of(database.ask(ALL))
    found = stored.get(("alice", "bob"), [])
    wrong = [f"exit codes {codes}"] if any(codes) else []
    if [message.seq for message in found] != list(range(1, messages + 1)):
        wrong.append(f"{len(found)} messages, and not 1 to {messages}")
    in_order = [str(message.client_id) for message in found]
    names = {one: [f"{one}-{n}" for n in range(shared, each)] for one in "xy"}
    for one, own in names.items():
        if [name for name in in_order if name.startswith(one)] != own:
            wrong.append(f"the messages of {one} are not all there, in their order")
    if {*in_order} != {*names["x"], *names["y"], *(f"both-{n}" for n in range(shared))}:
        wrong.append("what both sent is not there")
    sent = [Sent(("alice", "bob"), "alice", name, name) for name in in_order]
    acked = [Acked(("alice", "bob"), str(message.client_id), message.seq) for message in found]
    where = " (PostgreSQL)" if isinstance(database, PostgresDatabase) else ""
    return Outcome(f"two writers, one conversation{where}", check(sent, acked, stored, {}), 0, [], wrong)


def on_postgres(folder: Path, scenario: Callable[..., Outcome]) -> Outcome:
    """`scenario(folder, database=...)`, with a PostgreSQL server of its own.

    Raises:
        Skipped: it is not installed.
    """
    if not Postgres.is_installed():
        raise Skipped("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    (folder / "postgres").mkdir()
    server = Postgres(folder / "postgres")
    server.start()
    try:
        return scenario(folder, database=PostgresDatabase(server, "faults"))
    finally:
        server.stop()


def cut_before_the_ack(folder: Path, cuts: int) -> Outcome:
    """The line goes dead, what was sent is committed, the line is cut: the client knows of nothing."""
    wrong = []
    with serving(folder) as server, Proxy(server.port) as proxy:
        people = Crowd(server)
        for member in people.members:
            member.url = proxy.url
        people.start()
        try:
            for _ in range(cuts):
                people.wait_acked(50)
                proxy.swallowing = True
                time.sleep(0.05)  # what was on its way to the clients is there
                wait_for(partial(_more_stored_than, server, people.known), "a commit without an ack")
                proxy.cut()
                proxy.swallowing = False
            verdict = people.settle()
        finally:
            people.stop()
    if people.acked < verdict.stored:
        wrong.append("not everything was acknowledged in the end")
    wrong += integrity_of(server)
    return Outcome("cut between commit and ack", verdict, cuts, [], wrong)


def dead_line(folder: Path, times: int) -> Outcome:
    """Plain clients' lines go dead: the kernel takes what is sent to them, for as long as pointers need to
    move, and nobody ever reads it. Then they are cut, and the clients come back."""
    wrong = []
    with serving(folder) as server, Proxy(server.port) as proxy:
        people = Crowd(server)
        listeners = [member for member in people.members if member.plain]
        for member in listeners:
            member.url = proxy.url
        people.start()
        try:
            for _ in range(times):
                people.wait_acked(100)
                wait_for(lambda: all(m.online for m in listeners), "everybody online")
                proxy.swallowing = True
                seen = _shown_when_quiet(listeners)  # what was in the line before comes out first
                until = time.monotonic() + DEAD_SECONDS
                while time.monotonic() < until:
                    people.wait_acked(100)
                if [len(m.shown) for m in listeners] != seen:
                    wrong.append("the line was not dead")
                proxy.cut()
                proxy.swallowing = False
            verdict = people.settle()
        finally:
            people.stop()
    wrong += integrity_of(server)
    return Outcome("a plain client's line goes dead", verdict, times, [], wrong)


def _shown_when_quiet(members: list[Member]) -> list[int]:
    """How many messages each has been shown, once nothing has come for a while."""
    seen: list[int] = []
    until = time.monotonic() + QUIET_AT_LAST_SECONDS
    while time.monotonic() < until:
        before, seen = seen, [len(member.shown) for member in members]
        if seen == before:
            break
        time.sleep(QUIET_SECONDS)
    return seen


def one_client_id_at_once(folder: Path, rounds: int, sockets: int = 10, each: int = 10) -> Outcome:
    """The same send from many sockets at once: one row, equal acks; another text is refused."""
    wrong, sent, acked = [], [], []
    conversation = ("alice", "bob")
    with serving(folder) as server:
        people = [Person(server.ws, "alice", proxy=None) for _ in range(sockets)]
        bob = Person(server.ws, "bob", proxy=None)
        for number in range(rounds):
            message = Sent(conversation, "alice", f"id-{number}", f"text {number}")
            sent.append(message)
            event = {"type": "chat", "toUserId": "bob", "message": message.body}
            event |= {"clientId": message.client_id, "ref": "same"}
            barrier = threading.Barrier(sockets)
            answers: list[dict[str, object]] = []

            def send(
                person: Person, event: dict[str, str] = event, barrier: threading.Barrier = barrier,
                answers: list[dict[str, object]] = answers,
            ) -> None:  # fmt: skip
                barrier.wait(10)
                for _ in range(each):
                    person.send(**event)
                for _ in range(each):
                    answers.append(person.receive("ack"))

            threads = [threading.Thread(target=send, args=(person,)) for person in people]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(30)
            acked += [Acked(conversation, message.client_id, int(str(a["seq"]))) for a in answers]
            told = {(a["seq"], a["timestamp"]) for a in answers}
            if len(answers) != sockets * each or len(told) != 1:
                wrong.append(f"{len(answers)} acks, which say {told}")
            error = _say(people[0], "another text", clientId=message.client_id)
            if (error.get("code"), error.get("field")) != ("conflict", "clientId"):
                wrong.append(f"another text got {error}")
            heard = bob.receive("chat")
            if (heard["seq"], heard["message"]) != (number + 1, message.body):
                wrong.append(f"bob heard {heard}")
        bob.send(type="ping")
        if (heard := bob.receive())["type"] != "pong":
            wrong.append(f"bob heard more: {heard}")
        for person in [*people, bob]:
            person.close()
        verdict = check(sent, acked, server.stored(), {})
    return Outcome(f"one clientId {sockets * each} times at once", verdict, 0, [], wrong)


def disk_full(folder: Path, rounds: int) -> Outcome:
    """No room for a commit: an error, and none is half-stored; with room again it goes on by itself.

    Raises:
        Skipped: a small file system of our own cannot be mounted.
    """
    wrong, recoveries = [], []
    with _small_disk(folder / "small") as disk:
        with serving(disk) as server, crowd(server) as people:
            for _ in range(rounds):
                people.wait_acked(200)
                refused = people.refused
                ballast = disk / "ballast"
                _fill(ballast)
                wait_for(partial(_refused_since, people, refused), "an error for each sender")
                people.reconnect()
                if not people.members[0].history(0):
                    wrong.append("nothing could be read")
                if (health := _health(server)) != "disk_full":
                    wrong.append(f"the health of a full disk is {health}")
                wrong += _unseen_by_operators(server)
                with Person(server.ws, "alice", proxy=None) as alice:
                    answer = _say(alice, "?")
                    if answer.get("code") != "unavailable":
                        wrong.append(f"a send on a full disk got {answer}")
                ballast.unlink()
                wait_for(lambda: _health(server) == "ok", "a health that is well again")
                begin = time.monotonic()
                people.wait_acked(1)
                recoveries.append(time.monotonic() - begin)
            people.wait_acked(200)
            verdict = people.settle()
        if ("alice", "bob") in server.stored():
            wrong.append("what was answered with an error is stored")
        wrong += integrity_of(server)
    return Outcome("disk full", verdict, rounds, recoveries, wrong)


def locked(folder: Path, seconds: float) -> Outcome:
    """Another process holds the database's lock: whoever does not need it notices nothing."""
    wrong = []
    with serving(folder) as server, crowd(server) as people:
        people.wait_acked(200)
        with Person(server.ws, "somebody-else", proxy=None) as other, _lock(folder / "chat.db", seconds):
            time.sleep(0.2)  # what was committed before the lock is answered
            before, times = people.acked, []
            until = time.monotonic() + seconds - 0.7
            people.reconnect()  # coming back needs reading only
            while time.monotonic() < until:
                begin = time.monotonic()
                other.ask(type="ping")
                times.append(time.monotonic() - begin)
                time.sleep(0.005)
            if people.acked != before:
                wrong.append("there were acks under the lock")
        median, p99 = statistics.median(times), sorted(times)[int(len(times) * 0.99)]
        if len(times) < 100 * seconds / 5 or median > PING_MEDIAN_SECONDS or p99 > PING_P99_SECONDS:
            wrong.append(f"{len(times)} pings, median {median:.3f} s, p99 {p99:.3f} s")
        people.wait_acked(200)
        verdict = people.settle()
    return Outcome(f"locked by another process for {seconds:g} s", verdict, 1, [], wrong)


def sigterm(folder: Path, stops: int) -> Outcome:
    """A proper end under load: everybody is told 1012, and what was acknowledged is there afterwards."""
    wrong, recoveries = [], []
    with serving(folder) as server, crowd(server) as people:
        for _ in range(stops):
            people.wait_acked(300)
            wait_for(lambda: all(m.online for m in people.members), "everybody online")
            told = [len(member.codes) for member in people.members]
            server.stop()
            wait_for(lambda: not any(m.online for m in people.members), "everybody offline")
            codes = [m.codes[n:] for m, n in zip(people.members, told, strict=True)]
            if codes != [[1012]] * len(codes):
                wrong.append(f"close codes {codes}")
            recoveries.append(server.start())
        people.wait_acked(100)
        verdict = people.settle()
    wrong += integrity_of(server)
    return Outcome("SIGTERM under load", verdict, stops, recoveries, wrong, _back_seconds(server))


# What the scenarios share.


def _say(person: Person, text: str, **fields: str) -> dict[str, Any]:
    return person.ask(type="chat", toUserId="bob", message=text, **fields)


@contextmanager
def serving(folder: Path, database: Database | None = None, **env: str) -> Iterator[Mortal]:
    """A server that runs, with its data and its log in `folder`, and with these settings."""
    folder.mkdir(parents=True, exist_ok=True)
    server = Mortal(folder, database, **env)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def _back_seconds(server: Mortal) -> float:
    return max(BACK_SECONDS, BUSY * server.first_start_seconds)


def _more_stored_than(server: Mortal, known: int) -> bool:
    return server.count() > known


def _refused_since(people: Crowd, before: list[int]) -> bool:
    senders = [n for n, member in enumerate(people.members) if member.window]
    return all(people.refused[n] > before[n] for n in senders)


def integrity_of(server: Mortal) -> list[str]:
    said = server.integrity()
    return [] if said == "ok" else [said]


def _health(server: Mortal) -> str:
    said = requests.get(f"{server.http}/api/health", timeout=10).json()
    return str(said["error"]["code"] if "error" in said else said["status"])


def _unseen_by_operators(server: Mortal) -> list[str]:
    """What of a full disk neither Prometheus nor a balancer would notice."""
    bearer = {"Authorization": f"Bearer {Tokens(SECRET.encode(), 60).sign_service('faults', 'metrics', 60)}"}
    shown = requests.get(f"{server.http}/metrics", headers=bearer, timeout=10).text
    counts = dict(re.findall(r"^(chat_writes_failing|chat_failed_commits_total) (.+)$", shown, re.M))
    ready = requests.get(f"{server.http}/readyz", timeout=10)
    wrong = [f"{name} is {counts.get(name)}" for name in counts if not float(counts[name])]
    if len(counts) < 2 or ready.status_code != 503:
        wrong.append(f"of a full disk {counts} are shown, and /readyz is {ready.status_code} {ready.text}")
    return wrong


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise AssertionError(f"waited in vain for {what}")
        time.sleep(0.005)


@contextmanager
def _small_disk(folder: Path) -> Iterator[Path]:
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        raise Skipped("a full disk needs root, to mount a small file system")
    folder.mkdir(parents=True)
    # The write-ahead log grows to 32 MB before it is folded in: with less room the disk is full without its ballast.
    mount = ["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True)
    if done.returncode:
        raise Skipped(f"a small file system cannot be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def _fill(path: Path) -> None:
    """Write until there is no room."""
    with path.open("wb", buffering=0) as file:
        for size in (65_536, 4_096, 512):
            try:
                while file.write(b"\0" * size) == size:
                    pass
            except OSError:
                pass


WRITER = """
import logging, sys
from chat.protocol.names import name_key
from chat.storage.records import Send
from chat.storage.storage import Storage
url, shared, each, one = sys.argv[1:]
storage = Storage(url, name_key, logging.getLogger("chat"), 1000)
for n in range(int(each)):
    name = f"{one}-{n}" if n >= int(shared) else f"both-{n}"
    storage.writer.commit([Send("alice", "bob", name, name)])
storage.close()
"""

HOLDER = """
import sqlite3, sys, time
database = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
database.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
time.sleep(float(sys.argv[2]))
database.execute("ROLLBACK")
"""


@contextmanager
def _lock(database: Path, seconds: float) -> Iterator[None]:
    command = [sys.executable, "-c", HOLDER, str(database), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        yield
        holder.wait(seconds + 30)
