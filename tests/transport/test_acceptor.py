"""Connections of a storm: all find a place, few are begun at a time, and addresses take turns."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import gevent.event
import pytest
from gevent import socket as gevents
from gevent.pool import Pool

from chat.transport import acceptor
from chat.transport.acceptor import Acceptor

SECONDS = 20


class Worker:
    """A server with an Acceptor. What comes first says what happens to it: `early` is taken at once."""

    def __init__(self, places: int = 100) -> None:
        self.is_busy = False
        self.taken: list[str] = []  # the addresses
        self.handled: list[bytes] = []
        self.let_go = gevent.event.Event()
        self.let_go.set()
        self.listener = gevents.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(100)
        self.port = self.listener.getsockname()[1]
        self.server = Acceptor(self._at_once, lambda: self.is_busy, self.listener, self._handle, spawn=Pool(places))
        self.server.start()
        self.clients: list[Any] = []

    def _at_once(self, _listener: object, sock: Any, address: tuple[str, int]) -> bool:
        try:
            data = sock.recv(100, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        if data == b"fail":
            raise ValueError
        if data != b"early":
            return False
        self.taken.append(address[0])
        sock.sendall(b"taken")
        sock.close()
        return True

    def _handle(self, client: Any, _address: object) -> None:
        self.listener.getsockname()  # as `EarlyUpgrade.handle` does
        self.handled.append(client.recv(100))
        self.let_go.wait()
        client.sendall(b"handled")

    def come(self, data: bytes, address: str = "127.0.0.1") -> Any:
        """Connect and send, while the server's loop does not run."""
        sock = socket.socket()
        sock.bind((address, 0))
        sock.connect(("127.0.0.1", self.port))
        sock.sendall(data)
        self.clients.append(sock)
        return sock

    def accept_all(self) -> None:
        """Accept who has come, while the server's loop does not run: none is begun."""
        while accepted := self.server.do_read():
            self.server.do_handle(*accepted)

    def answer(self, client: Any) -> bytes:
        gevents.wait_read(client.fileno(), SECONDS)
        return bytes(client.recv(100))

    def wait(self, until: Callable[[], bool]) -> None:
        with gevent.Timeout(SECONDS):
            while not until():
                gevent.sleep(0.001)


@pytest.fixture
def worker() -> Iterator[Worker]:
    one = Worker()
    yield one
    end(one)


def end(worker: Worker) -> None:
    worker.server.stop(timeout=0)
    for client in worker.clients:
        client.close()


def test_what_is_taken_at_once_has_no_greenlet_and_all_else_is_handled(worker: Worker) -> None:
    early, other = worker.come(b"early"), worker.come(b"other")
    assert worker.answer(early) == b"taken"
    assert worker.answer(other) == b"handled"
    assert (worker.taken, worker.handled) == (["127.0.0.1"], [b"other"])
    silent = worker.come(b"")
    worker.wait(lambda: worker.server.pool is not None and len(worker.server.pool) == 1)
    silent.sendall(b"early")
    assert worker.answer(silent) == b"handled"


def test_addresses_take_turns_and_a_busy_server_begins_one_a_turn(worker: Worker) -> None:
    worker.is_busy = True
    for address in ("127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.2", "127.0.0.2", "127.0.0.3"):
        worker.come(b"early", address)
    steps: list[int] = []

    def look() -> None:
        while len(worker.taken) < 6:
            steps.append(len(worker.taken))
            gevent.sleep(0)

    looking = gevent.spawn(look)
    worker.wait(lambda: len(worker.taken) == 6)
    looking.join()
    assert [address[-1] for address in worker.taken] == ["1", "2", "3", "1", "2", "1"]
    assert max(after - before for before, after in itertools.pairwise(steps)) == 1


def test_one_that_fails_takes_no_others_turn(worker: Worker, capsys: pytest.CaptureFixture[str]) -> None:
    failed, early = worker.come(b"fail"), worker.come(b"early")
    assert worker.answer(early) == b"taken"
    with pytest.raises(ConnectionResetError):  # closed with something unread
        worker.answer(failed)
    assert "ValueError" in capsys.readouterr().err


def test_when_too_many_wait_none_is_accepted_until_some_are_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acceptor, "WAITING", 3)
    worker = Worker()
    try:
        most = 0
        begin = worker.server._begin_some

        def look_and_begin() -> None:
            nonlocal most
            most = max(most, worker.server._count)
            begin()

        monkeypatch.setattr(worker.server, "_begin_some", look_and_begin)
        clients = [worker.come(b"early") for _ in range(20)]
        assert [worker.answer(client) for client in clients] == [b"taken"] * 20
        assert most == 3
    finally:
        end(worker)


def test_while_gunicorn_has_no_place_they_wait_and_then_they_are_served() -> None:
    worker = Worker(places=1)
    try:
        worker.let_go.clear()
        clients = [worker.come(b"other") for _ in range(5)]
        worker.wait(lambda: len(worker.handled) == 1)
        worker.wait(lambda: worker.server._later.active)  # it has looked for a place, and found none
        assert len(worker.handled) == 1
        worker.let_go.set()
        assert [worker.answer(client) for client in clients] == [b"handled"] * 5
    finally:
        end(worker)


def test_who_waits_when_it_stops_and_finds_no_place_is_sent_away() -> None:
    worker = Worker(places=1)
    worker.let_go.clear()
    clients = [worker.come(b"other") for _ in range(5)]
    worker.wait(lambda: worker.server._count == 4)
    worker.server.close()
    for client in clients[1:]:
        with pytest.raises(ConnectionResetError):
            worker.answer(client)
    worker.let_go.set()
    assert worker.answer(clients[0]) == b"handled"
    end(worker)


def test_a_request_that_waits_when_it_stops_is_handled_and_an_upgrade_comes_again(worker: Worker) -> None:
    requests = [worker.come(b"other") for _ in range(5)]
    upgrade = worker.come(b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n")
    worker.accept_all()
    assert worker.server._count == 6
    worker.server.close()
    assert [worker.answer(client) for client in requests] == [b"handled"] * 5
    with pytest.raises(ConnectionResetError):
        worker.answer(upgrade)


def test_a_request_that_was_begun_in_the_turn_in_which_it_stops_is_handled(worker: Worker) -> None:
    request = worker.come(b"other")
    worker.accept_all()
    worker.server._begin_some()  # its greenlet has not run yet
    worker.server.close()
    assert worker.answer(request) == b"handled"
