"""Owns the way to the other workers: channels of Redis that are wanted, what is published, and whether Redis hears us.

What is passed on, and what follows when the bus was lost, is left to others. Redis passes on at most once, to whoever
has subscribed then.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, islice
from typing import Any
from uuid import uuid4

import gevent
from gevent.event import AsyncResult, Event

from chat.bus.connection import MOST_TOGETHER, Publication, RedisConnection, Reply, command
from chat.bus.envelope import ECHO, Letter, packed, unpacked
from chat.bus.members import Members

ECHO_SECONDS = 2.0  # a worker hears itself so often, or thinks itself deaf: TCP alone says nothing
DEAF_SECONDS = 5.0
ANSWER_SECONDS = 5.0  # for a question; the bus is found deaf by then
FIRST_RETRY_SECONDS, MOST_RETRY_SECONDS = 0.1, 2.0
CHANNELS_AT_ONCE = 1_000  # in one command

Reader = Callable[[Reply], None]
Received = Callable[[bytes, bytes, list[Letter]], None]  # a channel, another worker, and what that published there


class Bus:
    """Two connections to Redis: one that publishes and asks, one that has subscribed. Lives on the event loop."""

    def __init__(self, url: str, prefix: str, received: Received, log: logging.Logger) -> None:
        """`prefix`: of all channels, the installation's: Redis keeps no databases of channels apart."""
        self.worker = uuid4().hex[:12].encode()
        self.is_up = False
        self.returned: Callable[[float], None] = lambda _since: None  # called when it is back, with when it went deaf
        self.lag = 0.0  # seconds that the last echo took
        self.answered = 0  # commands that Redis has answered, or never will
        self._url = url
        self._prefix = prefix.encode()
        self._received = received
        self.log = log
        self._own = self.channel("w", self.worker.decode())
        self._head = self.worker + b"\n"  # of all that is published
        self.members = Members(self)
        self._wanted: dict[bytes, None] = {self._own: None, self.members.all: None}
        self._changed: dict[bytes, bool] = {}  # channels to subscribe, or to leave, at the end of this turn
        self._sent = self._confirmed = 0  # subscriptions and leavings
        # Who waits until so many are confirmed: each for its own, as others come and go all the time.
        self._settling: deque[tuple[int, AsyncResult[bool]]] = deque()
        self._waiting: deque[list[Reader]] = deque()  # for each command its answer's readers
        self._publishing: RedisConnection | None = None
        self._subscribed: RedisConnection | None = None
        self._heard_at = 0.0  # time.monotonic() of the last echo
        self._lost = Event()
        self._first_try_is_over = Event()
        self._greenlet: Any = None

    @property
    def asked(self) -> int:
        """How many commands Redis was given."""
        return self.answered + len(self._waiting)

    def channel(self, kind: str, name: str) -> bytes:
        """Return the channel of something: `u` of a user's sockets, `s` of their streams, ..."""
        return b"%s:%s:%s" % (self._prefix, kind.encode(), name.encode())

    def start(self) -> None:
        """Connect, and come back whenever it is lost. Blocks until the first try is over, however it ends."""
        if self._greenlet is None:
            self._greenlet = gevent.spawn(self._run)
        self._first_try_is_over.wait(ANSWER_SECONDS)

    def stop(self) -> None:
        """End it. What was published is on its way already."""
        if self._greenlet is not None:
            self._greenlet.kill(block=False)
            self._drop()

    # Channels.

    def subscribe(self, channel: bytes) -> None:
        """Hear a channel from now on. Never blocks; `wait_settled` says when."""
        self._want(channel, True)

    def unsubscribe(self, channel: bytes) -> None:
        self._want(channel, False)

    def wait_settled(self) -> bool:
        """Wait until Redis has confirmed what was asked for so far. Blocks; False: the bus is lost."""
        return self.is_up and self._wait_confirmed()

    def _wait_confirmed(self) -> bool:
        number = self._sent + len(self._changed)
        if number <= self._confirmed:
            return True
        result: AsyncResult[bool] = AsyncResult()
        self._settling.append((number, result))
        return bool(result.wait(ANSWER_SECONDS))

    def _want(self, channel: bytes, is_wanted: bool) -> None:
        if (channel in self._wanted) == is_wanted:
            return
        if is_wanted:
            self._wanted[channel] = None
        else:
            del self._wanted[channel]
        if self._subscribed is not None:
            if not self._changed:
                gevent.get_hub().loop.run_callback(self._send_changes)
            self._changed[channel] = is_wanted

    def _send_changes(self) -> None:
        changed, self._changed = self._changed, {}
        if self._subscribed is not None:
            self._send_channels(b"SUBSCRIBE", [channel for channel, wanted in changed.items() if wanted])
            self._send_channels(b"UNSUBSCRIBE", [channel for channel, wanted in changed.items() if not wanted])

    def _send_channels(self, name: bytes, channels: Sequence[bytes]) -> None:
        assert self._subscribed is not None
        left = iter(channels)
        while some := [*islice(left, CHANNELS_AT_ONCE)]:
            self._sent += len(some)
            self._subscribed.send(command(name, *some))

    def _hear(self, reply: Reply) -> None:
        """Take what the subscribed connection says."""
        kind = reply[0] if isinstance(reply, list) else b""
        if kind == b"message":
            _, channel, data = reply
            if not data.startswith(self._head):
                self._call(lambda: self._received(channel, *unpacked(data)))
            elif channel == self._own:
                self._hear_echo(data)
        elif kind in (b"subscribe", b"unsubscribe"):
            self._confirmed += 1
            while self._settling and self._settling[0][0] <= self._confirmed:
                self._settling.popleft()[1].set(True)
        else:  # an error: it may not subscribe, for one
            self.log.error("the bus refuses: %s", reply)
            self._lost.set()

    def _hear_echo(self, data: bytes) -> None:
        _, letters = unpacked(data)
        self._heard_at = time.monotonic()
        self.lag = max(0.0, self._heard_at - float(letters[-1][-1]))

    # What is said and asked.

    def publish(self, channel: bytes, letter: bytes, then: Callable[[int], None] | None = None) -> None:
        """Publish a letter, and call `then` with how many other workers heard it. Never blocks.

        0: none is there, or the bus is lost.
        """
        if not self.is_up or self.members.is_alone:
            if then is not None:
                then(0)
        elif then is None:
            self.put(channel, letter)
        else:
            own = int(channel in self._wanted)
            self.put(channel, letter, lambda reply: then(max(0, reply - own) if isinstance(reply, int) else 0))

    def put(self, channel: bytes, letter: bytes, reader: Reader | None = None) -> None:
        """Publish a letter, whoever is there; `reader` gets what Redis answers, or None. Never blocks."""
        publishing = self._publishing
        if publishing is None:
            if reader is not None:
                reader(None)
            return
        together = publishing.last  # with what was published just before, if that was on this channel
        if together is None or together.channel != channel or together.size > MOST_TOGETHER:
            together = publishing.publish(Publication(channel, self._head))
            self._waiting.append(together.readers)
        together.parts.append(letter)
        together.size += len(letter)
        if reader is not None:
            together.readers.append(reader)

    def ask(self, *words: bytes) -> Reply:
        """Return the reply to a command; None: there is none. Blocks the calling greenlet."""
        result: AsyncResult[Reply] = AsyncResult()
        self.send(command(*words), result.set)
        reply = result.wait(ANSWER_SECONDS + DEAF_SECONDS)  # None: too late
        return None if isinstance(reply, Exception) else reply

    def send(self, command: bytes, reader: Reader | None = None) -> None:
        """Give Redis a command; `reader` gets what it answers, or None. Never blocks."""
        if self._publishing is not None:
            self._waiting.append([] if reader is None else [reader])
            self._publishing.send(command)
        elif reader is not None:
            reader(None)

    def count(self, name: str, more: int, seconds: int, then: Callable[[int], None]) -> None:
        """Add to a counter that all workers have, and call `then` with its sum. Forgotten after `seconds`. Never blocks."""
        if not self.is_up:
            return
        key = self.channel("n", name)
        self.send(command(b"INCRBY", key, b"%d" % more), lambda reply: then(reply) if isinstance(reply, int) else None)
        self.send(command(b"EXPIRE", key, b"%d" % seconds))

    def listening(self, channels: Iterable[bytes]) -> list[int]:
        """Return how many other workers hear each channel; 0 for all where the bus is lost. Blocks."""
        asked = [*channels]
        if not self.is_up or self.members.is_alone:
            return [0] * len(asked)
        found: list[int] = []
        for start in range(0, len(asked), CHANNELS_AT_ONCE):
            some = asked[start : start + CHANNELS_AT_ONCE]
            reply = self.ask(b"PUBSUB", b"NUMSUB", *some)
            counts = reply[1::2] if reply else [0] * len(some)
            found += [max(0, count - (channel in self._wanted)) for channel, count in zip(some, counts, strict=True)]
        return found

    def _answered(self, reply: Reply) -> None:
        self.answered += 1
        for reader in self._waiting.popleft():
            self._call(reader, reply)

    def _call(self, function: Callable[..., None], *args: Reply) -> None:
        try:
            function(*args)
        except Exception:  # one that fails does not take the others' turn
            self.log.exception("what came by the bus could not be passed on")

    # Its life.

    def _run(self) -> None:
        since, pause = time.monotonic(), FIRST_RETRY_SECONDS
        is_told = False
        while True:
            try:
                self._connect()
                pause, is_told = FIRST_RETRY_SECONDS, False
                self.log.info("the bus is there: worker=%s channels=%d", self.worker.decode(), len(self._wanted))
                self._call(self.returned, since)
                self._first_try_is_over.set()
                self._watch()
                since = self._heard_at
                self.log.error("the bus is lost: only users of this worker are reached")
            except OSError as error:
                if not is_told:
                    self.log.error("the bus cannot be reached: %s", error)
                is_told = True
                self._first_try_is_over.set()
            self._drop()
            gevent.sleep(pause)
            pause = min(2 * pause, MOST_RETRY_SECONDS)

    def _connect(self) -> None:
        """Connect both ways, and hear all channels that are wanted. Raises OSError."""
        self._lost.clear()
        self._publishing = RedisConnection(self._url, self._answered, self._lost.set)
        self._subscribed = RedisConnection(self._url, self._hear, self._lost.set)
        self._send_channels(b"SUBSCRIBE", [*self._wanted])
        if not self._wait_confirmed() or self._lost.is_set():
            raise TimeoutError("Redis does not confirm what is subscribed")
        self.members.join()
        self._heard_at = time.monotonic()
        self.is_up = True

    def _watch(self) -> None:
        """Return when a connection is lost, or nothing of one's own is heard."""
        while not self._lost.is_set() and time.monotonic() - self._heard_at < DEAF_SECONDS:
            self.put(self._own, packed(ECHO, 0, "", str(time.monotonic()).encode()))
            self.members.look()
            self._lost.wait(ECHO_SECONDS)

    def _drop(self) -> None:
        self.is_up = False
        for connection in (self._publishing, self._subscribed):
            if connection is not None:
                connection.close()
        self._publishing = self._subscribed = None
        self._changed.clear()
        self._sent = self._confirmed = 0
        while self._settling:
            self._settling.popleft()[1].set(False)
        waiting, self._waiting = self._waiting, deque()
        self.answered += len(waiting)
        for reader in chain.from_iterable(waiting):
            self._call(reader, None)
