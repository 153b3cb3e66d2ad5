"""Notifications on a running server, as programs push them and people's screens get them."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import create_engine, text
from websockets.frames import Opcode

from chat.notifications.feed import PAGE
from tests.clients import Person
from tests.conftest import Server, StartServer
from tests.notifications.helpers import SECONDS, a_name, ask, finished, listed, push, token_of, wait_until_seen
from tests.transport.peers import RawClient


@pytest.fixture(scope="module")
def server(storing: Server) -> Server:
    """On each of the two engines."""
    return storing


def a_person(server: Server, name: str, **init: Any) -> Person:
    person = Person(server.ws)
    person.send(type="init", userId=name, **init)
    person.ready = person.receive("ready")
    return person


def test_a_notification_reaches_every_socket_of_its_user_and_nobody_else(server: Server) -> None:
    bob, carol = a_name("bob"), a_name("carol")
    with Person(server.ws, bob) as one, Person(server.ws, bob) as two, Person(server.ws, carol) as other:
        answer = push(
            server, toUserId=bob.upper(), message="Green <b>", title="CI", link="/7",
            level="success", expiresIn=60,
        )  # fmt: skip
        assert answer.status_code == 201
        id_ = answer.json()["id"]
        assert answer.json() == {"notificationId": id_, "id": id_, "sockets": 2}
        shown = one.receive("notification")
        assert two.receive("notification") == shown
        assert shown.pop("timestamp") < shown["expires"] == shown.pop("expiresAt")
        assert shown.pop("expires")
        assert shown == {
            "type": "notification", "notificationId": id_, "id": id_, "message": "Green <b>",
            "title": "CI", "link": "/7", "level": "success",
        }  # fmt: skip
        assert other.hears_nothing()


def test_whoever_was_away_is_sent_what_waits_the_oldest_first(server: Server) -> None:
    bob = a_name("bob")
    ids = [push(server, toUserId=bob, message=f"m{n}").json()["id"] for n in range(3)]
    with a_person(server, bob, sync=True) as person:
        assert person.ready["unseen"] == 3
        assert [person.receive("notification")["id"] for _ in ids] == ids
        assert person.hears_nothing()
    with a_person(server, bob, sync=True) as again:  # nobody has said that they were seen
        assert [again.receive()["id"] for _ in ids] == ids


def test_who_says_sync_is_sent_the_newest_of_what_waits_in_their_order(server: Server) -> None:
    bob = a_name("bob")
    ids = [push(server, toUserId=bob, message=f"m{n}").json()["id"] for n in range(PAGE + 3)]
    with a_person(server, bob, sync=True) as person:
        assert person.ready["unseen"] == PAGE + 3
        assert [person.receive("notification")["id"] for _ in range(PAGE)] == ids[3:]
        assert person.hears_nothing()


def test_a_screen_that_was_away_learns_what_was_seen_and_dismissed_on_another(server: Server) -> None:
    bob = a_name("bob")
    ids = [push(server, toUserId=bob, message=f"m{n}").json()["id"] for n in range(4)]
    with a_person(server, bob, sync=True) as away:
        assert "notificationChange" not in away.ready
    with a_person(server, bob, sync=True) as here, a_person(server, bob, sync=True) as other:
        here.ask(type="seen", notificationId=ids[0])
        here.ask(type="dismiss", notificationId=ids[1])
        assert "code" not in here.ask(type="seen", upTo=ids[2])
        here.ask(type="seen", upTo=ids[2])  # nothing is left to be seen
        told = [other.receive("seen"), other.receive("dismissed"), other.receive("seen")]
        assert told == [
            {"type": "seen", "notificationId": ids[0], "change": 1},
            {"type": "dismissed", "notificationId": ids[1], "change": 2},
            {"type": "seen", "notificationId": ids[2], "upTo": ids[2], "change": 3},
        ]
        assert other.hears_nothing()
    with a_person(server, bob, sync=True) as back:
        assert (back.ready["unseen"], back.ready["notificationChange"]) == (1, 3)
    first = ask(server, bob, "GET", "/changes?after=0&limit=2").json()
    assert first.pop("epoch") == back.ready["epoch"]
    assert first == {
        "changes": [
            {"change": 1, "notificationId": ids[0], "seen": True, "dismissed": False},
            {"change": 2, "notificationId": ids[1], "seen": False, "dismissed": True},
        ],
        "change": 3, "more": True, "incomplete": False,
    }  # fmt: skip
    rest = ask(server, bob, "GET", "/changes?after=2").json()
    assert ([one["change"] for one in rest["changes"]], rest["more"]) == ([3], False)


def test_seen_and_dismiss_name_one_or_all_up_to_one(server: Server) -> None:
    with a_person(server, a_name("bob"), sync=True) as person:
        for kind in ("seen", "dismiss"):
            neither, both = person.ask(type=kind), person.ask(type=kind, notificationId=1, upTo=2)
            assert (neither["code"], neither["field"]) == ("missing_field", "notificationId")
            assert (both["code"], both["field"]) == ("invalid_field", "upTo")


def test_all_up_to_one_are_dismissed_at_once_on_all_screens_and_nobody_elses(server: Server) -> None:
    bob, carol = a_name("bob"), a_name("carol")
    ids = [push(server, toUserId=who, message="hi").json()["id"] for who in (bob, carol, bob, bob, bob)]
    with a_person(server, bob, sync=True) as here, a_person(server, bob, sync=True) as other:
        assert "code" not in here.ask(type="dismiss", upTo=ids[2])
        assert other.receive("dismissed") == {
            "type": "dismissed", "notificationId": ids[2], "upTo": ids[2], "change": 2,
        }  # fmt: skip
        assert [one["id"] for one in listed(server, bob)["notifications"]] == [ids[4], ids[3]]
        url, headers = f"{server.http}/api/notifications/dismiss", {"Authorization": f"Bearer {token_of(server, bob)}"}
        assert requests.post(url, json={"upTo": ids[4]}, headers=headers, timeout=SECONDS).status_code == 204
        assert here.receive("dismissed")["upTo"] == ids[4]
    assert listed(server, bob)["notifications"] == []
    assert listed(server, carol)["unseen"] == 1


def test_a_program_without_a_socket_says_what_was_seen_over_http(server: Server) -> None:
    bob = a_name("bob")
    ids = [push(server, toUserId=bob, message="hi").json()["id"] for _ in range(2)]
    headers = {"Authorization": f"Bearer {token_of(server, bob)}"}
    with a_person(server, bob, sync=True) as person:
        url = f"{server.http}/api/notifications/seen"
        answer = requests.post(url, json={"upTo": ids[1]}, headers=headers, timeout=SECONDS)
        assert (answer.status_code, listed(server, bob)["unseen"]) == (204, 0)
        assert person.receive("seen")["upTo"] == ids[1]


def test_a_plain_client_is_shown_each_once_over_reconnects_and_two_tabs(server: Server) -> None:
    bob = a_name("bob")
    waiting = push(server, toUserId=bob, message="while away").json()["id"]
    with Person(server.ws, bob) as tab:
        assert tab.receive("notification")["id"] == waiting
        live = push(server, toUserId=bob, message="live").json()["id"]
        assert tab.receive("notification")["id"] == live
        assert tab.hears_nothing()
        wait_until_seen(server, bob)
        with Person(server.ws, bob) as second:
            assert "unseen" not in second.ready
            assert second.hears_nothing()
    with Person(server.ws, bob) as back:
        assert back.hears_nothing()


def test_a_plain_client_that_says_init_again_is_not_sent_it_again(server: Server) -> None:
    bob = a_name("bob")
    push(server, toUserId=bob, message="hi")
    with RawClient(server.port, bob) as client:  # answers no ping, so that nothing is proven
        client.receive("notification")
        client.send(type="init", userId=bob)
        client.receive("ready")
        client.send(type="ping")
        assert kinds_until_pong(client) == ["pong"]
    with RawClient(server.port, bob) as client:
        client.receive("notification")  # sent, and perhaps lost on a dead line


def test_a_client_that_says_init_again_with_sync_tells_by_itself_what_was_seen(server: Server) -> None:
    bob = a_name("bob")
    with a_person(server, bob) as client:  # answers pings, which proves what a plain client was sent
        client.send(type="init", userId=bob, sync=True)
        client.receive("ready")
        id_ = push(server, toUserId=bob, message="hi").json()["id"]
        assert client.receive("notification")["id"] == id_
        time.sleep(2.5)  # a ping would have gone with the next second's sweep
        assert listed(server, bob)["unseen"] == 1


def kinds_until_pong(client: RawClient) -> list[str]:
    kinds: list[str] = []
    while "pong" not in kinds:
        found = client.next_frame()
        assert found is not None
        if found.opcode is Opcode.TEXT:
            kinds.append(str(found.data).split('"type":"')[1].split('"')[0])
    return kinds


def test_nothing_is_shown_twice_or_lost_over_a_restart(start_server: StartServer, tmp_path: Path) -> None:
    place = {"CHAT_DATABASE_URL": f"sqlite:///{tmp_path}/chat.db"}
    first = start_server(**place)
    bob, carol = a_name("bob"), a_name("carol")
    with Person(first.ws, bob) as person:
        push(first, toUserId=bob, message="shown")
        assert person.receive("notification")["message"] == "shown"
        push(first, toUserId=carol, message="waits")
        first.stop()
    second = start_server(**place)
    with Person(second.ws, bob) as person:
        assert person.hears_nothing()
    with Person(second.ws, carol) as person:
        assert person.receive("notification")["message"] == "waits"
        assert person.hears_nothing()


def test_dismissed_in_one_tab_is_gone_in_all(server: Server) -> None:
    bob, carol = a_name("bob"), a_name("carol")
    with a_person(server, bob, sync=True) as one, a_person(server, bob, sync=True) as two:
        id_ = push(server, toUserId=bob, message="hi").json()["id"]
        assert two.receive("notification")["id"] == one.receive("notification")["id"] == id_
        assert one.ask(type="dismiss", notificationId=id_)["type"] == "ack"
        assert two.receive() == {"type": "dismissed", "notificationId": id_, "change": 1}
        assert one.ask(type="dismiss", notificationId=id_)["type"] == "ack", "again is no mistake"
        assert two.hears_nothing()
        with a_person(server, carol, sync=True) as other:
            refused = other.ask(type="dismiss", notificationId=id_)
            assert (refused["code"], refused["field"]) == ("not_found", "notificationId")
        by_http = push(server, toUserId=bob, message="ho").json()["id"]
        assert ask(server, bob, "POST", f"/{by_http}/dismiss").status_code == 204
        assert one.receive("dismissed")["notificationId"] == by_http
    assert listed(server, bob).items() >= {"notifications": [], "unseen": 0}.items()
    with a_person(server, bob, sync=True) as back:
        assert back.hears_nothing()


def test_seen_on_one_screen_is_told_to_the_others(server: Server) -> None:
    bob = a_name("bob")
    with a_person(server, bob, sync=True) as one, a_person(server, bob, sync=True) as two:
        id_ = push(server, toUserId=bob, message="hi").json()["id"]
        two.receive("notification")
        assert one.ask(type="seen", notificationId=id_)["type"] == "ack"
        assert two.receive() == {"type": "seen", "notificationId": id_, "change": 1}
        assert one.ask(type="seen", notificationId=10**9)["type"] == "ack"
        assert two.hears_nothing()
    found = listed(server, bob)
    assert (found["unseen"], found["notifications"][0]["seen"]) == (0, True)


def test_what_has_expired_is_shown_to_nobody_who_comes_later(server: Server) -> None:
    bob = a_name("bob")
    push(server, toUserId=bob, message="soon over", expiresIn=1)
    assert listed(server, bob)["unseen"] == 1
    time.sleep(1.1)
    with Person(server.ws, bob) as person:
        assert person.hears_nothing()
    assert listed(server, bob).items() >= {"notifications": [], "unseen": 0}.items()


def test_a_thousand_repeated_posts_with_one_key_make_one_record(server: Server) -> None:
    bob = a_name("bob")
    with a_person(server, bob, sync=True) as person, ThreadPoolExecutor(16) as pool:

        def repeat(_: int) -> tuple[int, int]:
            answer = push(server, key="build-7", toUserId=bob, message="once")
            return answer.status_code, answer.json()["id"]

        answers = set(pool.map(repeat, range(1_000)))
        assert len(answers) == 1
        assert answers.pop()[0] == 201
        assert person.receive("notification")["message"] == "once"
        assert person.hears_nothing()
    assert len(listed(server, bob)["notifications"]) == 1
    again = push(server, key="build-7", toUserId=bob, message="once").json()
    assert (again["sockets"], again["repeated"]) == (0, True)
    other = push(server, key="build-7", toUserId=bob, message="twice")
    assert (other.status_code, other.json()["error"]["code"]) == (409, "conflict")
    assert other.json()["error"]["field"] == "Idempotency-Key"


def test_a_batch_reaches_those_it_names_and_says_how_far_it_is(server: Server) -> None:
    names = [a_name("many") for _ in range(250)]
    with Person(server.ws, names[120]) as person, Person(server.ws, a_name()) as other:
        answer = push(server, toUserIds=[*names, names[0].upper()], message="to many")
        assert answer.status_code == 201
        assert answer.json().keys() == {"batchId"}
        progress = finished(server, answer.json()["batchId"])
        assert progress == {
            "batchId": answer.json()["batchId"], "total": 250, "sent": 250, "sockets": 1, "finished": True,
        }  # fmt: skip
        assert person.receive("notification")["message"] == "to many"
        assert person.hears_nothing()
        assert other.hears_nothing()
    assert listed(server, names[249])["unseen"] == 1


def test_everyone_is_whoever_is_online_or_was_ever_heard_of(server: Server) -> None:
    writer, reader, lurker = a_name("writer"), a_name("reader"), a_name("lurker")
    with Person(server.ws, writer) as person:
        person.ask(type="chat", toUserId=reader, message="hi")
    with Person(server.ws, lurker) as person:
        finished(server, push(server, everyone=True, message="news").json()["batchId"])
        assert person.receive("notification")["message"] == "news"
    for name in (writer, reader):
        assert listed(server, name)["unseen"] == 1


def test_an_unfinished_batch_goes_on_by_itself_after_a_kill(start_server: StartServer, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/chat.db"
    first = start_server(CHAT_DATABASE_URL=url)
    names = [f"killed{n}" for n in range(10_000)]
    batch_id = push(first, toUserIds=names, message="all of you").json()["batchId"]
    for pid in (first.worker_pid, first.process.pid):
        os.kill(pid, signal.SIGKILL)
    first.process.wait()
    engine = create_engine(url)
    with engine.connect() as connection:
        sent = connection.execute(text("SELECT sent FROM batches")).scalar_one()
    assert sent < 10_000, "need an unfinished batch for this to mean anything"
    second = start_server(CHAT_DATABASE_URL=url)
    assert finished(second, batch_id)["sent"] == 10_000
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT count(*), count(DISTINCT user_key) FROM notifications")).one()
    assert tuple(rows) == (10_000, 10_000), "each once"


@pytest.mark.alone
def test_a_batch_does_not_hold_up_a_server_that_stops(start_server: StartServer, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/chat.db"
    first = start_server(CHAT_DATABASE_URL=url)
    names = [f"stopped{n}" for n in range(10_000)]
    batch_ids = [push(first, toUserIds=names, message="hi").json()["batchId"] for _ in range(3)]
    assert first.stop() < 2
    with create_engine(url).connect() as connection:
        sent = connection.execute(text("SELECT sum(sent) FROM batches")).scalar_one()
    assert sent < 30_000, "need an unfinished batch for this to mean anything"
    second = start_server(CHAT_DATABASE_URL=url)
    assert [finished(second, id_)["sent"] for id_ in batch_ids] == [10_000] * 3


def test_an_unknown_user_is_refused_where_everybody_needs_an_account(start_server: StartServer) -> None:
    closed_server = start_server(CHAT_AUTH="required")
    for whom in ({"toUserId": "nobody"}, {"toUserIds": ["nobody"]}):
        answer = push(closed_server, message="hi", **whom)
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "unknown_user"
        assert answer.json()["error"]["field"] == next(iter(whom))
