"""What this chat does, seen from outside: a real server, an independent client, two people."""

from __future__ import annotations

import re

import pytest

from tests.clients import Person
from tests.conftest import Server, StartServer


def test_a_client_that_knows_only_the_tutorial_works_unchanged(server: Server) -> None:
    """No path, no sub-protocol, no Origin, fields as the tutorial sends and shows them."""
    with Person(server.ws) as alice, Person(server.ws) as bob:
        alice.send(type="init", userId="alice")
        bob.send(type="init", userId="bob")
        bob.receive("ready")
        alice.send(type="chat", fromUserId="alice", toUserId="bob", message="hi")
        event = bob.receive("chat")
        assert (event["fromUserId"], event["message"]) == ("alice", "hi")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["timestamp"])


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
            assert person.receive()["message"] == "hi"
        assert sender.hears_nothing()
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
        assert mover.ask(type="chat", toUserId="alice", fromUserId="dan", message="x")["code"] == (
            "forbidden"
        )
        mover.ask(type="chat", toUserId="alice", message="it is me")
        assert alice.receive("chat")["fromUserId"] == "erin"


def test_nobody_can_send_as_somebody_else(server: Server) -> None:
    with Person(server.ws, "mallory") as mallory, Person(server.ws, "bob") as bob:
        error = mallory.ask(type="chat", fromUserId="alice", toUserId="bob", message="hi")
        assert (error["code"], error["field"]) == ("forbidden", "fromUserId")
        assert bob.hears_nothing()


def test_nothing_but_init_and_ping_is_heard_before_init(server: Server) -> None:
    with Person(server.ws) as nobody, Person(server.ws, "bob") as bob:
        for event in ({"type": "chat", "message": "hi"}, {"type": "typing"}):
            assert nobody.ask(toUserId="bob", **event)["code"] == "not_initialised"
        assert nobody.ask(type="ping")["type"] == "ack"
        assert bob.hears_nothing()


def test_typing_is_passed_on_to_the_other_side_only(server: Server) -> None:
    with (
        Person(server.ws, "alice") as alice,
        Person(server.ws, "alice") as other_tab,
        Person(server.ws, "bob") as bob,
    ):
        assert alice.ask(type="typing", toUserId="bob") == {"type": "ack", "ref": "asked"}
        assert bob.receive() == {"type": "typing", "fromUserId": "alice"}
        assert other_tab.hears_nothing()


def test_a_ping_is_answered_by_a_pong_and_with_a_ref_by_an_ack_as_well(server: Server) -> None:
    with Person(server.ws) as someone:
        someone.send(type="ping", ref=7)
        assert [someone.receive()["type"] for _ in range(2)] == ["pong", "ack"]


def test_a_message_to_oneself_comes_once_to_each_other_tab(server: Server) -> None:
    with Person(server.ws, "solo") as here, Person(server.ws, "solo") as there:
        assert here.ask(type="chat", toUserId="solo", message="note")["delivered"] is True
        assert there.receive()["message"] == "note"
        assert there.hears_nothing()
        assert here.hears_nothing()


def test_ready_says_what_the_client_must_keep_to(server: Server) -> None:
    with Person(server.ws, "김한글") as person:
        assert person.ready == {
            "type": "ready",
            "userId": "김한글",
            "heartbeat": 25.0,
            "limits": {"frameBytes": 65536, "userIdChars": 64},
        }


@pytest.mark.parametrize(
    "message", ["안녕하세요 👋🏽", "שלום עולם", "a\nb\tc", "<b>&amp;\\\"'", "x" * 60_000]
)
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
        assert bob.receive()["message"] == "alive"


def test_the_log_has_a_line_for_each_of_these_and_no_message_text(server: Server) -> None:
    with Person(server.ws, "한별") as alice:
        alice.ask(type="chat", toUserId="nobody\u200dhere", message="top secret text")
        alice.close(4001)
    server.wait_for(r"connect address=127\.0\.0\.1")
    server.wait_for(r"init user='한별' address=127\.0\.0\.1")
    server.wait_for(r"message to an offline user: from='한별' to='nobody\\u200dhere'")
    server.wait_for(r"leave user='한별' reason='4001' after=\d+\.\ds")
    assert "top secret" not in server.log


def test_text_in_a_traceback_cannot_be_taken_for_a_line_of_the_log(
    start_server: StartServer,
) -> None:
    server = start_server(app="tests.transport.trap_app:app")
    with Person(server.ws, "mallory") as mallory:
        forged = "\n2026-01-31 09:30:00,004 INFO chat init user='admin' address=10.0.0.1\n"
        mallory.ask(type="quote", text=forged)
    server.wait_for("a handler failed for user='mallory'")
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


def test_several_workers_are_refused_with_a_sentence(start_server: StartServer) -> None:
    with pytest.raises(AssertionError, match="This chat runs in one worker"):
        start_server("-w", "2")
