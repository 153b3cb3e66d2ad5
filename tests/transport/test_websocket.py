"""One connection on a real event loop, its peer at the other end of a socket pair."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest
from gevent.event import Event
from websockets.frames import Close, Frame, Opcode
from websockets.protocol import CLIENT, Protocol

from chat.config import Settings
from chat.limits import Limits
from chat.protocol.frames import TEXT, encode_frame
from chat.transport.connections import CLOSED, CLOSING, Connections
from chat.transport.peer import OUTBOX_FRAMES
from chat.transport.websocket import TURN_FRAMES, WebSocket
from tests.transport.peers import closing_code, frame

HELLO = encode_frame(TEXT, b"hello")


class Recorder(WebSocket):
    """Writes down what it is told. `handler` is called with each text."""

    __slots__ = ("handler", "pongs", "reasons", "seen")

    def __init__(self, *args: Any) -> None:
        self.pongs: list[int] = []
        self.seen: list[str | bytes] = []
        self.reasons: list[str] = []
        self.handler: Callable[[str], None] = lambda text: None
        super().__init__(*args)

    def received(self, text: str) -> None:
        self.handler(text)
        self.seen.append(text)

    def received_binary(self, data: bytes) -> None:
        self.seen.append(data)

    def ponged(self, number: int) -> None:
        self.pongs.append(number)

    def left(self, reason: str) -> None:
        self.reasons.append(reason)


class SocketOf:
    """Our end of the pair, counting writes, and taking `at_most` bytes at each; 0 is a full kernel."""

    family = socket.AF_UNIX

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.writes: list[int] = []
        self.at_most: int | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def send(self, data: bytes) -> int:
        if self.at_most == 0:
            raise BlockingIOError
        sent = self._sock.send(data[: self.at_most])
        self.writes.append(sent)
        return sent


class Pair:
    """A connection, `ours`, and the socket at its other end, `peer`."""

    def __init__(self, connections: Connections) -> None:
        end, self.peer = socket.socketpair()
        self.sock = SocketOf(end)
        self.ours = Recorder(self.sock, connections, "-")
        self.peer.setblocking(False)
        self._parser = Protocol(CLIENT, max_size=None)
        self.frames: list[Frame] = []
        self.hung_up = False

    def read(self) -> list[Frame]:
        """Let the loop turn, and read what has come: all frames so far."""
        gevent.sleep(0.001)
        try:
            while not self.hung_up:
                if data := self.peer.recv(1 << 20):
                    self._parser.receive_data(data)
                else:
                    self.hung_up = True
                    self._parser.receive_eof()
        except BlockingIOError:
            pass
        self.frames += self._parser.events_received()  # type: ignore[arg-type]
        self._parser.data_to_send()
        return self.frames

    def read_until(self, condition: Callable[[], object]) -> list[Frame]:
        with gevent.Timeout(10):
            while not condition():
                self.read()
        return self.frames


@pytest.fixture
def connections() -> Iterator[Connections]:
    settings = Settings(rate_limits="off", outbox_bytes=100_000, max_message_bytes=65_536)
    made = Connections(settings, Limits(settings), logging.getLogger("chat"))
    yield made
    for connection in made:
        connection.abort("the test is over")
    if made._sweeper is not None:
        made._sweeper.stop()
        made._sweeper.close()


@pytest.fixture
def pair(connections: Connections) -> Iterator[Pair]:
    made = Pair(connections)
    yield made
    made.ours.abort("the test is over")
    made.peer.close()


def is_free(sock: Any) -> bool:
    return bool(sock.fileno() == -1)


# Reading.


def test_messages_come_in_order_as_what_they_are(pair: Pair) -> None:
    pair.peer.sendall(frame(Opcode.TEXT, b"one") + frame(Opcode.BINARY, b"two"))
    third = frame(Opcode.TEXT, "셋".encode())
    pair.peer.sendall(third[:-1])
    pair.read_until(lambda: len(pair.ours.seen) >= 2)
    assert pair.ours.seen == ["one", b"two"]
    pair.peer.sendall(third[-1:])
    pair.read_until(lambda: len(pair.ours.seen) >= 3)
    assert pair.ours.seen == ["one", b"two", "셋"]


def test_a_ping_is_answered_with_its_payload_between_the_messages(pair: Pair) -> None:
    def echo(text: str) -> None:
        pair.ours.send(encode_frame(TEXT, text.encode()))

    pair.ours.handler = echo
    pair.peer.sendall(frame(Opcode.TEXT, b"a") + frame(Opcode.PING, b"?") + frame(Opcode.TEXT, b"b"))
    pair.read_until(lambda: len(pair.frames) == 3)
    assert [(f.opcode, bytes(f.data)) for f in pair.frames] == [
        (Opcode.TEXT, b"a"),
        (Opcode.PONG, b"?"),
        (Opcode.TEXT, b"b"),
    ]


def test_a_pong_tells_how_far_the_peer_has_read(pair: Pair) -> None:
    assert [pair.ours.ping() for _ in range(4)] == [1, 2, 3, 4]
    pair.ours.send(HELLO)
    pair.read_until(lambda: len(pair.frames) == 5)
    assert [f.opcode for f in pair.frames] == [Opcode.PING] * 4 + [Opcode.TEXT]
    assert pair.ours.awaits_pong
    first, _, third, last = (bytes(f.data) for f in pair.frames[:4])
    for payload in (first, third, first):  # the second is answered with the third
        pair.peer.sendall(frame(Opcode.PONG, payload))
    pair.read_until(lambda: len(pair.ours.pongs) >= 2)
    assert pair.ours.pongs == [1, 3]
    assert pair.ours.awaits_pong
    pair.peer.sendall(frame(Opcode.PONG, last))
    pair.read_until(lambda: len(pair.ours.pongs) >= 3)
    assert pair.ours.pongs == [1, 3, 4]
    assert not pair.ours.awaits_pong


@pytest.mark.parametrize("payload", [b"", b"2", b"0", b"-1", b" 1", b"one", b"9" * 125])
def test_a_pong_that_nobody_asked_for_proves_nothing(pair: Pair, payload: bytes) -> None:
    assert pair.ours.ping() == 1
    pair.peer.sendall(frame(Opcode.PONG, payload) + frame(Opcode.TEXT, b"behind it"))
    pair.read_until(lambda: pair.ours.seen)
    assert pair.ours.pongs == []
    assert pair.ours.awaits_pong


def test_a_handler_that_waits_stops_the_reading_and_keeps_the_order(pair: Pair) -> None:
    go_on = Event()

    def slow(text: str) -> None:
        go_on.wait()

    pair.ours.handler = slow
    count = 100
    stream = b"".join(frame(Opcode.TEXT, str(n).encode().zfill(50_000)) for n in range(count))
    sent = send_while_taken(pair, stream)
    assert pair.ours.busy, "need a running handler for this to mean anything"
    assert sent < len(stream) / 2, "the kernel keeps the rest back, and then the peer"
    go_on.set()
    with gevent.Timeout(10):
        while len(pair.ours.seen) < count:
            sent += send_while_taken(pair, stream[sent:])
            pair.read()  # when all is sent the loop has to turn too
    assert [int(text[-4:]) for text in pair.ours.seen] == list(range(count))
    assert not pair.ours.busy


def test_texts_that_wait_for_a_handler_count_as_what_their_socket_holds(pair: Pair) -> None:
    go_on = Event()
    pair.ours.handler = lambda text: go_on.wait() and None
    assert pair.ours.held_bytes == 0
    send_while_taken(pair, frame(Opcode.TEXT, ("x" * 10_000 + "\N{GRINNING FACE}").encode()))
    assert pair.ours.busy, "need a running handler for this to mean anything"
    assert pair.ours.held_bytes > 40_000, "one emoji makes each letter take four bytes"
    go_on.set()
    gevent.sleep(0.001)
    assert pair.ours.held_bytes == 0


def send_while_taken(pair: Pair, data: bytes) -> int:
    """Send until nothing has been taken for a while; returns how much was."""
    sent = refused = 0
    while sent < len(data) and refused < 20:
        try:
            sent += pair.peer.send(data[sent:])
            refused = 0
        except BlockingIOError:
            refused += 1
        pair.read()
    return sent


def test_one_turn_handles_so_many_messages_and_others_come_in_between(pair: Pair, connections: Connections) -> None:
    other = Pair(connections)
    order: list[str] = []
    pair.ours.handler = lambda text: order.append("flood")
    other.ours.handler = lambda text: order.append("other")
    count = TURN_FRAMES * 10
    pair.peer.sendall(frame(Opcode.TEXT) * count)
    other.peer.sendall(frame(Opcode.TEXT))
    pair.read_until(lambda: len(order) == count + 1)
    assert order.index("other") <= 2 * TURN_FRAMES
    other.peer.close()


def test_a_handler_that_raises_ends_its_connection_with_1011(pair: Pair, caplog: pytest.LogCaptureFixture) -> None:
    def fail(text: str) -> None:
        raise RuntimeError("a bug")

    pair.ours.handler = fail
    with caplog.at_level(logging.ERROR, "chat"):
        pair.peer.sendall(frame(Opcode.TEXT, b"x") * 3)
        pair.read_until(lambda: pair.hung_up)
    assert closing_code(pair.frames) == 1011
    assert pair.ours.reasons == ["1011 internal error"]
    assert [record.exc_info is not None for record in caplog.records] == [True]


def test_a_peer_that_hangs_up_without_a_close_frame_leaves_with_1006(pair: Pair, connections: Connections) -> None:
    pair.peer.close()
    with gevent.Timeout(5):
        while pair.ours.state is not CLOSED:
            gevent.sleep(0.001)
    assert pair.ours.reasons == ["1006 the peer hung up without a close frame"]
    assert is_free(pair.sock)
    assert len(connections) == 0


def test_what_is_paused_reads_nothing_and_still_closes(pair: Pair) -> None:
    pair.ours.pause()
    pair.peer.sendall(frame(Opcode.TEXT, b"too late"))
    pair.read()
    assert pair.ours.seen == []
    pair.ours.close(1012, "service restart")
    pair.read_until(lambda: pair.hung_up)
    assert closing_code(pair.frames) == 1012
    pair.peer.close()
    with gevent.Timeout(5):
        while pair.ours.state is not CLOSED:
            gevent.sleep(0.001)
    assert pair.ours.seen == []


# Writing.


def test_what_a_turn_of_the_loop_sends_is_one_write(pair: Pair) -> None:
    for _ in range(100):
        assert pair.ours.send(HELLO)
    assert pair.sock.writes == [], "nothing is written before the turn ends"
    pair.read_until(lambda: len(pair.frames) == 100)
    assert pair.sock.writes == [100 * len(HELLO)]


@pytest.mark.parametrize("at_most", [1, 2, 3, 7, 8, 9, 1000])
def test_what_the_kernel_takes_in_parts_arrives_whole_and_in_order(pair: Pair, at_most: int) -> None:
    pair.sock.at_most = at_most
    sent = [str(number).encode() * (number % 5) for number in range(60)]
    for number, payload in enumerate(sent):
        assert pair.ours.send(encode_frame(TEXT, payload))
        if number % 7 == 0:
            pair.read()
    pair.read_until(lambda: len(pair.frames) == len(sent))
    assert [bytes(f.data) for f in pair.frames] == sent
    assert pair.ours._outbox_bytes == 0


@pytest.mark.parametrize("taken", [0, 1, 5, 10_009, 30_000])
def test_over_its_bound_an_outbox_is_dropped_but_for_the_frame_that_is_out_in_part(pair: Pair, taken: int) -> None:
    message = encode_frame(TEXT, b"x" * 10_000)
    pair.sock.at_most = taken
    assert pair.ours.send(message)
    assert pair.ours.send(message)
    assert pair.ours.send(message)
    gevent.sleep(0)  # the turn ends: `taken` bytes go out
    pair.sock.at_most = 0
    assert 5 < [pair.ours.send(message) for _ in range(20)].index(False) < 12
    assert pair.ours.state is CLOSING
    assert pair.ours.reasons == ["4008 reads too slowly"]
    assert not pair.ours.send(message)
    pair.sock.at_most = None
    pair.read_until(lambda: pair.hung_up)
    assert closing_code(pair.frames) == 4008
    assert all(bytes(f.data) == b"x" * 10_000 for f in pair.frames[:-1])
    assert len(pair.frames) - 1 <= 3


def test_very_many_small_frames_are_too_many_too(pair: Pair) -> None:
    pair.sock.at_most = 0
    pong = encode_frame(0xA, b"")
    sent = 0
    while pair.ours.send(pong):
        sent += 1
        assert sent <= OUTBOX_FRAMES + 1
    assert pair.ours.reasons == ["4008 reads too slowly"]


def test_a_burst_over_the_bound_is_no_fault_of_a_peer_that_reads(pair: Pair) -> None:
    """What gathers within one turn is offered to the kernel before the peer is called slow."""
    message = encode_frame(TEXT, b"x" * 10_000)
    for _ in range(14):  # 140 kB in one turn, the bound is 100 kB, the kernel takes some 200 kB
        assert pair.ours.send(message)
    pair.read_until(lambda: len(pair.frames) == 14)


def test_a_peer_that_has_gone_is_noticed_by_a_write_and_raises_nothing(pair: Pair) -> None:
    pair.ours.pause()
    pair.peer.close()
    assert pair.ours.send(HELLO)
    gevent.sleep(0.001)
    assert pair.ours.state is CLOSED
    assert pair.ours.reasons[0].startswith("1006 ")
    assert not pair.ours.send(HELLO)


# Closing.


def test_a_close_comes_after_all_that_was_sent_before_it(pair: Pair) -> None:
    pair.sock.at_most = 3
    for _ in range(20):
        pair.ours.send(HELLO)
    pair.ours.close(4321, "because")
    assert not pair.ours.send(HELLO)
    pair.read_until(lambda: pair.hung_up)
    assert [bytes(f.data) for f in pair.frames[:-1]] == [b"hello"] * 20
    assert Close.parse(bytes(pair.frames[-1].data)) == Close(4321, "because")
    assert pair.ours.state is CLOSING, "the peer has not hung up yet"
    pair.peer.close()
    with gevent.Timeout(5):
        while pair.ours.state is not CLOSED:
            gevent.sleep(0.001)
    assert pair.ours.reasons == ["4321 because"]
    assert is_free(pair.sock)


def test_a_peers_close_is_answered_with_its_code_and_what_follows_is_not_read(pair: Pair) -> None:
    late = frame(Opcode.TEXT, b"late")
    pair.peer.sendall(frame(Opcode.CLOSE, Close(4444, "bye").serialize()) + late)
    pair.read_until(lambda: pair.hung_up)
    pair.peer.sendall(late)
    pair.read()
    assert closing_code(pair.frames) == 4444
    assert pair.ours.seen == []
    assert pair.ours.reasons == ["4444 bye"]


@pytest.mark.parametrize("first", ["close", "abort"])
def test_closing_and_aborting_again_change_nothing(pair: Pair, connections: Connections, first: str) -> None:
    if first == "close":
        pair.ours.close(1000, "first")
        pair.ours.close(1001, "second")
        pair.read_until(lambda: pair.hung_up)
        assert closing_code(pair.frames) == 1000
    pair.ours.abort("first")
    pair.ours.abort("second")
    pair.ours.close(1001, "third")
    pair.read()
    assert len(pair.ours.reasons) == 1
    assert pair.ours.reasons[0].endswith("first")
    assert is_free(pair.sock)
    assert len(connections) == 0


def test_a_handler_may_close_its_own_connection_and_the_rest_is_not_handled(pair: Pair) -> None:
    pair.ours.handler = lambda text: pair.ours.close(4000, "enough")
    pair.peer.sendall(frame(Opcode.TEXT, b"x") * 5)
    pair.read_until(lambda: pair.hung_up)
    assert pair.ours.seen == ["x"]


def test_an_abort_while_a_handler_waits_lets_it_finish_and_sends_nothing(pair: Pair) -> None:
    go_on, sent = Event(), []

    def slow(text: str) -> None:
        go_on.wait()
        sent.append(pair.ours.send(HELLO))

    pair.ours.handler = slow
    pair.peer.sendall(frame(Opcode.TEXT, b"x") * 3)
    pair.read_until(lambda: pair.ours.busy)
    assert pair.ours.busy, "need a running handler for this to mean anything"
    pair.ours.abort("cut off")
    go_on.set()
    with gevent.Timeout(5):
        while not sent:
            gevent.sleep(0.001)
    gevent.sleep(0.001)
    assert sent == [False]
    assert pair.ours.seen == ["x"]


def test_whoever_waits_for_the_end_is_woken_by_it_or_not_held_at_all(pair: Pair) -> None:
    waiter = gevent.spawn(pair.ours.wait)
    gevent.sleep(0.001)
    assert not waiter.dead
    pair.ours.abort("the end")
    waiter.join(5)
    assert waiter.dead
    pair.ours.wait()


def stalled(pair: Pair) -> Pair:
    """Its kernel is full, and its outbox is not empty."""
    while not pair.ours._outbox:
        pair.ours.send(encode_frame(TEXT, b"x" * 60_000))
        pair.ours.flush()
    return pair


def test_an_init_that_came_in_time_may_take_its_time(pair: Pair) -> None:
    pair.ours.busy = True
    pair.ours.overdue()
    assert pair.ours.reasons == []
    pair.ours.busy = False
    pair.ours.overdue()
    assert pair.ours.reasons == ["4502 no init in time"]


def test_who_waits_for_a_reader_is_woken_by_it_and_costs_nothing_meanwhile(pair: Pair) -> None:
    waiting = [gevent.spawn(stalled(pair).ours.wait_written, 60) for _ in range(500)]
    gevent.sleep(0.01)
    began = time.process_time()
    gevent.sleep(0.5)
    assert time.process_time() - began < 0.1, "500 that look every few milliseconds take all of a core"
    assert not any(one.ready() for one in waiting)
    pair.read_until(lambda: all(one.ready() for one in waiting))
    assert {one.value for one in waiting} == {True}
    assert pair.ours.wait_written(0), "nothing waits"


@pytest.mark.parametrize(
    "end", [lambda ours: ours.close(1000), lambda ours: ours.abort("gone")], ids=["close", "abort"]
)
def test_who_waits_for_a_reader_is_told_when_it_is_gone_or_takes_too_long(
    pair: Pair, end: Callable[[WebSocket], None]
) -> None:
    assert not stalled(pair).ours.wait_written(0.01)
    waiting = gevent.spawn(pair.ours.wait_written, 60)
    gevent.sleep(0)
    end(pair.ours)
    with gevent.Timeout(10):
        assert waiting.get() is False
