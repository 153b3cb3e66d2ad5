"""The webhook against receivers that take, refuse, dawdle, or are not there."""

from __future__ import annotations

import json
import logging
import re
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import create_server, socket
from threading import Thread
from typing import Any

import pytest
import requests

from chat.config import Settings
from chat.errors import BadSetting
from chat.metrics import Metrics
from chat.notifications.letter import signature
from chat.notifications.webhook import AT_ONCE, LETTER_BYTES, DeadLetters, Webhook
from chat.protocol.notices import Seen
from chat.protocol.structs import ChatMessage
from tests.certificates import self_signed
from tests.clients import Person
from tests.conftest import ROOT, Server, StartServer
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


def answering(
    said: bytes, seconds_a_byte: float = 0, at_once: bool = False, context: ssl.SSLContext | None = None
) -> tuple[str, Callable[[], int]]:
    """A receiver that answers each connection with these bytes, and hangs up; its URL, and how many there were.

    `at_once`: several connections, else one after the other.
    """
    server = create_server(("127.0.0.1", 0))
    connections = []

    def answer(sock: socket) -> None:
        with suppress(OSError), context.wrap_socket(sock, server_side=True) if context else sock as peer:
            asked = peer.recv(65_536)
            while asked.startswith(b"POST") and not asked.endswith(b"}"):  # what is unread would reset the connection
                asked += peer.recv(65_536)
            for part in [said[n : n + 1] for n in range(len(said))] if seconds_a_byte else [said]:
                peer.sendall(part)
                time.sleep(seconds_a_byte)

    def serve() -> None:
        while True:
            try:
                sock, _ = server.accept()
            except OSError:
                return
            connections.append(1)
            if at_once:
                Thread(target=answer, args=[sock], daemon=True).start()
            else:
                answer(sock)

    Thread(target=serve, daemon=True).start()
    return f"http://127.0.0.1:{server.getsockname()[1]}/hook", lambda: len(connections)


@pytest.mark.parametrize(
    ("said", "tries"),
    [
        (b"HTTP/1.1 302 Found\r\nLocation: http://[bad/\r\nContent-Length: 0\r\n\r\n", 1),
        (b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", 1),
        (b"no HTTP at all\r\n\r\n", 2),
        (b"", 2),
    ],
)
def test_whatever_a_receiver_answers_the_webhook_goes_on(said: bytes, tries: int, metrics: Metrics) -> None:
    url, count = answering(said)
    webhook = a_webhook(url, [0.01], metrics)
    for n in range(2 * AT_ONCE):
        webhook.tell("bob", Seen(notification_id=n, change=1))
    wait_until(lambda: metrics.webhook_dead.value() == 2 * AT_ONCE)
    assert count() >= tries * 2 * AT_ONCE, "a redirection is neither followed nor tried again, all else is tried twice"


def wait_until(condition: Callable[[], object]) -> None:
    until = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def a_webhook(
    url: str,
    again: Sequence[float] = (0.05, 0.1),
    metrics: Metrics | None = None,
    spawn: Callable[[Callable[[], None]], None] = lambda work: threading.Thread(target=work, daemon=True).start(),
    **options: Any,
) -> Webhook:
    return Webhook(url, SECRET, metrics or Metrics(), logging.getLogger("chat"), spawn, again=again, **options)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def test_a_receiver_can_tell_that_it_is_the_server_who_posts(receive: Receive) -> None:
    receiver = receive(204)
    a_webhook(receiver.url).tell("bob", Seen(notification_id=7, change=1))
    [said] = receiver.wait_for(1)
    assert said == {"userId": "bob", "event": {"type": "seen", "notificationId": 7, "change": 1}}
    _, headers, body = receiver.posts[0]
    stamp = headers["Chat-Timestamp"]
    assert abs(time.time() - int(stamp)) < SECONDS
    id_ = headers["Chat-Delivery"]
    assert headers["Chat-Signature"] == signature(SECRET.encode(), stamp, id_, body)
    assert headers["Chat-Signature"] != signature(b"another secret", stamp, id_, body)
    assert headers["Chat-Signature"] != signature(SECRET.encode(), str(int(stamp) + 1), id_, body)
    assert headers["Chat-Signature"] != signature(SECRET.encode(), stamp, id_[:-1] + "x", body), "told twice"
    assert headers["Content-Type"] == "application/json"


def test_what_a_receiver_answers_500_comes_again_later_and_later(receive: Receive, metrics: Metrics) -> None:
    receiver = receive(500, 503, 200)
    webhook = a_webhook(receiver.url, (0.2, 0.4), metrics)
    webhook.tell("bob", Seen(notification_id=7, change=1))
    assert len({json.dumps(said) for said in receiver.wait_for(3)}) == 1
    first, second, third = (when for when, _, _ in receiver.posts)
    assert second - first >= 0.2
    assert third - second >= 0.4
    assert len({headers["Chat-Delivery"] for _, headers, _ in receiver.posts}) == 1
    time.sleep(0.5)
    assert (len(receiver.posts), metrics.webhook_dead.value()) == (3, 0)


def test_what_is_never_taken_is_a_dead_letter(receive: Receive, metrics: Metrics) -> None:
    receiver = receive(500)
    a_webhook(receiver.url, metrics=metrics).tell("bob", Seen(notification_id=7, change=1))
    wait_until(lambda: metrics.webhook_dead.value() == 1)
    assert len(receiver.posts) == 3


def test_a_redirect_is_not_followed(receive: Receive, metrics: Metrics) -> None:
    a_webhook(receive(307).url, (), metrics).tell("bob", Seen(notification_id=7, change=1))
    wait_until(lambda: metrics.webhook_dead.value() == 1)


def test_a_receiver_that_is_down_is_tried_again_and_then_given_up(metrics: Metrics) -> None:
    with create_server(("127.0.0.1", 0)) as probe:
        nobody = f"http://127.0.0.1:{probe.getsockname()[1]}/"
    a_webhook(nobody, metrics=metrics).tell("bob", Seen(notification_id=7, change=1))
    wait_until(lambda: metrics.webhook_dead.value() == 1)
    assert metrics.webhook_failures.value() == 3


@pytest.mark.alone
def test_a_slow_receiver_is_asked_a_few_at_a_time_and_delays_the_caller_never(receive: Receive) -> None:
    receiver = receive(200, takes_seconds=0.3)
    webhook = a_webhook(receiver.url)
    began = time.monotonic()
    for n in range(2 * AT_ONCE):
        webhook.tell("bob", Seen(notification_id=n, change=1))
    assert time.monotonic() - began < 0.3
    receiver.wait_for(AT_ONCE)
    assert len(receiver.posts) == AT_ONCE
    said = receiver.wait_for(2 * AT_ONCE)
    assert sorted(one["event"]["notificationId"] for one in said) == list(range(2 * AT_ONCE))


def test_what_waits_is_bounded_in_bytes(metrics: Metrics, caplog: pytest.LogCaptureFixture) -> None:
    webhook = a_webhook("http://127.0.0.1:1", metrics=metrics, room=100_000, spawn=lambda _: None)  # nobody posts
    big = ChatMessage(
        from_user_id="a",
        to_user_id="bob",
        message="\U0001f600" * 10_000,
        timestamp="",
        seq=1,
        conversation_id="",
        id="",
    )
    for _ in range(5):  # of 40,000 bytes each
        webhook.tell("bob", big)
    assert (metrics.webhook_waiting.value(), metrics.webhook_dead.value()) == (2, 3)
    small = Seen(notification_id=7, change=1)
    for _ in range(100_000 // LETTER_BYTES):
        webhook.tell("bob", small)
    assert metrics.webhook_waiting.value() < 2 + 20_000 // LETTER_BYTES, "a short one costs more than its text"
    assert "gave up 1 events: more than 100,000 bytes wait" in caplog.text


def test_what_was_taken_or_given_up_makes_room(receive: Receive, metrics: Metrics) -> None:
    receiver = receive(204, 302, 500)
    webhook = a_webhook(receiver.url, (), metrics, room=1_000)
    for number in range(1, 5):
        webhook.tell("bob", Seen(notification_id=number, change=1))
        wait_until(lambda: webhook.waiting() == 0 and webhook._bytes == 0)
    assert (metrics.webhook_delivered.value(), metrics.webhook_dead.value()) == (1, 3)


# Why something was given up.


def plain_receiver() -> str:
    return answering(b"HTTP/1.1 204 No Content\r\n\r\n")[0]


REASONS: dict[str, Callable[[], str]] = {
    "no connection: Connection refused": lambda: "http://127.0.0.1:1/hook",
    "no connection: Name or service not known": lambda: "https://no-such-host.invalid/hook",
    "TLS failed: WRONG_VERSION_NUMBER": lambda: plain_receiver().replace("http:", "https:"),
    "the receiver answers with status 410": lambda: answering(b"HTTP/1.1 410 Gone\r\n\r\n")[0],
    "the receiver redirects (status 308), which is not followed": lambda: answering(b"HTTP/1.1 308 No\r\n\r\n")[0],
    "the answer cannot be read: RemoteDisconnected": lambda: answering(b"")[0],
    "timeout: no whole answer within 0.3 s": lambda: answering(b"HTTP/1.1 204 No Content\r\nX: 1\r\n\r\n", 0.1)[0],
}


@pytest.mark.parametrize("reason", REASONS)
def test_a_dead_letter_is_told_with_its_reason(reason: str, metrics: Metrics, caplog: pytest.LogCaptureFixture) -> None:
    webhook = a_webhook(REASONS[reason](), (), metrics, seconds=0.3 if "timeout" in reason else SECONDS)
    webhook.tell("bob", Seen(notification_id=7, change=1))
    wait_until(lambda: "gave up 1 events" in caplog.text)
    assert f"the webhook gave up 1 events: {reason}" in caplog.text
    assert "hook" not in caplog.text.replace("webhook", ""), "a receiver's path may be its secret"


def test_a_certificate_that_is_not_trusted_is_told_by_name(
    tmp_path: Path, metrics: Metrics, caplog: pytest.LogCaptureFixture
) -> None:
    made, key = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made, key)
    url, _ = answering(b"", context=context)
    a_webhook(url.replace("http:", "https:"), (), metrics).tell("bob", Seen(notification_id=7, change=1))
    wait_until(lambda: "gave up" in caplog.text)  # it is counted a moment before
    assert metrics.webhook_dead.value() == 1
    assert re.search("gave up 1 events: TLS failed: self.signed certificate", caplog.text), caplog.text


def test_every_dead_letter_is_told_in_sums_a_minute(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    dead = DeadLetters(Metrics().webhook_dead, logging.getLogger("chat"))
    for reason in ["refused"] * 4 + ["too late"] * 2:
        dead.add(reason)
    dead.tell()
    assert told(caplog) == ["1 events: refused", "1 events: too late"]
    monkeypatch.setattr("chat.notifications.webhook.QUIET_SECONDS", 0)
    dead._quiet_until.clear()  # a minute has passed
    dead.tell()
    dead.tell(at_once=True)
    assert told(caplog)[2:] == ["3 events: refused", "1 events: too late"]


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage().partition("gave up ")[2] for record in caplog.records]


def test_what_waits_when_the_server_stops_is_told(metrics: Metrics, caplog: pytest.LogCaptureFixture) -> None:
    webhook = a_webhook("http://127.0.0.1:1", metrics=metrics, spawn=lambda _: None)
    for _ in range(3):
        webhook.tell("bob", Seen(notification_id=7, change=1))
    webhook.stop()
    assert (told(caplog), metrics.webhook_dead.value()) == (["3 events: the server stops"], 3)


DRIBBLED = """
import logging, sys, threading, time
if sys.argv[2] == "patched":
    from gevent import monkey
    monkey.patch_all()
from chat.metrics import Metrics
from chat.notifications.webhook import AT_ONCE, Webhook
from chat.protocol.notices import Seen

metrics = Metrics()

def spawn(work):
    threading.Thread(target=work, daemon=True).start()

webhook = Webhook(sys.argv[1], "s", metrics, logging.getLogger("chat"), spawn, again=(), seconds=0.2)
began = time.monotonic()
for n in range(2 * AT_ONCE):
    webhook.tell("bob", Seen(notification_id=n, change=1))
while metrics.webhook_dead.value() < 2 * AT_ONCE and time.monotonic() < began + 15:
    time.sleep(0.01)
print(metrics.webhook_dead.value(), time.monotonic() - began < 4)
"""


@pytest.mark.alone
@pytest.mark.parametrize("patched", ["patched", "plain"])
def test_a_receiver_that_dribbles_its_answer_holds_no_worker_longer_than_the_deadline(patched: str) -> None:
    url, _ = answering(b"HTTP/1.1 204 No Content\r\nX-Slow: yes\r\n\r\n", 0.15, at_once=True)
    command = [sys.executable, "-c", DRIBBLED, url, patched]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert done.stdout == f"{2 * AT_ONCE} True\n", done.stderr


def test_without_a_url_nobody_is_told_and_without_a_secret_nothing_starts(metrics: Metrics) -> None:
    a_webhook("", metrics=metrics).tell("bob", Seen(notification_id=7, change=1))
    assert metrics.webhook_waiting.value() == 0
    with pytest.raises(BadSetting) as refused:
        Settings(webhook_url="http://127.0.0.1:1")
    assert refused.value.field == "CHAT_WEBHOOK_SECRET"


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("not a url", "must be https://host/path"),
        ("ftp://mailer.example/hook", "must be https://host/path"),
        ("https:///hook", "must be https://host/path"),
        ("https://mailer.example:99999/", "must be https://host/path"),
        ("http://[bad/", "must be https://host/path"),
        ("http://mailer.example/hook?key=hidden", "leads to mailer.example without TLS"),
        ("http://10.0.0.7/hook", "leads to 10.0.0.7 without TLS"),
        ("http://127.0.0.1.example/hook", "without TLS"),
        ("http://localhost@mailer.example/", "leads to mailer.example without TLS"),
    ],
)
def test_a_url_that_cannot_be_used_or_has_no_tls_stops_the_start(url: str, rule: str) -> None:
    with pytest.raises(BadSetting) as refused:
        Settings(webhook_url=url, webhook_secret=SECRET)
    assert refused.value.field == "CHAT_WEBHOOK_URL"
    assert rule in refused.value.message
    assert "hidden" not in refused.value.message


def test_plain_http_leads_to_this_machine_or_where_the_setting_lets_it() -> None:
    for url in ("http://127.8.9.1:8025/", "http://[::1]/hook", "http://localhost/hook", "HTTPS://mailer.example/hook"):
        assert Settings(webhook_url=url, webhook_secret=SECRET).webhook_url == url
    Settings(webhook_url="http://mailer:8025/hook", webhook_secret=SECRET, webhook_http="anywhere")


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


@pytest.mark.alone
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
