"""The limits: by themselves with a clock in hand, then on a real server, each below and beyond its bound."""

from __future__ import annotations

import contextlib
import json
import time
from collections import OrderedDict

import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus

from chat import login
from chat.config import Settings
from chat.errors import RateLimited
from chat.limits import BURST_SECONDS, INITS_PER_MINUTE, KEPT, LOOKED_AT, NONE, Budget, Limits, Meter, Window, origin_of
from chat.storage.records import ConversationState
from tests.clients import Person
from tests.clock import Clock
from tests.conftest import MakeChat, Server, StartServer


def test_a_meter_gives_a_minutes_worth_at_once_and_then_one_at_a_time() -> None:
    clock = Clock()
    meter = Meter(30, clock=clock)
    assert [meter.take("alice") for _ in range(31)] == [0] * 30 + [2]
    assert meter.take("bob") == 0, "another key has a limit of its own"
    clock.now += 2
    assert [meter.take("alice"), meter.take("alice")] == [0, 2]
    clock.now += 3600
    assert [meter.take("alice") for _ in range(31)] == [0] * 30 + [2]


def test_what_was_refused_is_not_spent() -> None:
    clock = Clock()
    meter = Meter(60, clock=clock)
    for _ in range(60):
        assert meter.take("alice") == 0
    assert all(meter.take("alice") == 1 for _ in range(1000))
    clock.now += 1
    assert meter.take("alice") == 0


def test_a_look_spends_nothing_and_a_window_may_be_longer_than_a_minute() -> None:
    clock = Clock()
    meter = Meter(10, 300, clock)
    assert [meter.wait("alice") for _ in range(100)] == [0] * 100
    assert [meter.take("alice") for _ in range(11)] == [0] * 10 + [30]
    assert meter.wait("alice") == 30
    clock.now += 29
    assert meter.wait("alice") == 1
    clock.now += 1
    assert [meter.wait("alice"), meter.take("alice"), meter.wait("alice")] == [0, 0, 30]
    assert Meter(0).wait("alice") == 0


def test_what_is_given_back_was_never_spent() -> None:
    clock = Clock()
    meter = Meter(10, 300, clock)
    for _ in range(100):
        assert meter.take("alice") == 0
        meter.give_back("alice")
    clock.now += 1000
    meter.give_back("alice")
    meter.give_back("nobody")
    assert [meter.take("alice") for _ in range(11)] == [0] * 10 + [30], "and it is never more than the limit"


def test_a_dear_one_costs_as_much_as_many() -> None:
    clock = Clock()
    meter = Meter(60, clock=clock)
    assert [meter.take("alice", 50), meter.take("alice", 50)] == [0, 40]
    assert meter.take("alice", 10) == 0
    assert Meter(0).take("alice", 1 << 40) == 0


def test_a_meter_forgets_who_has_earned_it_back() -> None:
    clock = Clock()
    meter = Meter(60, clock=clock)
    for number in range(2 * KEPT):
        meter.take(str(number))
    assert len(meter) == 2 * KEPT, "all are in use"
    clock.now += 1
    for number in range(2 * KEPT):
        meter.take(f"another {number}")
    assert len(meter) == 2 * KEPT, "those of before went as these came"


def test_a_meter_looks_at_few_keys_a_time_and_one_that_is_in_use_hides_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Seen(OrderedDict[str, float]):
        looks = 0

        def __iter__(self):  # type: ignore[no-untyped-def]
            Seen.looks += 1
            return super().__iter__()

    monkeypatch.setattr("chat.limits.KEPT", 20)
    clock = Clock()
    meter = Meter(1_000, 86_400, clock)
    meter._earned_at = Seen()
    for _ in range(1_000):
        meter.take("guessed all day")
    for number in range(2_000):
        meter.take(str(number))
        clock.now += 10  # what one costs is earned back in 86.4 s
    assert Seen.looks <= LOOKED_AT * 2_000
    assert len(meter) < 30


def test_a_window_lets_so_much_through_in_one_time_and_forgets_it_all_after_that() -> None:
    clock = Clock()
    window = Window(100, 60, clock)
    assert [window.take("alice", 40) for _ in range(3)] == [0, 0, 60]
    clock.now += 45
    assert [window.take("alice", 40), window.take("alice", 20), window.take("bob", 1)] == [15, 0, 0]
    clock.now += 14.5
    assert window.take("alice", 1) == 1
    clock.now += 0.5
    assert [window.take("alice", 100), window.take("alice", 1)] == [0, 60]
    for number in range(1_000):
        clock.now += 1
        window.take(str(number), 1)
        assert len(window) <= 61
    assert window.take("a message that is larger than the limit", 1_000) == 0
    assert not any(Window(0, 60).take("alice", 1 << 60) for _ in range(10))


def test_a_limit_of_0_is_none() -> None:
    meter = Meter(0)
    assert not any(meter.take("alice") for _ in range(10_000))
    assert len(meter) == 0
    assert Budget.of(0) == (0, NONE)


def test_a_budget_is_filled_up_to_four_seconds_worth() -> None:
    budget = Budget.of(10)
    assert budget.full == 10 * BURST_SECONDS
    assert budget.refilled(0) == 10
    assert budget.refilled(-5) == 5
    assert budget.refilled(35) == 40
    assert budget.refilled(40) == 40


def test_off_switches_all_limits_off() -> None:
    limits = Limits(Settings(rate_limits="off"))
    assert limits.events == limits.frames == limits.bytes == Budget.of(0)
    assert limits.sockets_per_user == limits.sockets_per_address == NONE
    for meter in (limits.messages, limits.upgrades, limits.requests):
        assert not any(meter.take("x") for _ in range(10_000))
    assert any(limits.wrong_passwords.take("x") for _ in range(11)), "this one is never off"


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("192.0.2.7:50123", "192.0.2.7"),
        ("[2001:db8:1:2::9]:50123", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::9]", "2001:db8:1:2::/64"),
        ("[::ffff:192.0.2.7]:50123", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("not:an:address", "not:an:address"),
        ("-", "-"),
    ],
)
def test_an_address_stands_for_itself_and_of_ipv6_for_its_network(address: str, origin: str) -> None:
    assert origin_of(address) == origin


# On a server. Each limit is small, so that it is met at once.


@pytest.fixture
def start(start_server: StartServer):  # type: ignore[no-untyped-def]
    def start(**env: str) -> Server:
        return start_server(CHAT_RATE_LIMITS="on", **env)

    return start


def test_too_many_events_are_answered_and_the_next_second_is_another(start) -> None:  # type: ignore[no-untyped-def]
    server = start(CHAT_EVENTS_PER_SECOND="5")
    with Person(server.ws, "alice") as alice:
        for ref in range(60):
            alice.send(type="typing", toUserId="bob", ref=ref)
        answers = [alice.receive() for _ in range(60)]
        assert [answer["ref"] for answer in answers] == list(range(60))
        within = 5 * BURST_SECONDS - 1  # init was the first
        assert {answer["type"] for answer in answers[:within]} == {"ack"}
        refused = [answer for answer in answers if answer["type"] == "error"]
        assert len(refused) >= 30
        assert {(answer["code"], answer["retryAfter"]) for answer in refused} == {("rate_limited", 1)}
        time.sleep(1.2)
        assert alice.ask(type="typing", toUserId="bob")["type"] == "ack"


@pytest.mark.parametrize(
    ("setting", "what"), [({"CHAT_FRAMES_PER_SECOND": "50"}, "ping"), ({"CHAT_BYTES_PER_SECOND": "20000"}, "bytes")]
)
def test_a_flood_closes_its_socket_with_4009_and_no_other(start, setting, what) -> None:  # type: ignore[no-untyped-def]
    server = start(**setting)
    with Person(server.ws, "alice") as alice, Person(server.ws, "bob") as bob:
        with contextlib.suppress(ConnectionClosed):
            for _ in range(300):
                if what == "ping":
                    alice.socket.ping()
                else:
                    alice.socket.send(json.dumps({"type": "ping"}) + " " * 1_000)
        assert alice.close_code() == 4009
        assert bob.ask(type="ping")["type"] == "ack"


def test_a_users_messages_are_limited_over_all_sockets_and_nothing_is_half_stored(start) -> None:  # type: ignore[no-untyped-def]
    server = start(CHAT_MESSAGES_PER_MINUTE="4")
    with Person(server.ws, "alice") as one, Person(server.ws, "alice") as two, Person(server.ws, "carol") as carol:
        answers = [
            socket.ask(type="chat", toUserId="bob", message=str(number), clientId=f"c{number}")
            for number, socket in enumerate([one, two] * 3)
        ]
        assert [answer["type"] for answer in answers] == ["ack"] * 4 + ["error"] * 2
        assert answers[4]["code"] == "rate_limited"
        assert 0 < answers[4]["retryAfter"] <= 15
        assert carol.ask(type="chat", toUserId="bob", message="hi")["type"] == "ack"
    with Person(server.ws, "bob") as bob:
        assert sorted(bob.receive("chat")["message"] for _ in range(5)) == ["0", "1", "2", "3", "hi"]


def test_the_bytes_that_an_address_has_stored_are_limited_over_all_its_users(start) -> None:  # type: ignore[no-untyped-def]
    server = start(CHAT_STORED_BYTES_PER_MINUTE="100000", CHAT_TRUSTED_PROXIES="1")

    def send(name: str, address: str) -> str:
        with Person(server.ws, name, additional_headers={"X-Forwarded-For": address}) as person:
            return str(person.ask(type="chat", toUserId="bob", message="가" * 10_000).get("code", "stored"))

    answers = [send(f"user{number}", f"2001:db8::{number}") for number in range(5)]
    assert answers == ["stored"] * 3 + ["rate_limited"] * 2
    assert send("carol", "192.0.2.1") == "stored"


def test_the_bytes_that_a_user_has_stored_in_a_day_are_limited(start) -> None:  # type: ignore[no-untyped-def]
    server = start(CHAT_STORED_BYTES_PER_DAY="100000")
    with Person(server.ws, "alice") as one, Person(server.ws, "alice") as two, Person(server.ws, "carol") as carol:
        answers = [who.ask(type="chat", toUserId="bob", message="가" * 10_000) for who in (one, two, one, two)]
        assert [answer.get("code") for answer in answers] == [None] * 3 + ["rate_limited"]
        assert 80_000 < answers[3]["retryAfter"] <= 86_400
        assert carol.ask(type="chat", toUserId="bob", message="hi")["type"] == "ack"


def test_a_user_has_so_many_sockets_and_room_again_when_one_goes(start) -> None:  # type: ignore[no-untyped-def]
    server = start(CHAT_SOCKETS_PER_USER="2")
    with Person(server.ws, "alice") as first, Person(server.ws, "alice"):
        with Person(server.ws) as third:
            third.send(type="init", userId="alice")
            assert third.receive()["code"] == "rate_limited"
            assert third.close_code() == 4010
        first.send(type="init", userId="alice", ref=1)
        assert first.receive()["type"] == "ready", "an init said again is no further socket"
        first.close()
        until = time.monotonic() + 5
        while time.monotonic() < until:
            with Person(server.ws) as again:
                again.send(type="init", userId="alice")
                if again.receive()["type"] == "ready":
                    return
    pytest.fail("alice got no socket again")


def test_an_init_that_is_said_in_a_loop_closes_the_socket_and_others_are_not_delayed(start) -> None:  # type: ignore[no-untyped-def]
    server = start()
    with Person(server.ws, "looping") as looping, Person(server.ws, "bob") as bob:
        for ref in range(INITS_PER_MINUTE + 10):
            looping.send(type="init", userId="looping", ref=ref)
        refused = looping.receive("error")
        assert refused["code"] == "rate_limited"
        assert INITS_PER_MINUTE - 1 <= refused["ref"] < INITS_PER_MINUTE + 10, "a few are earned back meanwhile"
        assert looping.close_code() == 4009
        bob.send(type="init", userId="bob")
        assert bob.receive("ready")["userId"] == "bob"


def test_an_init_after_the_first_counts_as_an_upgrade_of_its_address(start) -> None:  # type: ignore[no-untyped-def]
    server = start(CHAT_UPGRADES_PER_MINUTE="4")
    with Person(server.ws, "one") as person:
        for number in range(3):
            person.send(type="init", userId=f"other{number}")
            assert person.receive("ready")["userId"] == f"other{number}"
        person.send(type="init", userId="last")
        assert person.receive("error")["code"] == "rate_limited"
        assert person.close_code() == 4009


def test_an_init_of_many_conversations_costs_as_much_as_many(
    make_chat: MakeChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = make_chat(rate_limits="on")
    state = ConversationState("other", 1, 1, 1, 1, 1, None)
    monkeypatch.setattr(chat.storage.messages, "standings", lambda user, limit: [state] * 1_000)
    for _ in range(11):
        login._look(chat, "big")
    with pytest.raises(RateLimited):
        login._look(chat, "big")


@pytest.mark.parametrize("setting", ["CHAT_SOCKETS_PER_ADDRESS", "CHAT_UPGRADES_PER_MINUTE"])
def test_an_address_beyond_its_limit_is_answered_429_and_when_to_come_back(start, setting) -> None:  # type: ignore[no-untyped-def]
    server = start(**{setting: "3"})
    people = [Person(server.ws, f"user{number}") for number in range(3)]
    with pytest.raises(InvalidStatus) as refused:
        Person(server.ws)
    answer = refused.value.response
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1
    assert json.loads(answer.body)["error"]["code"] == "rate_limited"  # type: ignore[arg-type]
    assert requests.get(server.http, timeout=10).status_code == 200, "the page still comes"
    for person in people:
        person.close()


def test_an_address_may_ask_the_api_so_often_in_a_minute(start) -> None:  # type: ignore[no-untyped-def]
    server = start(CHAT_REQUESTS_PER_MINUTE="10")
    answers = [requests.get(f"{server.http}/api/conversations", timeout=10) for _ in range(21)]
    statuses = [answer.status_code for answer in answers]
    assert 429 in statuses
    assert statuses[:10] == [401] * 10
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["error"]["code"] == "rate_limited"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
