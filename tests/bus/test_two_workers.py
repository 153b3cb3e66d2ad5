"""Alice is at one worker, bob at another: what the two notice of it is nothing."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from chat.people.tokens import Tokens
from tests.clients import Person
from tests.conftest import TOKEN_SECRET, Server, StartServer, new_database
from tests.faults.scenarios import wait_for
from tests.redis import Redis

GRACE = "0.5"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def workers(
    request: pytest.FixtureRequest, redis: Redis, _start: StartServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Server]]:
    """Two workers with one database."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('two')}/chat.db"
    else:
        url = new_database(request.getfixturevalue("postgres"))
    settings = {"CHAT_DATABASE_URL": url, "CHAT_BUS_URL": redis.url, "CHAT_PRESENCE_SECONDS": GRACE}
    running = [_start(**settings), _start(**settings)]
    yield running
    for server in running:
        server.end()


@pytest.fixture
def people(workers: list[Server]) -> Iterator[Callable[..., Person]]:
    """Connect people: people("alice") is at the first worker, people("bob", at=1) at the second."""
    made: list[Person] = []

    def connect(name: str, at: int = 0, sync: bool = False) -> Person:
        person = Person(workers[at].ws)
        person.send(type="init", userId=name, sync=sync)
        person.ready = person.receive("ready")
        made.append(person)
        return person

    yield connect
    for person in made:
        person.close()


People = Callable[..., Person]


def say(person: Person, to: str, text: str) -> dict[str, object]:
    person.send(type="chat", toUserId=to, message=text, ref=text)
    answer = person.receive("ack")
    assert answer["ref"] == text
    return answer


def token_of(server: Server, name: str) -> dict[str, str]:
    answer = requests.post(f"{server.http}/api/session", json={"userId": name}, timeout=10)
    return {"Authorization": f"Bearer {answer.json()['token']}"}


def test_a_message_its_receipt_and_the_typing_come_from_one_to_the_other(people: People) -> None:
    alice, bob, bobs_phone = people("alice1", sync=True), people("bob1", at=1), people("bob1", at=0)
    assert say(alice, "bob1", "hi")["delivered"] is True
    for socket in (bob, bobs_phone):
        assert socket.receive("chat")["message"] == "hi"
    assert alice.receive("receipt")["received"] == 1, "a plain client's pong proves it"
    bob.send(type="typing", toUserId="alice1")
    assert alice.receive("typing")["fromUserId"] == "bob1"
    assert say(bob, "alice1", "hello")["delivered"] is True
    assert alice.receive("chat")["message"] == "hello"
    assert bobs_phone.receive("chat")["message"] == "hello", "what one's own other screen has written"
    alice.send(type="read", withUserId="bob1", seq=2)
    assert bob.receive("receipt")["read"] == 2


def test_who_is_nowhere_is_not_reached(people: People) -> None:
    alice = people("alice2")
    assert say(alice, "bob2", "are you there?")["delivered"] is False
    bob = people("bob2", at=1)
    assert bob.receive("chat")["message"] == "are you there?"


def test_who_is_on_no_worker_is_told_to_be_offline(people: People) -> None:
    alice = people("alice11", sync=True)
    say(alice, "bob11", "hi")
    assert alice.receive("presence") | {"timestamp": ""} == {
        "type": "presence", "userId": "bob11", "status": "offline", "timestamp": "",
    }  # fmt: skip


def test_a_name_in_use_at_one_worker_is_known_at_the_other_though_it_looks_like_another(people: People) -> None:
    kiz, dotless, ayla = people("kiz12", at=1), people("kız12"), people("ayla12", at=1)
    say(kiz, "ayla12", "hi")  # so this one is stored, and that one is not
    assert say(ayla, "kız12", "a secret")["delivered"] is True
    assert dotless.receive("chat")["message"] == "a secret"
    people("kız12", at=1).close()


def test_what_another_program_publishes_on_a_channel_harms_nobody(
    people: People, workers: list[Server], redis: Redis
) -> None:
    alice, bob = people("alice14"), people("bob14", at=1)
    channels = redis.ask(b"PUBSUB CHANNELS *").split(b"\r\n")
    for channel in (one for one in channels if one.endswith((b":u:alice14", b":u:bob14", b":w:all"))):
        assert int(redis.ask(b"PUBLISH " + channel + b" nonsense")[1:]) > 0
    workers[1].wait_for("what came by the bus could not be passed on")
    assert say(alice, "bob14", "hi")["delivered"] is True
    assert bob.receive("chat")["message"] == "hi"
    assert all("the bus is lost" not in server.log for server in workers)


def test_presence_is_that_of_all_workers(people: People) -> None:
    alice, bob = people("alice3", sync=True), people("bob3", at=1, sync=True)
    alice.send(type="chat", toUserId="bob3", message="hi")
    assert alice.receive("presence")["status"] == "online"
    assert bob.receive("presence")["status"] == "online"
    phone = people("bob3", at=0)
    bob.send(type="away")
    phone.send(type="away")
    assert changed(alice, "online")["status"] == "away"
    phone.send(type="back")
    assert changed(alice, "away")["status"] == "online"
    phone.close()
    assert changed(alice, "online")["status"] == "away", "the other one is there still"
    bob.close()
    gone = changed(alice, "away")
    assert (gone["userId"], gone["status"]) == ("bob3", "offline")
    assert gone["lastSeen"]
    again = people("bob3", at=1, sync=True)
    assert again.ready["conversations"][0]["presence"] == "online", "alice, at the first worker"
    assert changed(alice, "offline")["status"] == "online"


def changed(person: Person, before: str) -> dict[str, Any]:
    """The next presence that is another: two workers who notice it at once both tell."""
    while (told := person.receive("presence"))["status"] == before:
        pass
    return told


def test_a_notification_reaches_sockets_and_streams_of_the_other_worker(people: People, workers: list[Server]) -> None:
    bob = people("bob4", at=1, sync=True)
    token = token_of(workers[1], "bob4")
    stream = requests.get(f"{workers[1].http}/api/notifications/stream", headers=token, stream=True, timeout=10)
    lines = stream.iter_lines(chunk_size=1)
    program = Tokens(TOKEN_SECRET.encode(), 60).sign_service("shop", "notify", 600)
    pushed = requests.post(
        f"{workers[0].http}/api/notifications",
        headers={"Authorization": f"Bearer {program}"},
        json={"toUserId": "bob4", "message": "Tea is ready"},
        timeout=10,
    ).json()
    assert pushed["sockets"] >= 1
    notice = bob.receive("notification")
    assert notice["message"] == "Tea is ready"
    data = next(line for line in lines if line.startswith(b"data:") and b"Tea" in line)
    assert json.loads(data[5:])["notificationId"] == notice["notificationId"]
    phone = people("bob4", at=0, sync=True)
    bob.send(type="seen", notificationId=notice["notificationId"])
    assert phone.receive("seen")["notificationId"] == notice["notificationId"]
    stream.close()


def test_two_who_write_at_once_are_told_in_one_order(people: People) -> None:
    alice, bob, screen = people("alice5"), people("bob5", at=1), people("alice5", at=1)
    count = 200

    def write(person: Person, to: str) -> None:
        for number in range(count):
            person.send(type="chat", toUserId=to, message=f"{number}")

    threads = [threading.Thread(target=write, args=args) for args in ((alice, "bob5"), (bob, "alice5"))]
    for thread in threads:
        thread.start()
    told = [screen.receive("chat")["seq"] for _ in range(2 * count)]
    heard = [[person.receive("chat")["seq"] for _ in range(count)] for person in (alice, bob)]
    for thread in threads:
        thread.join()
    assert told == [*range(1, 2 * count + 1)], "both sides, seq by seq"
    assert all(seqs == sorted(seqs) for seqs in heard)
    assert sorted(heard[0] + heard[1]) == told


def test_without_redis_all_is_stored_and_comes_when_it_is_back(
    people: People, workers: list[Server], redis: Redis
) -> None:
    alice, bob, screen = people("alice6", sync=True), people("bob6", at=1), people("alice6", at=0)
    say(alice, "bob6", "before")
    assert bob.receive("chat")["message"] == "before"
    screen.receive("chat")
    redis.kill()
    wait_for(lambda: ready(workers[0]) == "degraded", "a worker that knows of it")
    try:
        assert say(alice, "bob6", "meanwhile")["delivered"] is False
        assert screen.receive("chat")["message"] == "meanwhile", "at the same worker, at once"
        late = people("carol6", at=1)
        assert say(late, "carol6", "to myself")["seq"] == 1, "and who comes is let in"
    finally:
        redis.start()
    assert bob.receive("chat")["message"] == "meanwhile"
    assert alice.receive("ready")["userId"] == "alice6", "told again how things stand"
    wait_for(lambda: ready(workers[0]) == "ready", "a worker that knows that it is back")
    assert say(alice, "bob6", "after")["delivered"] is True
    assert bob.receive("chat")["message"] == "after"


def ready(server: Server) -> str:
    time.sleep(0.1)  # an answer is kept for a second
    return str(requests.get(f"{server.http}/readyz", timeout=10).json()["status"])


def test_a_profile_that_changes_at_one_worker_is_seen_by_partners_at_the_other(
    people: People, workers: list[Server]
) -> None:
    alice, bob = people("alice11", at=0), people("bob11", at=1)
    say(alice, "bob11", "hi")
    answer = requests.put(
        f"{workers[0].http}/api/profile",
        headers=token_of(workers[0], "alice11"),
        json={"displayName": "Alice Smith"},
        timeout=10,
    )
    assert answer.status_code == 200, answer.text
    assert bob.receive("profile")["profile"] == {"displayName": "Alice Smith"}
