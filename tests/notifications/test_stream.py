"""Notifications as server-sent events, over real sockets: what a reader gets, and what it costs."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests

from chat.web.headers import security_headers
from tests.clients import Person
from tests.conftest import Server, StartServer
from tests.notifications.helpers import Reader, a_name, ask, finished, listed, push, token_of, tokens
from tests.transport.peers import resident_bytes

SECONDS = 10


@pytest.fixture(scope="module")
def server(storing: Server) -> Server:
    """On each of the two engines."""
    return storing


def test_a_stream_brings_what_waits_and_what_comes(server: Server) -> None:
    bob = a_name("bob")
    waiting = push(server, toUserId=bob, message="waits").json()["id"]
    with Reader(server, bob) as reader:
        assert reader.head.startswith("HTTP/1.1 200 OK")
        assert "text/event-stream" in reader.head
        name, data, id_ = reader.event()
        assert (name, data["message"], data["id"], id_) == ("notification", "waits", waiting, waiting)
        answer = push(server, toUserId=bob, message="안녕\nzwei").json()
        assert answer["sockets"] == 1
        name, data, id_ = reader.event()
        assert (data["message"], id_) == ("안녕\nzwei", answer["id"])
        ask(server, bob, "POST", f"/{waiting}/dismiss")
        assert reader.event() == ("dismissed", {"type": "dismissed", "notificationId": waiting, "change": 1}, None)


def test_a_stream_that_breaks_off_again_and_again_loses_and_repeats_nothing(server: Server) -> None:
    bob = a_name("bob")
    sent: list[int] = []

    def keep_pushing() -> None:
        for n in range(300):
            sent.append(push(server, toUserId=bob, message=f"m{n}").json()["id"])

    pushing = threading.Thread(target=keep_pushing)
    pushing.start()
    got: list[int] = []
    breaks = 0
    while len(got) < 300:
        with Reader(server, bob, got[-1] if got else 0) as reader:
            for _ in range(7):  # and then it breaks off
                id_ = reader.event()[2]
                assert id_ is not None
                got.append(id_)
                if len(got) == 300:
                    break
        breaks += 1
    pushing.join()
    assert got == sent
    assert breaks > 20, "need breaks for this to mean anything"


def test_a_batch_and_single_ones_come_in_the_order_of_their_ids(server: Server) -> None:
    names = [a_name("ordered") for _ in range(500)]
    with Reader(server, names[250]) as reader:
        batches = [push(server, toUserIds=names, message="b").json()["batchId"] for _ in range(3)]
        for _ in range(20):
            push(server, toUserId=names[250], message="s")
        for batch in batches:
            finished(server, batch)
        ids = [reader.event()[2] for _ in range(23)]
        assert ids == sorted(ids)  # type: ignore[type-var]
        assert len(set(ids)) == 23


def test_a_stream_tells_what_was_seen_and_dismissed_now_and_while_nobody_read(server: Server) -> None:
    bob = a_name("bob")
    ids = [push(server, toUserId=bob, message=f"m{n}").json()["id"] for n in range(3)]
    with Reader(server, bob) as reader:
        assert [reader.event()[2] for _ in ids] == ids
        ask(server, bob, "POST", f"/{ids[0]}/dismiss")
        assert reader.event() == ("dismissed", {"type": "dismissed", "notificationId": ids[0], "change": 1}, None)
        with Person(server.ws) as person:
            person.send(type="init", userId=bob, sync=True)
            person.ask(type="seen", notificationId=ids[1])
        assert reader.event() == ("seen", {"type": "seen", "notificationId": ids[1], "change": 2}, None)
    with Reader(server, bob, ids[2], "?change=1") as back:
        assert back.event() == ("seen", {"type": "seen", "notificationId": ids[1], "change": 2}, None)
        id_ = push(server, toUserId=bob, message="new").json()["id"]
        assert back.event()[2] == id_


def test_a_stream_needs_a_users_token(server: Server) -> None:
    url = f"{server.http}/api/notifications/stream"
    assert requests.get(url, timeout=SECONDS).status_code == 401
    service = {"Authorization": f"Bearer {tokens().sign_service('ci', 'notify', 60)}"}
    assert requests.get(url, headers=service, timeout=SECONDS).status_code == 401
    mine = {"Authorization": f"Bearer {token_of(server, a_name())}", "Last-Event-ID": "x"}
    refused = requests.get(url, headers=mine, timeout=SECONDS)
    head = requests.head(url, headers=mine | {"Last-Event-ID": "7"}, timeout=SECONDS)
    assert (head.status_code, "event-stream" in head.headers["Content-Type"]) == (200, True)
    assert (refused.status_code, refused.json()["error"]["field"]) == (400, "Last-Event-ID")


def test_a_stream_of_another_epoch_begins_at_its_beginning(server: Server) -> None:
    bob = a_name("bob")
    first = push(server, toUserId=bob, message="first").json()["id"]
    second = push(server, toUserId=bob, message="second").json()["id"]
    with Reader(server, bob) as reader:
        assert [reader.event()[2] for _ in range(2)] == [first, second]
        mark = reader.last
    assert mark == f"{second}.{listed(server, bob)['epoch']}"
    with Reader(server, bob, mark) as reader:
        third = push(server, toUserId=bob, message="third").json()["id"]
        assert reader.event()[2] == third
    with Reader(server, bob, f"{second}.another") as reader:
        assert [reader.event()[2] for _ in range(3)] == [first, second, third]


def test_a_stream_has_the_headers_of_every_response(server: Server) -> None:
    url = f"{server.http}/api/notifications/stream"
    mine = {"Authorization": f"Bearer {token_of(server, a_name())}"}
    with requests.get(url, headers=mine, timeout=SECONDS, stream=True) as stream:
        assert stream.headers.items() >= security_headers(is_secure=False).items()
        assert stream.headers["Cache-Control"] == "no-store"


def test_one_user_cannot_hold_any_number_of_streams(start_server: StartServer) -> None:
    strict = start_server(CHAT_RATE_LIMITS="on", CHAT_SOCKETS_PER_USER="2")
    url = f"{strict.http}/api/notifications/stream"
    mine = {"Authorization": f"Bearer {token_of(strict, a_name())}"}
    held = [requests.get(url, headers=mine, timeout=SECONDS, stream=True) for _ in range(2)]
    refused = requests.get(url, headers=mine, timeout=SECONDS, stream=True)
    assert [stream.status_code for stream in (*held, refused)] == [200, 200, 429]
    assert refused.json()["error"]["code"] == "rate_limited"
    assert int(refused.headers["Retry-After"]) > 0
    for stream in held:
        stream.close()


def test_an_idle_stream_gets_a_comment_now_and_then(start_server: StartServer) -> None:
    quick = start_server(CHAT_HEARTBEAT_SECONDS="1")
    with Reader(quick, a_name()) as reader:
        for _ in range(4):  # more than a WebSocket that is silent would live
            assert reader.block() == [": still here"]


def test_a_stream_ends_with_its_session_and_with_the_server(start_server: StartServer) -> None:
    server, bob = start_server(), a_name("bob")
    token = requests.post(f"{server.http}/api/session", json={"userId": bob}, timeout=SECONDS).json()["token"]
    mine = {"Authorization": f"Bearer {token}"}
    url = f"{server.http}/api/notifications/stream"
    with requests.get(url, headers=mine, stream=True, timeout=SECONDS) as stream:
        requests.delete(f"{server.http}/api/session", headers=mine, timeout=SECONDS)
        assert list(stream.iter_lines())[-1:] in ([b""], [])
    assert requests.get(url, headers=mine, timeout=SECONDS).status_code == 401
    with Reader(server, bob) as reader:
        assert server.stop() < 3
        [retry] = reader.block()
        assert 1_000 <= int(retry.removeprefix("retry: ")) <= 2_000, "spread, so that a thousand are no storm"
        assert reader.block() == []


def test_who_hangs_up_listens_no_more_and_a_stream_is_not_being_online(server: Server) -> None:
    bob = a_name("bob")
    with Reader(server, bob):
        assert push(server, toUserId=bob, message="hi").json()["sockets"] == 1
    until = time.monotonic() + SECONDS
    while push(server, toUserId=bob, message="gone?").json()["sockets"]:
        assert time.monotonic() < until
        time.sleep(0.02)


def test_an_idle_stream_costs_no_greenlet_and_little_memory(start_server: StartServer) -> None:
    """Gunicorn holds a thousand requests at once: more streams than that are open here."""
    server, many = start_server(), 1_200
    with crowd(server, 50):
        before = resident_bytes(server.worker_pid)
        with crowd(server, many):
            assert requests.get(f"{server.http}/", timeout=SECONDS).status_code == 200
            each = (resident_bytes(server.worker_pid) - before) / many
    assert each < 8_192, f"{each:.0f} bytes a stream"


@contextmanager
def crowd(server: Server, number: int) -> Iterator[list[Reader]]:
    readers: list[Reader] = []
    try:
        for n in range(number):
            readers.append(Reader(server, f"crowd{n}"))
        yield readers
    finally:
        for reader in readers:
            reader.close()


@pytest.fixture
def plain_server(start_server: StartServer) -> Server:
    """gevent's own server, from which no socket can be taken."""
    return start_server(command=[sys.executable, "app.py"], PORT="0")


def test_streams_work_where_the_socket_cannot_be_taken(plain_server: Server) -> None:
    bob = a_name("bob")
    push(plain_server, toUserId=bob, message="waits")
    mine = {"Authorization": f"Bearer {token_of(plain_server, bob)}"}
    url = f"{plain_server.http}/api/notifications/stream"
    with requests.get(url, headers=mine, stream=True, timeout=SECONDS) as stream:
        lines = stream.iter_lines(decode_unicode=True)
        assert next(line for line in lines if "waits" in line).startswith("data: ")
        assert push(plain_server, toUserId=bob, message="comes").json()["sockets"] == 1
        assert next(line for line in lines if "comes" in line).startswith("data: ")


def test_a_stream_ends_when_its_token_does(start_server: StartServer) -> None:
    server = start_server(CHAT_TOKEN_TTL="2")
    token = requests.post(f"{server.http}/api/session", json={"userId": a_name()}, timeout=SECONDS).json()["token"]
    mine = {"Authorization": f"Bearer {token}"}
    url = f"{server.http}/api/notifications/stream"
    with requests.get(url, headers=mine, stream=True, timeout=SECONDS) as stream:
        began = time.monotonic()
        assert list(stream.iter_lines())[:1] == [b"retry: 2000"]
        assert 0.5 < time.monotonic() - began < SECONDS - 1


def test_an_id_from_before_a_backup_was_restored_makes_nobody_deaf(server: Server) -> None:
    bob = a_name("bob")
    push(server, toUserId=bob, message="waits")
    with Reader(server, bob, 10**12) as reader:
        assert reader.event()[1]["message"] == "waits"
        push(server, toUserId=bob, message="comes")
        assert reader.event()[1]["message"] == "comes"
