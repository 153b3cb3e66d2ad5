"""A request's body over a real gunicorn: one that comes slowly is cut, and delays nobody."""

from __future__ import annotations

import contextlib
import json
import re
import select
import socket
import time
from collections.abc import Iterator

import pytest
import requests

from chat.limits import BODY_BYTES
from chat.web.requests import BODY_SECONDS
from tests.conftest import Server, StartServer

HEAD = b"POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
KEEPALIVE_SECONDS = 120  # else gunicorn's own 2 s would hide that a connection is kept
SECONDS = 20  # for an answer on a busy machine
# Uncut the chunked body would never end, and the other one take 1,000 parts of 0.1 s.
CUT_SECONDS = BODY_SECONDS + 30


@pytest.fixture(scope="module")
def api_server(_start: StartServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    arguments = ["--keep-alive", str(KEEPALIVE_SECONDS), "--graceful-timeout", "1"]
    database = tmp_path_factory.mktemp("slow") / "chat.db"
    running = _start(*arguments, CHAT_DATABASE_URL=f"sqlite:///{database}")
    yield running
    running.end()


def connected(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS)


def answer_of(sock: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Read until the server hangs up: status, error, and what came after."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while part := sock.recv(65_536):
            received += part
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(re.search(rb"Content-Length: (\d+)", head)[1])  # type: ignore[index]
    return int(head.split()[1]), json.loads(body[:length])["error"], body[length:]


def test_a_body_that_trickles_in_is_cut_and_its_connection_closed(api_server: Server) -> None:
    with connected(api_server) as plain, connected(api_server) as chunked:
        start = time.monotonic()
        plain.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
        chunked.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        parts = {plain: b" ", chunked: b"1\r\n \r\n"}
        while parts and time.monotonic() - start < CUT_SECONDS:
            for sock, part in parts.items():
                sock.sendall(part)  # each part is in time for a timeout of the socket
            answered, _, _ = select.select(list(parts), [], [], 0.1)
            for sock in answered:
                assert time.monotonic() - start >= BODY_SECONDS
                status, error, rest = answer_of(sock)
                assert (status, error["code"], rest) == (408, "slow_body", b"")
                del parts[sock]
            quick = requests.post(f"{api_server.http}/api/session", json={"userId": "b"}, timeout=SECONDS)
            assert quick.status_code == 201
        assert not parts, "still open"


def test_a_body_that_takes_its_time_but_not_too_long_is_read(api_server: Server) -> None:
    with connected(api_server) as sock:
        sock.sendall(HEAD + b'Connection: close\r\nContent-Length: 18\r\n\r\n{"userId":')
        time.sleep(1)
        sock.sendall(b' "bob" }')
        assert sock.recv(12) == b"HTTP/1.1 201"


def test_a_huge_body_is_refused_by_its_length_before_it_is_sent(api_server: Server) -> None:
    with connected(api_server) as sock:
        sock.sendall(HEAD + b"Content-Length: 1000000000\r\n\r\n")
        assert sock.recv(12) == b"HTTP/1.1 413"


def test_a_chunked_body_without_end_is_refused_at_the_bound(api_server: Server) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(100):
            yield b" " * 1_024

    assert BODY_BYTES < 100 * 1_024
    headers = {"Content-Type": "application/json"}
    url = f"{api_server.http}/api/session"
    answer = requests.post(url, data=endless(), headers=headers, timeout=SECONDS)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


def test_a_client_that_hangs_up_in_its_body_leaves_no_traceback(api_server: Server) -> None:
    with connected(api_server) as sock:
        sock.sendall(HEAD + b'Content-Length: 18\r\n\r\n{"userId"')
    answer = requests.post(f"{api_server.http}/api/session", json={"userId": "b"}, timeout=SECONDS)
    assert answer.status_code == 201
    assert "Traceback" not in api_server.log
