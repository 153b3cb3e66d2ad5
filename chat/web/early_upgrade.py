"""Owns the shortest way of an upgrade, past gunicorn's parser too: reading a request there takes a fifth of coming back.

It looks at what a new connection has sent, and leaves it to gunicorn as it lies in the kernel, unless it is what
browsers and clients send: then the ways of `quick_upgrade.py` count. gunicorn.conf.py puts it before gunicorn's worker.
"""

import re
import time
from collections.abc import Callable
from types import FunctionType
from typing import Any

import flask.app
from flask import Flask

from chat.limits import origin_of
from chat.protocol.handshake import Environ
from chat.transport.fair_share import LoopTurns
from chat.transport.first_bytes import peek, peek_now, take_out
from chat.transport.places import Handle
from chat.web.quick_upgrade import QuickUpgrade, upgrade_of

# Nothing that gunicorn has an opinion of: other letters, underscores, long or folded headers, what comes behind it.
REQUEST = re.compile(rb"GET (/[\w/.~-]*) HTTP/1\.1\r\n((?:[A-Za-z0-9-]{1,100}:[ -~]{0,2000}\r\n){1,60})\r\n", re.ASCII)

# Headers of which gunicorn makes more than a text.
NOT_PLAIN = (
    "HTTP_CONTENT_LENGTH", "HTTP_CONTENT_TYPE", "HTTP_TRANSFER_ENCODING", "HTTP_EXPECT", "HTTP_HTTP2_SETTINGS",
    "HTTP_X_FORWARDED_PROTOCOL", "HTTP_X_FORWARDED_SSL",
)  # fmt: skip

# Settings by which gunicorn, or its operator's code, sees a request: nothing is early where one is not its default.
SETTINGS = (
    "pre_request", "post_request", "proxy_protocol", "max_requests", "limit_request_line", "limit_request_fields",
    "limit_request_field_size", "http_protocols", "secure_scheme_headers",
)  # fmt: skip


# For the first bytes of a connection. gunicorn's 2 are too short for a phone's request that is lost twice, which comes after
# 3 s, and for who opens many and writes them one by one.
FIRST_SECONDS = 10
PART_SECONDS = (
    2.0  # of them, until the next look whether the worker stops: it waits for whom it has begun with, 7 s at most
)


def upgrade_early(worker: Any) -> "EarlyUpgrade | None":
    """Return what may stand before the `handle` of a worker of gunicorn; None: somebody else sees requests there."""
    config = worker.cfg
    quick, before = upgrade_of(worker.wsgi), type(config)()
    is_default = all(config.settings[name].get() == before.settings[name].get() for name in SETTINGS)
    if quick is None or not _is_called_plainly(worker.wsgi) or not is_default or config.is_ssl or not config.keepalive:
        return None
    most = config.worker_connections // 2
    return EarlyUpgrade(quick, worker.handle, FIRST_SECONDS, lambda: bool(worker.alive), most)


def _is_called_plainly(app: Any) -> bool:
    """Whether nothing wraps the app, or Flask's `__call__`: monitors stand there, some of them with all of its attributes."""
    call: Any = Flask.__call__
    return type(app) is Flask and type(call) is FunctionType and call.__code__.co_filename == flask.app.__file__


class EarlyUpgrade:
    """What stands before gunicorn's `handle`."""

    def __init__(
        self, quick: QuickUpgrade, handle: Handle, seconds: float, is_alive: Callable[[], bool], most: int
    ) -> None:
        """`seconds` for the first bytes of a connection, where fewer than `most` have sent none; else PART_SECONDS."""
        self._quick = quick
        self._handle = handle
        self._seconds = seconds  # that it waits for what comes
        self._most = most
        self._silent = 0  # connections that have sent nothing yet
        self._is_alive = is_alive  # the worker; False: it stops
        self._turns = LoopTurns()

    def is_busy(self) -> bool:
        """Return whether further ones would only wait for their `init`'s turn, each with a greenlet's memory."""
        return self._quick.is_busy()

    def at_once(self, listener: Any, sock: Any, address: Any) -> bool:
        """Take over a plain socket that has sent an upgrade already. Never blocks. False: it is one for `handle`."""
        self._quick.forget(sock)  # of whoever had its number before, and was cut off before the answer
        data = peek_now(sock)
        environ = environ_of(data, sock, address, listener) if data else None
        if environ is None or not self._quick.is_early(environ) or not self._quick.lets_pass(environ):
            return False
        if take_out(sock, len(data)):
            self._quick.take(environ, sock)
        else:
            sock.close()
        return True

    def handle(self, listener: Any, client: Any, address: Any) -> None:
        """Wait for what comes, and take an upgrade over, or have gunicorn read the request."""
        listener = _Listener(listener.getsockname())
        if not self._quick.has_refused(client):
            data = self._first_bytes(client)
            if not data:
                return  # whoever calls closes it
            environ = environ_of(data, client, address, listener)
            if environ is not None and self._quick.is_early(environ):
                self._turns.wait(origin_of(environ["REMOTE_ADDR"]))
                if self._quick.lets_pass(environ):
                    if take_out(client, len(data)):
                        self._quick.take(environ)
                    return
        self._handle(listener, client, address)

    def _first_bytes(self, client: Any) -> bytes | None:
        until = time.monotonic() + self._seconds
        self._silent += 1
        try:
            while True:
                data = peek(client, min(PART_SECONDS, self._seconds))
                is_over = not self._is_alive() or self._silent >= self._most or time.monotonic() >= until
                if data is not None or is_over:
                    return data
        finally:
            self._silent -= 1


class _Listener:
    """A listening socket's name, all that gunicorn asks it for: a worker that stops closes it while requests come in."""

    def __init__(self, name: Any) -> None:
        self._name = name

    def getsockname(self) -> Any:
        return self._name


def environ_of(data: bytes, client: Any, address: Any, listener: Any) -> Environ | None:
    """Return what gunicorn makes of a request, as far as an upgrade asks for it; None: that is left to gunicorn."""
    found = REQUEST.fullmatch(data)
    if found is None or not isinstance(address, tuple):  # a Unix socket has none
        return None
    host, port, *_ = listener.getsockname()
    environ: Environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": found[1].decode(),
        "SCRIPT_NAME": "",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "REMOTE_ADDR": address[0],
        "wsgi.url_scheme": "http",
        "gunicorn.socket": client,
    }
    for line in found[2].decode().split("\r\n")[:-1]:
        name, _, value = line.partition(":")
        name = "HTTP_" + name.upper().replace("-", "_")
        if name in environ:  # which gunicorn joins, or refuses
            return None
        environ[name] = value.strip()
    is_plain = "HTTP_HOST" in environ and not any(name in environ for name in NOT_PLAIN)
    return environ if is_plain else None
