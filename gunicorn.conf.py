"""What the plain command `gunicorn -k gevent app:app` needs.

`worker_class` is left to the command line, where it can be seen; gunicorn's other workers would keep
a thread or a process for each socket.
"""

import gc
import os
import resource
import socket
import sys
from functools import partial

# gunicorn by itself listens on all addresses of the machine where PORT is set, and on 127.0.0.1 where it is not.
bind = os.environ.get("CHAT_BIND") or f"127.0.0.1:{os.environ.get('PORT') or 8000}"
port = bind.rpartition(":")[2]
if not bind.startswith(("unix:", "fd:")) and not (port.isdecimal() and int(port) <= 65_535):
    # As chat/setting_checks.py has it, which is not imported before gevent has patched. gunicorn would name no variable.
    must = "CHAT_BIND must end in" if os.environ.get("CHAT_BIND") else "PORT must be"
    sys.exit(f"{must} a port, a number from 0 to 65535, not {port!r}.")

# Without a bus each worker knows its own sockets only, and two would split the users silently. There is one then, also
# where a host sets WEB_CONCURRENCY by itself. With a bus, -w and WEB_CONCURRENCY say how many.
if not os.environ.get("CHAT_BUS_URL"):
    workers = 1

# A worker that stops says goodbye within CHAT_STOP_SECONDS (5), frees the database and is gone; this is the outer bound.
graceful_timeout = 7

# gunicorn's control socket is one file for each user of the machine: two instances would collide.
control_socket_disable = True


# Places for HTTP connections. A WebSocket leaves its place to the next one; these are pages, the API, and who says
# nothing, who is cut off after 10 seconds, and after an answer after gunicorn's `keepalive` (2).
worker_connections = 4_000

# Connections that the kernel holds until they are accepted, if its net.core.somaxconn (4,096) is not lower. Of a storm it
# drops the others, and they come again after 1, 3 and 7 seconds.
backlog = 4_096

# gunicorn believes these headers of a proxy on this machine; a client could send them through it, and move the page.
forwarder_headers = ""


def on_starting(server):
    """End with one sentence where several workers lack a bus, or the address is taken."""
    if server.cfg.workers > 1 and not os.environ.get("CHAT_BUS_URL"):
        sys.exit(
            "Several workers need a bus, or the users of one would not meet those of another: set "
            "CHAT_BUS_URL=redis://127.0.0.1 (apt install redis-server), or leave out -w. "
            "See docs/operations.md, Many workers."
        )
    if server.cfg.reuse_port:  # a second server would share the port, and be given half of the connections
        for host, port in server.cfg.address:
            refuse_taken(host, port)


def nworkers_changed(server, new, old):
    """Give each worker a listening socket of its own, so that the kernel spreads connections evenly.

    Of a shared one, whoever wakes up first takes most: of 2,100 connections four workers had 927, 620, 230 and 223; so
    531, 512, 491 and 466. Called at the start, when `old` is None, and at each reload, which must find what is there.
    """
    if old is None:
        is_tcp = all(isinstance(address, tuple) and address[1] for address in server.cfg.address)
        server.cfg.set("reuse_port", new > 1 and is_tcp and "LISTEN_FDS" not in os.environ)
    else:
        server.cfg.set("reuse_port", not server.LISTENERS)


def when_ready(server):
    if server.cfg.reuse_port:  # gunicorn tells only of a socket that is shared
        server.log.info("Listening at: %s, each of %d workers", ", ".join(server.cfg.bind), server.cfg.workers)


def refuse_taken(host, port):
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what is closed may linger
        try:
            probe.bind((host, port))
        except OSError as error:
            sys.exit(f"The server cannot listen at {host}:{port}: {error.strerror}.")


def post_worker_init(worker):
    """Bound the connections of an address, and spare the garbage collector what stays: the modules that are loaded.

    A busy server makes thousands of small objects in a turn of its loop, all freed by their reference
    counts. At Python's own threshold of 700 the collector took half of the time under load, by going
    over everything that was ever imported, again and again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    take_upgrades_early(worker)
    bound_connections(worker)
    keep_settings_at_hand(worker)


# Connections that are accepted in one turn of the loop, where gunicorn reads them all. gevent's own 100 are read and parsed
# in one go: some 20 ms in which no message moves. The others wait in the kernel, which keeps them for the next worker at a
# reload. With several workers gunicorn says 1.
ACCEPTED = 8


def take_upgrades_early(worker):
    """Take upgrades over before gunicorn reads them, where nobody would see the difference. Elsewhere accept few at once."""
    from gunicorn.workers import ggevent

    from chat.transport.acceptor import Acceptor
    from chat.web.early_upgrade import upgrade_early

    # gunicorn cuts SCRIPT_NAME off each path
    early = None if "SCRIPT_NAME" in os.environ else upgrade_early(worker)
    if early is None:
        ggevent.StreamServer = type("FewAtOnce", (ggevent.StreamServer,), {"max_accept": ACCEPTED})
    else:
        worker.handle = early.handle
        ggevent.StreamServer = partial(Acceptor, early.at_once, early.is_busy)


def bound_connections(worker):
    """Leave places for others where one address holds many. Behind a proxy all have the proxy's address."""
    from chat.process import is_behind_proxy
    from chat.transport.places import bound_per_address

    if not is_behind_proxy():
        worker.handle = bound_per_address(worker.handle)


def keep_settings_at_hand(worker):
    """Make attributes of gunicorn's settings, which do not change any more.

    It looks each one up in a dict, by two calls in Python, and does so twenty times for a request: a third of what
    reading one took.
    """
    vars(worker.cfg).update({name: setting.get() for name, setting in worker.cfg.settings.items()})


# Each socket is a file descriptor, and many systems begin with 1,024. A hundred beyond
# CHAT_MAX_SOCKETS would do; some systems refuse "unlimited", which others have as their bound.
FILES = 65_536
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
if hard != resource.RLIM_INFINITY:
    FILES = min(FILES, hard)
if soft != resource.RLIM_INFINITY and soft < FILES:
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, hard))
