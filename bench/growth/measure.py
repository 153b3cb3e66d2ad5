"""What is asked of a server, and how long each answer takes: over its own wire, HTTP and WebSocket.

Sending, repeats and receipts are timed to their `ack`, so that the commit and its fsync are a part of them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from http.client import HTTPConnection
from itertools import islice
from statistics import median
from urllib.parse import quote, urlencode

from websockets.sync.client import ClientConnection, connect

from bench.growth.content import FREQUENT, FRIEND, LONG, RARE, READ_OF_TEN, STRANGE, WAITING, WAITING_IN, Content
from bench.servers import Failed

TIMES = 15  # each question is asked
PAGE = 50
SECONDS = 60  # for an answer
USERS_TITLES = {
    "few": "10 conversations", "some": "1,000 conversations", "many": "30,000 conversations", WAITING: "half of all unread",
}  # fmt: skip

Answers = Generator[float, None, None]  # milliseconds of each
Times = dict[str, float]  # what was asked -> milliseconds, the median


def measure(port: int, content: Content, times: int, say: Callable[[str], None]) -> Times:
    """Return how long each question takes, in the order of the report."""
    users = [user for user in USERS_TITLES if user in content.users or user == WAITING]
    found: Times = {}
    for title, answers in _questions(port, content, users):
        say(f"{content.size.title}: {title}")
        with closing(answers):
            next(answers)  # the first one is what opens connections and fills caches
            found[title] = median(islice(answers, times))
    return found


def _questions(port: int, content: Content, users: list[str]) -> Iterator[tuple[str, Answers]]:
    """Give what is asked, and its answers' times as often as one wants them."""
    for user in users:
        yield f"init: {USERS_TITLES[user]}", _inits(port, user)
    for user in users:
        yield f"first page of the list: {USERS_TITLES[user]}", _Api(port, user).again("/conversations", limit=PAGE)
    for user in users:
        api = _Api(port, user)
        yield f"last page of the list: {USERS_TITLES[user]}", api.again("/conversations", limit=PAGE, cursor=api.last())
    for text, word in (("frequent", FREQUENT), ("rare", RARE), ("rare, of rare letters", STRANGE)):
        for user in (user for user in users if user != "few"):
            yield f"search, a {text} word: {USERS_TITLES[user]}", _Api(port, user).again("/search", q=word)
    path, api, length = f"/conversations/{FRIEND}/messages", _Api(port, LONG), content.size.messages // 10
    for where, before in (("newest", length + 1), ("middle", length // 2), ("oldest", PAGE + 1)):
        yield f"history: {where} page", api.again(path, limit=PAGE, before=before)
    yield "sending", _sends(port)
    yield "repeats", _repeats(port)
    yield "receipts, of the last message", _receipts(port, "some", content)
    yield "receipts, far behind", _receipts(port, WAITING, content)


class _Api:
    """The HTTP API, as one user."""

    def __init__(self, port: int, user: str) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
        body, headers = json.dumps({"userId": user}), {"Content-Type": "application/json"}
        self._connection.request("POST", "/api/session", body, headers)
        self._headers = {"Authorization": f"Bearer {json.load(self._connection.getresponse())['token']}"}

    def get(self, path: str, **query: object) -> dict[str, object]:
        self._connection.request("GET", f"/api{quote(path)}?{urlencode(query)}", headers=self._headers)
        response = self._connection.getresponse()
        answer: dict[str, object] = json.load(response)
        if response.status != 200:
            raise Failed(f"GET {path}: {response.status} {answer}")
        return answer

    def again(self, path: str, **query: object) -> Answers:
        """Ask the same again and again; give how many milliseconds each answer took."""
        query = {name: value for name, value in query.items() if value is not None}
        while True:
            begun = time.perf_counter()
            self.get(path, **query)
            yield (time.perf_counter() - begun) * 1000

    def last(self) -> object:
        """Return the cursor of the list's last page; None: it has one page."""
        cursor = None
        while True:
            page = self.get("/conversations", limit=100, **({"cursor": cursor} if cursor else {}))
            if page["next"] is None:
                return cursor
            cursor = page["next"]


def _socket(port: int, user: str) -> tuple[ClientConnection, float]:
    """Open one, and say `init`; return it, and how many milliseconds `ready` took."""
    socket = connect(f"ws://127.0.0.1:{port}/ws", max_size=None, compression=None, ping_interval=None)
    begun = time.perf_counter()
    socket.send(json.dumps({"type": "init", "userId": user, "sync": True}))
    answer = socket.recv(SECONDS)
    ms = (time.perf_counter() - begun) * 1000
    if json.loads(answer)["type"] != "ready":
        raise Failed(f"init of {user}: {answer!r}")
    return socket, ms


def _inits(port: int, user: str) -> Answers:
    while True:
        socket, ms = _socket(port, user)
        socket.close()
        yield ms


def _acked(socket: ClientConnection, event: dict[str, object]) -> tuple[float, dict[str, object]]:
    """Send an event; return how many milliseconds its `ack` took, and the ack."""
    begun = time.perf_counter()
    socket.send(json.dumps(event | {"ref": 1}))
    while True:
        answer: dict[str, object] = json.loads(socket.recv(SECONDS))
        if answer["type"] == "error":
            raise Failed(f"{event}: {answer}")
        if answer["type"] == "ack":
            return (time.perf_counter() - begun) * 1000, answer


def _sends(port: int) -> Answers:
    socket, _ = _socket(port, "some")
    with socket:
        for number in range(10**6):
            event = {"type": "chat", "toUserId": f"some-{number % 1_000}", "message": "hi", "clientId": f"new-{number}"}
            yield _acked(socket, event)[0]


def _repeats(port: int) -> Answers:
    """Send again what was stored long ago, each in another conversation."""
    socket, _ = _socket(port, "few")
    api = _Api(port, "few")
    stored = [
        (f"few-{number}", message)
        for number in range(10)
        for message in api.get(f"/conversations/few-{number}/messages", limit=PAGE)["messages"]  # type: ignore[attr-defined]
        if message["fromUserId"] == "few"
    ]
    with socket:
        for number in range(10**6):
            other, message = stored[number % len(stored)]
            event = {"type": "chat", "toUserId": other, "message": message["message"], "clientId": message["clientId"]}
            ms, ack = _acked(socket, event)
            if not ack.get("repeated"):
                raise Failed(f"it was taken for a new one: {event}")
            yield ms


def _receipts(port: int, user: str, content: Content) -> Answers:
    """Read what is unread, message by message, each time in another conversation."""
    socket, _ = _socket(port, user)
    if user == WAITING:
        places = [(f"writer{n}", seq) for seq in range(1, 10**6) for n in range(WAITING_IN)]
    else:
        lasts = [(content.pairs[id_ - 1], last) for id_, _, last in content.conversations() if id_ % 10 >= READ_OF_TEN]
        places = [(other, last) for (one, other), last in lasts if one == user]
    with socket:
        for other, seq in places:
            yield _acked(socket, {"type": "read", "withUserId": other, "seq": seq})[0]
    raise Failed("everything is read")
