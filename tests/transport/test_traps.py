"""The traps of this stack that belong to the transport: each catches the obvious flask-sock route.

Real gunicorn, real sockets. Bounds on time are an order above what is measured, since the machine
does other things too; what they rule out takes seconds, or for ever.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path

import jwt
import pytest
import requests
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed
from websockets.frames import Close, Opcode

from tests.clients import Person
from tests.conftest import TOKEN_SECRET, Server, StartServer
from tests.transport.peers import SECONDS, RawClient, closing_code, frame, is_alive, resident_bytes

MB = 1_000_000
MESSAGE = "words " * 10_000  # near the bound of a message
GROWTH = 30 * MB  # what one client may cost a worker; the kernel's buffers are not the worker's
PAGE_SECONDS = 1.0
TRAP_APP = os.environ.get("TEST_APP", "tests.transport.trap_app:app")
STOP_SECONDS = 5.0


@pytest.fixture(scope="module")
def traps(_start: StartServer) -> Iterator[Server]:
    """The chat with events that misbehave."""
    server = _start(app=TRAP_APP)
    yield server
    server.end()


def p99(seconds: list[float]) -> float:
    return sorted(seconds)[int(len(seconds) * 0.99)]


@contextmanager
def round_trips(server: Server, least: int = 20) -> Iterator[list[float]]:
    """Somebody else's pings, one after the other, for as long as the block runs; gives their times."""
    times: list[float] = []
    failures: list[Exception] = []
    begun, done = threading.Event(), threading.Event()

    def go_round() -> None:
        try:
            with Person(server.ws, "somebody-else") as ws:
                while not done.is_set() or len(times) < least:
                    start = time.monotonic()
                    ws.ask(type="ping")
                    times.append(time.monotonic() - start)
                    begun.set()
                    time.sleep(0.002)
        except Exception as error:
            failures.append(error)

    thread = threading.Thread(target=go_round)
    thread.start()
    begun.wait(SECONDS)
    try:
        yield times
    finally:
        done.set()
        thread.join(30)
    assert not failures, failures


def page_seconds(server: Server) -> float:
    start = time.monotonic()
    assert requests.get(server.http, timeout=30).status_code == 200
    return time.monotonic() - start


def push(client: RawClient, data: bytes, most: int, seconds: float) -> int:
    """Send `data` again and again, until `most` bytes, `seconds`, or the server has had enough."""
    client.sock.settimeout(0.2)
    sent, until = 0, time.monotonic() + seconds
    rest = b""
    while sent < most and time.monotonic() < until:
        rest = rest or data
        try:
            count = client.sock.send(rest)
        except TimeoutError:
            continue
        except OSError:
            break
        rest = rest[count:]
        sent += count
    return sent


# A reader that stops reading.


@pytest.mark.alone
def test_a_reader_that_stops_reading_gets_whole_frames_then_4008_and_delays_nobody(start_server: StartServer) -> None:
    # It reads only when all is sent, which may take a busy machine longer than the 10 s that a closed peer has.
    server = start_server(CHAT_CLOSE_SECONDS="120")
    count = 850
    assert count * len(MESSAGE) > 50 * MB
    with RawClient(server.port, "stalled", receive_buffer=65_536) as stalled:
        before = resident_bytes(server.worker_pid)
        acks, delivered = [], []
        with round_trips(server) as others, Person(server.ws, "sender") as sender:
            for number in range(count):
                start = time.monotonic()
                ack = sender.ask(type="chat", toUserId="stalled", message=f"{number} {MESSAGE}")
                acks.append(time.monotonic() - start)
                delivered.append(ack["delivered"])
            growth = resident_bytes(server.worker_pid) - before
        assert delivered[0], "need a reader for this to mean anything"
        assert not delivered[-1], "need the reader to fall behind for this to mean anything"

        frames = stalled.frames_to_the_end()  # fails on what is no whole frame
    assert closing_code(frames) == 4008
    messages = [json.loads(f.data)["message"] for f in frames if f.opcode is Opcode.TEXT]
    assert messages == [f"{number} {MESSAGE}" for number in range(len(messages))]
    # What did not fit is dropped with the socket: no more than the outbox was promised in vain.
    promised = delivered.index(False)
    assert (promised - len(messages)) * len(MESSAGE) < 1.2 * (1 << 20)
    # Who waited for the reader would wait for seconds, or for ever.
    assert p99(acks) < PAGE_SECONDS
    assert p99(others) < PAGE_SECONDS
    assert growth < GROWTH


def test_two_senders_to_one_stalled_reader_both_live(server: Server) -> None:
    with (
        RawClient(server.port, "stalled", receive_buffer=65_536) as stalled,
        Person(server.ws, "first") as first,
        Person(server.ws, "second") as second,
    ):
        for ws in (first, second) * 200:  # both have one on the way all the time
            ws.send(type="chat", toUserId="stalled", message=MESSAGE, ref=1)
        for ws in (first, second):
            acks = [ws.receive("ack")["delivered"] for _ in range(200)]
            assert acks[0], "need a reader for this to mean anything"
            assert not acks[-1], "need the reader to fall behind for this to mean anything"
        assert first.ask(type="chat", toUserId="second", message="still here?")["delivered"]
        assert second.receive("chat")["message"] == "still here?"
        assert stalled.close_code() == 4008


def test_a_reader_that_is_late_but_reads_gets_everything_in_order(server: Server) -> None:
    count = 12  # 720 kB: under the outbox's bound, over what a small kernel buffer takes
    with RawClient(server.port, "late", receive_buffer=16_384) as late, Person(server.ws, "sender") as sender:
        for number in range(count):
            assert sender.ask(type="chat", toUserId="late", message=f"{number} {MESSAGE}")["delivered"]
        got = [late.receive("chat")["message"] for _ in range(count)]
        assert got == [f"{number} {MESSAGE}" for number in range(count)]


# Floods and what never ends.

TINY_FRAMES = {
    "pongs": frame(Opcode.PONG),
    "empty texts": frame(Opcode.TEXT),
    "events": frame(Opcode.TEXT, b'{"type":"ping"}'),
}


@pytest.mark.alone
@pytest.mark.parametrize("kind", TINY_FRAMES)
def test_a_flood_of_tiny_frames_delays_nobody(server: Server, kind: str) -> None:
    chunk = TINY_FRAMES[kind] * (65_536 // len(TINY_FRAMES[kind]))
    pages = []
    with RawClient(server.port) as flooder, round_trips(server) as others:
        stop = threading.Event()
        reader = threading.Thread(target=drain, args=(flooder.sock.dup(), stop))
        reader.start()
        sent: list[int] = []
        writer = threading.Thread(target=lambda: sent.append(push(flooder, chunk, 100 * MB, 2)))
        writer.start()
        while writer.is_alive():
            pages.append(page_seconds(server))
        writer.join()
        stop.set()
        flooder.sock.shutdown(socket.SHUT_RDWR)
        reader.join()
    assert sent[0] > 0.1 * MB, "need a flood for this to mean anything"
    assert len(pages) > 1
    assert max(pages) < PAGE_SECONDS
    assert max(others) < PAGE_SECONDS


def drain(sock: socket.socket, stop: threading.Event) -> None:
    """Read and forget, so that the flooder is not closed as a slow reader."""
    sock.settimeout(0.1)
    with sock:
        while not stop.is_set():
            try:
                if not sock.recv(1 << 20):
                    return
            except TimeoutError:
                pass
            except OSError:
                return


def bounded(server: Server, attack: Callable[[RawClient], int], least: int) -> None:
    """The attack costs the worker little, and nobody else notices; it must have sent `least`."""
    page_seconds(server)  # the worker may still be loading: 40 MB of modules are nobody's attack
    before = resident_bytes(server.worker_pid)
    with RawClient(server.port) as attacker, round_trips(server) as others:
        sent = attack(attacker)
        growth = resident_bytes(server.worker_pid) - before
        assert page_seconds(server) < PAGE_SECONDS
    assert sent >= least, "need an attack for this to mean anything"
    assert growth < GROWTH
    assert max(others) < PAGE_SECONDS


def test_what_is_sent_to_a_slow_handler_stays_with_its_sender(traps: Server) -> None:
    def attack(client: RawClient) -> int:
        client.send(type="nap", seconds=3)
        event = json.dumps({"type": "typing", "toUserId": "x", "padding": MESSAGE}).encode()
        # A correct server takes its 64 KiB, and the kernels' buffers hold some MB.
        return push(client, frame(Opcode.TEXT, event), 60 * MB, 2)

    bounded(traps, attack, 100_000)


@pytest.mark.alone
def test_pings_whose_answers_nobody_reads_end_in_4008(server: Server) -> None:
    def attack(client: RawClient) -> int:
        sent = push(client, frame(Opcode.PING, b"p" * 125) * 500, 60 * MB, 3)
        frames = client.frames_to_the_end()
        assert all(f.data == b"p" * 125 for f in frames[:-1])
        assert closing_code(frames) == 4008
        return sent

    bounded(server, attack, 5 * MB)


@pytest.mark.alone
def test_a_message_whose_fragments_never_end_is_closed_with_1009(server: Server) -> None:
    def attack(client: RawClient) -> int:
        client.send_frame(Opcode.BINARY, b"x" * 1000, fin=False)
        piece = frame(Opcode.CONT, b"x" * 1000, fin=False)
        sent = push(client, piece * 60, 60 * MB, 3)
        assert client.close_code() == 1009
        return sent

    bounded(server, attack, 65_536)


@pytest.mark.alone
def test_a_message_in_too_many_empty_fragments_is_closed_with_1009(server: Server) -> None:
    def attack(client: RawClient) -> int:
        client.send_frame(Opcode.TEXT, b"", fin=False)
        sent = push(client, frame(Opcode.CONT, b"", fin=False) * 10_000, 60 * MB, 3)
        assert client.close_code() == 1009
        return sent

    bounded(server, attack, 6 * 1024)


def test_a_frame_that_says_it_is_huge_is_refused_by_its_header(server: Server) -> None:
    with RawClient(server.port) as client:
        client.sock.sendall(b"\x82\xff" + (1 << 40).to_bytes(8, "big"))  # no mask, no payload yet
        assert client.close_code() == 1009


@pytest.mark.alone
def test_frames_that_are_never_finished_hold_what_was_sent_and_no_more(server: Server) -> None:
    count = 50
    before = resident_bytes(server.worker_pid)
    with ExitStack() as stack:
        for _ in range(count):
            client = stack.enter_context(RawClient(server.port))
            client.sock.sendall(frame(Opcode.TEXT, b"x" * 65_000)[:-1])
        with Person(server.ws, "after-them") as ws:  # what came before it has been read by now
            ws.ask(type="ping")
        growth = resident_bytes(server.worker_pid) - before
        assert page_seconds(server) < PAGE_SECONDS
    assert growth < count * 65_536 + 10 * MB


# Handlers that misbehave.


@pytest.mark.parametrize("event", ["stumble", "overrun", "unsendable"])
def test_a_handler_that_fails_is_answered_and_its_connection_lives(traps: Server, event: str) -> None:
    with RawClient(traps.port) as client:
        logged = traps.log.count("Traceback (most recent call last)")
        client.send(type=event, ref=7)
        answer = client.receive("error")  # fails on bytes that are no frames, as HTTP's
        assert (answer["code"], answer["ref"]) == ("internal", 7)
        assert "stumbled" not in answer["message"]
        client.send(type="init", userId="patient")
        assert client.receive("ready")["userId"] == "patient"
        assert traps.log.count("Traceback (most recent call last)") == logged + 1


def test_a_failing_handler_without_a_ref_is_answered_too(traps: Server) -> None:
    with Person(traps.ws) as ws:
        ws.send(type="stumble")
        assert ws.receive("error")["code"] == "internal"


@pytest.mark.alone
def test_a_slow_handler_holds_up_only_its_own_socket(traps: Server) -> None:
    with Person(traps.ws) as slow, Person(traps.ws, "quick") as quick:
        start = time.monotonic()
        for number in range(5):
            slow.send(type="nap", ref=number, seconds=0.2, number=number)
        times = []
        while time.monotonic() - start < 0.8:
            before = time.monotonic()
            quick.ask(type="ping")
            times.append(time.monotonic() - before)
        assert len(times) > 10
        assert p99(times) < 0.25
        assert [slow.receive("ack")["number"] for _ in range(5)] == [0, 1, 2, 3, 4]
        assert time.monotonic() - start > 0.9, "need slow handlers for this to mean anything"


def test_the_end_of_a_token_ends_its_socket_however_busy_that_is(traps: Server) -> None:
    token = jwt.encode({"sub": "busy", "exp": int(time.time()) + 2}, TOKEN_SECRET, "HS256")
    with RawClient(traps.port) as busy:
        busy.send(type="init", userId="busy", token=token)
        busy.receive("ready")
        for number in range(100):  # twenty seconds of handlers
            busy.send(type="nap", ref=number, seconds=0.2)
        frames = busy.frames_to_the_end()
    answered = sum(frame.opcode is Opcode.TEXT for frame in frames)
    assert closing_code(frames) == 4501
    assert 0 < answered < 50, "it was still busy"


def test_slow_and_quick_events_of_one_socket_stay_in_order(traps: Server) -> None:
    count = 400  # more than one turn of the loop takes
    with Person(traps.ws) as ws:
        for number in range(count):
            ws.send(type="nap", ref=number, seconds=0.01 if number % 100 == 0 else 0, number=number)
        assert [ws.receive("ack")["ref"] for _ in range(count)] == list(range(count))


def test_a_peer_that_vanishes_during_its_handler_leaves_no_trace(traps: Server) -> None:
    logged = traps.log.count("Traceback")
    with RawClient(traps.port, "vanishing") as client:
        client.send(type="nap", seconds=0.3)
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset
    traps.wait_for(r"leave user='vanishing'")
    with Person(traps.ws, "next") as ws:
        assert not ws.ask(type="chat", toUserId="vanishing", message="?")["delivered"]
    assert traps.log.count("Traceback") == logged


# The end of a worker.


@pytest.mark.alone
def test_a_worker_stopped_under_load_loses_nothing_it_acknowledged(start_server: StartServer) -> None:
    server = start_server()
    pairs, window = 10, 16
    acked: list[set[int]] = [set() for _ in range(pairs)]
    got: list[list[int]] = [[] for _ in range(pairs)]
    codes: list[int | None] = []
    sent = [0] * pairs

    async def open_as(name: str) -> ClientConnection:
        ws = await connect_async(server.ws, proxy=None, max_queue=None, compression=None)
        await ws.send(json.dumps({"type": "init", "userId": name}))
        assert json.loads(await ws.recv())["type"] == "ready"
        return ws

    async def receive(pair: int, receiver: ClientConnection) -> None:
        try:
            async for text in receiver:
                if (event := json.loads(text))["type"] == "chat":
                    got[pair].append(int(event["message"]))
        except ConnectionClosed:
            pass
        codes.append(receiver.close_code)

    async def send(pair: int, sender: ClientConnection) -> None:
        async def one() -> None:
            number = sent[pair] = sent[pair] + 1
            event = {"type": "chat", "toUserId": f"r{pair}", "message": str(number), "ref": number}
            await sender.send(json.dumps(event))

        try:
            for _ in range(window):
                await one()
            async for text in sender:
                ack = json.loads(text)
                if ack["type"] in ("receipt", "restart"):  # the receivers are plain clients
                    continue
                assert ack["type"] == "ack"
                if ack["delivered"]:
                    acked[pair].add(ack["ref"])
                await one()
        except ConnectionClosed:
            pass
        codes.append(sender.close_code)

    async def load() -> float:
        receivers = [await open_as(f"r{pair}") for pair in range(pairs)]
        senders = [await open_as(f"s{pair}") for pair in range(pairs)]
        tasks = [asyncio.create_task(receive(i, ws)) for i, ws in enumerate(receivers)]
        tasks += [asyncio.create_task(send(i, ws)) for i, ws in enumerate(senders)]
        await asyncio.sleep(0.7)
        seconds = await asyncio.to_thread(server.stop)
        await asyncio.wait_for(asyncio.gather(*tasks), 10)
        return seconds

    seconds = asyncio.run(load())
    assert min(map(len, acked)) > 20, "need a load for this to mean anything"
    assert sum(sent) > sum(map(len, acked)), "need messages under way for this to mean anything"
    for pair in range(pairs):
        assert acked[pair] <= set(got[pair])
        assert got[pair] == sorted(set(got[pair])), "in order and none twice"
    assert codes == [1012] * 2 * pairs
    assert seconds < STOP_SECONDS
    assert not is_alive(server.worker_pid)


@pytest.mark.alone
def test_a_worker_stopped_with_idle_sockets_says_1012_to_each_and_is_gone(start_server: StartServer) -> None:
    server = start_server()
    sockets = [Person(server.ws, f"idle-{number}") for number in range(20)]
    sockets.append(Person(server.ws))  # one that never said who it is
    seconds = server.stop()
    for ws in sockets:
        assert ws.close_code() == 1012
        assert ws.socket.close_reason == "service restart"
    assert seconds < STOP_SECONDS
    assert not is_alive(server.worker_pid)
    assert "Traceback" not in server.log


@pytest.mark.alone
def test_a_worker_stops_in_time_with_a_client_that_never_hangs_up(start_server: StartServer) -> None:
    server = start_server(CHAT_STOP_SECONDS="2")
    with RawClient(server.port, "stubborn") as stubborn:
        assert server.stop() < STOP_SECONDS
        assert not is_alive(server.worker_pid)
        assert stubborn.close_code() == 1012


@pytest.mark.alone
def test_a_worker_stops_in_time_with_a_client_that_never_reads(start_server: StartServer) -> None:
    server = start_server(CHAT_OUTBOX_BYTES=str(20 * MB), CHAT_STOP_SECONDS="2")
    with RawClient(server.port, "stalled", receive_buffer=16_384), Person(server.ws, "sender") as sender:
        for _ in range(200):  # 12 MB: more than the kernels take, less than the outbox
            assert sender.ask(type="chat", toUserId="stalled", message=MESSAGE)["delivered"]
        assert server.stop() < STOP_SECONDS
        assert not is_alive(server.worker_pid)
        assert sender.close_code() == 1012


def test_a_worker_that_stops_lets_a_running_handler_finish(start_server: StartServer) -> None:
    server = start_server(app=TRAP_APP)
    with Person(server.ws) as ws:
        ws.send(type="nap", ref=1, seconds=0.5)
        ask_soon = threading.Timer(0.1, server.process.send_signal, [signal.SIGTERM])
        ask_soon.start()
        assert ws.receive("ack")["ref"] == 1
        assert ws.close_code() == 1012
        assert ws.socket.close_reason == "service restart"
    assert server.process.wait(SECONDS) == 0


@pytest.mark.alone
def test_a_worker_stops_in_time_with_a_handler_that_never_ends(start_server: StartServer) -> None:
    server = start_server(app=TRAP_APP)
    with Person(server.ws) as ws:
        ws.send(type="nap", seconds=600)
        ws.send(type="ping", ref=1)
        time.sleep(0.2)
        assert server.stop() < STOP_SECONDS
        assert ws.close_code() == 1012


# Peers that are not there, or say nothing.


@pytest.mark.alone
def test_a_peer_that_answers_no_ping_is_given_up_after_two(start_server: StartServer) -> None:
    server = start_server(CHAT_HEARTBEAT_SECONDS="1")
    with Person(server.ws, "there") as there, RawClient(server.port, "half-open") as half_open:
        start = time.monotonic()
        pings = half_open.frames_to_the_end()
        seconds = time.monotonic() - start
        assert [f.opcode for f in pings] == [Opcode.PING, Opcode.PING]
        assert 1.9 < seconds < 8
        server.wait_for(r"leave user='half-open' reason='1006 2 pings unanswered'")
        # The library answers pings by itself: silence alone closes nobody.
        time.sleep(2)
        assert not there.ask(type="chat", toUserId="half-open", message="?")["delivered"]


@pytest.mark.alone
def test_a_socket_that_never_says_who_it_is_is_closed_with_4502(start_server: StartServer) -> None:
    server = start_server(CHAT_INIT_SECONDS="1")
    with Person(server.ws) as nobody, Person(server.ws, "somebody") as somebody:
        start = time.monotonic()
        while time.monotonic() - start < 0.8:
            nobody.ask(type="ping")  # talking alone does not help
            time.sleep(0.05)
        assert nobody.close_code() == 4502
        assert nobody.socket.close_reason == "no init in time"
        assert time.monotonic() - start < 5
        somebody.ask(type="ping")


def test_a_peer_that_does_not_hang_up_after_a_close_is_cut_off(start_server: StartServer) -> None:
    server = start_server(CHAT_CLOSE_SECONDS="1", CHAT_MAX_SOCKETS="1")
    with RawClient(server.port) as lingering:
        lingering.send_frame(Opcode.CLOSE, Close(1000, "bye").serialize())
        assert lingering.close_code() == 1000
        # We keep our end open; the place is free again all the same.
        until = time.monotonic() + SECONDS
        while True:
            try:
                with Person(server.ws, "next"):
                    break
            except Exception:
                assert time.monotonic() < until
                time.sleep(0.1)


# Rules of the protocol, end to end.


def test_a_message_of_exactly_64_kib_passes_and_one_byte_more_is_1009(server: Server) -> None:
    event = {"type": "chat", "toUserId": "big", "message": ""}
    room = 65_536 - len(json.dumps(event))
    with Person(server.ws, "big") as big, Person(server.ws, "bigger") as bigger:
        for fragments in (1, 3):
            text = json.dumps({**event, "message": "x" * room})
            cuts = [len(text) * n // fragments for n in range(fragments + 1)]
            bigger.socket.send(text[a:b] for a, b in pairwise(cuts))
            assert len(big.receive("chat")["message"]) == room
        bigger.send(**{**event, "message": "x" * (room + 1)})
        assert bigger.close_code() == 1009
        big.ask(type="ping")


BROKEN = {
    "an unmasked frame": (b"\x81\x02hi", 1002),
    "a reserved bit": (b"\xc1\x80aaaa", 1002),
    "an opcode not in use": (b"\x83\x80aaaa", 1002),
    "a continuation of nothing": (frame(Opcode.CONT, b"x"), 1002),
    "a message inside another": (frame(Opcode.TEXT, b"x", fin=False) + frame(Opcode.TEXT, b"y"), 1002),
    "a ping in two pieces": (b"\x09\x80aaaa", 1002),
    "a close code not in use": (frame(Opcode.CLOSE, b"\x03\xed"), 1002),
    "bytes that are not UTF-8": (frame(Opcode.TEXT, b"\xff\xfe"), 1007),
    "a close reason that is not UTF-8": (frame(Opcode.CLOSE, b"\x03\xe8\xff"), 1007),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_rule_closes_its_socket_with_its_code(server: Server, fault: str) -> None:
    data, code = BROKEN[fault]
    logged = server.log.count("Traceback")
    with RawClient(server.port, "breaker") as client:
        # What was whole before the fault is handled and answered before the close.
        client.sock.sendall(frame(Opcode.TEXT, b'{"type":"ping","ref":1}') + data)
        frames = client.frames_to_the_end()
        assert json.loads(frames[-2].data) == {"type": "ack", "ref": 1}
        assert closing_code(frames) == code
    server.wait_for(rf"leave user='breaker' reason=['\"]{code}")
    assert server.log.count("Traceback") == logged


def test_a_close_is_answered_with_its_own_code_and_nothing_after_it_is_read(server: Server) -> None:
    with RawClient(server.port, "leaver") as client, Person(server.ws, "witness") as witness:
        late = json.dumps({"type": "chat", "toUserId": "witness", "message": "too late"}).encode()
        client.sock.sendall(frame(Opcode.CLOSE, Close(4321, "").serialize()) + frame(Opcode.TEXT, late))
        assert client.close_code() == 4321
        assert not witness.ask(type="chat", toUserId="leaver", message="?")["delivered"]
        assert witness.hears_nothing()


# What belongs to gunicorn.


@pytest.mark.alone
def test_more_sockets_than_gunicorns_worker_connections_leave_the_page_working(start_server: StartServer) -> None:
    server = start_server("--worker-connections", "10")
    sockets = [Person(server.ws, f"one-of-30-{number}") for number in range(30)]
    assert page_seconds(server) < PAGE_SECONDS
    assert sockets[0].ask(type="chat", toUserId="one-of-30-29", message="hi")["delivered"]
    for ws in sockets:
        ws.close()


def test_gunicorns_control_socket_is_off(server: Server) -> None:
    inodes = set()
    if not Path("/proc/net/unix").exists():
        pytest.skip("needs /proc, to see which sockets a process has open")
    for line in Path("/proc/net/unix").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[3], 16) & 0x10000:  # it listens
            inodes.add(f"socket:[{fields[6]}]")
    for pid in (server.process.pid, server.worker_pid):
        opened = {os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()}
        assert any(name.startswith("socket:") for name in opened)
        assert not opened & inodes


# Ctrl-C.


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT cannot be sent to one process there")
def test_ctrl_c_ends_python_app_py_with_a_goodbye(start_server: StartServer) -> None:
    server = start_server(command=[sys.executable, "app.py"], PORT="0")
    with Person(server.ws, "alice") as alice:
        server.process.send_signal(signal.SIGINT)
        assert alice.close_code() == 1012
        assert alice.socket.close_reason == "service restart"
    server.process.wait(SECONDS)
    assert "Traceback" not in server.log
