"""One HTTP connection and the others of its worker, over a real gunicorn that does not read our gunicorn.conf.py."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections.abc import Iterator

import gevent
import gevent.socket
import pytest
import requests

from chat.transport.fair_share import TURN_REQUESTS, TURN_SECONDS, LoopTurns
from chat.transport.unread import UNREAD_SECONDS
from tests.clients import Person
from tests.conftest import Server, StartServer

PIPELINED = 20_000
PLACES = 20  # of the worker
SECONDS = 20

NO_CONFIG = ("-c", "/dev/null", "--no-control-socket", "--worker-connections", str(PLACES))


@pytest.fixture(scope="module")
def plain(_start: StartServer) -> Iterator[Server]:
    running = _start(*NO_CONFIG)
    yield running
    running.end()


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


@pytest.mark.parametrize("path", ["/nowhere", "/ws", "/api/x", "/api/openapi.json"])
def test_requests_that_come_in_one_go_leave_others_their_turns(plain: Server, path: str) -> None:
    answered = 0

    def read(sock: socket.socket) -> None:
        nonlocal answered
        with contextlib.suppress(OSError):
            while data := sock.recv(1 << 18):
                answered += data.count(b"HTTP/1.1 ")

    with Person(plain.ws, "alice") as alice, socket.create_connection(("127.0.0.1", plain.port)) as flooder:
        reader = threading.Thread(target=read, args=(flooder,))
        reader.start()
        writer = threading.Thread(target=flood, args=(flooder, path))
        writer.start()
        while not answered:
            alice.ask(type="ping")
        turns = 0
        while answered < PIPELINED // 2 and turns < 20:
            alice.ask(type="ping")
            turns += 1
        assert turns == 20, "so many pings of hers between the flooder's answers"
        flooder.shutdown(socket.SHUT_RDWR)
        reader.join()
        writer.join()


def flood(sock: socket.socket, path: str) -> None:
    with contextlib.suppress(OSError):
        sock.sendall(get(path) * PIPELINED)


def test_connections_that_never_read_leave_places_for_others(plain: Server) -> None:
    script = re.search(r'type="module" src="(/[^"]+)"', requests.get(plain.http, timeout=SECONDS).text)
    assert script
    request = get(script[1]) * 200  # more than the kernels take
    with contextlib.ExitStack() as sockets:
        for _ in range(PLACES + 5):
            sock = sockets.enter_context(socket.socket())
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
            sock.settimeout(SECONDS)
            sock.connect(("127.0.0.1", plain.port))
            with contextlib.suppress(OSError):
                sock.sendall(request)
        answer = requests.get(f"{plain.http}/api/openapi.json", timeout=UNREAD_SECONDS + SECONDS)
        assert answer.status_code == 200
    assert "connections cut so far: 1; the last: address=127.0.0.1 read nothing for 10 s" in plain.log
    assert "Traceback" not in plain.log


def test_a_file_of_the_hosts_is_still_sent_by_the_kernel_and_whole(plain: Server) -> None:
    for path in ("/static/icon.svg", "/static/js/bundle/app.js"):
        answer = requests.get(plain.http + path, timeout=SECONDS)
        assert answer.status_code == 200
        assert len(answer.content) > 100


def test_a_malformed_chunk_is_a_bad_request_without_a_traceback(plain: Server) -> None:
    with socket.create_connection(("127.0.0.1", plain.port), timeout=SECONDS) as sock:
        head = b"POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
        sock.sendall(head + b"\r\nzz\r\nnonsense\r\n")
        assert sock.recv(65_536).startswith(b"HTTP/1.1 400 ")
    assert "Traceback" not in plain.log


def test_a_header_of_a_clients_does_not_move_the_page(start_server: StartServer) -> None:
    server = start_server()
    page = requests.get(
        server.http, headers={"SCRIPT_NAME": "/elsewhere", "Script-Name": "/elsewhere"}, timeout=SECONDS
    )
    assert page.status_code == 200
    assert "elsewhere" not in page.text


def test_between_two_requests_the_loop_looks_at_its_sockets_and_the_addresses_take_turns() -> None:
    turns, order = LoopTurns(), list[str]()
    ours, theirs = gevent.socket.socketpair()

    def ask(origin: str) -> None:
        turns.wait(origin)
        order.append(origin)

    def read() -> None:
        ours.recv(1)
        order.append("a socket")

    with ours, theirs:
        reading = gevent.spawn(read)
        gevent.sleep(0)  # it waits now
        theirs.send(b"x")
        asking = [gevent.spawn(ask, origin) for origin in ["crowd"] * 20 + ["another"] + ["crowd"] * 80]
        gevent.joinall([reading, *asking], timeout=10)
    assert order.count("crowd") == 100
    assert order.index("another") <= 2
    assert order.index("a socket") <= TURN_REQUESTS, "sleep(0) alone lets all requests go first"


def test_a_request_that_takes_long_is_the_last_one_of_its_turn() -> None:
    turns, order = LoopTurns(), list[str]()
    ours, theirs = gevent.socket.socketpair()

    def ask() -> None:
        turns.wait("crowd")
        order.append("a page")
        time.sleep(2 * TURN_SECONDS)  # of the processor's: tests are not patched

    def read() -> None:
        ours.recv(1)
        order.append("a socket")

    with ours, theirs:
        reading = gevent.spawn(read)
        gevent.sleep(0)
        asking = [gevent.spawn(ask) for _ in range(TURN_REQUESTS)]
        gevent.sleep(0)
        theirs.send(b"x")
        gevent.joinall([reading, *asking], timeout=10)
    assert order.count("a page") == TURN_REQUESTS
    assert order.index("a socket") <= 1
