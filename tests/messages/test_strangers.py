"""What strangers may send one user: by itself, then ten of them to a reader on a real server."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from chat.errors import RateLimited
from chat.limits import MESSAGE_OVERHEAD_BYTES, Window
from chat.messages.strangers import KNOWN_PAIRS, Strangers
from chat.storage.records import Message, Page
from tests.clients import Person
from tests.conftest import Server, StartServer

BYTES = 32_768


class Conversations:
    """The database: who has answered whom."""

    def __init__(self) -> None:
        self.answers: set[tuple[str, str]] = set()
        self.asked = 0

    def history(self, one: str, other: str, limit: int) -> Page[Message]:
        self.asked += 1
        senders = [other] * (limit - 1) + ([one] if (one, other) in self.answers else [other])
        return Page([Message(n, sender, "", 0, None) for n, sender in enumerate(senders)], True)


def refused(strangers: Strangers, sender: str, count: int = 100) -> int:
    number = 0
    for _ in range(count):
        try:
            strangers.check(sender, "bob", 1_000 + MESSAGE_OVERHEAD_BYTES)
        except RateLimited:
            number += 1
    return number


def test_strangers_share_a_limit_that_friends_are_not_under() -> None:
    conversations = Conversations()
    conversations.answers.add(("bob", "friend"))
    strangers = Strangers(Window(BYTES, 4, clock=lambda: 1_000.0), conversations.history, lambda user: [user])
    strangers.wrote("bob", "new friend")
    taken = BYTES // (1_000 + MESSAGE_OVERHEAD_BYTES)
    assert 500 - sum(refused(strangers, f"stranger{n}") for n in range(5)) == taken
    assert conversations.asked == 5, "once for each of them"
    assert refused(strangers, "friend") == refused(strangers, "new friend") == refused(strangers, "bob") == 0
    strangers.check("stranger0", "bob", MESSAGE_OVERHEAD_BYTES)  # typing, too
    with pytest.raises(RateLimited) as limited:
        strangers.check("stranger0", "bob", MESSAGE_OVERHEAD_BYTES)
    assert limited.value.retry_after == 4
    strangers.wrote("bob", "stranger0")
    assert refused(strangers, "stranger0") == 0, "who is answered is a stranger no more"


def test_nobody_is_limited_who_writes_to_somebody_offline_or_where_limits_are_off() -> None:
    for most, online in ((BYTES, ()), (0, ("a socket",))):
        strangers = Strangers(Window(most, 4), Conversations().history, lambda user, found=online: found)  # type: ignore[misc]
        assert refused(strangers, "stranger") == 0


def test_pairs_are_forgotten_the_oldest_first() -> None:
    strangers = Strangers(Window(BYTES, 4), Conversations().history, lambda user: [user])
    for number in range(KNOWN_PAIRS + 10):
        strangers.wrote("bob", str(number))
    assert len(strangers._friends) == KNOWN_PAIRS


def test_ten_strangers_bursts_do_not_close_a_slow_reader_and_a_friend_gets_through(start_server: StartServer) -> None:
    server = start_server(CHAT_RATE_LIMITS="on", CHAT_OUTBOX_BYTES="65536", CHAT_STRANGERS_BYTES_PER_SECOND="8192")
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    slow.connect(("127.0.0.1", urlsplit(server.ws).port))
    with Person(server.ws, "reader", sock=slow, max_queue=1) as reader, Person(server.ws, "friend") as friend:
        assert reader.ask(type="chat", toUserId="friend", message="hello")["type"] == "ack"
        with ThreadPoolExecutor(10) as threads:
            codes = [
                code for codes in threads.map(lambda n: burst(server, f"stranger{n}"), range(10)) for code in codes
            ]
        assert codes.count("rate_limited") > 300
        assert codes.count("ack") >= 2
        assert friend.ask(type="chat", toUserId="reader", message="are you there?")["delivered"]
        heard = {"fromUserId": ""}
        while heard["fromUserId"] != "friend":
            heard = reader.receive("chat")
        assert heard["message"] == "are you there?"


def burst(server: Server, name: str) -> list[str]:
    with Person(server.ws, name) as stranger:
        for ref in range(40):
            stranger.send(type="chat", toUserId="reader", message="x" * 16_000, ref=ref)
        answers = []
        while len(answers) < 40:
            answer = stranger.receive()
            answers.append(answer.get("code", "ack"))
        return answers
