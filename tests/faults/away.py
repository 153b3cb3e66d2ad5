"""What is away for a moment: the database's file, its folder, a reader's line of which a webhook is to hear."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.clients import Person
from tests.faults.checker import Acked, Sent, check
from tests.faults.proxy import Proxy
from tests.faults.scenarios import Outcome, integrity_of, serving, wait_for
from tests.faults.workload import Crowd, crowd
from tests.notifications.test_webhook import SECRET, Receiver

HEARTBEAT_SECONDS = 1  # a line that answers nothing is cut after three
TWICE_SECONDS = 1.0  # in which a second call of the webhook would have come


def file_put_back(folder: Path, times: int) -> Outcome:
    """The database's file is moved away and put back, under load: what nobody could say was stored comes once."""
    file, aside = folder / "chat.db", folder / "aside.db"
    title = "the database's file is put back"
    return _away(folder, times, title, lambda: file.rename(aside), lambda: aside.rename(file))


def folder_put_back(folder: Path, times: int) -> Outcome:
    """A file lies for a moment where the database's folder was: an error of another kind than a missing file."""
    data, aside = folder / "data", folder / "aside"

    def take_away() -> None:
        data.rename(aside)
        data.touch()

    def put_back() -> None:
        data.unlink()
        aside.rename(data)

    return _away(data, times, "the database's folder is put back", take_away, put_back)


def _away(
    folder: Path, times: int, title: str, take_away: Callable[[], object], put_back: Callable[[], object]
) -> Outcome:
    wrong, recoveries = [], []
    with serving(folder) as server, crowd(server) as people:
        for _ in range(times):
            people.wait_acked(200)
            refused = people.refused
            take_away()
            wait_for(partial(_more_refused, people, refused), "an error for somebody")
            put_back()
            begin = time.monotonic()
            people.wait_acked(100)
            recoveries.append(time.monotonic() - begin)
        verdict = people.settle()
        if "Traceback" in server.log:
            wrong.append("a traceback in the log")
    return Outcome(title, verdict, times, recoveries, wrong + integrity_of(server))


def _more_refused(people: Crowd, before: list[int]) -> bool:
    return people.refused != before


def dead_line_of_the_offline(folder: Path, times: int) -> Outcome:
    """The only lines of two people go dead, and are cut: the webhook is told once of each message that went there."""
    sent: list[Sent] = []
    acked: list[Acked] = []
    receiver = Receiver(204)
    settings = {
        "CHAT_WEBHOOK_URL": receiver.url,
        "CHAT_WEBHOOK_SECRET": SECRET,
        "CHAT_HEARTBEAT_SECONDS": str(HEARTBEAT_SECONDS),
        "CHAT_PRESENCE_SECONDS": "0",
    }
    try:
        with serving(folder, **settings) as server, Person(server.ws, "alice", proxy=None) as alice:
            for number in range(times):
                with Proxy(server.port) as proxy:
                    lines = {name: Person(proxy.url, proxy=None) for name in (f"sync{number}", f"plain{number}")}
                    for name, line in lines.items():
                        line.send(type="init", userId=name, sync=name.startswith("sync"))
                        line.receive("ready")
                    proxy.swallowing = True
                    for name in lines:
                        message = Sent(("alice", name), "alice", name, f"{name} does not hear")
                        answer = alice.ask(type="chat", toUserId=name, message=message.body, clientId=name)
                        sent.append(message)
                        acked.append(Acked(message.conversation, name, answer["seq"]))
                    wait_for(lambda: len(receiver.posts) >= len(sent), "the webhook's call for each message")
                    proxy.cut()
                    for line in lines.values():
                        line.close()
            time.sleep(TWICE_SECONDS)
            verdict = check(sent, acked, server.stored(), {})
        told = Counter(json.loads(body)["event"]["message"] for _, _, body in receiver.posts)
        wrong = [f"the webhook was told {told[one.body]} times: {one.body}" for one in sent if told[one.body] != 1]
    finally:
        receiver.stop()
    return Outcome("the webhook hears of a dead line", verdict, times, [], wrong + integrity_of(server))
