"""What this chat does, seen from outside: a real server, an independent client, two people."""

from __future__ import annotations

import itertools
import json
import re
import time
from datetime import datetime
from typing import Any

import pytest
import requests
from websockets.sync.client import connect

from chat.protocol.structs import FEATURES, PROTOCOL_VERSION
from chat.resources import VERSION
from tests import clients
from tests.conftest import Server, StartServer

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


NAMES = {"userId", "toUserId", "fromUserId", "withUserId"}
_test_numbers = itertools.count(1)


class Person(clients.Person):
    """Says alice and is alice@7 on the wire: each test has people of its own on the one server."""

    suffix = ""

    def send(self, **event: Any) -> None:
        super().send(**{k: v + self.suffix if k in NAMES else v for k, v in event.items()})

    def receive(self, kind: str | None = None, seconds: float = clients.SECONDS) -> dict[str, Any]:
        event = json.dumps(super().receive(kind, seconds), ensure_ascii=False)
        found: dict[str, Any] = json.loads(event.replace(self.suffix, ""))
        return found


@pytest.fixture(autouse=True)
def _people_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Person, "suffix", f"@{next(_test_numbers)}")


def come_back(server: Server, user_id: str, **init: Any) -> Person:
    """A socket that says more in its `init` than Person does by itself."""
    person = Person(server.ws)
    person.send(type="init", userId=user_id, **init)
    person.ready = person.receive("ready")
    return person


def hears_receipts_at_most(person: Person) -> bool:
    """Whether nothing but receipts, which plain clients' messages bring, comes before a pong."""
    person.send(type="ping")
    while (kind := person.receive()["type"]) == "receipt":
        pass
    return kind == "pong"


def test_a_client_that_knows_only_the_tutorial_works_unchanged(server: Server) -> None:
    """No path, no sub-protocol, no Origin, fields as the tutorial sends and shows them."""
    with Person(server.ws) as alice, Person(server.ws) as bob:
        alice.send(type="init", userId="alice")
        bob.send(type="init", userId="bob")
        bob.receive("ready")
        alice.send(type="chat", fromUserId="alice", toUserId="bob", message="hi")
        event = bob.receive("chat")
        assert (event["fromUserId"], event["message"]) == ("alice", "hi")
        assert TIMESTAMP.fullmatch(event["timestamp"])


def test_every_socket_of_both_gets_the_message_but_the_one_that_sent_it(server: Server) -> None:
    with (
        Person(server.ws, "alice") as sender,
        Person(server.ws + "/ws", "alice") as senders_other_tab,
        Person(server.ws, "bob") as tab,
        Person(server.ws, "bob") as phone,
        Person(server.ws, "carol") as stranger,
    ):
        assert sender.ask(type="chat", toUserId="bob", message="hi")["delivered"] is True
        for person in (senders_other_tab, tab, phone):
            event = person.receive("chat")
            assert (event["message"], event["seq"]) == ("hi", 1)
        assert hears_receipts_at_most(sender)
        assert stranger.hears_nothing()


def test_closing_one_socket_leaves_the_others_in_the_dict(server: Server) -> None:
    with Person(server.ws, "alice") as alice, Person(server.ws, "bob") as first:
        with Person(server.ws, "bob"):
            pass
        assert alice.ask(type="chat", toUserId="bob", message="still there?")["delivered"] is True
        assert first.receive("chat")["message"] == "still there?"
        first.close()
        assert alice.ask(type="chat", toUserId="bob", message="and now?")["delivered"] is False


def test_a_socket_that_sends_init_as_another_user_moves(server: Server) -> None:
    with Person(server.ws, "alice") as alice, Person(server.ws, "dan") as mover:
        mover.send(type="init", userId="erin")
        mover.receive("ready")
        assert alice.ask(type="chat", toUserId="dan", message="hi")["delivered"] is False
        assert alice.ask(type="chat", toUserId="erin", message="hi")["delivered"] is True
        assert mover.ask(type="chat", toUserId="alice", fromUserId="dan", message="x")["code"] == ("forbidden")
        mover.ask(type="chat", toUserId="alice", message="it is me")
        assert alice.receive("chat")["fromUserId"] == "erin"


def test_nothing_but_init_and_ping_is_heard_before_init(server: Server) -> None:
    with Person(server.ws) as nobody, Person(server.ws, "bob") as bob:
        for event in ({"type": "chat", "message": "hi"}, {"type": "typing"}):
            assert nobody.ask(toUserId="bob", **event)["code"] == "not_initialised"
        assert nobody.ask(type="ping")["type"] == "ack"
        assert bob.hears_nothing()


def test_typing_is_passed_on_to_the_other_side_only(server: Server) -> None:
    with Person(server.ws, "alice") as alice, Person(server.ws, "alice") as other_tab, Person(server.ws, "bob") as bob:
        assert alice.ask(type="typing", toUserId="bob") == {"type": "ack", "ref": "asked"}
        hint = bob.receive()
        assert (hint["type"], hint["fromUserId"]) == ("typing", "alice")
        assert other_tab.hears_nothing()


def test_a_ping_is_answered_by_a_pong_and_with_a_ref_by_an_ack_as_well(server: Server) -> None:
    with Person(server.ws) as someone:
        someone.send(type="ping", ref=7)
        assert [someone.receive()["type"] for _ in range(2)] == ["pong", "ack"]


def test_a_message_to_oneself_comes_once_to_each_other_tab(server: Server) -> None:
    with Person(server.ws, "solo") as here, Person(server.ws, "solo") as there:
        assert here.ask(type="chat", toUserId="solo", message="note")["delivered"] is True
        assert there.receive("chat")["message"] == "note"
        assert hears_receipts_at_most(there)
        assert hears_receipts_at_most(here)


def test_a_note_to_oneself_is_stored_even_where_there_is_no_other_tab(server: Server) -> None:
    with Person(server.ws, "solo") as here:
        answer = here.ask(type="chat", toUserId="solo", message="note")
        assert (answer["seq"], answer["delivered"]) == (1, False)
        assert here.hears_nothing()
    with Person(server.ws, "solo") as later:
        assert [row["withUserId"] for row in later.ready["conversations"]] == ["solo"]
        assert later.hears_nothing(), "one's own messages are never missed"


def test_ready_says_what_the_client_must_keep_to(server: Server) -> None:
    with Person(server.ws, "김한글") as person:
        assert abs(datetime.fromisoformat(person.ready.pop("timestamp")).timestamp() - time.time()) < 60
        assert person.ready == {
            "type": "ready",
            "v": 1,
            "features": ["blocking", "notification-changes", "dismiss-up-to", "conversation-settings", "profiles"],
            "server": f"flask-chat-server/{VERSION}",
            "epoch": person.ready["epoch"],
            "userId": "김한글",
            "heartbeat": 25.0,
            "limits": requests.get(f"{server.http}/api/limits", timeout=clients.SECONDS).json(),
            "conversations": [],
        }


def test_an_init_of_a_later_version_is_understood_and_told_what_this_one_is(server: Server) -> None:
    later = {"v": 99, "features": ["x"], "device": {"name": "phone"}, "sync": True}
    with connect(server.ws) as ws:
        ws.send(json.dumps({"type": "init", "userId": "later", **later}))
        ready = json.loads(ws.recv(clients.SECONDS))
    assert (ready["type"], ready["v"], ready["features"]) == ("ready", PROTOCOL_VERSION, FEATURES)
    assert ready["server"] == f"flask-chat-server/{VERSION}"


def test_ready_says_how_far_each_conversation_has_got(server: Server) -> None:
    with Person(server.ws, "alice") as alice:
        for other, message in (("bob", "1"), ("bob", "2"), ("carol", "1")):
            alice.ask(type="chat", toUserId=other, message=message)
    with come_back(server, "bob", sync=True) as bob:
        bob.ask(type="read", withUserId="alice", seq=1)
    with come_back(server, "alice", sync=True) as alice:
        standings = {row["withUserId"]: row for row in alice.ready["conversations"]}
        assert list(standings) == ["carol", "bob"], "that with the newest message first"
        assert standings["bob"] == {
            "withUserId": "bob",
            "lastSeq": 2,
            "received": 0,
            "read": 0,
            "theirReceived": 1,
            "theirRead": 1,
            "unread": 0,
            "presence": "online",
            "conversationId": standings["bob"]["conversationId"],
            "members": [{"userId": "bob", "received": 1, "read": 1}],
        }


# Stored.


def test_a_message_is_acknowledged_with_its_number_and_the_time_that_all_see(server: Server) -> None:
    with Person(server.ws, "alice") as alice, Person(server.ws, "bob") as bob:
        for seq in (1, 2):
            answer = alice.ask(type="chat", toUserId="bob", message="hi")
            event = bob.receive("chat")
            assert answer["seq"] == event["seq"] == seq
            assert answer["timestamp"] == event["timestamp"]
        assert bob.ask(type="chat", toUserId="alice", message="hi")["seq"] == 3


def test_a_repeated_message_gets_the_first_ones_answer_and_is_not_sent_again(server: Server) -> None:
    with Person(server.ws, "alice") as alice, Person(server.ws, "bob") as bob:
        first = alice.ask(type="chat", toUserId="bob", message="hi", clientId="m1")
        assert bob.receive("chat")["clientId"] == "m1"
        assert alice.ask(type="chat", toUserId="bob", message="hi", clientId="m1") == first | {"repeated": True}
        assert hears_receipts_at_most(bob)
        answer = alice.ask(type="chat", toUserId="bob", message="ho", clientId="m1")
        assert (answer["code"], answer["field"]) == ("conflict", "clientId")
        assert bob.ask(type="chat", toUserId="alice", message="ho", clientId="m1")["seq"] == 2


def test_without_a_client_id_the_same_text_is_another_message(server: Server) -> None:
    with Person(server.ws, "alice") as alice:
        seqs = [alice.ask(type="chat", toUserId="bob", message="hi")["seq"] for _ in range(2)]
    assert seqs == [1, 2]


# Coming back.


def test_who_knows_only_init_is_sent_what_was_missed_in_order_and_once(server: Server) -> None:
    with Person(server.ws, "alice") as alice, Person(server.ws, "carol") as carol:
        for number in range(1, 251):  # more than a page
            alice.send(type="chat", toUserId="bob", message=str(number))
        alice.ask(type="chat", toUserId="bob", message="251")
        carol.ask(type="chat", toUserId="bob", message="and I")
        with Person(server.ws, "bob") as bob:
            missed = [bob.receive("chat") for _ in range(252)]
            assert [event["seq"] for event in missed] == [*range(1, 252), 1]
            assert hears_receipts_at_most(bob)
            assert alice.receive("receipt")["userId"] == "bob"
            receipt = carol.receive("receipt")
            assert receipt == {
                "type": "receipt",
                "userId": "bob",
                "withUserId": "carol",
                "received": 1,
                "read": 0,
                "conversationId": receipt["conversationId"],
                "members": [{"userId": "bob", "received": 1, "read": 0}],
            }
        with Person(server.ws, "bob") as bob:
            assert bob.hears_nothing()


def test_who_says_sync_is_sent_nothing_that_was_missed(server: Server) -> None:
    with Person(server.ws, "alice") as alice:
        alice.ask(type="chat", toUserId="bob", message="hi")
        with come_back(server, "bob", sync=True) as bob:
            assert bob.ready["conversations"][0]["lastSeq"] == 1
            assert bob.hears_nothing()
            alice.ask(type="chat", toUserId="bob", message="ho")
            assert bob.receive("chat")["seq"] == 2


# Conversations by their ids.


def test_each_event_names_its_conversation_and_each_message_has_an_id_for_ever(server: Server) -> None:
    with Person(server.ws, "ida") as ida, come_back(server, "jo", sync=True) as jo:
        ack = ida.ask(type="chat", toUserId="jo", message="hi", clientId="c1")
        event = jo.receive("chat")
        conversation = event["conversationId"]
        assert (ack["conversationId"], ack["id"]) == (conversation, event["id"])
        assert ida.ask(type="chat", toUserId="jo", message="hi", clientId="c1")["id"] == event["id"]
        ida.ask(type="typing", toUserId="jo")
        assert jo.receive("typing")["conversationId"] == conversation
        jo.ask(type="read", withUserId="ida", seq=1)
        assert ida.receive("receipt")["conversationId"] == conversation
    with come_back(server, "ida", sync=True) as ida, Person(server.ws, "jo") as jo:
        assert [row["conversationId"] for row in ida.ready["conversations"]] == [conversation]
        other = ida.ask(type="chat", toUserId="ida", message="a note")
        assert other["conversationId"] != conversation
        assert ida.ask(type="chat", toUserId="jo", message="ho")["id"] != event["id"]


def test_a_conversation_may_be_named_by_its_id_by_its_own_users_alone(server: Server) -> None:
    with Person(server.ws, "kim") as kim, Person(server.ws, "lee") as lee, Person(server.ws, "max") as stranger:
        id_ = kim.ask(type="chat", toUserId="lee", message="by name")["conversationId"]
        lee.receive("chat")
        assert lee.ask(type="chat", conversationId=id_, message="by id")["seq"] == 2
        assert kim.receive("chat")["toUserId"] == "kim"
        kim.ask(type="typing", conversationId=id_)
        assert lee.receive("typing")["fromUserId"] == "kim"
        assert lee.ask(type="read", conversationId=id_, seq=1)["type"] == "ack"
        for event in ({"type": "chat", "message": "x"}, {"type": "typing"}, {"type": "read", "seq": 1}):
            for wrong in (id_, "~", "~x", "kim", id_ + "!", "~" + "\u00e9"):
                asker = stranger if wrong == id_ else kim
                error = asker.ask(conversationId=wrong, **event)
                assert (error["code"], error["field"]) == ("invalid_field", "conversationId"), wrong
            assert kim.ask(**event)["code"] == "missing_field"
        lee.send(type="ping")
        heard = [*iter(lambda: lee.receive()["type"], "pong")]
        assert set(heard) <= {"receipt"}, "of what kim has read, which a slow machine tells of by then"


def test_a_message_keeps_its_kind_on_each_way_and_a_bad_one_is_refused(server: Server) -> None:
    with Person(server.ws, "nia") as nia, Person(server.ws, "oli") as oli:
        asked = {"type": "chat", "toUserId": "oli", "message": "Shall we?", "kind": "x.poll-2"}
        assert nia.ask(**asked)["type"] == "ack"
        assert oli.receive("chat")["kind"] == "x.poll-2"
        nia.ask(type="chat", toUserId="oli", message="a text")
        assert "kind" not in oli.receive("chat")
        for kind in ("", "Poll", "a b", "x" * 33, "x\n", "한"):
            error = nia.ask(**asked | {"kind": kind})
            assert (error["code"], error["field"]) == ("invalid_field", "kind"), kind
        assert oli.hears_nothing()
        nia.ask(type="chat", toUserId="pam", message="for later", kind="note")
    with Person(server.ws, "pam") as pam:
        assert pam.receive("chat")["kind"] == "note"


# Receipts.


def test_a_receipt_goes_to_the_other_side_and_to_ones_own_other_tabs(server: Server) -> None:
    with (
        come_back(server, "alice", sync=True) as alice,
        come_back(server, "bob", sync=True) as bob,
        come_back(server, "bob", sync=True) as bobs_other_tab,
    ):
        alice.ask(type="chat", toUserId="bob", message="hi")
        for tab in (bob, bobs_other_tab):
            tab.receive("chat")
        receipt = {"type": "receipt", "userId": "bob", "withUserId": "alice"}
        for event, told in (("received", (1, 0)), ("read", (1, 1))):
            answer = bob.ask(type=event, withUserId="alice", seq=1)
            assert answer == {"type": "ack", "ref": "asked"}
            for tab in (alice, bobs_other_tab):
                assert tab.receive().items() >= {**receipt, "received": told[0], "read": told[1]}.items()
            assert bob.hears_nothing()


def test_pointers_only_move_forward_and_not_beyond_the_last_message(server: Server) -> None:
    with come_back(server, "alice", sync=True) as alice, come_back(server, "bob", sync=True) as bob:
        for _ in range(3):
            alice.ask(type="chat", toUserId="bob", message="hi")
        bob.ask(type="read", withUserId="alice", seq=2)
        assert alice.receive("receipt")["read"] == 2
        bob.ask(type="read", withUserId="alice", seq=1)
        bob.ask(type="received", withUserId="alice", seq=0)
        bob.ask(type="read", withUserId="nobody", seq=5)
        assert alice.hears_nothing()
        bob.ask(type="received", withUserId="alice", seq=1_000)
        found = alice.receive("receipt")
        assert (found["received"], found["read"]) == (3, 2)


@pytest.mark.parametrize("message", ["안녕하세요 👋🏽", "שלום עולם", "a\nb\tc", "<b>&amp;\\\"'", "x" * 60_000])
def test_a_text_arrives_as_it_was_sent(server: Server, message: str) -> None:
    with Person(server.ws, "alice") as alice, Person(server.ws, "bob") as bob:
        alice.send(type="chat", toUserId="bob", message=message, clientId="c-1")
        event = bob.receive("chat")
        assert (event["message"], event["clientId"]) == (message, "c-1")


def test_messages_of_one_sender_arrive_in_their_order(server: Server) -> None:
    with Person(server.ws, "alice") as alice, Person(server.ws, "bob") as bob:
        for number in range(500):
            alice.send(type="chat", toUserId="bob", message=str(number))
        assert [bob.receive("chat")["message"] for _ in range(500)] == [str(n) for n in range(500)]


def test_nothing_a_client_sends_ends_its_socket_or_anothers(server: Server) -> None:
    bad = ["", "{", "[]", "null", "{}", '{"type":"x"}', '{"a":' * 10_000, b"\x00\xff", "[" * 10_000]
    with Person(server.ws, "alice") as alice, Person(server.ws, "bob") as bob:
        for data in bad:
            alice.socket.send(data)
            assert alice.receive()["type"] == "error"
        assert alice.ask(type="chat", toUserId="bob", message="alive")["delivered"] is True
        assert bob.receive("chat")["message"] == "alive"


def test_the_log_has_a_line_for_each_of_these_and_no_message_text(server: Server) -> None:
    with Person(server.ws, "한별") as alice:
        alice.ask(type="chat", toUserId="nobody.here", message="top secret text")
        alice.close(4001)
    server.wait_for(r"connect address=127\.0\.0\.1")
    server.wait_for(r"init user='한별.+' address=127\.0\.0\.1")
    server.wait_for(r"message to an offline user: from='한별.+' to='nobody.here.+'")
    server.wait_for(r"leave user='한별.+' reason='4001' after=\d+\.\ds")
    assert "top secret" not in server.log


def test_text_in_a_traceback_cannot_be_taken_for_a_line_of_the_log(start_server: StartServer) -> None:
    server = start_server(app="tests.transport.trap_app:app")
    with Person(server.ws, "mallory") as mallory:
        forged = "\n2026-01-31 09:30:00,004 INFO chat init user='admin' address=10.0.0.1\n"
        mallory.ask(type="quote", text=forged)
    server.wait_for("a handler failed for user='mallory.+'")
    assert "user='admin'" in server.log, "need the text in the log for this to mean anything"
    assert not [line for line in server.log.splitlines() if line.startswith("2026-01-31")]


def test_nothing_that_a_handler_set_is_seen_by_the_next(start_server: StartServer) -> None:
    server = start_server(app="tests.transport.trap_app:app")
    with Person(server.ws, "alice") as alice, Person(server.ws, "bob") as bob:
        assert alice.ask(type="remember")["found"] is None
        assert bob.ask(type="remember")["found"] is None


def test_sending_from_another_thread_is_refused_and_stops_nobody(start_server: StartServer) -> None:
    server = start_server(app="tests.transport.trap_app:app")
    with Person(server.ws, "alice") as alice, Person(server.ws, "bob") as bob:
        assert alice.ask(type="emitElsewhere", toUserId="bob")["refused"] is True
        assert alice.ask(type="chat", toUserId="bob", message="hi")["delivered"] is True
        assert bob.receive("chat")["message"] == "hi"
