"""Several workers of one gunicorn, as gunicorn.conf.py starts them: when they may, and who gets which connection."""

from __future__ import annotations

import itertools
import os
import re
import runpy
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import gevent
import pytest
import requests
from gevent import socket as gevents
from gevent.pool import Pool
from gevent.server import StreamServer
from gunicorn.config import Config
from gunicorn.workers import ggevent

from chat import create_app
from chat.transport.acceptor import Acceptor
from tests.clients import Person
from tests.conftest import GUNICORN, ROOT, Server, StartServer
from tests.redis import Redis

WORKERS = 4
SECONDS = 60
BUS = {"CHAT_BUS_URL": "redis://127.0.0.1:1"}  # nobody is there: the app of these tests has no use for it


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def command(port: int, workers: int = WORKERS) -> list[str]:
    return [*GUNICORN[:-1], f"127.0.0.1:{port}", "-w", str(workers), "tests.startup.pid_app:app"]


def listeners(port: int) -> int:
    """How many sockets of this machine listen at the port."""
    lines = Path("/proc/net/tcp").read_text().splitlines()
    return sum(f":{port:04X} 00000000:0000 0A" in line for line in lines)


def wait_for(condition: Callable[[], bool], server: Server) -> None:
    until = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < until, server.log
        time.sleep(0.02)


def pids(port: int, times: int) -> Counter[str]:
    with ThreadPoolExecutor(8) as threads:
        return Counter(
            threads.map(lambda _: requests.get(f"http://127.0.0.1:{port}/", timeout=SECONDS).text, range(times))
        )


@pytest.mark.slow
def test_connections_spread_over_four_workers_and_do_so_after_a_reload_too(start_server: StartServer) -> None:
    port = free_port()
    server = start_server(command=command(port), **BUS)
    wait_for(lambda: server.log.count("Booting worker") == WORKERS and listeners(port) == WORKERS, server)
    served = pids(port, 100)
    assert len(served) == WORKERS
    assert min(served.values()) >= 8, f"25 each are expected, and 8 are four deviations below: {served}"
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: server.log.count("Worker exiting") == WORKERS and listeners(port) == WORKERS, server)
    again = pids(port, 100)
    assert not again.keys() & served.keys(), "need new workers for this to mean anything"
    assert len(again) == WORKERS


@pytest.mark.slow
def test_a_second_server_at_the_port_of_several_workers_is_refused_and_a_further_worker_is_not(
    start_server: StartServer,
) -> None:
    port = free_port()
    server = start_server(command=command(port, 2), **BUS)
    wait_for(lambda: listeners(port) == 2, server)
    second = subprocess.run(
        command(port, 2), cwd=ROOT, env={**os.environ, **BUS}, capture_output=True, text=True, timeout=SECONDS
    )
    assert second.returncode == 1
    assert f"The server cannot listen at 127.0.0.1:{port}: Address already in use." in second.stderr
    assert "Traceback" not in second.stderr
    for number, expected in ((signal.SIGTTIN, 3), (signal.SIGTTOU, 2)):  # one more, and then the oldest goes
        server.process.send_signal(number)
        wait_for(lambda expected=expected: listeners(port) == expected, server)  # type: ignore[misc]


def test_several_workers_without_a_bus_are_refused_with_a_sentence_that_says_what_to_set(
    start_server: StartServer,
) -> None:
    with pytest.raises(AssertionError, match=re.escape("set CHAT_BUS_URL=redis://127.0.0.1")):
        start_server("-w", "2")


@pytest.mark.parametrize(("bus", "said"), [("", 1), (BUS["CHAT_BUS_URL"], None)])
def test_how_many_there_are_is_left_to_gunicorn_where_there_is_a_bus(
    monkeypatch: pytest.MonkeyPatch, bus: str, said: int | None
) -> None:
    """gunicorn takes WEB_CONCURRENCY, which some hosts set by themselves, where the file says nothing."""
    monkeypatch.setenv("CHAT_BUS_URL", bus)
    assert runpy.run_path(str(ROOT / "gunicorn.conf.py")).get("workers") == said


@pytest.mark.slow
def test_the_command_of_the_readme_starts_four_workers_that_are_one_chat(start_server: StartServer) -> None:
    if not Redis.is_installed():
        pytest.skip("Redis is not installed (Debian: apt-get install redis-server)")
    said = re.search(
        r"^CHAT_BUS_URL=redis://127.0.0.1 gunicorn -k gevent (.+)$", (ROOT / "README.md").read_text(), re.M
    )
    assert said
    port, redis = free_port(), Redis()
    redis.start()
    try:
        arguments = [*GUNICORN[:-1], f"127.0.0.1:{port}", *said[1].split()]
        server = start_server(command=arguments, CHAT_BUS_URL=redis.url)
        wait_for(lambda: server.log.count("the bus is there") == WORKERS, server)
        people = [Person(server.ws, f"person{number}") for number in range(12)]
        for person, other in itertools.pairwise(people):
            answer = person.ask(type="chat", toUserId=other.ready["userId"], message="hi")
            assert answer["delivered"] is True
            assert other.receive("chat")["message"] == "hi"
        for person in people:
            person.close()
        assert server.stop() < SECONDS
    finally:
        redis.stop()


def test_the_settings_that_a_worker_has_at_hand_are_those_that_gunicorn_would_look_up() -> None:
    looked_up, at_hand = Config(), Config()
    for config in (looked_up, at_hand):
        config.set("limit_request_fields", 7)
    runpy.run_path(str(ROOT / "gunicorn.conf.py"))["keep_settings_at_hand"](SimpleNamespace(cfg=at_hand))
    assert {name: getattr(at_hand, name) for name in at_hand.settings} == {
        name: getattr(looked_up, name) for name in looked_up.settings
    }
    assert at_hand.limit_request_fields == 7
    assert "limit_request_fields" in vars(at_hand)


def test_a_worker_has_the_acceptor_where_nobody_sees_requests_before_us(monkeypatch: pytest.MonkeyPatch) -> None:
    handle, server = served_by(Config(), monkeypatch, lambda *_: None)
    assert isinstance(server, Acceptor)
    assert handle is not None


def test_where_gunicorn_reads_all_connections_few_are_begun_at_once_and_a_reloads_next_worker_has_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seeing = Config()
    seeing.set("pre_request", lambda worker, request: None)  # nothing is early there
    begun: list[object] = []
    handle, server = served_by(seeing, monkeypatch, lambda *_: begun.append(1))
    assert handle is None
    server.start()
    clients = [socket.create_connection(("127.0.0.1", server.server_port)) for _ in range(40)]
    with gevents.socket(fileno=os.dup(server.socket.fileno())) as theirs:  # the next worker's
        with gevent.Timeout(SECONDS):
            while not begun:
                gevent.sleep(0)
        server.close()
        assert 0 < len(begun) < 20
        with gevent.Timeout(SECONDS):
            for _ in range(len(clients) - len(begun)):
                theirs.accept()[0].close()
    for client in clients:
        client.close()


def served_by(
    config: Config, monkeypatch: pytest.MonkeyPatch, handle: Callable[..., object]
) -> tuple[object, StreamServer]:
    """The `handle` that a worker was given, and a server as it makes them."""
    monkeypatch.setattr(ggevent, "StreamServer", StreamServer)
    worker = SimpleNamespace(cfg=config, wsgi=create_app({}), handle=None)
    runpy.run_path(str(ROOT / "gunicorn.conf.py"))["take_upgrades_early"](worker)
    return worker.handle, ggevent.StreamServer(("127.0.0.1", 0), handle=handle, spawn=Pool(100))
