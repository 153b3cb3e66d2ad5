"""What went into a line that was dead: the webhook is told of it, once, unless something proves that it was read."""

from __future__ import annotations

import sys
import time

import pytest
import requests
from websockets.frames import Opcode

from tests.clients import Person
from tests.conftest import Server, StartServer
from tests.notifications.helpers import SECONDS, Reader, a_name, push, token_of
from tests.notifications.test_webhook import SECRET, Receive, Receiver, receive
from tests.transport.peers import RawClient

__all__ = ["receive"]


@pytest.fixture
def receiver(receive: Receive) -> Receiver:
    return receive(204)


@pytest.fixture
def server(start_server: StartServer, receiver: Receiver) -> Server:
    return start_server(
        CHAT_WEBHOOK_URL=receiver.url, CHAT_WEBHOOK_SECRET=SECRET, CHAT_HEARTBEAT_SECONDS="1", CHAT_PRESENCE_SECONDS="0"
    )


def told(receiver: Receiver, number: int) -> list[str]:
    return sorted(one["event"]["message"] for one in receiver.wait_for(number))


@pytest.mark.parametrize("sync", [True, False], ids=["sync", "plain"])
def test_what_went_into_a_dead_line_counts_as_missed_once(server: Server, receiver: Receiver, sync: bool) -> None:
    bob = a_name("bob")
    with Person(server.ws, "alice") as alice, RawClient(server.port) as one, RawClient(server.port) as other:
        for dead in (one, other):  # they answer no ping
            dead.send(type="init", userId=bob, sync=sync)
            dead.receive("ready")
        assert alice.ask(type="chat", toUserId=bob, message="into the tunnel")["delivered"]
        assert push(server, toUserId=bob, message="note").json()["sockets"] == 2
        assert told(receiver, 2) == ["into the tunnel", "note"]
        assert not alice.ask(type="chat", toUserId=bob, message="later")["delivered"]
        assert told(receiver, 3) == ["into the tunnel", "later", "note"]
    time.sleep(0.3)  # a second letter would have come
    assert len(receiver.posts) == 3


@pytest.mark.parametrize("sync", [True, False], ids=["a receipt", "a pong"])
def test_what_is_proven_to_be_read_is_not_missed(server: Server, receiver: Receiver, sync: bool) -> None:
    bob = a_name("bob")
    with Person(server.ws, "alice") as alice, RawClient(server.port) as line:
        line.send(type="init", userId=bob, sync=sync)
        line.receive("ready")
        seq = alice.ask(type="chat", toUserId=bob, message="read")["seq"]
        line.receive("chat")
        if sync:
            line.send(type="received", withUserId="alice", seq=seq)
        else:
            until = time.monotonic() + 2.5
            while time.monotonic() < until and (frame := line.next_frame()):  # a ping comes each second
                if frame.opcode is Opcode.PING:
                    line.send_frame(Opcode.PONG, frame.data)
        assert alice.receive("receipt")["received"] == seq
        alice.ask(type="chat", toUserId=bob, message="unread")
        assert told(receiver, 1) == ["unread"], "and then the line is dead"


def test_what_another_socket_of_the_user_has_read_is_not_missed(server: Server, receiver: Receiver) -> None:
    bob = a_name("bob")
    with Person(server.ws, "alice") as alice, Person(server.ws, bob) as living, RawClient(server.port, bob) as dead:
        alice.ask(type="chat", toUserId=bob, message="hi")
        living.receive("chat")
        dead.sock.settimeout(10)
        while dead.sock.recv(65_536):  # until it is cut
            pass
    alice_again = Person(server.ws, "alice")
    alice_again.ask(type="chat", toUserId=bob, message="off")
    assert told(receiver, 1) == ["off"]
    alice_again.close()


def test_what_was_sent_to_a_reader_too_slow_to_be_kept_is_missed(start_server: StartServer, receiver: Receiver) -> None:
    server = start_server(
        CHAT_WEBHOOK_URL=receiver.url,
        CHAT_WEBHOOK_SECRET=SECRET,
        CHAT_PRESENCE_SECONDS="0",
        CHAT_RATE_LIMITS="off",
        CHAT_OUTBOX_BYTES="131072",
    )
    bob = a_name("bob")
    with Person(server.ws, "alice") as alice, RawClient(server.port, receive_buffer=4_096) as slow:
        slow.send(type="init", userId=bob, sync=True)
        slow.receive("ready")
        sent = 0
        while alice.ask(type="chat", toUserId=bob, message=f"{sent:03} {'x' * 60_000}")["delivered"]:
            sent += 1
        assert sent > 2, "the kernel took some"
        told_of = told(receiver, sent + 1)
    assert [message[:3] for message in told_of] == [f"{number:03}" for number in range(sent + 1)]


def test_what_was_sent_into_a_stream_that_broke_off_is_missed(server: Server, receiver: Receiver) -> None:
    bob = a_name("bob")
    with Reader(server, bob) as stream:
        push(server, toUserId=bob, message="read, and the line went dead")
        assert stream.event()[1]["message"] == "read, and the line went dead"
        stream.reset()
        assert told(receiver, 1) == ["read, and the line went dead"], "for a reader of a stream proves nothing"


def test_a_reader_that_hangs_up_is_missed_where_the_socket_cannot_be_taken_too(
    start_server: StartServer, receiver: Receiver
) -> None:
    server = start_server(
        command=[sys.executable, "app.py"],
        PORT="0",
        CHAT_WEBHOOK_URL=receiver.url,
        CHAT_WEBHOOK_SECRET=SECRET,
        CHAT_HEARTBEAT_SECONDS="1",
        CHAT_PRESENCE_SECONDS="0",
    )
    bob = a_name("bob")
    mine = {"Authorization": f"Bearer {token_of(server, bob)}"}
    url = f"{server.http}/api/notifications/stream"
    with requests.get(url, headers=mine, stream=True, timeout=SECONDS) as stream:
        assert next(stream.iter_lines()) == b"retry: 2000"
        push(server, toUserId=bob, message="sent, and the line went dead")
    assert told(receiver, 1) == ["sent, and the line went dead"]


def test_what_another_screen_has_seen_is_not_missed_though_a_stream_broke_off(
    server: Server, receiver: Receiver
) -> None:
    bob = a_name("bob")
    with Reader(server, bob) as stream, Person(server.ws) as screen:
        screen.ask(type="init", userId=bob, sync=True)
        id_ = push(server, toUserId=bob, message="seen").json()["id"]
        screen.receive("notification")
        screen.ask(type="seen", notificationId=id_)
        stream.reset()
    push(server, toUserId=bob, message="off")
    assert told(receiver, 1) == ["off"]
