"""Owns the end of a worker: who is sent away when, and when each is to come back. Knows no users.

A thousand clients that are sent away at once would come back at once, and be a storm for who takes them.
"""

import math
import time
from collections.abc import Callable, Iterable
from random import random

import gevent

from chat.transport.connections import Connection, Connections

# Sockets whose upgrade and `init` one worker handles in a second: 1,800 at once and 2,500 by turns were measured on a fast
# core, on a slow one it is half of that. `make bench` has yours.
ADMITTED_A_SECOND = 1_000
# Before anybody is to come back: a worker of gunicorn looks once a second whether it is to stop, and takes connections
# until it has seen it. Also the least time over which they come back.
AWAY_SECONDS = 1.0
SPREAD_SECONDS = 3.0  # over which a full worker sends its sockets away; fewer sockets take less
SPREAD_SHARE = 0.6  # of CHAT_STOP_SECONDS that the spread takes at most: the last ones need the rest
PART_SECONDS = 0.3  # between two parts of the sockets
LAST_PONG_SECONDS = 0.3  # of each part; whoever has not answered by then may be gone
POLL_SECONDS = 0.01


class Goodbye:
    """Said once, however often it is asked for."""

    def __init__(self, connections: Connections) -> None:
        self.is_last = False  # all are being sent away: what is asked for now is for the next worker
        self.still_busy: list[Callable[[], bool]] = []  # asked for the last part: is something unhandled yet?
        # Called for each part: returns what tells whether something that came before is not stored and answered yet.
        self.unsettled: Callable[[], Callable[[], bool]] = lambda: lambda: False
        self.at_stop: list[Callable[[], object]] = []  # called when all that was read is handled
        self._connections = connections
        self._stop_by = 0.0  # time.monotonic() when `say` gives up; set by its first call
        self._comeback_seconds = AWAY_SECONDS  # over which they come back

    def say(self) -> None:
        """Handle what was read, send all away, and wait until they hang up: `stop_seconds` since the first call."""
        connections = self._connections
        if not connections.stopping:
            connections.stopping = True
            begin, seconds = time.monotonic(), connections.settings.stop_seconds
            self._stop_by = begin + seconds
            admission = len(connections) / ADMITTED_A_SECOND
            self._comeback_seconds = max(AWAY_SECONDS, admission)
            spread = min(SPREAD_SECONDS, SPREAD_SHARE * seconds, admission)
            self._send_first_parts(begin, spread)
            self._send_last(begin + spread + (seconds - spread) / 2)
        self._wait_while(connections.__len__, self._stop_by)
        connections.end()

    def _send_first_parts(self, begin: float, spread: float) -> None:
        """Send all but the last part away, each in its time. Whoever is still busy then goes with the next part."""
        everybody = [*self._connections]
        parts = 1 + int(spread / PART_SECONDS)
        size, late = math.ceil(len(everybody) / parts), list[Connection]()
        for number in range(1, parts):
            until = begin + spread * number / parts
            late = self._send_part([*late, *everybody[size * (number - 1) : size * number]], until)
            self._wait_while(lambda: True, until)

    def _send_part(self, part: list[Connection], until: float) -> list[Connection]:
        """Return those for whom something that they sent is unhandled or unsettled at that time: they stay."""
        self._pause(part, until)
        is_unsettled = self.unsettled()
        self._wait_while(lambda: any(one.busy for one in part) or is_unsettled(), until)
        if is_unsettled():
            return part
        self._send_away([one for one in part if not one.busy])
        return [one for one in part if one.busy]

    def _send_last(self, until: float) -> None:
        """Send away who is left, busy or not."""
        self.is_last = True
        connections = self._connections
        self._pause([*connections], until)
        is_unsettled = self.unsettled()
        self._wait_while(lambda: self._any_busy() or is_unsettled(), until)
        for task in self.at_stop:
            connections.call(task)
        self._send_away(connections)

    def _pause(self, part: list[Connection], until: float) -> None:
        """Read nothing more of these, once they had the time to prove what they have."""
        for task in self._connections.each_sweep:
            self._connections.call(task)
        pongs_by = min(until, time.monotonic() + LAST_PONG_SECONDS)
        self._wait_while(lambda: any(one.awaits_pong for one in part), pongs_by)
        self._connections.leaving.update(part)
        for connection in part:
            connection.pause()

    def _send_away(self, part: Iterable[Connection]) -> None:
        for connection in part:
            connection.restart(round(AWAY_SECONDS + random() * self._comeback_seconds, 3))

    def _any_busy(self) -> bool:
        others = [is_busy() for is_busy in self.still_busy]  # all are asked: it tells them to stop
        return any(others) or any(connection.busy for connection in self._connections)

    def _wait_while(self, condition: Callable[[], object], deadline: float) -> None:
        while condition() and time.monotonic() < deadline:
            gevent.sleep(POLL_SECONDS)
