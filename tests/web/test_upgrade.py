"""What is refused before the upgrade, and how; and the servers that the upgrade works under."""

from __future__ import annotations

import json
import re
import signal
import socket
import ssl
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import requests
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from chat.transport.refusals import LINES
from tests.certificates import self_signed
from tests.clients import Person
from tests.conftest import ROOT, Server, StartServer
from tests.transport.peers import SECONDS, Opcode, RawClient, closing_code, upgrade_request

unique = map("{:04}".format, count())  # to find a request's own line in the log of a shared server


class Answer:
    """What the server said to a request. `error` is its JSON body's, {} after an upgrade."""

    def __init__(self, server: Server, request: bytes) -> None:
        with socket.create_connection(("127.0.0.1", server.port), SECONDS) as sock:
            sock.sendall(request)
            with sock.makefile("rb") as stream:
                self.status = int(stream.readline().split()[1])
                self.headers: dict[str, str] = {}
                while (line := stream.readline().strip()) != b"":
                    name, _, value = line.decode("latin-1").partition(": ")
                    self.headers[name.lower()] = value
                body = stream.read(int(self.headers.get("content-length", 0)))
        self.error: dict[str, Any] = {}
        if self.status != 101:
            assert self.headers["content-type"] == "application/json", body
            self.error = json.loads(body)["error"]


def refused_lines(server: Server) -> list[str]:
    return [line for line in server.log.splitlines() if "refused" in line]


def assert_refused(server: Server, status: int, code: str, **request: str | None) -> dict[str, str]:
    """The request is answered so, in JSON, with one line in the log, if there were few, and no traceback."""
    before = refused_lines(server)
    answer = Answer(server, upgrade_request(**request))
    assert (answer.status, answer.error["code"]) == (status, code)
    assert answer.error["message"].endswith((".", "CHAT_ORIGINS."))
    after = refused_lines(server)
    assert after[: len(before)] == before
    alike = f"refused {status} address=127.0.0.1 .*: {code}$"
    if sum(1 for line in before if re.search(alike, line)) < LINES:
        (line,) = after[len(before) :]
        assert re.search(alike, line)
    assert "Traceback" not in server.log
    return answer.headers


# The headers.

WRONG_HEADERS = {
    "no version": (426, {"Sec_WebSocket_Version": None}),
    "version 8": (426, {"Sec_WebSocket_Version": "8"}),
    "version 13, 8": (426, {"Sec_WebSocket_Version": "13, 8"}),
    "version ''": (426, {"Sec_WebSocket_Version": ""}),
    "no key": (400, {"Sec_WebSocket_Key": None}),
    "an empty key": (400, {"Sec_WebSocket_Key": ""}),
    "a short key": (400, {"Sec_WebSocket_Key": "c2hvcnQ="}),
    "a key that is not base64": (400, {"Sec_WebSocket_Key": "!" * 24}),
    "a key with white space inside": (400, {"Sec_WebSocket_Key": "AAAAAAAAAAA AAAAAAAAAAA=="}),
    "a key that is not ASCII": (400, {"Sec_WebSocket_Key": "é" * 24}),
    "no connection": (400, {"Connection": None}),
    "connection keep-alive": (400, {"Connection": "keep-alive"}),
    "a connection that only looks like it": (400, {"Connection": "not-upgrade"}),
    "POST": (400, {"method": "POST", "Content_Length": "0"}),
    "HTTP/1.0": (400, {"version": "HTTP/1.0"}),
}


@pytest.mark.parametrize("path", ["/", "/ws"])
@pytest.mark.parametrize("fault", WRONG_HEADERS)
def test_wrong_upgrade_headers_are_refused_in_json(server: Server, fault: str, path: str) -> None:
    status, request = WRONG_HEADERS[fault]
    code = {400: "bad_handshake", 426: "upgrade_required"}[status]
    headers = assert_refused(server, status, code, path=path, **request)
    if status == 426:  # RFC 6455, section 4.4: it says what it speaks
        assert headers["sec-websocket-version"] == "13"
        assert headers["upgrade"] == "websocket"


def test_the_headers_of_real_browsers_and_proxies_are_understood(server: Server) -> None:
    for request in (
        {"Connection": "keep-alive, Upgrade"},
        {"Connection": "upgrade", "Upgrade": "WebSocket"},
        {"Sec_WebSocket_Protocol": "chat, superchat"},
    ):
        answer = Answer(server, upgrade_request(**request))
        assert answer.status == 101
        assert "sec-websocket-protocol" not in answer.headers


def test_a_plain_get_of_ws_says_to_upgrade_and_of_the_root_is_the_page(server: Server) -> None:
    refused = requests.get(f"{server.http}/ws", timeout=SECONDS)
    assert (refused.status_code, refused.json()["error"]["code"]) == (426, "upgrade_required")
    page = requests.get(server.http, timeout=SECONDS)
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")


def test_an_upgrade_elsewhere_is_an_ordinary_404(server: Server) -> None:
    with pytest.raises(InvalidStatus) as refused:
        Person(f"{server.ws}/nowhere")
    assert refused.value.response.status_code == 404


def test_compression_is_not_accepted_when_a_client_offers_it(server: Server) -> None:
    with Person(server.ws, compression="deflate") as person:
        assert "permessage-deflate" in person.socket.request.headers["Sec-WebSocket-Extensions"]
        assert "Sec-WebSocket-Extensions" not in person.socket.response.headers
        assert person.socket.protocol.extensions == []


@pytest.mark.parametrize("offered", [["chat.v1"], ["chat.v2", "chat.v1"], ["chat.v2"], None])
def test_the_sub_protocol_is_taken_where_it_is_offered_and_no_other(server: Server, offered: list[str] | None) -> None:
    with connect(f"{server.ws}/ws", subprotocols=offered) as ws:  # type: ignore[arg-type]
        assert ws.subprotocol == ("chat.v1" if offered and "chat.v1" in offered else None)


def test_both_paths_lead_to_the_same_chat(server: Server) -> None:
    with Person(f"{server.ws}/", "at-root") as one, Person(f"{server.ws}/ws", "at-ws") as other:
        assert one.ask(type="chat", toUserId="at-ws", message="hi")["delivered"]
        assert other.receive("chat")["fromUserId"] == "at-root"


def test_a_client_that_is_gone_before_its_answer_leaves_no_trace(server: Server) -> None:
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", server.port), SECONDS) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset
            sock.sendall(upgrade_request())
    with Person(server.ws, "after-them") as person:
        assert person.hears_nothing()
    assert "Traceback" not in server.log


# The origin.


@pytest.fixture(scope="module")
def guarded(_start: StartServer) -> Iterator[Server]:
    """A server with two friends and room for three sockets."""
    origins = "https://friend.example, http://friend.example:8080"
    server = _start(CHAT_ORIGINS=origins, CHAT_MAX_SOCKETS="3", CHAT_HOSTS="*")
    yield server
    server.end()


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (None, "chat.example"),
        ("http://chat.example", "chat.example"),
        ("http://chat.example:80", "chat.example"),
        ("http://CHAT.example", "chat.EXAMPLE"),
        ("https://chat.example", "chat.example:443"),  # a proxy ends TLS and keeps the port
        ("http://chat.example:8000", "chat.example:8000"),
        ("http://[::1]:8000", "[::1]:8000"),
        ("https://friend.example", "chat.example"),
        ("https://friend.example/", "chat.example"),
        ("http://friend.example:8080", "chat.example"),
    ],
)
def test_no_origin_ones_own_and_a_listed_one_may_open_a_socket(guarded: Server, origin: str | None, host: str) -> None:
    assert Answer(guarded, upgrade_request(Origin=origin, Host=host)).status == 101


def test_a_page_over_https_behind_a_proxy_that_ends_tls_is_same_origin(guarded: Server) -> None:
    """The proxy passes Host on as the browser sent it, without a port, but speaks http to us."""
    answer = Answer(guarded, upgrade_request(Origin="https://chat.example", Host="chat.example"))
    assert answer.status == 101


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://chat.example.evil.example",
        "http://evil-chat.example",
        "http://chat.example:8080",
        "http://chat.example@evil.example",
        "http://evil.example/chat.example",
        "http://friend.example",  # listed with another scheme
        "https://friend.example:444",
        "https://sub.friend.example",
        "null",
        "",
        "file://",
        "http://",
        "http://evil.example:99999",
        "chat.example",
        "*",
    ],
)
def test_a_foreign_origin_is_refused(guarded: Server, origin: str) -> None:
    assert_refused(guarded, 403, "origin_refused", Origin=origin, Host="chat.example")


def test_a_refused_origin_is_told_both_origins_and_the_setting(guarded: Server) -> None:
    answer = Answer(guarded, upgrade_request(Origin="http://evil.example", Host="chat.example:8000"))
    assert answer.status == 403
    for word in ("http://evil.example", "http://chat.example:8000", "CHAT_ORIGINS"):
        assert word in answer.error["message"]


def test_origins_may_all_be_allowed_or_null_listed(start_server: StartServer) -> None:
    listed = start_server(CHAT_ORIGINS="null")
    assert Answer(listed, upgrade_request(Origin="null")).status == 101
    assert Answer(listed, upgrade_request(Origin="http://evil.example")).status == 403
    everyone = start_server(CHAT_ORIGINS="*")
    assert Answer(everyone, upgrade_request(Origin="http://any.example")).status == 101


def test_a_plain_page_is_served_to_any_origin(guarded: Server) -> None:
    page = requests.get(guarded.http, headers={"Origin": "http://evil.example"}, timeout=SECONDS)
    assert page.status_code == 200


# The log.


@pytest.fixture(scope="module")
def asked_little(_start: StartServer) -> Iterator[Server]:
    """A server that logs each refusal, since there are few."""
    running = _start()
    yield running
    running.end()


@pytest.mark.parametrize("control", ["\x1b[31m", "\x07", "\x7f", "\x9b", "\t"])
def test_control_characters_do_not_reach_the_log(asked_little: Server, control: str) -> None:
    mark = f"mark-{next(unique)}"
    with socket.create_connection(("127.0.0.1", asked_little.port), SECONDS) as sock:
        sock.sendall(upgrade_request(Origin=f"http://{mark}{control}.example"))
        status = int(sock.recv(4096).split()[1])
    assert status in (400, 403)  # gunicorn may refuse it before us
    if status == 403:
        (line,) = [line for line in refused_lines(asked_little) if mark in line]
        assert not re.search(r"[\x00-\x1f\x7f-\x9f]", line), ascii(line)
    raw = asked_little.log.replace("\n", "")
    assert not re.search(r"[\x00-\x1f\x7f-\x9f]", raw), "in a line of gunicorn's"


# Too many.


def test_over_the_bound_a_socket_gets_503_and_the_page_still_comes(guarded: Server) -> None:
    people = [Person(guarded.ws, f"one-{number}") for number in range(3)]
    headers = assert_refused(guarded, 503, "too_many_sockets")
    assert int(headers["retry-after"]) > 0
    assert requests.get(guarded.http, timeout=SECONDS).status_code == 200
    assert people[0].ask(type="chat", toUserId="one-2", message="hi")["delivered"]
    people.pop().close()
    with Person(guarded.ws, "next"):  # a place is free as soon as somebody left
        pass
    for person in people:
        person.close()


# The servers.


def chat_and_close(url: str, server: Server, **options: Any) -> None:
    """Two people chat; each way of closing works; and the server still serves."""
    with Person(url, "alice", **options) as alice, Person(url, "bob", **options) as bob:
        text = "안녕 " * 4_500  # 60 kB as the client escapes it: several TLS records
        assert alice.ask(type="chat", toUserId="bob", message=text)["delivered"]
        assert bob.receive("chat")["message"] == text
        assert bob.ask(type="chat", toUserId="alice", message="hi")["delivered"]
        assert alice.receive("chat")["message"] == "hi"
        for number in range(200):
            alice.send(type="chat", toUserId="bob", message=str(number))
        assert [bob.receive("chat")["message"] for _ in range(200)] == list(map(str, range(200)))
        bob.close(4321)
        assert bob.socket.close_code == 4321
        server.wait_for(r"leave user='bob' reason='4321'")
        assert not alice.ask(type="chat", toUserId="bob", message="gone?")["delivered"]
        alice.socket.send(b"\x00" * 70_000)
        assert alice.close_code() == 1009
        with Person(url, "carol", **options) as carol:
            assert carol.hears_nothing()
    assert "Traceback" not in server.log


def test_gunicorn_with_gevent_serves_both_people(server: Server) -> None:
    chat_and_close(server.ws, server)


def test_python_app_py_serves_both_people_where_its_arguments_say(start_server: StartServer) -> None:
    server = start_server(command=[sys.executable, "app.py", "--host", "127.0.0.1", "--port", "0"], CHAT_BIND="[::1]:1")
    chat_and_close(server.ws, server)
    assert requests.get(server.http, timeout=SECONDS).status_code == 200


def test_no_sockets_number_is_closed_by_os_which_on_windows_knows_files_only() -> None:
    for folder in ("web", "transport"):
        for file in (ROOT / "chat" / folder).glob("*.py"):
            assert "os.close(" not in file.read_text("utf-8"), file


def test_under_python_app_py_no_request_comes_behind_a_socket(start_server: StartServer) -> None:
    server = start_server(command=[sys.executable, "app.py"], PORT="0", CHAT_CLOSE_SECONDS="0.1")
    behind = b"GET /behind HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with RawClient(server.port) as client:
        client.send_frame(Opcode.CLOSE, b"\x03\xe8")
        with suppress(ConnectionError):  # cut off, with something unread
            for _ in range(100):
                client.sock.sendall(behind)
                time.sleep(0.05)
            pytest.fail("the socket was not closed")
    server.process.send_signal(signal.SIGINT)
    server.process.wait(SECONDS)
    assert "/behind" not in server.log
    assert "Traceback" not in server.log


def test_flask_run_serves_both_people(start_server: StartServer) -> None:
    server = start_server(command=[sys.executable, "-m", "flask", "run", "-p", "0"])
    chat_and_close(server.ws, server)
    assert requests.get(server.http, timeout=SECONDS).status_code == 200
    with connect(f"{server.ws}/ws", subprotocols=["chat.v1"]) as ws:  # type: ignore[list-item]
        assert ws.subprotocol == "chat.v1"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    return self_signed(tmp_path_factory.mktemp("tls"))


def test_gunicorn_with_tls_of_its_own_serves_both_people(
    start_server: StartServer, certificate: tuple[Path, Path]
) -> None:
    made, key = certificate
    server = start_server("--certfile", str(made), "--keyfile", str(key))
    trusting = ssl.create_default_context(cafile=str(made))
    url = f"wss://127.0.0.1:{server.port}"
    chat_and_close(url, server, ssl=trusting)
    page = requests.get(f"https://127.0.0.1:{server.port}", verify=str(made), timeout=SECONDS)
    assert page.status_code == 200


def test_under_tls_too_a_stalled_reader_gets_whole_frames_then_4008(
    start_server: StartServer, certificate: tuple[Path, Path]
) -> None:
    made, key = certificate
    server = start_server("--certfile", str(made), "--keyfile", str(key))
    trusting = ssl.create_default_context(cafile=str(made))
    url, text = f"wss://127.0.0.1:{server.port}", "x" * 60_000
    with (
        RawClient(server.port, "stalled", receive_buffer=65_536, tls=trusting) as stalled,
        Person(url, "sender", ssl=trusting) as sender,
    ):
        acks = [sender.ask(type="chat", toUserId="stalled", message=text) for _ in range(200)]
        assert acks[0]["delivered"], "need a reader for this to mean anything"
        assert not acks[-1]["delivered"], "need it to fall behind for this to mean anything"
        frames = stalled.frames_to_the_end()
    assert closing_code(frames) == 4008
    messages = [json.loads(frame.data)["message"] for frame in frames if frame.opcode is Opcode.TEXT]
    assert messages == [text] * len(messages)


def test_without_gevent_the_page_works_and_sockets_are_refused_with_the_reason(start_server: StartServer) -> None:
    """`flask --app chat run` never patches: one blocking call would stop every socket."""
    server = start_server(command=[sys.executable, "-m", "flask", "--app", "chat", "run", "-p", "0"])
    assert requests.get(server.http, timeout=SECONDS).status_code == 200
    answer = Answer(server, upgrade_request())
    assert (answer.status, answer.error["code"]) == (503, "not_under_gevent")
    assert "gevent" in answer.error["message"]
    assert server.stop() < SECONDS
