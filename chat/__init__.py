"""A direct-message chat and notification server for Flask.

`create_app` is the only place where the parts meet. Where to begin reading: docs/walkthrough.md.
"""

from __future__ import annotations

import atexit
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

import gevent
from flask import Flask, has_request_context
from gevent import monkey
from gevent.threadpool import ThreadPool

import chat.handlers as _handlers  # noqa: F401  (registers the events)
from chat import catchup, cli, metrics
from chat.auth import Tokens
from chat.config import Settings
from chat.delivery import emit, sockets, streams
from chat.directory import directory
from chat.events import Client, events
from chat.names import UserId
from chat.notifications import notifier
from chat.presence import presence
from chat.protocol import Payload
from chat.retention import Retention
from chat.service import notify
from chat.storage import storage
from chat.transport import websocket
from chat.transport.connections import Connections
from chat.web import headers, language, proxies
from chat.web.accounts import AccountViews
from chat.web.api import api
from chat.web.compression import Compression
from chat.web.metrics import metrics_page
from chat.web.notifications import NotificationViews
from chat.web.pages import pages
from chat.webhook import webhook

__all__ = ["Client", "Payload", "UserId", "create_app", "emit", "events", "notify"]

HASHES_AT_ONCE = 4

log = logging.getLogger("chat")

ROOT = Path(__file__).parent.parent
STATIC = ROOT / "static"
BUNDLE = STATIC / "js" / "bundle" / "app.js"


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Make the Flask application.

    Args:
        config: settings by their CHAT_* names, which win over the environment, and Flask's own.

    Raises:
        BadSetting: a setting has a value that cannot be used.
        Unavailable: the database cannot be reached.
        WrongTables: its tables are not those of this program.
    """
    app = Flask(__name__, root_path=str(ROOT))
    app.config.update(config or {})
    settings = Settings.load(config)
    _log_to_stderr(settings.log_level)
    Path(app.instance_path).mkdir(parents=True, exist_ok=True)
    embedded = f"sqlite:///{app.instance_path}/chat.db"
    storage.open(settings.database_url or embedded, settings.journal_records, check=not cli.is_looked_for())
    tokens = Tokens.for_app(settings, app.instance_path)
    directory.open(tokens, storage.accounts, storage.read, required=settings.auth == "required")
    presence.open(storage.sightings, storage.read, settings.presence_seconds, pause=lambda: gevent.sleep(0))
    connections = Connections(settings)
    connections.each_sweep.append(catchup.ask_for_proof)
    connections.each_sweep.append(lambda: connections.spawn(directory.keep_up))
    connections.each_sweep.append(lambda: connections.spawn(presence.settle))
    connections.at_stop.append(presence.stop)
    connections.each_sweep.append(lambda: connections.spawn(storage.keep_index))
    connections.still_busy.append(lambda: not storage.journal.idle)
    app.extensions["chat"] = connections
    websocket.attach(app, connections)
    app.cli.add_command(cli.chat_cli)
    is_separate = settings.scripts == "separate" or app.debug
    app.register_blueprint(pages(BUNDLE.read_bytes(), is_separate=is_separate))
    app.register_blueprint(metrics_page(directory))
    language.attach(app)
    Compression(STATIC).attach(app)
    hashing = ThreadPool(HASHES_AT_ONCE)

    def in_pool(function: Callable[..., Any], *args: Any) -> Any:
        return hashing.apply(function, args)

    accounts = AccountViews(directory, settings.signup == "open", in_pool)
    webhook.open(settings.webhook_url, settings.webhook_secret, connections.spawn)
    notifier.open(storage.notifications, storage.batches, storage.in_turn, directory, webhook, connections.spawn)
    retention = Retention(storage.notifications, storage.batches, storage.in_turn, settings.notification_days)
    connections.each_sweep.append(notifier.keep_sending)
    connections.each_sweep.append(retention.sweep)
    connections.still_busy.append(notifier.stop)
    notifications = NotificationViews(directory, notifier, connections)
    per_minute = connections.limits.requests_per_minute
    app.register_blueprint(api(storage.store, directory, accounts, notifications, per_minute))
    headers.protect(app)
    proxies.trust(app, settings.trusted_proxies)
    _watch(connections)
    _begin_where_it_is_served(app, connections)
    _stop_with_the_process(connections)
    if not directory.required and not cli.is_looked_for():
        log.info("CHAT_AUTH=open: anybody may use any name that has no password")
    return app


def _log_to_stderr(level: str) -> None:
    """Show the log where nobody else has set logging up."""
    log = logging.getLogger("chat")
    if not log.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(_Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
        handler.addFilter(lambda _: not logging.getLogger().handlers)  # set up later, by the host
        log.addHandler(handler)
        log.setLevel(level)


class _Formatter(logging.Formatter):
    """Writes the time as logging does, but works out each second once: a storm is mostly log lines."""

    _second: tuple[int, str] = (0, "")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        second = int(record.created)
        if self._second[0] != second:
            self._second = second, time.strftime(self.default_time_format, time.localtime(second))
        return f"{self._second[1]},{int(record.msecs):03d}"

    def formatException(self, ei: Any) -> str:
        """A traceback may quote what a client wrote: no line of it can be taken for one of the log."""
        lines = super().formatException(ei).split("\n")
        return "\n".join(f"  | {ascii(line)[1:-1]}" for line in lines)


def _watch(connections: Connections) -> None:
    metrics.sockets.value = connections.__len__
    metrics.users.value = sockets.__len__
    metrics.streams.value = streams.__len__
    metrics.journal.value = lambda: len(storage.journal)


def _begin_where_it_is_served(app: Flask, connections: Connections) -> None:
    """Let `notify` know that this process serves, and go on with unfinished batches: not in one that has made
    the app only to use it, as a cron job does, while another one holds the sockets.

    A worker of gunicorn serves from its start; any other process, once it has got a request.
    """
    begun = False

    def begin() -> None:
        nonlocal begun
        if not begun and monkey.is_module_patched("socket"):
            begun = True
            storage.in_turn.belong_here()
            notify.serve_with(notifier)
            connections.start()

    def begin_within_a_request() -> None:
        if has_request_context():  # of the site that the chat is mounted in
            begin()

    notify.begin = begin_within_a_request
    app.before_request(begin)
    if "gunicorn.workers.ggevent" in sys.modules:
        gevent.spawn(begin)


def _stop_with_the_process(connections: Connections) -> None:
    """Say goodbye to all sockets when the process is told to end, and before it is gone.

    Under gunicorn this begins with the signal, while gunicorn still waits for its requests, and ends
    in atexit at the latest: gunicorn itself knows nothing of adopted sockets.
    """
    if not monkey.is_module_patched("socket"):
        return  # no socket can come (NotUnderGevent), and a greenlet would never get its turn
    atexit.register(connections.stop)
    before = signal.getsignal(signal.SIGTERM)
    if before is signal.SIG_IGN:
        return

    def stop_then_end() -> None:
        connections.stop()
        if before is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)

    def on_sigterm(number: int, frame: FrameType | None) -> None:
        gevent.spawn(stop_then_end)
        if callable(before):
            before(number, frame)

    try:
        signal.signal(signal.SIGTERM, on_sigterm)
    except ValueError:  # not the main thread: atexit alone has to do
        pass
