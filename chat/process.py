"""Owns what belongs to the process and to no single chat: signals, its end, which chats it serves.

The parts of a chat are left to `server.py`.
"""

import atexit
import errno
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, NoReturn
from weakref import WeakSet

import gevent
from gevent import monkey
from werkzeug.local import LocalProxy

from chat.errors import BadSetting, ChatError
from chat.figures.workers import Workers
from chat.server import ChatServer

# What this process serves. The one thing in the program that is the process's and not a chat's.
_served: WeakSet[ChatServer] = WeakSet()


# Which chats it serves.


def serve(chat: ChatServer) -> None:
    """Serve a chat from now on, and stop it when the process is told to end. Raises as `ChatServer.start`.

    Without gevent's patches no socket can come, and nothing is started.
    """
    if isinstance(chat, LocalProxy):  # as it stands in app.extensions until it is made
        chat = chat._get_current_object()
    if chat.is_testing:
        _served.add(chat)  # for `emit` and `notify` without an application's context
    if chat.is_started or chat.is_testing or not monkey.is_module_patched("socket"):
        return
    chat.start()
    _served.add(chat)
    atexit.unregister(_stop_all)
    atexit.register(_stop_all)
    _watch_sigterm()


def serve_as_worker(make: Callable[[], ChatServer], log: logging.Logger) -> None:
    """Serve from the start of a gunicorn worker, or end gunicorn with one sentence that says why not."""
    try:
        chat = make()
        if chat.is_testing:
            log.warning("CHAT_TESTING=on: no socket is served, and nothing is kept. Set it to off to serve")
            return
        _share_figures(chat, log)
        serve(chat)
    except ChatError as error:
        log.critical("the server does not start: %s", error.message)
        sys.exit(_exit_code())


def _share_figures(chat: ChatServer, log: logging.Logger) -> None:
    """Have each worker of this gunicorn show the figures of all."""
    try:
        chat.metrics.exposition.share_with(Workers(chat.storage.database.engine.url.render_as_string(), os.getppid()))
    except OSError as error:
        log.warning("each worker shows its own figures only: %s", error)


def refuse_start(error: ChatError) -> NoReturn:
    """End the process with one sentence that says why it does not start; gunicorn with it, if this is its worker."""
    print(f"The server does not start: {error.message}", file=sys.stderr)
    sys.exit(_exit_code())


def _exit_code() -> int:
    arbiter = sys.modules.get("gunicorn.arbiter")
    return 1 if arbiter is None else int(arbiter.Arbiter.WORKER_BOOT_ERROR)  # after another one it would try again


def stop_this_process() -> None:
    """Have the process end as SIGTERM would: it may not serve any more."""
    os.kill(os.getpid(), signal.SIGTERM)


def run_patched(module: str, *arguments: str) -> int:
    """Run a module as a second process, which is patched before it imports anything; return its exit code."""
    child = subprocess.Popen([sys.executable, "-m", "gevent.monkey", "--module", module, *arguments])
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to both
    code = child.wait()
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, signal.SIG_DFL)
    return code


def _say_where(host: str, port: int, _stop: Callable[[], None]) -> None:
    print(f"Serving on http://{f'[{host}]' if ':' in host else host}:{port} (Ctrl-C stops)", flush=True)


def serve_by_pywsgi(
    app: Any,
    chat: ChatServer,
    host: str | None = None,
    port: int | None = None,
    begun: Callable[[str, int, Callable[[], None]], None] = _say_where,
    **options: Any,
) -> None:
    """Serve an app with gevent's own server until Ctrl-C.

    Args:
        host, port: None: as CHAT_BIND or PORT say; 0: a free one.
        begun: is told both, and what stops the server as Ctrl-C does.
        options: of gevent's WSGIServer.
    """
    from gevent.pywsgi import WSGIServer

    try:
        serve(chat)
        host, port = host or chat.settings.address[0], chat.settings.address[1] if port is None else port
        # By itself it asks the network for the name of its address, which may take seconds, and may be answered "localhost".
        server = WSGIServer((host, port), app, environ={"SERVER_NAME": host}, **options)
        server.start()
    except ChatError as error:
        refuse_start(error)
    except OSError as error:
        advice = " Another program listens there. Choose another --port." if error.errno == errno.EADDRINUSE else ""
        refuse_start(BadSetting(f"It cannot listen at {host}, port {port}: {error.strerror}.{advice}"))

    def stop() -> None:
        print("Stopping.")
        chat.stop()
        server.stop(timeout=1)

    begun(host, server.server_port or 0, stop)
    # Not by KeyboardInterrupt, which Python raises in the middle of whatever runs just then.
    gevent.signal_handler(signal.SIGINT, stop)
    server.serve_forever()


def served() -> ChatServer | None:
    """Return the chat that this process serves; None: it serves none. RuntimeError: it serves several."""
    found = [chat for chat in _served if not chat.goodbye.is_last]
    if len(found) > 1:
        raise RuntimeError(
            f"This process serves {len(found)} chats. Say which: call it within its application's context "
            "(with app.app_context():)."
        )
    return found[0] if found else None


def is_behind_proxy() -> bool:
    """Return whether what this process serves says that a proxy stands before it."""
    return any(chat.settings.trusted_proxies for chat in _served)


def when_loaded(act: Callable[[], None]) -> None:
    """Act when the worker of gunicorn that is loading its application has loaded it whole; elsewhere never.

    Raises BadSetting: its master is loading it (--preload).
    """
    worker = _loading_worker()
    if worker is None:
        return
    run = worker.run

    def act_and_run() -> None:
        act()
        run()

    worker.run = act_and_run


def _loading_worker() -> Any:
    arbiter = sys.modules.get("gunicorn.arbiter")
    if arbiter is None or "gunicorn.workers.ggevent" not in sys.modules:
        return None
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
        owner = frame.f_locals.get("self")
        if isinstance(owner, sys.modules["gunicorn.workers.base"].Worker):
            return owner if monkey.is_module_patched("socket") else None
        if isinstance(owner, arbiter.Arbiter):
            raise BadSetting("Leave out --preload: sockets live in the worker, not in its master.")
    return None


# Its end.


class _Terminator:
    """What SIGTERM calls: says goodbye to all sockets, of which gunicorn knows nothing, and then does as before."""

    def __init__(self, before: Any) -> None:
        self._before = before

    def __call__(self, number: int, frame: FrameType | None) -> None:
        gevent.spawn(self._stop_then_end)
        if callable(self._before):
            self._before(number, frame)

    def _stop_then_end(self) -> None:
        _stop_all()
        if self._before is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)


def _watch_sigterm() -> None:
    before = signal.getsignal(signal.SIGTERM)
    if before is signal.SIG_IGN or isinstance(before, _Terminator):
        return
    try:
        signal.signal(signal.SIGTERM, _Terminator(before))
    except ValueError:  # not the main thread: atexit alone has to do
        pass


def _stop_all() -> None:
    gevent.joinall([gevent.spawn(chat.stop) for chat in list(_served)])
