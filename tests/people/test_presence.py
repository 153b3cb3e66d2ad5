"""Who is there, as others are told of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chat.errors import Unavailable
from chat.people.online import Online
from chat.people.presence import SENT_AT_ONCE, SOCKETS_AT_ONCE, TOLD_AT_ONCE, Presence
from tests.clients import Person
from tests.conftest import Server, StartServer

GRACE = 5.0


class FakeSocket:
    """Takes what it is sent. Of a client that says `sync`."""

    def __init__(self) -> None:
        self.owner: str | None = None
        self.is_away = False
        self.wants_sync = True
        self.told: list[str] = []

    def send(self, frame: bytes) -> bool:
        self.told.append(frame[2:].decode())
        return True


class FakeLastSeen:
    def __init__(self, partners: dict[str, list[str]]) -> None:
        self.shared = partners
        self.noted: dict[str, int] = {}
        self.asked: list[str] = []
        self.questions = 0
        self.is_broken = False
        self.is_full = False

    def partners(self, user_id: str, limit: int) -> list[str]:
        if self.is_broken:
            raise Unavailable
        self.asked.append(user_id)
        return self.shared.get(user_id, [])[:limit]

    def partners_of(self, user_ids: list[str], limit: int) -> dict[str, list[str]]:
        self.questions += 1
        return {user_id: self.partners(user_id, limit) for user_id in user_ids}

    def note(self, seen: dict[str, int]) -> None:
        if self.is_full:
            raise Unavailable
        self.noted |= seen


class FakeStorage:
    """Calls at once what a Storage has its threads call."""

    user_key = str

    def __init__(self, last_seen: FakeLastSeen) -> None:
        self.last_seen = last_seen

    def in_thread(self, function: Callable[..., Any], *args: Any) -> Any:
        return function(*args)

    write = in_thread


class Scene:
    """Alice and bob share a conversation, bob is here; the clock is ours."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.wall = 1_000_000.0  # what somebody may set
        self.last_seen = FakeLastSeen({"alice": ["bob", "gone"], "bob": ["alice"]})
        self.online: Online[Any] = Online()
        storage: Any = FakeStorage(self.last_seen)
        self.presence = Presence(storage, self.online, GRACE, clock=lambda: self.wall, steady=lambda: self.now)
        self.bob = self.socket("bob")
        self.presence.came("bob", ["alice"])

    def socket(self, user_id: str) -> FakeSocket:
        socket = FakeSocket()
        self.online.add(user_id, socket)
        return socket

    def come(self) -> FakeSocket:
        socket = self.socket("alice")
        self.presence.came("alice", ["bob", "gone"])
        return socket

    def leave(self, socket: FakeSocket, name: str = "alice") -> None:
        self.online.remove(socket)
        self.presence.left(name)

    def after(self, seconds: float) -> None:
        self.now += seconds
        self.wall += seconds
        self.presence.settle()

    def told(self) -> list[str]:
        """What bob was told since the last time: the statuses of alice."""
        told, self.bob.told = self.bob.told, []
        return [text.partition('"status":"')[2].partition('"')[0] for text in told]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_reload_tells_nobody_anything(scene: Scene) -> None:
    first = scene.come()
    assert scene.told() == ["online"], "need somebody who is told for this to mean anything"
    scene.leave(first)
    scene.after(GRACE - 0.1)
    assert scene.presence.status_of("alice") == "online"
    scene.come()
    scene.after(GRACE)
    assert scene.told() == []
    assert scene.last_seen.noted == {}


def test_the_site_is_told_once_of_who_comes_and_once_of_who_leaves(scene: Scene) -> None:
    told: list[str] = []
    scene.presence.told_came, scene.presence.told_left = (
        (lambda _: told.append("came")),
        (lambda _: told.append("left")),
    )
    first, second = scene.come(), scene.come()
    scene.leave(first)
    scene.after(GRACE + 0.5)
    assert told == ["came"]
    scene.leave(second)
    scene.leave(scene.come())  # a reload
    scene.after(GRACE + 0.5)
    scene.after(GRACE + 0.5)
    assert told == ["came", "left"]


def test_who_leaves_is_offline_after_the_grace_and_was_seen_when_they_left(scene: Scene) -> None:
    socket = scene.come()
    scene.leave(socket)
    left_at = scene.now
    scene.after(GRACE + 0.5)
    assert scene.told() == ["online", "offline"]
    assert scene.presence.status_of("alice") == "offline"
    assert scene.last_seen.noted == {"alice": int(left_at * 1000)}


def test_who_leaves_again_within_the_grace_gets_it_anew(scene: Scene) -> None:
    scene.leave(scene.come())
    scene.after(GRACE - 1)
    scene.leave(scene.come())
    scene.after(2)
    assert scene.told() == ["online"]
    scene.after(GRACE)
    assert scene.told() == ["offline"]


def test_who_leaves_is_offline_after_the_grace_though_the_clock_is_set_back_by_an_hour(scene: Scene) -> None:
    scene.leave(scene.come())
    scene.wall -= 3_600
    scene.after(GRACE + 0.5)
    assert scene.told() == ["online", "offline"]
    scene.come()
    scene.wall += 7_200
    scene.leave(scene.come())
    scene.after(0.5)
    assert scene.told() == ["online"], "nor before it, where it is set forward"


def test_away_means_that_all_of_ones_sockets_are(scene: Scene) -> None:
    one, other = scene.come(), scene.come()
    scene.told()
    one.is_away = True
    scene.presence.changed("alice")
    scene.after(1)
    assert scene.told() == []
    other.is_away = True
    scene.presence.changed("alice")
    scene.after(1)
    assert scene.told() == ["away"]
    scene.leave(other)
    scene.after(1)
    assert scene.told() == []
    one.is_away = False
    scene.presence.changed("alice")
    scene.after(1)
    assert scene.told() == ["online"]


def test_a_tab_that_is_left_while_the_others_are_away_makes_its_user_away(scene: Scene) -> None:
    hidden, seen = scene.come(), scene.come()
    hidden.is_away = True
    scene.told()
    scene.leave(seen)
    scene.after(1)
    assert scene.told() == ["away"]


def test_switching_to_and_fro_is_told_once_a_second_at_most(scene: Scene) -> None:
    socket = scene.come()
    scene.told()
    for _ in range(100):
        socket.is_away = not socket.is_away
        scene.presence.changed("alice")
    socket.is_away = True
    scene.after(1)
    assert scene.told() == ["away"]
    assert scene.last_seen.asked == ["alice"]


def test_who_shares_no_conversation_is_neither_told_of_nor_remembered(scene: Scene) -> None:
    stranger = scene.socket("stranger")
    scene.presence.came("stranger", [])
    scene.leave(stranger, "stranger")
    scene.after(GRACE + 1)
    assert scene.told() == []
    assert scene.last_seen.noted == {}


def test_where_the_database_is_away_it_is_told_later(scene: Scene) -> None:
    socket = scene.come()
    scene.told()
    socket.is_away = True
    scene.presence.changed("alice")
    scene.last_seen.is_broken = True
    scene.after(1)
    assert scene.told() == []
    scene.leave(socket)
    scene.after(GRACE + 1)
    scene.last_seen.is_broken = False
    scene.after(1)
    assert scene.told() == ["offline"]


def test_where_the_disk_is_full_it_is_told_at_once(scene: Scene) -> None:
    socket = scene.come()
    scene.told()
    scene.last_seen.is_full = True
    scene.leave(socket)
    scene.after(GRACE + 1)
    assert scene.told() == ["offline"]
    scene.last_seen.is_full = False
    scene.after(1)
    assert scene.told() == [], "told once"


@pytest.mark.alone
def test_fifteen_thousand_who_leave_at_once_are_looked_at_within_a_blink(scene: Scene) -> None:
    for number in range(15_000):
        scene.presence.left(f"nobody{number}")
    scene.now += 1
    start = time.perf_counter()
    scene.presence.settle()
    assert time.perf_counter() - start < 0.1, "on the event loop, while nobody is due yet"


# On the wire.


@pytest.fixture(scope="module")
def server(_start: StartServer) -> Iterator[Server]:
    running = _start(CHAT_PRESENCE_SECONDS="0.2")
    yield running
    running.end()


def sync(server: Server, name: str) -> Person:
    person = Person(server.ws)
    person.send(type="init", userId=name, sync=True)
    person.ready = person.receive("ready")
    return person


def test_the_other_side_sees_somebody_come_look_away_and_leave(server: Server) -> None:
    with sync(server, "alice") as alice:
        alice.send(type="chat", toUserId="bob", message="hi")
        assert alice.receive("presence") == {
            "type": "presence", "userId": "bob", "status": "offline",
        }  # fmt: skip
        with sync(server, "bob") as bob:
            assert alice.receive("presence")["status"] == "online"
            assert bob.ask(type="away") == {"type": "ack", "ref": "asked"}
            assert alice.receive("presence")["status"] == "away"
            bob.send(type="back")
            assert alice.receive("presence")["status"] == "online"
        gone = alice.receive("presence")
        assert gone["status"] == "offline"
    with sync(server, "alice") as alice:
        [standing] = alice.ready["conversations"]
        assert (standing["presence"], standing["lastSeen"]) == ("offline", gone["lastSeen"])


def test_a_socket_that_becomes_another_users_leaves_the_first_one(server: Server) -> None:
    with sync(server, "ann") as ann, sync(server, "ben") as socket:
        ann.send(type="chat", toUserId="ben", message="hi")
        assert ann.receive("presence")["status"] == "online"
        socket.send(type="init", userId="carl")
        assert ann.receive("presence")["status"] == "offline"


def test_who_is_here_when_the_server_stops_was_seen_then(scene: Scene) -> None:
    scene.come()
    scene.socket("stranger")
    scene.presence.came("stranger", [])
    scene.wall += 60
    scene.presence.stop()
    now_ms = int(scene.wall * 1000)
    assert scene.last_seen.noted == {"alice": now_ms, "bob": now_ms}


def test_a_server_that_stops_on_a_full_disk_shows_no_bug(scene: Scene) -> None:
    scene.come()
    scene.last_seen.is_full = True
    scene.presence.stop()
    assert scene.last_seen.noted == {}


def test_of_many_who_leave_at_once_all_are_told(scene: Scene) -> None:
    names = [f"pupil{n}" for n in range(3 * TOLD_AT_ONCE + 1)]
    for name in names:
        scene.last_seen.shared[name] = ["bob"]
        socket = scene.socket(name)
        scene.presence.came(name, ["bob"])
        scene.leave(socket, name)
    scene.bob.told.clear()
    scene.after(GRACE + 1)
    assert sum('"offline"' in text for text in scene.bob.told) == len(names)
    assert scene.last_seen.questions == 4, "one for all of a part: each question of its own is a thread's job"


def come_many(scene: Scene, many: int) -> None:
    for number in range(many):
        scene.socket(f"pupil{number}")
        scene.presence.came(f"pupil{number}", ["bob"])


def test_of_a_storm_what_is_beyond_a_bound_waits_for_the_sweep_and_goes_out_in_its_order(scene: Scene) -> None:
    come_many(scene, SENT_AT_ONCE)
    assert len(scene.bob.told) == SENT_AT_ONCE, "need some at once for this to mean anything"
    alice = scene.come()
    alice.is_away = True
    scene.presence.introduce("bob", "alice")
    assert len(scene.bob.told) == SENT_AT_ONCE
    scene.after(1)
    assert scene.told()[-2:] == ["online", "away"]
    scene.presence.changed("alice")
    scene.after(1)
    assert scene.told() == ["away"]
    come_many(scene, 1)
    assert scene.told() == [], "who is told of already is no news"
    scene.socket("late")
    scene.presence.came("late", ["bob"])
    assert scene.told() == ["online"], "the next second begins anew"


def test_who_is_blocked_is_told_offline_behind_what_waits(scene: Scene) -> None:
    come_many(scene, SENT_AT_ONCE)
    scene.come()
    scene.presence.introduce("bob", "alice", are_apart=True)
    scene.after(1)
    assert scene.told()[-2:] == ["online", "offline"]


def test_what_waits_for_a_socket_that_is_anothers_now_is_dropped(scene: Scene) -> None:
    come_many(scene, SENT_AT_ONCE)
    scene.come()
    scene.online.add("eve", scene.bob)
    scene.bob.told.clear()
    scene.after(1)
    assert not scene.bob.told


def test_sockets_that_get_what_waited_leave_others_their_turns(scene: Scene) -> None:
    sockets = [scene.socket(f"partner{number}") for number in range(3 * SOCKETS_AT_ONCE)]
    come_many(scene, SENT_AT_ONCE)
    scene.presence.came("carol", [])
    carol = scene.socket("carol")
    scene.presence.came("carol", [f"partner{number}" for number in range(len(sockets))])
    assert not sockets[0].told
    counts: list[int] = []
    scene.presence.pause = lambda: counts.append(sum(len(socket.told) for socket in sockets))
    scene.after(1)
    assert counts[:3] == [SOCKETS_AT_ONCE, 2 * SOCKETS_AT_ONCE, 3 * SOCKETS_AT_ONCE]
    scene.leave(carol, "carol")


def test_a_bot_is_online_without_a_socket_and_stays_so() -> None:
    scene = Scene()
    scene.presence.bots = {"alice"}
    assert scene.presence.status_of("alice") == "online"
    scene.presence.introduce("bob", "alice")
    assert scene.told() == ["online"]
    socket = scene.come()
    scene.leave(socket)
    scene.told()
    scene.after(10 * GRACE)
    assert (scene.told(), scene.presence.status_of("alice")) == ([], "online")
    assert scene.presence._leaving == {}  # nothing is looked at again with each sweep
