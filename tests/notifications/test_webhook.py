"""The webhook against receivers that take, refuse, dawdle, or are not there."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import create_server
from threading import Thread
from typing import Any

import pytest
import requests

from chat.config import Settings
from chat.errors import BadSetting
from chat.metrics import Metrics
from chat.notifications.webhook import AT_ONCE, WAITING, Webhook, signature
from chat.protocol.structs import Seen
from tests.clients import Person
from tests.conftest import Server, StartServer
from tests.notifications.helpers import a_name, finished, push, tokens

SECONDS = 20
SECRET = "shared with the mailer"


class Receiver:
    """Notes what is posted to it. `answers`: the status of each post, the last one for all others."""

    def __init__(self, *answers: int, takes_seconds: float = 0) -> None:
        self.posts: list[tuple[float, dict[str, str], bytes]] = []
        receiver, left = self, list(answers)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.posts.append((time.monotonic(), dict(self.headers), body))
                time.sleep(takes_seconds)
                self.send_response(left.pop(0) if len(left) > 1 else left[0])
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def wait_for(self, number: int) -> list[dict[str, Any]]:
        wait_until(lambda: len(self.posts) >= number)
        return [json.loads(body) for _, _, body in self.posts]

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


Receive = Callable[..., Receiver]


@pytest.fixture
def receive() -> Iterator[Receive]:
    """Start receivers: receive(500, 200, takes_seconds=1)."""
    started: list[Receiver] = []

    def start(*answers: int, **options: float) -> Receiver:
        started.append(Receiver(*answers, **options))
        return started[-1]

    yield start
    for receiver in started:
        receiver.stop()


def answering(said: bytes) -> tuple[str, Callable[[], int]]:
    """A receiver that answers each connection with these bytes, and hangs up; its URL, and how many there were."""
    server = create_server(("127.0.0.1", 0))
    connections = []

    def serve() -> None:
        while True:
            try:
                sock, _ = server.accept()
            except OSError:
                return
            connections.append(1)
            with sock:
                sock.recv(65_536)
                sock.sendall(said)

    Thread(target=serve, daemon=True).start()
    return f"http://127.0.0.1:{server.getsockname()[1]}/hook", lambda: len(connections)


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 302 Found\r\nLocation: http://[bad/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
        b"no HTTP at all\r\n\r\n",
        b"",
    ],
)
def test_whatever_a_receiver_answers_the_webhook_goes_on(said: bytes, metrics: Metrics) -> None:
    url, count = answering(said)
    webhook = a_webhook(url, [0.01], metrics)
    for n in range(2 * AT_ONCE):
        webhook.tell("bob", Seen(notification_id=n))
    wait_until(lambda: metrics.webhook_dead.value() == 2 * AT_ONCE)
    assert count() >= 4 * AT_ONCE, "none of a redirection is followed, and each is tried twice"


def wait_until(condition: Callable[[], object]) -> None:
    until = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def a_webhook(url: str, again: Sequence[float] = (0.05, 0.1), metrics: Metrics | None = None) -> Webhook:
    return Webhook(url, SECRET, metrics or Metrics(), logging.getLogger("chat"), again=again)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def test_a_receiver_can_tell_that_it_is_the_server_who_posts(receive: Receive) -> None:
    receiver = receive(204)
    a_webhook(receiver.url).tell("bob", Seen(notification_id=7))
    [said] = receiver.wait_for(1)
    assert said == {"userId": "bob", "event": {"type": "seen", "notificationId": 7}}
    _, headers, body = receiver.posts[0]
    stamp = headers["Chat-Timestamp"]
    assert abs(time.time() - int(stamp)) < SECONDS
    assert headers["Chat-Signature"] == signature(SECRET.encode(), stamp, body)
    assert headers["Chat-Signature"] != signature(b"another secret", stamp, body)
    assert headers["Chat-Signature"] != signature(SECRET.encode(), str(int(stamp) + 1), body)
    assert headers["Content-Type"] == "application/json"


def test_what_a_receiver_answers_500_comes_again_later_and_later(receive: Receive, metrics: Metrics) -> None:
    receiver = receive(500, 503, 200)
    webhook = a_webhook(receiver.url, (0.2, 0.4), metrics)
    webhook.tell("bob", Seen(notification_id=7))
    assert len({json.dumps(said) for said in receiver.wait_for(3)}) == 1
    first, second, third = (when for when, _, _ in receiver.posts)
    assert second - first >= 0.2
    assert third - second >= 0.4
    assert len({headers["Chat-Delivery"] for _, headers, _ in receiver.posts}) == 1
    time.sleep(0.5)
    assert (len(receiver.posts), metrics.webhook_dead.value()) == (3, 0)


def test_what_is_never_taken_is_a_dead_letter(receive: Receive, metrics: Metrics) -> None:
    receiver = receive(500)
    a_webhook(receiver.url, metrics=metrics).tell("bob", Seen(notification_id=7))
    wait_until(lambda: metrics.webhook_dead.value() == 1)
    assert len(receiver.posts) == 3


def test_a_redirect_is_not_followed(receive: Receive, metrics: Metrics) -> None:
    a_webhook(receive(307).url, (), metrics).tell("bob", Seen(notification_id=7))
    wait_until(lambda: metrics.webhook_dead.value() == 1)


def test_a_receiver_that_is_down_is_tried_again_and_then_given_up(metrics: Metrics) -> None:
    with create_server(("127.0.0.1", 0)) as probe:
        nobody = f"http://127.0.0.1:{probe.getsockname()[1]}/"
    a_webhook(nobody, metrics=metrics).tell("bob", Seen(notification_id=7))
    wait_until(lambda: metrics.webhook_dead.value() == 1)
    assert metrics.webhook_failures.value() == 3


@pytest.mark.alone
def test_a_slow_receiver_is_asked_a_few_at_a_time_and_delays_the_caller_never(receive: Receive) -> None:
    receiver = receive(200, takes_seconds=0.3)
    webhook = a_webhook(receiver.url)
    began = time.monotonic()
    for n in range(2 * AT_ONCE):
        webhook.tell("bob", Seen(notification_id=n))
    assert time.monotonic() - began < 0.3
    receiver.wait_for(AT_ONCE)
    assert len(receiver.posts) == AT_ONCE
    said = receiver.wait_for(2 * AT_ONCE)
    assert sorted(one["event"]["notificationId"] for one in said) == list(range(2 * AT_ONCE))


def test_what_waits_is_bounded(metrics: Metrics) -> None:
    log = logging.getLogger("chat")
    webhook = Webhook("http://127.0.0.1:1", SECRET, metrics, log, spawn=lambda _: None)  # nobody posts
    for n in range(WAITING + 5):
        webhook.tell("bob", Seen(notification_id=n))
    assert (metrics.webhook_waiting.value(), metrics.webhook_dead.value()) == (WAITING, 5)


def test_without_a_url_nobody_is_told_and_without_a_secret_nothing_starts(metrics: Metrics) -> None:
    a_webhook("", metrics=metrics).tell("bob", Seen(notification_id=7))
    assert metrics.webhook_waiting.value() == 0
    with pytest.raises(BadSetting) as refused:
        Settings(webhook_url="http://127.0.0.1:1")
    assert refused.value.field == "CHAT_WEBHOOK_SECRET"


# On a running server.


def hooked(start_server: StartServer, url: str) -> Server:
    return start_server(CHAT_WEBHOOK_URL=url, CHAT_WEBHOOK_SECRET=SECRET)


def test_it_is_told_of_what_somebody_misses_who_is_offline_and_of_nothing_else(
    start_server: StartServer, receive: Receive
) -> None:
    receiver = receive(200)
    server = hooked(start_server, receiver.url)
    bob, carol = a_name("bob"), a_name("carol")
    with Person(server.ws, carol) as person:
        push(server, toUserId=carol, message="to who is here")
        person.ask(type="chat", toUserId=bob, message="are you there?")
        person.ask(type="chat", toUserId=carol, message="a note to myself")
        id_ = push(server, toUserId=bob, message="to who is not", title="CI").json()["id"]
        said = receiver.wait_for(2)
        person.hears_nothing()
    assert len(receiver.posts) == 2
    message, notification = sorted(said, key=lambda one: one["event"]["type"])
    assert message["userId"] == notification["userId"] == bob
    assert (message["event"]["fromUserId"], message["event"]["message"]) == (carol, "are you there?")
    assert (notification["event"]["id"], notification["event"]["title"]) == (id_, "CI")


def test_a_receiver_that_hangs_or_fails_delays_nobody_on_the_server(
    start_server: StartServer, receive: Receive
) -> None:
    receiver = receive(500, takes_seconds=3)
    server = hooked(start_server, receiver.url)
    names = [a_name("away") for _ in range(300)]
    with Person(server.ws, names[0]) as person:
        batch = push(server, toUserIds=names, message="hi").json()["batchId"]
        began = time.monotonic()
        assert finished(server, batch)["sent"] == 300
        person.receive("notification")
        person.ask(type="chat", toUserId=names[1], message="hi")
        assert time.monotonic() - began < 3
        watcher = {"Authorization": f"Bearer {tokens().sign_service('p', 'metrics', 60)}"}
        page = requests.get(f"{server.http}/metrics", headers=watcher, timeout=SECONDS).text
    assert "chat_webhook_waiting 29" in page, page  # what is under way is not counted
    assert server.stop() < 5, "nor when it stops"
