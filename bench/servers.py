"""What is measured: how each server is started, which process serves, and how it is stopped.

Each runs alone, on one core, with one worker, with its own defaults wherever they do not forbid
10,000 sockets. How it is loaded stands in loads.py.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench import install

START_SECONDS = 60  # a bound, where others use the machine too
STOP_SECONDS = 8
NODE = "node"  # what all ratios were to, while it was the best one here
OURS = ("ours", "relaying")
LIMIT = "relay"  # no peer: it trusts its client

# gunicorn's default of 1,000 connections a worker would turn the tenth part of the idle load away;
# the control socket would be shared by all gunicorns of this user.
PEER_GUNICORN = [
    "-k", "gevent", "-w", "1", "--worker-connections", "20000", "--graceful-timeout", "1",
    "--no-control-socket", "--log-level", "warning",
]  # fmt: skip


# The keys of loads. The first are for servers that pass messages on and keep none; with the last ones a
# message is stored on the disk and acknowledged.
UNSTORED, ALIKE = ("1", "16", "2000"), ("back", "storm", "idle")
STORED = ("storm-others", "idle-sync", "idle-20000", "ack1", "ack16", "ack2000", "half")


# Limits are meant for people, not for a load: on, but out of the way. CHAT_RATE_LIMITS=off in the
# environment switches them off, so that what they cost can be measured in pairs.
LIMITS = dict.fromkeys(
    (
        "CHAT_EVENTS_PER_SECOND",
        "CHAT_FRAMES_PER_SECOND",
        "CHAT_BYTES_PER_SECOND",
        "CHAT_MESSAGES_PER_MINUTE",
        "CHAT_STRANGERS_BYTES_PER_SECOND",
        "CHAT_STORED_BYTES_PER_MINUTE",
        "CHAT_STORED_BYTES_PER_DAY",
        "CHAT_SOCKETS_PER_USER",
        "CHAT_SOCKETS_PER_ADDRESS",
        "CHAT_UPGRADES_PER_MINUTE",
        "CHAT_REQUESTS_PER_MINUTE",
        "CHAT_MAX_SOCKETS",
    ),
    str(10**12),
)


class Failed(Exception):
    """A server did not start, or a measurement of it went wrong."""


@dataclass(frozen=True)
class Server:
    """One contestant.

    `command` is given the port. `flags` tells load.c the dialect. `forks`: the process which is
    started is a gunicorn master, and the one that serves is its only child. `loads`: the keys of those
    that it is measured with.
    """

    key: str
    name: str
    command: Callable[[int], list[str]]
    prepare: Callable[[], object]
    cwd: Path
    flags: tuple[str, ...] = ()
    forks: bool = False
    loads: tuple[str, ...] = UNSTORED + ALIKE
    environment: dict[str, str] = field(default_factory=dict)


def _gunicorn(folder: Path, port: int) -> list[str]:
    return [str(folder / "gunicorn"), "-b", f"127.0.0.1:{port}"]


def _node(script: str) -> Callable[[int], list[str]]:
    return lambda port: ["node", str(install.SOURCES / script), str(port)]


_IN_VENV = Path(sys.executable).parent  # not resolved: the link in the venv is the venv
_IN_PEERS = install.VENV / "bin"
_NODE_PATH = {"NODE_PATH": str(install.NODE / "node_modules")}

SERVERS = (
    Server(
        "ours", "ours",
        lambda port: [*_gunicorn(_IN_VENV, port), "-k", "gevent", "app:app"],
        prepare=lambda: None, cwd=install.ROOT, forks=True, loads=ALIKE + STORED,
    ),
    Server(
        "relaying", "ours, nothing stored",
        lambda port: [*_gunicorn(_IN_VENV, port), "-k", "gevent", "bench.relaying:app"],
        prepare=lambda: None, cwd=install.ROOT, forks=True, loads=UNSTORED,
    ),
    Server(
        "bun", "Bun",
        lambda port: [str(install.NODE / "node_modules/.bin/bun"), str(install.SOURCES / "bun_ws.js"), str(port)],
        prepare=install.node_peers, cwd=install.SOURCES,
    ),
    Server(
        NODE, "Node, ws", _node("node_ws.js"),
        prepare=install.node_peers, cwd=install.SOURCES, environment=_NODE_PATH,
    ),
    Server(
        "picows", "picows on uvloop",
        lambda port: [str(_IN_PEERS / "python"), str(install.SOURCES / "picows_server.py"), str(port)],
        prepare=install.python_peers, cwd=install.SOURCES,
    ),
    Server(
        "fastapi", "FastAPI on uvicorn",
        lambda port: [
            str(_IN_PEERS / "uvicorn"), "--host", "127.0.0.1", "--port", str(port), "--log-level", "warning",
            "fastapi_app:app",
        ],
        prepare=install.python_peers, cwd=install.SOURCES,
    ),
    Server(
        "flask-sock", "flask-sock route",
        lambda port: [*_gunicorn(_IN_PEERS, port), *PEER_GUNICORN, "flask_sock_app:app"],
        prepare=install.python_peers, cwd=install.SOURCES, forks=True,
    ),
    Server(
        "flask-socketio", "Flask-SocketIO",
        lambda port: [*_gunicorn(_IN_PEERS, port), *PEER_GUNICORN, "flask_socketio_app:app"],
        prepare=install.python_peers, cwd=install.SOURCES, flags=("--socketio",), forks=True,
    ),
    Server(
        "socketio", "Node, Socket.IO", _node("node_socketio.js"),
        prepare=install.node_peers, cwd=install.SOURCES, flags=("--socketio",),
        environment=_NODE_PATH,
    ),
    Server(
        LIMIT, "C relay (the limit)",
        lambda port: [str(install.PEERS / "relay"), str(port)],
        prepare=lambda: install.compile_c("relay"), cwd=install.ROOT,
    ),
)  # fmt: skip


def find(keys: list[str]) -> list[Server]:
    """The servers of those keys, in the order of SERVERS; Failed for a key that is none."""
    known = {server.key for server in SERVERS}
    if unknown := set(keys) - known:
        raise Failed(f"no server {sorted(unknown)[0]!r}; there are {', '.join(sorted(known))}")
    return [server for server in SERVERS if server.key in keys]


@dataclass(frozen=True)
class Running:
    """A server that takes connections: its port, and the process that serves."""

    server: Server
    port: int
    pid: int

    def rss_bytes(self) -> int:
        """The resident memory of the process that serves (VmRSS; proc(5))."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise Failed(f"{self.server.name}: its process is gone")


@contextlib.contextmanager
def running(
    server: Server,
    core: int,
    prepare_database: Callable[[str], object] = lambda url: None,
    limits: Mapping[str, str] = LIMITS,
) -> Iterator[Running]:
    """Start a server on one core; stop it, whatever happens, by the ids of its processes.

    `prepare_database` is called before, with the URL of the database that it will find. `limits`: settings of
    ours that the environment may take the place of; {}: as out of the box.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # On the project's disk: a temporary folder in memory would make every commit free.
    install.PEERS.mkdir(exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="bench-", dir=install.PEERS))
    database = {"CHAT_DATABASE_URL": f"sqlite:///{scratch / 'chat.db'}"}
    prepare_database(database["CHAT_DATABASE_URL"])
    log = scratch / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["taskset", "-c", str(core), *server.command(port)],
            cwd=server.cwd,
            env={**limits, **os.environ} | database | server.environment | {"PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    pid = process.pid
    try:
        pid = _wait_until_up(process, server, port, log)
        yield Running(server, port, pid)
    finally:
        _stop(process, pid)
        shutil.rmtree(scratch, ignore_errors=True)


def _wait_until_up(process: subprocess.Popen[bytes], server: Server, port: int, log: Path) -> int:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as one:
            if not server.forks:
                return process.pid
            # gunicorn's master listens before its worker serves: only an answer proves a server
            one.settimeout(START_SECONDS)
            one.sendall(b"GET /nothing HTTP/1.0\r\n\r\n")
            if one.recv(1):
                return _child(process.pid)
        time.sleep(0.05)
    last = log.read_text(errors="replace").strip().splitlines()[-8:]
    raise Failed(f"{server.name} did not start: {' | '.join(last) or 'it said nothing'}")


def _child(pid: int) -> int:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    if len(children) != 1:
        raise Failed(f"expected one worker, found {len(children)}")
    return int(children[0])


def _stop(process: subprocess.Popen[bytes], worker: int) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOP_SECONDS)
        if worker != process.pid:  # a worker whose master was killed would live on
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, 9)
