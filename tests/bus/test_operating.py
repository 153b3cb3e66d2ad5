"""What an operator sees of several workers and their bus: the figures of all, and what the doctor says."""

from __future__ import annotations

import os
import re
import signal
from contextlib import ExitStack

import pytest
import requests

from chat.bus.diagnosis import BusSeen, look_at
from chat.commands.doctor import _of_bus
from chat.errors import Unavailable
from chat.people.tokens import Tokens
from tests.clients import Person
from tests.commands import flask_chat
from tests.conftest import TOKEN_SECRET, Server, StartServer
from tests.faults.scenarios import wait_for
from tests.redis import Redis

SOCKETS = 12


def scraped(server: Server) -> dict[str, float]:
    """What the worker shows that happens to be asked: each time a new connection."""
    token = Tokens(TOKEN_SECRET.encode(), 60).sign_service("prometheus", "metrics", 60)
    headers = {"Authorization": f"Bearer {token}", "Connection": "close"}
    text = requests.get(f"{server.http}/metrics", headers=headers, timeout=10).text
    return {name: float(value) for name, value in re.findall(r"^([^#\s]\S*) (\S+)$", text, re.M)}


def test_the_scrape_of_any_worker_shows_all_and_no_sum_shrinks_when_one_dies(
    start_server: StartServer, redis: Redis
) -> None:
    server = start_server("-w", "2", CHAT_BUS_URL=redis.url)
    wait_for(lambda: scraped(server).get("chat_workers") == 2, "two workers")
    with ExitStack() as stack:
        for number in range(SOCKETS):
            person = stack.enter_context(Person(server.ws, f"p{number}"))
            assert person.ask(type="chat", toUserId="p0", message="hi")["type"] == "ack"
        names = ("chat_sockets", "chat_messages_total", 'chat_events_total{type="chat"}')

        def all_show() -> bool:  # each tells once a second; asked so often, both are
            return all(
                [shown[name] for name in names] == [SOCKETS] * 3 for shown in (scraped(server) for _ in range(8))
            )

        wait_for(all_show, "the figures of both at both")
        shown = scraped(server)
        workers = {int(pid) for pid in re.findall(r'process_cpu_seconds_total\{worker="(\d+)"', " ".join(shown))}
        assert len(workers) == 2
        killed = min(workers)
        os.kill(killed, signal.SIGKILL)

        def both_are_new() -> bool:
            shown = scraped(server)
            return shown.get("chat_workers") == 2 and f'process_open_fds{{worker="{killed}"}}' not in shown

        wait_for(both_are_new, "a new worker")
        shown = scraped(server)
        assert shown["chat_messages_total"] == SOCKETS, "or Prometheus takes it for a restart, and counts it anew"
        assert shown["chat_sockets"] <= SOCKETS


def test_a_bus_is_seen_with_its_echo_and_its_limit(redis: Redis) -> None:
    seen = look_at(redis.url)
    assert re.fullmatch(r"\d+\.\d+.*", seen.version)
    assert seen.echo_seconds is not None
    assert seen.buffer_bytes == 33_554_432, "Redis' own default"


def test_a_bus_that_is_not_there_or_may_not_be_used_is_told(redis: Redis) -> None:
    with pytest.raises(Unavailable, match="No Redis answers: ConnectionError"):
        look_at("redis://127.0.0.1:1")
    redis.ask(b"ACL SETUSER eve on >pw +@all resetchannels")
    finding = _of_bus(redis.url.replace("//", "//eve:pw@"))
    assert finding.level == "fail", finding
    done = flask_chat("doctor", CHAT_BUS_URL="redis://127.0.0.1:1")
    assert "fail  bus          No Redis answers: ConnectionError" in done.output
    assert done.exit_code == 2


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (BusSeen("7", None, None), "fail  bus          Redis does not pass on what is published. Let its user PUBLISH"),
        (BusSeen("7", 0.3, None), "warn  bus          Redis 7 passes on in 300.0 ms. Have it nearer"),
        (
            BusSeen("7", 0.001, 65_536),
            "warn  bus          Redis cuts off a worker for which 65536 bytes wait. Set client-",
        ),
        (BusSeen("7", 0.001, 0), "ok    bus"),
        (BusSeen("7", 0.001, None), "ok    bus"),
    ],
    ids=str,
)
def test_what_is_seen_of_a_bus_is_judged(seen: BusSeen, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.commands.doctor.look_at", lambda _url: seen)
    assert str(_of_bus("redis://there")).startswith(said)


def test_without_a_bus_none_is_looked_for() -> None:
    assert _of_bus("").level == "skip"
