"""An acknowledged message is never lost, never shown twice, and never overtakes another: as clients see it.

On both engines, through real sockets. What happens when the server dies stands in `tests/faults/`.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import requests
from websockets.frames import Opcode

from chat.storage.records import Pointer, Send
from tests.clients import Person
from tests.clock import Clock
from tests.conftest import Server, StartServer, new_database
from tests.faults.proxy import Proxy
from tests.postgres import Postgres
from tests.storage.conftest import open_storage
from tests.transport.peers import RawClient

POINTER_SECONDS = 5  # the server moves a plain client's pointers once a second
MISSED = 5_000
KILOBYTE = "x" * 1_000

_names = count(1)


@pytest.fixture
def names() -> tuple[str, str]:
    """Two users nobody has heard of."""
    number = next(_names)
    return f"alice-{number}", f"bob-{number}"


class Api:
    """What the HTTP interface tells one user."""

    def __init__(self, server: Server, user_id: str) -> None:
        answer = requests.post(f"{server.http}/api/session", json={"userId": user_id}, timeout=10)
        self._headers = {"Authorization": f"Bearer {answer.json()['token']}"}
        self._base = f"{server.http}/api/conversations"

    def conversation(self, other: str) -> dict[str, Any]:
        found = requests.get(self._base, headers=self._headers, timeout=10).json()["conversations"]
        [conversation] = [c for c in found if c["withUserId"] == other]
        assert isinstance(conversation, dict)
        return conversation

    def messages(self, other: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            page = requests.get(
                f"{self._base}/{other}/messages",
                params={"after": str(len(found)), "limit": "200"},
                headers=self._headers,
                timeout=10,
            ).json()
            found += page["messages"]
            if not page["more"]:
                return found


def say(person: Person, to: str, text: str, **fields: Any) -> dict[str, Any]:
    return person.ask(type="chat", toUserId=to, message=text, **fields)


def sync(server: Server, user_id: str) -> Person:
    """A client that fetches what it lacks by itself."""
    person = Person(server.ws)
    person.send(type="init", userId=user_id, sync=True)
    person.ready = person.receive("ready")
    return person


def standing(person: Person, other: str) -> dict[str, Any]:
    [found] = [c for c in person.ready["conversations"] if c["withUserId"] == other]
    assert isinstance(found, dict)
    return found


def chats(person: Person, number: int) -> list[dict[str, Any]]:
    return [person.receive("chat") for _ in range(number)]


def wait_for_received(api: Api, other: str, seq: int) -> None:
    until = time.monotonic() + POINTER_SECONDS
    while (found := api.conversation(other)["received"]) != seq:
        assert time.monotonic() < until, f"received stands at {found}, not {seq}"
        time.sleep(0.05)


# Sending, and sending again.


def test_an_ack_says_where_the_message_lies(storing: Server, names: tuple[str, str]) -> None:
    alice, bob = names
    with sync(storing, alice) as sender:
        for number in (1, 2, 3):
            ack = say(sender, bob, f"text {number}", clientId=f"id-{number}")
            assert ack["seq"] == number
        [*_, last] = Api(storing, bob).messages(alice)
        assert (
            last.items()
            >= {
                "seq": 3,
                "fromUserId": alice,
                "toUserId": bob,
                "message": "text 3",
                "timestamp": ack["timestamp"],
                "clientId": "id-3",
                "conversationId": ack["conversationId"],
                "id": ack["id"],
            }.items()
        )


def test_a_repeated_send_gets_the_first_ack_and_is_delivered_once(storing: Server, names: tuple[str, str]) -> None:
    alice, bob = names
    with sync(storing, bob) as receiver:
        with sync(storing, alice) as sender:
            first = say(sender, bob, "hi", clientId="once")
            again = first | {"repeated": True}
            assert say(sender, bob, "hi", clientId="once") == again
        with sync(storing, alice) as sender:  # another socket of the same user
            assert say(sender, bob, "hi", clientId="once") == again
            assert say(sender, bob, "next")["seq"] == 2
        assert [event["seq"] for event in chats(receiver, 2)] == [1, 2]
        assert receiver.hears_nothing()
    assert len(Api(storing, alice).messages(bob)) == 2


def test_another_text_under_the_same_client_id_is_a_conflict(storing: Server, names: tuple[str, str]) -> None:
    alice, bob = names
    with sync(storing, alice) as sender, sync(storing, bob) as receiver:
        say(sender, bob, "hi", clientId="once")
        error = say(sender, bob, "hello", clientId="once")
        assert (error["code"], error["field"]) == ("conflict", "clientId")
        assert receiver.receive("chat")["message"] == "hi"
        # The key is the sender's, within the conversation: others may use the same.
        assert say(receiver, alice, "hello", clientId="once")["seq"] == 2
        assert say(sender, alice, "hello", clientId="once")["seq"] == 1
        assert receiver.hears_nothing()


def test_a_repeat_among_new_messages_holds_none_of_them_up(storing: Server, names: tuple[str, str]) -> None:
    alice, bob = names
    order = [1, 2, 1, 3, 2, 2, 4, 1, 5]
    with sync(storing, alice) as sender:
        say(sender, bob, "1", clientId="1")
        for number in order:
            sender.send(type="chat", toUserId=bob, message=f"{number}", clientId=f"{number}", ref=number)
        acks = [sender.receive("ack") for _ in order]
    assert [ack["ref"] for ack in acks] == order
    assert [ack["seq"] for ack in acks] == order
    assert [m["message"] for m in Api(storing, bob).messages(alice)] == ["1", "2", "3", "4", "5"]


def test_a_message_without_a_client_id_is_stored_once_and_each_send_is_a_message(
    storing: Server, names: tuple[str, str]
) -> None:
    alice, bob = names
    with Person(storing.ws, alice) as sender:
        assert [say(sender, bob, "hi")["seq"] for _ in range(3)] == [1, 2, 3]
        sender.send(type="chat", toUserId=bob, message="hi")  # no ref, so no ack
        assert sender.ask(type="read", withUserId=bob, seq=0)["type"] == "ack"  # behind it
    messages = Api(storing, alice).messages(bob)
    assert [m["seq"] for m in messages] == [1, 2, 3, 4]
    assert not any("clientId" in m for m in messages)


def test_acks_and_deliveries_of_pipelined_sends_come_in_the_order_of_seq(
    storing: Server, names: tuple[str, str]
) -> None:
    alice, bob = names
    number = 500
    with (
        sync(storing, alice) as sender,
        sync(storing, alice) as tab,
        sync(storing, bob) as receiver,
        Person(storing.ws, bob) as plain,
    ):
        for n in range(1, number + 1):
            sender.send(type="chat", toUserId=bob, message=str(n), clientId=str(n), ref=n)
        acks = [sender.receive("ack") for _ in range(number)]
        in_order = list(range(1, number + 1))
        assert [ack["ref"] for ack in acks] == in_order
        assert [ack["seq"] for ack in acks] == in_order
        for person in (receiver, tab, plain):
            events = chats(person, number)
            assert [event["seq"] for event in events] == in_order
            assert [event["clientId"] for event in events] == [str(n) for n in in_order]


def test_two_who_write_to_each_other_at_once_see_one_order(storing: Server, names: tuple[str, str]) -> None:
    alice, bob = names
    number = 200
    with sync(storing, alice) as one, sync(storing, bob) as other:
        for n in range(number):
            one.send(type="chat", toUserId=bob, message=f"a{n}", ref=f"a{n}")
            other.send(type="chat", toUserId=alice, message=f"b{n}", ref=f"b{n}")
        seen = []
        for person in (one, other):
            texts: dict[int, str] = {}
            while len(texts) < 2 * number:
                event = person.receive()
                if event["type"] in ("ack", "chat"):
                    assert event["seq"] == len(texts) + 1, "none overtakes"
                    texts[event["seq"]] = event.get("ref") or event["message"]
            seen.append(list(texts.values()))
    assert seen[0] == seen[1] == [m["message"] for m in Api(storing, alice).messages(bob)]


# Coming back.


def test_a_plain_client_gets_what_it_missed_oldest_first_and_once(storing: Server, names: tuple[str, str]) -> None:
    alice, bob = names
    carol = f"carol-{bob}"
    with sync(storing, alice) as one, sync(storing, carol) as other:
        for n in range(3):
            say(one, bob, f"a{n}", clientId=f"a{n}")
            say(other, bob, f"c{n}")
            time.sleep(0.002)  # so that the two conversations have one order in time
        with Person(storing.ws, bob) as plain:
            events = chats(plain, 6)
            assert [e["message"] for e in events] == ["a0", "c0", "a1", "c1", "a2", "c2"]
            assert [e["seq"] for e in events] == [1, 1, 2, 2, 3, 3]
            assert [e.get("clientId") for e in events[::2]] == ["a0", "a1", "a2"]
            receipt = one.receive("receipt", POINTER_SECONDS)
            expected = {"type": "receipt", "userId": bob, "withUserId": alice, "received": 3, "read": 0}
            assert receipt.items() >= expected.items()
            assert other.receive("receipt", POINTER_SECONDS)["received"] == 3
        with Person(storing.ws, bob) as again:
            assert standing(again, alice)["received"] == 3
            assert again.hears_nothing()
            say(one, bob, "a3")
            assert again.receive("chat")["message"] == "a3"
        assert Api(storing, bob).conversation(alice)["unread"] == 4, "received is not read"


def test_what_a_plain_client_gets_live_it_has_received_as_well(storing: Server, names: tuple[str, str]) -> None:
    alice, bob = names
    with sync(storing, alice) as sender:
        with Person(storing.ws, bob) as plain:
            for n in range(10):
                say(sender, bob, str(n))
            chats(plain, 10)
            assert sender.receive("receipt", POINTER_SECONDS)["received"] == 10
            wait_for_received(Api(storing, bob), alice, 10)
        with Person(storing.ws, bob) as again:
            assert again.hears_nothing()


def test_what_went_into_a_dead_line_comes_again_live_and_missed(storing: Server, names: tuple[str, str]) -> None:
    """A telephone in a tunnel: the kernel takes all that is sent to it, and nobody reads it."""
    alice, bob = names
    clock = f"carol-{bob}"  # in the light: her receipts tell that the pointers had their time to move
    with sync(storing, alice) as sender, Person(storing.ws, clock) as other, Proxy(storing.port) as proxy:

        def pass_time() -> None:
            seq = say(sender, clock, "tick")["seq"]
            assert other.receive("chat")["seq"] == seq
            while sender.receive("receipt", POINTER_SECONDS)["userId"] != clock:
                pass

        def say_into_the_dark(text: str) -> None:
            for _ in range(2):  # so that the second sweep has come, whenever the first was
                assert say(sender, bob, text)["delivered"], "need a line for this to mean anything"
                pass_time()

        say(sender, bob, "1")
        plain = Person(proxy.url, bob)
        assert plain.receive("chat")["message"] == "1"
        wait_for_received(Api(storing, bob), alice, 1)
        proxy.swallowing = True
        say_into_the_dark("live")
        proxy.cut()
        proxy.swallowing = False
        with Person(storing.ws, bob) as again:
            assert [e["seq"] for e in chats(again, 2)] == [2, 3]
            wait_for_received(Api(storing, bob), alice, 3)
        assert not say(sender, bob, "4")["delivered"]
        with RawClient(storing.port) as late:
            late.send(type="init", userId=bob)
            late.receive("chat")  # the kernel has taken it, and we have: but no pong says so
            pass_time()
            pass_time()
            assert Api(storing, bob).conversation(alice)["received"] == 3
        with Person(storing.ws, bob) as again:
            assert again.receive("chat")["seq"] == 4
            wait_for_received(Api(storing, bob), alice, 4)


def test_a_client_that_never_sends_a_pong_gets_everything_and_again_when_it_comes_back(
    storing: Server, names: tuple[str, str]
) -> None:
    """One that somebody wrote by hand, and that knows text frames and no others."""
    alice, bob = names
    count = 450  # more than two pages
    with sync(storing, alice) as sender:
        for n in range(1, count + 1):
            sender.send(type="chat", toUserId=bob, message=str(n))
        assert say(sender, bob, "the last one that is missed")["seq"] == count + 1
        for again in (2, 3):
            with RawClient(storing.port) as plain:
                plain.send(type="init", userId=bob)
                assert [plain.receive("chat")["seq"] for _ in range(count + again - 1)] == list(range(1, count + again))
                assert say(sender, bob, "live")["delivered"]
                assert plain.receive("chat")["seq"] == count + again
        assert Api(storing, bob).conversation(alice)["received"] == 0


def test_one_ping_a_second_at_most_goes_behind_live_messages(storing: Server, names: tuple[str, str]) -> None:
    alice, bob = names
    with sync(storing, alice) as sender, RawClient(storing.port, bob) as plain:
        began = time.monotonic()
        until, count = began + 2.5, 0
        while time.monotonic() < until:
            count = say(sender, bob, "hi")["seq"]
        seqs: list[int] = []
        pings: list[tuple[int, bytes]] = []
        while len(seqs) < count or not pings or pings[-1][0] < count:
            found = plain.next_frame()
            assert found is not None
            if found.opcode is Opcode.PING:
                pings.append((len(seqs), bytes(found.data)))
                plain.send_frame(Opcode.PONG, bytes(found.data))
            else:
                seqs.append(json.loads(found.data)["seq"])
        assert seqs == list(range(1, count + 1)), "need messages for this to mean anything"
        assert len(pings) <= time.monotonic() - began + 1
        wait_for_received(Api(storing, bob), alice, count)


def test_a_plain_client_is_not_sent_its_own_messages(storing: Server, names: tuple[str, str]) -> None:
    alice, bob = names
    with Person(storing.ws, alice) as plain:
        say(plain, bob, "hi")
        say(plain, alice, "a note to myself")
    with Person(storing.ws, alice) as again:
        assert again.hears_nothing()
    with Person(storing.ws, bob) as other:
        assert other.receive("chat")["message"] == "hi"


def test_thousands_of_missed_messages_come_whole_and_live_ones_do_not_overtake_them(
    storing: Server, names: tuple[str, str]
) -> None:
    alice, bob = names
    with sync(storing, alice) as sender:
        for n in range(1, MISSED + 1):
            sender.send(type="chat", toUserId=bob, message=f"{n} {KILOBYTE}", clientId=f"{n:05}", ref=n)
            if n % 500 == 0:  # 5 MB in all: several times what an outbox holds
                assert [sender.receive("ack")["ref"] for _ in range(500)] == list(range(n - 499, n + 1))
        with Person(storing.ws, bob) as plain:
            live = 50
            for n in range(live):
                assert say(sender, bob, f"live {n}")["delivered"]
            events = chats(plain, MISSED + live)
            assert [e["seq"] for e in events] == list(range(1, MISSED + live + 1))
            assert events[MISSED - 1]["message"] == f"{MISSED} {KILOBYTE}"
            assert [e["message"] for e in events[MISSED:]] == [f"live {n}" for n in range(live)]
            wait_for_received(Api(storing, bob), alice, MISSED + live)
        with Person(storing.ws, bob) as again:
            assert again.hears_nothing()


def test_a_sync_client_is_sent_nothing_old_but_told_how_far_all_is(storing: Server, names: tuple[str, str]) -> None:
    alice, bob = names
    with sync(storing, alice) as sender:
        for n in range(5):
            say(sender, bob, str(n))
    with sync(storing, bob) as receiver:
        expected = {
            "withUserId": alice, "lastSeq": 5, "received": 0, "read": 0,
            "theirReceived": 0, "theirRead": 0, "presence": "online",
        }  # fmt: skip
        assert standing(receiver, alice).items() >= expected.items()
        assert receiver.hears_nothing()
        assert receiver.ask(type="received", withUserId=alice, seq=4)["type"] == "ack"
        assert receiver.ask(type="read", withUserId=alice, seq=2)["type"] == "ack"
    with sync(storing, bob) as receiver, sync(storing, alice) as sender:
        mine, theirs = standing(receiver, alice), standing(sender, bob)
        assert (mine["lastSeq"], mine["received"], mine["read"]) == (5, 4, 2)
        assert (theirs["theirReceived"], theirs["theirRead"]) == (4, 2)
    with Person(storing.ws, bob) as plain:  # the same user with a simpler client
        assert plain.receive("chat")["seq"] == 5
        assert plain.hears_nothing()


def test_a_clock_that_was_set_back_hides_no_missed_message(start_server: StartServer, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/chat.db"
    clock = Clock()
    storage = open_storage(url, clock)
    for text in ("1", "2", "3"):
        clock.now -= 100
        storage.writer.commit([Send("alice", "bob", text, text)])
    storage.close()
    server = start_server(CHAT_DATABASE_URL=url)
    with Person(server.ws, "bob") as plain:
        assert [event["seq"] for event in chats(plain, 3)] == [1, 2, 3]
        assert plain.hears_nothing()


def test_what_was_missed_in_very_many_conversations_comes_once_while_pointers_move(
    start_server: StartServer, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/chat.db"
    storage = open_storage(url)
    others = [f"other{n}" for n in range(1_500)]  # some twenty pages
    for text in ("1", "2"):
        storage.writer.commit([Send(other, "bob", text, None) for other in others])
        storage.writer.commit([Send("bob", other, "an answer", None) for other in others[::2]])
    server = start_server(CHAT_DATABASE_URL=url)
    with Person(server.ws, "bob") as plain:
        heard = [(e["fromUserId"], e["message"]) for e in chats(plain, 3_000)]
        assert sorted(heard) == sorted((other, text) for other in others for text in ("1", "2"))
        assert heard.index(("other7", "1")) < heard.index(("other7", "2"))
        assert plain.hears_nothing()
        until = time.monotonic() + POINTER_SECONDS
        while (left := storage.messages.behind("bob", 0, 5_000)) and (time.monotonic() < until):
            time.sleep(0.05)
        assert not left, "own messages are passed over as well"
    storage.close()


def test_what_was_missed_in_the_oldest_of_very_many_conversations_comes_too(
    start_server: StartServer, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/chat.db"
    clock = Clock()
    storage = open_storage(url, clock)
    storage.writer.commit([Send("alice", "bob", "long ago", None)])
    clock.now += 100
    others = [f"other{n}" for n in range(1_001)]  # `ready` tells of a thousand
    storage.writer.commit(
        [Send(other, "bob", "hi", None) for other in others], [Pointer("bob", other, 1, 0) for other in others]
    )
    storage.close()
    server = start_server(CHAT_DATABASE_URL=url)
    with Person(server.ws, "bob") as plain:
        assert plain.ready["more"]
        assert plain.receive("chat")["message"] == "long ago"
        assert plain.hears_nothing()


# Receipts.


def receipt_of(person: Person) -> tuple[str, str, int, int]:
    event = person.receive("receipt")
    return event["userId"], event["withUserId"], event["received"], event["read"]


def test_receipts_go_to_the_other_side_and_to_ones_own_other_sockets(storing: Server, names: tuple[str, str]) -> None:
    alice, bob = names
    with (
        sync(storing, alice) as sender,
        sync(storing, alice) as senders_tab,
        sync(storing, bob) as receiver,
        sync(storing, bob) as receivers_tab,
        sync(storing, f"carol-{bob}") as stranger,
    ):
        for n in range(3):
            say(sender, bob, str(n))
        for person in (senders_tab, receiver, receivers_tab):
            chats(person, 3)
        receiver.ask(type="received", withUserId=alice, seq=2)
        for person in (sender, senders_tab, receivers_tab):
            assert receipt_of(person) == (bob, alice, 2, 0)
        receivers_tab.ask(type="read", withUserId=alice, seq=3)
        for person in (sender, senders_tab, receiver):
            assert receipt_of(person) == (bob, alice, 3, 3), "read is received as well"
        for person in (sender, receiver, receivers_tab, stranger):
            assert person.hears_nothing()


def test_pointers_never_move_back_nor_beyond_the_last_message(storing: Server, names: tuple[str, str]) -> None:
    alice, bob = names
    with sync(storing, alice) as sender, sync(storing, bob) as receiver:
        assert receiver.ask(type="read", withUserId=alice, seq=7)["type"] == "ack", "nothing there"
        for n in range(5):
            say(sender, bob, str(n))
        chats(receiver, 5)
        receiver.ask(type="received", withUserId=alice, seq=4)
        assert receipt_of(sender) == (bob, alice, 4, 0)
        for kind, seq in (("received", 1), ("received", 4), ("received", 0), ("read", 0)):
            assert receiver.ask(type=kind, withUserId=alice, seq=seq)["type"] == "ack"
        assert sender.hears_nothing(), "nothing moved"
        receiver.ask(type="read", withUserId=alice, seq=2)
        assert receipt_of(sender) == (bob, alice, 4, 2)
        receiver.ask(type="read", withUserId=alice, seq=1_000_000)
        assert receipt_of(sender) == (bob, alice, 5, 5)
    conversation = Api(storing, bob).conversation(alice)
    assert (conversation["received"], conversation["read"], conversation["unread"]) == (5, 5, 0)


def test_ones_own_messages_are_never_unread(storing: Server, names: tuple[str, str]) -> None:
    alice, bob = names
    with sync(storing, alice) as one, sync(storing, bob) as other:
        say(one, bob, "1")
        say(other, alice, "2")
        say(one, bob, "3")
        say(one, alice, "a note to myself")
    assert Api(storing, alice).conversation(bob)["unread"] == 1
    assert Api(storing, bob).conversation(alice)["unread"] == 2
    assert Api(storing, alice).conversation(alice)["unread"] == 0


# A journal with its hands full.


@contextmanager
def locked(database: Path) -> Iterator[None]:
    holder = sqlite3.connect(database, isolation_level=None, timeout=10)
    holder.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        holder.execute("ROLLBACK")
        holder.close()


def test_a_full_journal_refuses_and_keeps_what_it_took(start_server: StartServer, tmp_path: Path) -> None:
    bound, sends = 20, 100
    database = tmp_path / "chat.db"
    server = start_server(CHAT_DATABASE_URL=f"sqlite:///{database}", CHAT_JOURNAL_RECORDS=str(bound))
    with sync(server, "alice") as sender, sync(server, "bob") as receiver:
        say(sender, "bob", "first", clientId="first")
        assert receiver.receive("chat")["message"] == "first"
        with locked(database):
            for n in range(sends):
                event = {"type": "chat", "toUserId": "bob", "message": str(n)}
                sender.send(**event, clientId=f"id-{n}", ref=n)
            errors = [sender.receive("error") for _ in range(sends - 2 * bound)]
            assert {error["code"] for error in errors} == {"busy"}
            assert receiver.ask(type="ping")["type"] == "ack"
        answers = {error["ref"]: error for error in errors}
        while len(answers) < sends:
            answer = sender.receive()
            answers[answer["ref"]] = answer
        kept = [n for n in range(sends) if answers[n]["type"] == "ack"]
        assert bound // 2 <= len(kept) <= 2 * bound, "those that were being committed, and those that waited"
        for n in range(sends):  # the same clientIds: what was refused is new, the rest is not
            ack = say(sender, "bob", str(n), clientId=f"id-{n}")
            if n in kept:
                assert ack["seq"] == answers[n]["seq"]
        events = chats(receiver, sends)
        assert [event["seq"] for event in events] == list(range(2, sends + 2))
        texts = [str(n) for n in kept + [n for n in range(sends) if n not in kept]]
        assert [event["message"] for event in events] == texts
        assert receiver.hears_nothing()


def test_a_database_that_drops_its_connections_costs_no_message(start_server: StartServer, postgres: Postgres) -> None:
    import psycopg

    url = new_database(postgres)
    server = start_server(CHAT_DATABASE_URL=url)
    with sync(server, "alice") as sender, Person(server.ws, "bob") as receiver:
        expected = 0
        for round_ in range(3):
            for n in range(5):
                expected += 1
                assert say(sender, "bob", f"{round_} {n}", clientId=f"{round_} {n}")["seq"] == expected
            chats(receiver, 5)
            with psycopg.connect(postgres.server.replace("+psycopg", "") + "/postgres") as admin:
                admin.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                    [url.rpartition("/")[2]],
                )
            answer = say(sender, "bob", f"again {round_}", clientId=f"again {round_}")
            assert answer.get("code") in (None, "unavailable")
            expected += 1
            again = say(sender, "bob", f"again {round_}", clientId=f"again {round_}")
            assert again["seq"] == expected
            assert receiver.receive("chat")["message"] == f"again {round_}"
            with Person(server.ws) as late:  # whose question comes first to a dead connection
                answer = late.ask(type="init", userId="carol")
                while answer["type"] == "error":
                    assert answer["code"] == "unavailable"
                    answer = late.ask(type="init", userId="carol")
                assert say(sender, "carol", "hi")["delivered"]
                assert late.receive("chat")["message"] == "hi"
    assert [m["seq"] for m in Api(server, "bob").messages("alice")] == list(range(1, expected + 1))
