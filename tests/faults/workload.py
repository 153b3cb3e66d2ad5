"""Clients that send with several messages in flight, come back after every fault, and write it all down.

They do what a good client does: repeat what was not acknowledged under the same clientId, fetch what they
lack, drop what they have by (conversation, seq), and show everything else as it comes.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.faults.checker import Acked, Conversation, Message, Sent, Verdict, check
from tests.faults.server import Mortal

UNAVAILABLE = 503  # of an answer over HTTP: to be asked again
AGAIN_SECONDS = 0.05  # between two attempts to come back, and before a refused message is sent again
PAGE = 200
SETTLE_SECONDS = 60  # until everything is acknowledged and shown, on a machine that does other things too


class Member:
    """One user who talks to one other, over as many sockets as it takes.

    Args:
        window: how many messages are in flight; 0 for one who only listens.
        plain: knows only `init` and the chat event, and is sent what it missed.
    """

    def __init__(self, server: Mortal, user: str, other: str, window: int, plain: bool) -> None:
        self.user, self.other, self.window, self.plain = user, other, window, plain
        self.conversation: Conversation = (min(user, other), max(user, other))
        self.sent: list[Sent] = []
        self.acked: list[Acked] = []
        self.shown: list[Message] = []
        self.unacked: dict[str, Sent] = {}  # clientId -> message, in the order of first sending
        self.refused = 0
        self.heard: set[str] = set()  # types of events
        self.codes: list[int | None] = []  # with which each of its sockets was closed
        self.url = server.ws
        self.sending = True
        self.closing = False
        self._server = server
        self._seen: set[int] = set()
        self._unsure: set[str] = set()  # own messages of which nobody could say whether they are stored
        self._token = ""
        self._socket: ClientConnection | None = None

    @property
    def online(self) -> bool:
        return self._socket is not None

    async def run(self) -> None:
        while not self.closing:
            try:
                await self._session()
            except (OSError, ConnectionClosed, InvalidHandshake, TimeoutError, requests.RequestException):
                pass
            if self._socket is not None:
                self.codes.append(self._socket.close_code)
                self._socket = None
            await asyncio.sleep(AGAIN_SECONDS)

    async def drop(self) -> None:
        if self._socket is not None:
            self._socket.transport.abort()

    async def hang_up(self) -> None:
        self.closing = True
        if self._socket is not None:
            await self._socket.close()

    async def _session(self) -> None:
        async with connect(
            self.url, proxy=None, compression=None, max_queue=None, open_timeout=5, close_timeout=1
        ) as socket:
            self._socket = socket
            await socket.send(json.dumps({"type": "init", "userId": self.user, "sync": not self.plain}))
            early = []
            while (event := json.loads(await socket.recv()))["type"] != "ready":
                early.append(event)
            if not self.plain:
                await self.fetch()
            for event in early:
                await self._take(socket, event)
            for message in list(self.unacked.values()):
                await self._send(socket, message)
            await self._fill(socket)
            async for text in socket:
                await self._take(socket, json.loads(text))

    async def fetch(self) -> None:
        """Show what was stored while we were away."""
        for message in await asyncio.to_thread(self.history, max(self._seen, default=0)):
            self._show(message)

    def history(self, after: int) -> list[Message]:
        """What the HTTP interface has beyond `after`."""
        if not self._token:
            answer = requests.post(f"{self._server.http}/api/session", json={"userId": self.user}, timeout=10)
            self._token = answer.json()["token"]
        found: list[Message] = []
        while True:
            answer = requests.get(
                f"{self._server.http}/api/conversations/{self.other}/messages",
                params={"after": str(after), "limit": str(PAGE)},
                headers={"Authorization": f"Bearer {self._token}"},
                timeout=10,
            )
            if answer.status_code == UNAVAILABLE:
                time.sleep(AGAIN_SECONDS)
                continue
            answer.raise_for_status()
            page = answer.json()
            found += [Message(m["seq"], m["fromUserId"], m.get("clientId"), m["message"]) for m in page["messages"]]
            if not page["more"]:
                return found
            after = found[-1].seq

    async def _take(self, socket: ClientConnection, event: dict[str, Any]) -> None:
        kind = event["type"]
        self.heard.add(kind)
        if kind == "chat":
            self._show(Message(event["seq"], event["fromUserId"], event.get("clientId"), event["message"]))
        elif kind == "ack":
            message = self.unacked.pop(event["ref"], None)
            self.acked.append(Acked(self.conversation, event["ref"], event["seq"]))
            if message is not None:
                self._show(Message(event["seq"], self.user, message.client_id, message.body))
                if message.client_id in self._unsure:
                    self._put_in_its_place(event["seq"])
            await self._fill(socket)
        elif kind == "error":
            assert event["code"] in ("busy", "unavailable"), event
            self.refused += 1
            self._unsure.add(event["ref"])
            await asyncio.sleep(AGAIN_SECONDS)
            await self._send(socket, self.unacked[event["ref"]])

    def _show(self, message: Message) -> None:
        if message.seq in self._seen or (self.plain and message.sender == self.user):
            return
        self._seen.add(message.seq)
        self.shown.append(message)

    def _put_in_its_place(self, seq: int) -> None:
        """One's own message, stored by a try that nobody could answer, lies before what others wrote meanwhile."""
        if self.shown[-1].seq == seq:
            own = self.shown.pop()
            later = (place for place, one in enumerate(self.shown) if one.seq > seq)
            self.shown.insert(next(later, len(self.shown)), own)

    async def _fill(self, socket: ClientConnection) -> None:
        while self.sending and len(self.unacked) < self.window:
            name = f"{self.user}-{len(self.sent):06d}"
            message = Sent(self.conversation, self.user, name, f"{name} {'words ' * 10}")
            self.sent.append(message)
            self.unacked[name] = message
            await self._send(socket, message)

    async def _send(self, socket: ClientConnection, message: Sent) -> None:
        await socket.send(
            json.dumps(
                {
                    "type": "chat",
                    "toUserId": self.other,
                    "message": message.body,
                    "clientId": message.client_id,
                    "ref": message.client_id,
                }
            )
        )


class Crowd:
    """Pairs of members on a thread of their own: in every second pair one only listens, as a plain client."""

    def __init__(self, server: Mortal, pairs: int = 4, window: int = 8, plain: bool = True) -> None:
        self.members: list[Member] = []
        for n in range(pairs):
            one, other = f"a{n}", f"b{n}"
            listens = plain and n % 2 == 1
            self.members.append(Member(server, one, other, window, plain=False))
            self.members.append(Member(server, other, one, 0 if listens else window, listens))
        self._server = server
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),))

    @property
    def acked(self) -> int:
        return sum(len(member.acked) for member in self.members)

    @property
    def known(self) -> int:
        """How many messages their senders know to be stored, repeated acks not counted."""
        return sum(len(member.sent) - len(member.unacked) for member in self.members)

    @property
    def refused(self) -> list[int]:
        return [member.refused for member in self.members]

    def wait_acked(self, more: int, seconds: float = 30) -> None:
        """Wait until so many further acks have come."""
        until, least = time.monotonic() + seconds, self.acked + more
        while self.acked < least:
            assert time.monotonic() < until, f"only {self.acked} acks of {least}:\n{self._server.log[-2000:]}"
            time.sleep(0.005)

    def start(self) -> None:
        self._thread.start()

    def reconnect(self) -> None:
        """Everybody hangs up, and comes back at once."""
        for member in self.members:
            asyncio.run_coroutine_threadsafe(member.drop(), self._loop).result(10)

    def stop_sending(self) -> None:
        for member in self.members:
            member.sending = False

    def settle(self, live_seconds: float = 0.0) -> Verdict:
        """Send nothing new, wait until all is acknowledged and shown, and judge. The server must be up.

        `live_seconds`: how long clients that could fetch wait for what is to come by itself.
        """
        self.stop_sending()
        until = time.monotonic() + SETTLE_SECONDS
        live_until = time.monotonic() + live_seconds
        while (
            any(m.unacked for m in self.members)
            or not self._plain_have_all()
            or (time.monotonic() < live_until and not self._all_have_all())
        ):
            if time.monotonic() > until or not self._thread.is_alive():
                break  # the verdict will say what is missing
            time.sleep(0.05)
        self.stop()
        shown = {}
        self.never_came = 0
        for member in self.members:
            if not member.plain:
                self.never_came += len(member.history(max((m.seq for m in member.shown), default=0)))
                for message in member.history(max((m.seq for m in member.shown), default=0)):
                    member._show(message)
            shown[member.user] = {member.conversation: member.shown}
        # The HTTP history is one more view, which must be the same.
        for member in self.members:
            shown[f"{member.user} over HTTP"] = {member.conversation: member.history(0)}
        return self._verdict(shown)

    def _plain_have_all(self) -> bool:
        for one, other in zip(self.members[::2], self.members[1::2], strict=True):
            if other.plain and len(other.shown) < len({ack.client_id for ack in one.acked}):
                return False
        return True

    def _all_have_all(self) -> bool:
        """Whether both of each pair have seen what either of them knows to be stored."""
        for one, other in zip(self.members[::2], self.members[1::2], strict=True):
            known = {ack.client_id for member in (one, other) for ack in member.acked}
            if any(len(member.shown) < len(known) for member in (one, other) if not member.plain):
                return False
        return True

    def _verdict(self, shown: dict[str, dict[Conversation, list[Message]]]) -> Verdict:
        ours = {member.conversation for member in self.members}
        return check(
            sent=[sent for member in self.members for sent in member.sent],
            acked=[ack for member in self.members for ack in member.acked],
            stored={c: ms for c, ms in self._server.stored().items() if c in ours},
            shown=shown,
            plain=[member.user for member in self.members if member.plain],
            refused=[member.user for member in self.members if member.refused],
        )

    def stop(self) -> None:
        if not self._thread.is_alive():
            return
        hanging_up = [asyncio.run_coroutine_threadsafe(m.hang_up(), self._loop) for m in self.members]
        for done in hanging_up:
            done.result(10)
        self._thread.join(10)
        assert not self._thread.is_alive()
        self._loop.close()

    async def _run(self) -> None:
        await asyncio.gather(*(member.run() for member in self.members))


@contextmanager
def crowd(server: Mortal, pairs: int = 4, window: int = 8) -> Iterator[Crowd]:
    running = Crowd(server, pairs, window)
    running.start()
    try:
        yield running
    finally:
        running.stop()
