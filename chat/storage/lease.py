"""Owns the right to serve a database, which one process has, or several with a bus between them.

When to ask for it is left to the server.
"""

import logging
import os
import socket
import time
from datetime import UTC, datetime
from math import inf
from pathlib import Path

import msgspec

from chat.errors import DatabaseInUse
from chat.storage.database import Database
from chat.storage.lease_row import LeaseRow
from chat.storage.lock_file import LockFile

GRACE_SECONDS = 1.5  # for `kill; start`: until the holder has said that it stops
# For gunicorn's HUP, which starts the new worker before the old one, perhaps a busy one, hears of it.
PARENT_SECONDS = 5
POLL_SECONDS = 0.2


class Owner(msgspec.Struct):
    """Who holds a lease, as those read it who would like to."""

    host: str = "?"
    pid: int = 0
    parent_pid: int = 0
    parent_since: int = 0  # when the parent was started, by the kernel's clock; 0: nobody knows
    has_bus: bool = False  # shares the lease with others that have one
    since: int = 0  # Unix time in milliseconds, by the holder's clock: for people only
    stopping: bool = False


class Lease:
    """The right to serve one database: of one process, or `has_bus`, of all that have a bus.

    - SQLite: a lock on the file `<database>-server`, which ends with the process.
    - PostgreSQL: the one row of `server_lease`, by the database's clock, since a session's lock does not hold
      through a pooler. After a kill -9 the row is free within 8 s.

    Who finds it held waits for a holder that stops, and gives up on one that goes on. A row may be left of
    a dead process, so nobody gives up before it was renewed.

    All methods block: `acquire` as long as it waits, the others until the database answers.
    """

    def __init__(self, database: Database, log: logging.Logger, has_bus: bool = False) -> None:
        self._now_ms = database.now_ms
        self._log = log
        self._has_bus = has_bus
        self._owner = Owner()  # of pid 0 until it is acquired, and when it was released
        self._place: LeaseRow | LockFile
        if database.is_sqlite:
            self._place = LockFile(f"{os.path.realpath(str(database.engine.url.database))}-server", has_bus)
        else:
            self._place = LeaseRow(database, has_bus)

    def acquire(self, wait_seconds: float = 15) -> None:
        """Take the lease as soon as it is free.

        Args:
            wait_seconds: at most, for a holder that stops or may be dead; more than both may take.

        Raises:
            DatabaseInUse: another server holds it, and goes on serving.
            Unavailable: the database, or the file beside it, cannot be used.
        """
        parent = os.getppid()
        me = Owner(socket.gethostname(), os.getpid(), parent, _started(parent), self._has_bus, self._now_ms())
        began = time.monotonic()
        is_waiting = False
        while (text := self._place.take(_encode(me))) is not None:
            holder = _decode(text)
            if _is_dead(holder, me):
                self._place.free(text)
                continue
            waited = time.monotonic() - began
            patience = _patience(holder, me) if self._place.is_holder_alive else inf
            if waited >= min(patience, wait_seconds):
                raise DatabaseInUse(_sentence(holder, me))
            if not is_waiting:
                self._log.info("the database is in use: waiting for pid=%d host=%r", holder.pid, holder.host)
                is_waiting = True
            time.sleep(POLL_SECONDS)
        self._owner = me

    def renew(self) -> bool:
        """Keep the lease. To be called every second or two until `release`, and not twice at once.

        Returns False where it is lost: the process must stop serving. True while the database is away.
        """
        return self._is_mine() and self._place.keep(_encode(self._owner))

    def announce_stop(self) -> None:
        """Tell a successor that it is worth waiting. The lease is still held, and has to be renewed."""
        if self._is_mine():
            self._owner.stopping = True
            self._place.write(_encode(self._owner))

    def release(self) -> None:
        """Give the lease back, if it is held: a successor begins at once."""
        if self._is_mine():
            self._place.release()
        self._owner = Owner()

    def _is_mine(self) -> bool:
        return self._owner.pid == os.getpid()  # and not that of the process that forked this one


def _patience(holder: Owner, me: Owner) -> float:
    """For how many seconds to wait for a holder that is alive."""
    if holder.stopping:
        return inf
    if holder.host != me.host:
        return GRACE_SECONDS
    if holder.pid == me.pid:
        return 0  # another chat of this process: nobody stops that one alone
    return PARENT_SECONDS if holder.parent_pid == me.parent_pid else GRACE_SECONDS


def _is_dead(holder: Owner, me: Owner) -> bool:
    """Return whether the holder was another worker of the same gunicorn, and is no more."""
    mine = me.host, me.parent_pid, me.parent_since
    # Two containers may have one host name, and each a parent 1: these were not started at one moment.
    if not me.parent_since or mine != (holder.host, holder.parent_pid, holder.parent_since):
        return False
    try:
        os.kill(holder.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # another user's process has the number now
        pass
    return False


def _started(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])  # proc(5): starttime
    except (OSError, ValueError, IndexError):  # not Linux
        return 0


def _sentence(holder: Owner, me: Owner) -> str:
    since = datetime.fromtimestamp(holder.since / 1000, UTC)
    served = f"process {holder.pid} on {holder.host!r} has served this one since {since:%Y-%m-%d %H:%M:%S} UTC"
    if holder.has_bus:
        return f"Servers with a bus share this database, and {served}: set CHAT_BUS_URL for this server too."
    if me.has_bus:
        return f"Without a bus one server serves a database, and {served}: set CHAT_BUS_URL for it too, or stop it."
    if holder.pid == os.getpid():
        return "Another chat of this process serves this database: give each a CHAT_DATABASE_URL of its own."
    return (
        f"One server serves a database, and {served}: leave out -w, so that there is one worker, set CHAT_BUS_URL for "
        "all, so that there may be several, or stop the other server first."
    )


def _encode(owner: Owner) -> str:
    return msgspec.json.encode(owner).decode()


def _decode(text: str) -> Owner:
    try:
        return msgspec.json.decode(text, type=Owner)
    except msgspec.DecodeError:  # its holder has just locked the file, and not written yet
        return Owner()
