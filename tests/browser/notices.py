"""A server of notifications for the tests of the page, as the wire has them, for as many tabs as open it.

It stands in the real one's place: what the tests ask of it (`push`, `records`) they can ask of that.
"""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.browser.pages import wait_longest

SENT_AFTER_READY = 50


class NoticeServer:
    """One person's notifications. `heard` is what all tabs have sent, `lists` how often one was asked for."""

    def __init__(self) -> None:
        self._passed = timedelta()  # by `run_for`, beyond what really passed
        self.now = lambda: datetime.now(UTC) + self._passed
        self.records: dict[int, dict[str, Any]] = {}
        self.sockets: list[Any] = []
        self.heard: list[dict[str, Any]] = []
        self.lists = 0
        self.is_deaf = False  # to what was seen and dismissed
        self.is_down = False
        self.list_status = 200
        self._numbers = itertools.count(1)

    def prepare(self, page: Any) -> None:
        """Be the server of this tab."""
        wait_longest(page)
        page.route_web_socket("**/ws", self._meet)
        nothing = {"conversations": [], "next": None, "messages": [], "lastSeq": 0, "more": False}

        def answer(route: Any) -> None:
            asked = json.loads(route.request.post_data or "{}")
            session = {"token": "t", "userId": asked.get("userId", ""), "hasPassword": False}
            route.fulfill(json=session | nothing)

        page.route("**/api/**", answer)
        page.route("**/api/notifications*", self._list)

    def push(self, message: str, *, age: int = 0, **fields: Any) -> int:
        """A program notifies this person, `age` seconds ago; every open tab is told."""
        number = next(self._numbers)
        at = self.now() - timedelta(seconds=age)
        self.records[number] = {
            "id": number,
            "message": message,
            "level": "info",
            "timestamp": written(at),
            "seen": False,
            **fields,
        }
        for socket in self.sockets if number in self._unseen else ():
            self._notify(socket, number)
        return number

    def say(self, **event: Any) -> None:
        """Tell every tab, as for something that happened on another machine."""
        for socket in self.sockets:
            socket.send(json.dumps(event))

    def run_for(self, page: Any, seconds: int) -> None:
        """Let time pass for this tab's clock and for this server's: a pong in between must not set the tab's back."""
        for _ in range(seconds):
            self._passed += timedelta(seconds=1)
            page.clock.run_for(1000)

    def cut(self) -> None:
        """End every connection, as a server does that is started anew."""
        sockets, self.sockets = self.sockets, []
        for socket in sockets:
            socket.close(code=1012)

    def told(self, kind: str) -> list[int]:
        """The ids that the tabs have said were `seen`, or are to `dismiss`."""
        return [event["notificationId"] for event in self.heard if event["type"] == kind and "upTo" not in event]

    @property
    def _unseen(self) -> list[int]:
        return [number for number, record in self.records.items() if not record["seen"]]

    def _meet(self, socket: Any) -> None:
        if self.is_down:
            socket.close(code=1012)
            return
        socket.on_message(lambda text: self._hear(socket, json.loads(text)))
        socket.on_close(lambda *_: self.sockets.remove(socket) if socket in self.sockets else None)

    def _hear(self, socket: Any, event: dict[str, Any]) -> None:
        self.heard.append(event)
        kind = event["type"]
        if kind == "init":
            self._be_ready(socket, event["userId"])
        elif kind == "ping":
            socket.send(json.dumps({"type": "pong", "timestamp": written(self.now())}))
        elif kind in ("seen", "dismiss") and not self.is_deaf:
            self._settle(socket, kind, event)

    def _be_ready(self, socket: Any, user: str) -> None:
        self.sockets.append(socket)
        ready = {
            "type": "ready",
            "userId": user,
            "heartbeat": 25,
            "limits": {"frameBytes": 65536},
            "conversations": [],
            "unseen": len(self._unseen),
            "timestamp": written(self.now()),
        }
        socket.send(json.dumps(ready))
        for number in self._unseen[:SENT_AFTER_READY]:
            self._notify(socket, number)

    def _settle(self, socket: Any, kind: str, event: dict[str, Any]) -> None:
        number = event.get("notificationId", event.get("upTo"))
        for each in [n for n in self.records if n == number or n <= event.get("upTo", 0)]:
            if kind == "dismiss":
                del self.records[each]
            else:
                self.records[each]["seen"] = True
        socket.send(json.dumps({"type": "ack", "ref": event["ref"]}))
        told = {"type": {"seen": "seen", "dismiss": "dismissed"}[kind], "notificationId": number}
        told |= {"upTo": number} if "upTo" in event else {}
        for other in self.sockets:
            if other is not socket:
                other.send(json.dumps(told))

    def _notify(self, socket: Any, number: int) -> None:
        record = {k: v for k, v in self.records[number].items() if k != "seen"}
        socket.send(json.dumps({"type": "notification", **record}))

    def _list(self, route: Any) -> None:
        self.lists += 1
        if self.list_status != 200:
            error = {"code": "unavailable", "message": "Not now."}
            route.fulfill(status=self.list_status, json={"error": error})
            return
        query = parse_qs(urlsplit(route.request.url).query)
        begin = int(query.get("cursor", ["0"])[0])
        end = begin + int(query["limit"][0])
        newest = sorted(self.records.values(), key=lambda r: (r["timestamp"], r["id"]), reverse=True)
        ordered = sorted(newest, key=lambda record: record["seen"])
        goes_on = {"next": str(end)} if end < len(ordered) else {}
        page = {"notifications": ordered[begin:end], "unseen": len(self._unseen)}
        route.fulfill(json=page | goes_on)


def written(at: datetime) -> str:
    """As the wire writes a time."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"
