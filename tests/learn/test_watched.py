"""A socket that is watched, on a real server: it hears of its own frames, has its own faults, and nobody else notices."""

from __future__ import annotations

from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from chat.client import Client
from chat.learn.race import TABS, race
from chat.learn.watched import Watched
from tests.clients import Person
from tests.conftest import Server

ADDRESS = "/learn/ws?key=0123456789abcdef&step=frame"


def frames(person: Person, count: int) -> list[dict[str, Any]]:
    """The next frames that the person is told of."""
    found: list[dict[str, Any]] = []
    while len(found) < count:
        found += person.receive("wire")["frames"]
    return found


def test_a_socket_becomes_a_watched_one_and_an_ordinary_one_again_because_it_has_the_same_slots() -> None:
    assert Watched.__slots__ == ()
    assert not set(vars(Watched)) & set(Client.__slots__), "need Client's slots to stay Client's"


def test_a_socket_hears_of_its_frames_both_ways_with_what_no_script_of_a_browser_sees(server: Server) -> None:
    alice = Person(server.ws, "alice")
    assert alice.ask(type="learn", do="watch")["type"] == "ack"  # what comes behind it in one read is not told yet
    alice.socket.ping("x")
    [_, ping, pong] = frames(alice, 3)
    assert (ping["from"], ping["opcode"], ping["size"], len(ping["mask"])) == ("browser", 9, 2 + 4 + 1, 8)
    assert (pong["from"], pong["opcode"], pong["size"], pong["mask"], pong["text"]) == ("server", 10, 3, "", "78")
    alice.send(type="typing", toUserId="bob", ref=1)
    [asked, ack] = frames(alice, 2)
    assert asked["text"] == '{"type": "typing", "toUserId": "bob", "ref": 1}'
    assert (asked["fin"], asked["opcode"], ack["text"]) == (1, 1, '{"type":"ack","ref":1}')
    alice.send(type="learn", do="unwatch")
    assert len(frames(alice, 1)) == 1  # the last one: it was there before it was handled
    alice.send(type="typing", toUserId="bob", ref=2)
    assert alice.receive() == {"type": "ack", "ref": 2}
    assert alice.hears_nothing()


def test_a_frame_that_comes_in_pieces_is_told_once_and_whole(server: Server) -> None:
    alice = Person(server.ws + ADDRESS)
    assert alice.ask(type="learn", do="watch")["type"] == "ack"
    alice.socket.send(["안", "녕"])  # a message in fragments
    found = [frame for frame in frames(alice, 5) if frame["from"] == "browser"]
    assert [(frame["opcode"], frame["fin"], frame["text"]) for frame in found[-3:]] == [
        (1, 0, "안"), (0, 0, "녕".encode().hex()), (0, 1, ""),
    ]  # fmt: skip


def test_a_pupil_hears_of_its_handshake_and_of_no_cookie(server: Server) -> None:
    pupil = Person(server.ws + ADDRESS, additional_headers={"Cookie": "session=secret"})
    told = pupil.receive("handshake")
    assert told["request"][0] == f"GET {ADDRESS} HTTP/1.1"
    assert "Cookie: …" in told["request"]
    assert told["answer"][0] == "HTTP/1.1 101 Switching Protocols"


def test_a_pupils_message_is_told_by_its_stages_in_measured_microseconds(server: Server) -> None:
    one, _other = Person(server.ws + ADDRESS, "pupil"), Person(server.ws + ADDRESS, "pupil")
    one.send(type="chat", toUserId="pupil", message="hi", ref=1)
    way = one.receive("way")
    stages = {stage["name"]: stage["us"] for stage in way["stages"]}
    assert [*stages] == ["read", "decode", "handle", "gather", "commit", "deliver", "acknowledge", "write"]
    assert all(us > 0 for us in stages.values())
    assert stages["commit"] > stages["decode"]
    assert sum(stages.values()) <= way["whole"]


def test_a_lost_ack_and_a_repeated_message_meet_the_socket_that_asked_alone(server: Server) -> None:
    one, other = Person(server.ws + ADDRESS, "faulty"), Person(server.ws + ADDRESS, "faulty")
    one.send(type="learn", do="lose_ack")
    for ref in (1, 2):
        one.send(type="chat", toUserId="faulty", message="hi", clientId="c", ref=ref)
    ack = one.receive("ack")
    assert (ack["ref"], ack["seq"], ack["repeated"]) == (2, 1, True)
    other.send(type="learn", do="send_twice")
    assert other.ask(type="typing", toUserId="bob") == {"type": "ack", "ref": "asked"}
    one.send(type="chat", toUserId="faulty", message="again")
    assert [other.receive("chat")["seq"] for _ in range(2)] == [2, 2]


def test_a_line_is_cut_without_a_close_frame_and_the_server_stays_away_for_this_pupil_alone(server: Server) -> None:
    address = server.ws + ADDRESS.replace("0", "a")
    pupil, other = Person(address, "cut"), Person(server.ws, "somebody")
    pupil.send(type="learn", do="cut", seconds=5)
    assert pupil.close_code() == 1006
    with pytest.raises(ConnectionClosed):
        Person(address, "cut")
    assert other.hears_nothing()
    assert Person(server.ws + ADDRESS, "another").ready


def test_a_pupil_is_told_which_sockets_the_dict_holds_of_them(server: Server) -> None:
    one = Person(server.ws + ADDRESS, "tabs")
    first = one.receive("people")
    assert (first["user"], first["sockets"]) == ("tabs", [first["mine"]])
    other = Person(server.ws + ADDRESS, "tabs")
    assert len(one.receive("people")["sockets"]) == 2
    other.socket.close()
    assert one.receive("people")["sockets"] == [first["mine"]]


def test_without_the_lock_the_toy_loses_tabs_and_with_it_none() -> None:
    assert len(race(has_lock=False)) < TABS
    assert sorted(race(has_lock=True)) == [*range(1, TABS + 1)]
