"""Which upgrades gunicorn never reads: plain ones alone, and then as it would have read them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from flask import Flask
from gunicorn.config import Config
from gunicorn.http.parser import RequestParser
from gunicorn.http.wsgi import create as make_environ

from chat import create_app
from chat.transport.first_bytes import peek
from chat.web import early_upgrade
from chat.web.early_upgrade import EarlyUpgrade, environ_of, upgrade_early
from chat.web.quick_upgrade import UPGRADE, upgrade_of

PLAIN = (
    b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nOrigin:http://127.0.0.1:8000 \r\n\r\n"
)
BROWSERS = (
    b"GET /chat/ws HTTP/1.1\r\nHost: chat.example\r\nConnection: Upgrade\r\nPragma: no-cache\r\nCache-Control: no-cache\r\n"
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nUpgrade: websocket\r\nOrigin: https://chat.example\r\n"
    b"Sec-WebSocket-Version: 13\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: ko,en;q=0.9\r\n"
    b'Cookie: session=ab.cd; other="a b"\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
    b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\nX-Empty:\r\n\r\n"
)
ADDRESS, SERVER = ("127.0.0.1", 50_123), ("127.0.0.1", 8_000)
LISTENER = SimpleNamespace(getsockname=lambda: SERVER)


def with_header(line: bytes) -> bytes:
    return PLAIN.replace(b"\r\nUpgrade:", b"\r\n" + line + b"\r\nUpgrade:", 1)


def gunicorns(request: bytes) -> dict[str, Any]:
    config = Config()
    [parsed] = [next(RequestParser(config, iter([request]), ADDRESS))]
    _, environ = make_environ(parsed, cast(Any, None), ADDRESS, SERVER, config)
    return dict(environ)


@pytest.mark.parametrize("request_", [PLAIN, BROWSERS, with_header(b"X-Forwarded-For: 192.0.2.7, 10.0.0.1")])
def test_a_plain_upgrade_is_read_as_gunicorn_reads_it(request_: bytes) -> None:
    ours, theirs = environ_of(request_, None, ADDRESS, LISTENER), gunicorns(request_)
    assert ours == {name: theirs[name] for name in cast(dict[str, Any], ours)}
    assert {name for name in theirs if name.startswith("HTTP_")} <= ours.keys()


LEFT = {
    "half of it": PLAIN[:-2],
    "something behind it": PLAIN + b"\x81",
    "two in one go": PLAIN * 2,
    "a query": PLAIN.replace(b"/ws", b"/ws?a=1"),
    "an escaped path": PLAIN.replace(b"/ws", b"/%77s"),
    "another method": PLAIN.replace(b"GET", b"POST"),
    "HTTP/1.0": PLAIN.replace(b"1.1", b"1.0"),
    "no host": PLAIN.replace(b"Host:", b"Hose:"),
    "two hosts": with_header(b"Host: other.example"),
    "a header twice": with_header(b"Cookie: a=1\r\nCookie: b=2"),
    "a body": with_header(b"Content-Length: 2"),
    "chunks": with_header(b"Transfer-Encoding: chunked"),
    "it asks first": with_header(b"Expect: 100-continue"),
    "an underscore": with_header(b"X_Forwarded_For: 192.0.2.7"),
    "a folded line": with_header(b"X-Long: a\r\n b"),
    "a space before the colon": with_header(b"X-Long : a"),
    "a control character": with_header(b"X-Long: a\x00b"),
    "another letter": with_header("X-Long: é".encode()),
    "a bare line feed": with_header(b"X-Long: a\nX-Other: b"),
    "a scheme of gunicorn's": with_header(b"X-Forwarded-Ssl: on"),
    "the start of TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


@pytest.mark.parametrize("what", LEFT)
def test_of_what_else_there_is_gunicorn_judges(what: str) -> None:
    assert environ_of(PLAIN, None, ADDRESS, LISTENER) is not None
    assert LEFT[what] != PLAIN
    assert environ_of(LEFT[what], None, ADDRESS, LISTENER) is None
    assert environ_of(PLAIN, None, "", LISTENER) is None, "a Unix socket's address"


class Quick:
    """A QuickUpgrade that says what it is told to."""

    def __init__(self) -> None:
        self.early, self.passes = True, True
        self.taken: list[dict[str, Any]] = []
        self.plain: list[object] = []
        self.refused: list[object] = []

    def is_early(self, _environ: dict[str, Any]) -> bool:
        return self.early

    def lets_pass(self, environ: dict[str, Any]) -> bool:
        if not self.passes:
            self.refused.append(environ["gunicorn.socket"])
        return self.passes

    def take(self, environ: dict[str, Any], sock: object = None) -> None:
        self.taken.append(environ)
        self.plain.append(sock)

    def has_refused(self, sock: object) -> bool:
        return sock in self.refused

    def forget(self, sock: object) -> None:
        if sock in self.refused:
            self.refused.remove(sock)


class Worker:
    """What gunicorn's worker reads of one connection, and what it did not."""

    def __init__(self) -> None:
        self.read: list[bytes] = []
        self.names: list[object] = []  # of the listener
        self.quick = Quick()
        self.alive = True
        self.early = EarlyUpgrade(cast(Any, self.quick), self._handle, 0.05, lambda: self.alive, 1_000)
        ours, self.client = socket.socketpair()
        self.gunicorns = ours

    def _handle(self, listener: Any, client: Any, _address: object) -> None:
        assert client.gettimeout() is None
        self.names.append(listener.getsockname())
        self.read.append(client.recv(10_000))

    def asked(self, data: bytes) -> None:
        self.client.sendall(data)
        self.early.handle(LISTENER, self.gunicorns, ADDRESS)


@pytest.fixture
def worker() -> Iterator[Worker]:
    one = Worker()
    yield one
    one.client.close()
    one.gunicorns.close()


def test_a_plain_upgrade_never_comes_to_gunicorn(worker: Worker) -> None:
    worker.asked(PLAIN)
    assert (worker.read, worker.quick.taken[0]["HTTP_UPGRADE"]) == ([], "websocket")
    worker.gunicorns.setblocking(False)
    with pytest.raises(BlockingIOError):  # it is taken out of the kernel
        worker.gunicorns.recv(1)


def test_whatever_else_comes_to_gunicorn_whole(worker: Worker) -> None:
    page = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    worker.quick.early = False
    worker.asked(page)
    worker.asked(PLAIN)
    worker.quick.early, worker.quick.passes = True, False
    worker.asked(PLAIN)
    assert worker.read == [page, PLAIN, PLAIN]
    assert worker.quick.taken == []


def test_what_lies_there_already_is_taken_at_once_and_a_refusal_is_left_to_gunicorn(worker: Worker) -> None:
    given = LISTENER, worker.gunicorns, ADDRESS
    assert not worker.early.at_once(*given), "nothing has come"
    worker.client.sendall(PLAIN)
    worker.quick.passes = False
    assert not worker.early.at_once(*given)
    worker.quick.passes = True
    worker.early.handle(*given)
    assert (worker.read, worker.quick.taken) == ([PLAIN], []), "it is not checked again"
    worker.client.sendall(PLAIN)
    assert worker.early.at_once(*given)
    assert worker.quick.plain == [worker.gunicorns]
    worker.client.sendall(PLAIN[:-1])
    assert not worker.early.at_once(*given)
    assert worker.gunicorns.recv(10_000) == PLAIN[:-1]


def test_a_refusal_that_never_came_to_gunicorn_is_not_the_next_connections(worker: Worker) -> None:
    """Its address held too many connections, say, and it was closed at once. The system gives its number to the next."""
    given = LISTENER, worker.gunicorns, ADDRESS
    worker.client.sendall(PLAIN)
    worker.quick.passes = False
    assert not worker.early.at_once(*given)
    assert worker.quick.refused == [worker.gunicorns]
    worker.quick.passes = True
    assert worker.early.at_once(*given)
    assert worker.quick.refused == []


def test_who_says_nothing_does_not_keep_gunicorns_place(worker: Worker) -> None:
    worker.early.handle(LISTENER, worker.gunicorns, ADDRESS)
    worker.client.close()
    worker.early.handle(LISTENER, worker.gunicorns, ADDRESS)
    assert not worker.read


def test_a_worker_that_stops_does_not_wait_for_who_says_nothing(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []

    def look(_client: object, seconds: float) -> bytes | None:
        looks.append(seconds)
        worker.alive = len(looks) < 3
        return None

    monkeypatch.setattr(early_upgrade, "peek", look)
    early = EarlyUpgrade(cast(Any, worker.quick), worker._handle, 1_000, lambda: worker.alive, 1_000)
    early.handle(LISTENER, worker.gunicorns, ADDRESS)
    assert len(looks) == 3, "it looks again while it is alive, and not once it stops"
    assert max(looks) * 3 < 7, "gunicorn.conf.py's graceful_timeout: whoever waits longer is killed"
    assert worker.read == []


def test_many_who_say_nothing_hold_their_places_for_a_part_of_the_time_only(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    early = EarlyUpgrade(cast(Any, worker.quick), worker._handle, 1_000, lambda: worker.alive, 2)

    def look(_client: object, _seconds: float) -> bytes | None:
        nonlocal looks
        looks += 1
        if looks == 3:  # a second one comes, while the first waits
            early.handle(LISTENER, worker.gunicorns, ADDRESS)
            assert looks == 4, "it looks once"
        worker.alive = looks < 5
        return None

    monkeypatch.setattr(early_upgrade, "peek", look)
    early.handle(LISTENER, worker.gunicorns, ADDRESS)
    assert looks == 5, "the first one alone is waited for until the worker stops"


@pytest.mark.parametrize("early", [True, False])
def test_what_comes_when_the_worker_listens_no_more_is_served(
    early: bool, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    name = listener.getsockname()

    def stop_and_peek(client: Any, seconds: float) -> bytes | None:
        listener.close()
        return peek(client, seconds)

    monkeypatch.setattr(early_upgrade, "peek", stop_and_peek)
    worker.quick.early = early
    worker.client.sendall(PLAIN)
    worker.early.handle(listener, worker.gunicorns, ADDRESS)
    assert [environ["SERVER_NAME"] for environ in worker.quick.taken] == ([name[0]] if early else [])
    assert worker.names == ([] if early else [name])


class Monitored:
    """Looks like the app that it wraps, as what wrapt makes does."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    def __getattr__(self, name: str) -> Any:
        return getattr(self._app, name)


def test_it_is_early_only_where_nobody_sees_requests_of_gunicorn(monkeypatch: pytest.MonkeyPatch) -> None:
    def handled(app: Any, **settings: Any) -> bool:
        config = Config()
        for name, value in settings.items():
            config.set(name, value)
        return upgrade_early(SimpleNamespace(cfg=config, wsgi=app, handle=None)) is not None

    app = create_app({})
    assert handled(app)
    assert handled(app, worker_connections=7, bind="127.0.0.1:1", keepalive=7)
    assert not handled(app, pre_request=lambda worker, request: None)
    assert not handled(app, keepalive=0)
    assert not handled(app, certfile="of.pem")
    assert not handled(app, limit_request_fields=3)
    assert not handled(Flask("without a chat"))
    assert not handled(lambda environ, start_response: app(environ, start_response))
    assert not handled(Monitored(app))
    call = Flask.__call__
    monkeypatch.setattr(Flask, "__call__", lambda self, environ, start_response: call(self, environ, start_response))
    assert not handled(app)


def environ() -> dict[str, Any]:
    return cast(dict[str, Any], environ_of(with_header(b"X-Forwarded-For: 192.0.2.7"), None, ADDRESS, LISTENER))


@pytest.mark.parametrize(("proxies", "address"), [(1, "192.0.2.7"), (0, "127.0.0.1")])
def test_what_a_proxy_says_counts_where_it_is_trusted_and_is_told_of_where_not(
    proxies: int, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = upgrade_of(create_app({"CHAT_TRUSTED_PROXIES": proxies}))
    assert quick is not None
    monkeypatch.setattr(quick, "_is_seen", False)
    monkeypatch.setattr(quick, "_is_plain", lambda _: True)
    said = environ()
    assert quick.is_early(said) is bool(proxies)
    assert said["REMOTE_ADDR"] == address
    del said["HTTP_X_FORWARDED_FOR"]
    assert quick.is_early(said)


def test_what_a_host_wraps_around_the_app_sees_each_upgrade(monkeypatch: pytest.MonkeyPatch) -> None:
    app = create_app({"CHAT_TRUSTED_PROXIES": 1})
    quick = app.extensions[UPGRADE]
    monkeypatch.setattr(quick, "_is_plain", lambda _: True)
    assert not quick.is_early(environ()), "before the first one nobody knows who sees them"
    monkeypatch.setattr(quick, "_is_seen", False)
    assert quick.is_early(environ())
    inner = app.wsgi_app
    app.wsgi_app = lambda environ, start_response: inner(environ, start_response)  # type: ignore[method-assign]
    assert not quick.is_early(environ())
