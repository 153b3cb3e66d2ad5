"""Answers that nobody reads: how long they may wait, and how many of one address, over real sockets."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator

import pytest

from chat.transport.places import bound_per_address
from chat.transport.unread import UNREAD_PER_ADDRESS, UNREAD_SECONDS, UnreadAnswers
from tests.clock import Clock


@pytest.fixture
def answers(clock: Clock) -> UnreadAnswers:
    return UnreadAnswers(logging.getLogger("chat"), clock)


@pytest.fixture
def line() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A server's end, whose buffer is full, and its peer's end, which has read nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        peer.connect(listener.getsockname())
        peer.settimeout(10)
        server, _ = listener.accept()
        with server:
            server.setblocking(False)
            fill(server)
            yield server, peer


def fill(server: socket.socket) -> None:
    try:
        while True:
            server.send(b"x" * 65_536)
    except BlockingIOError:
        pass


def is_open(server: socket.socket) -> bool:
    try:
        server.send(b"x")
    except BlockingIOError:
        return True
    except BrokenPipeError:
        return False
    return True


def test_a_peer_that_reads_nothing_is_cut(
    answers: UnreadAnswers, clock: Clock, line: tuple[socket.socket, socket.socket]
) -> None:
    server, _ = line
    assert answers.begin(server, "192.0.2.7")
    answers.sweep()
    clock.now += UNREAD_SECONDS - 1
    answers.sweep()
    assert is_open(server)
    clock.now += 1
    answers.sweep()
    assert not is_open(server)
    assert answers.cut == 1


def test_a_peer_that_reads_slowly_is_not_cut(
    answers: UnreadAnswers, clock: Clock, line: tuple[socket.socket, socket.socket]
) -> None:
    server, peer = line
    answers.begin(server, "192.0.2.7")
    for _ in range(4):
        answers.sweep()
        got = 0
        while got < 65_536:  # so much that the kernels tell each other
            got += len(peer.recv(65_536))
        clock.now += UNREAD_SECONDS
        fill(server)
    answers.sweep()
    assert is_open(server)


def test_an_answer_with_nothing_to_send_waits_as_long_as_it_likes(answers: UnreadAnswers, clock: Clock) -> None:
    server, peer = socket.socketpair()
    with server, peer:
        answers.begin(server, "192.0.2.7")
        for _ in range(4):
            answers.sweep()
            clock.now += UNREAD_SECONDS
        assert is_open(server)


def test_an_address_holds_so_many_and_no_other_is_counted_with_it(answers: UnreadAnswers) -> None:
    server, peer = socket.socketpair()
    with server, peer:
        begun = [answers.begin(server, f"2001:db8::{number:x}") for number in range(UNREAD_PER_ADDRESS)]
        assert all(begun)
        assert answers.begin(server, "2001:db8::ffff") is None, "the same customer's network"
        assert answers.begin(server, "192.0.2.7")
        assert begun[0]
        answers.end(begun[0])
        assert answers.begin(server, "2001:db8::ffff")


def test_a_flood_of_cuts_is_a_few_lines_in_the_log(answers: UnreadAnswers, caplog: pytest.LogCaptureFixture) -> None:
    server, peer = socket.socketpair()
    with server, peer:
        for _ in range(UNREAD_PER_ADDRESS + 1_000):
            answers.begin(server, "192.0.2.7")
    assert answers.cut == 1_000
    assert len(caplog.records) == 10
    assert "512" in caplog.text


def test_an_address_holds_so_many_connections_and_gets_places_back() -> None:
    closed, inside = [], []

    class Client:
        def close(self) -> None:
            closed.append(self)

    def handle(listener: object, client: object, address: object) -> None:
        inside.append(client)
        if len(inside) < 4:
            bounded(listener, Client(), ("192.0.2.7", 1))

    bounded = bound_per_address(handle, 2)
    bounded(None, Client(), ("192.0.2.7", 1))
    assert (len(inside), len(closed)) == (2, 1)
    inside.clear()
    bounded(None, Client(), ("192.0.2.7", 1))
    assert len(inside) == 2, "the places are free again"
    bounded(None, Client(), "")
    assert len(closed) == 2, "who comes through a Unix socket is not counted"
