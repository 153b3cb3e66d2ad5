"""The line about the connection, and coming back: after a sleep, to the tab, with the network."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.browser.pages import HIDE, FakeServer, OpenPage, choose, expect, has_state, is_online, wait_until


def answering(server: FakeServer, event: dict[str, Any]) -> None:
    server.be_ready(event)
    if event["type"] == "ping":
        server.say(type="pong", timestamp="2030-01-01T10:00:00.000Z")


def has_heard(page: Any, server: FakeServer, *types: str) -> None:
    heard = wait_until(page, server.types, lambda heard: len(heard) >= len(types))
    assert heard == [*types]


def line(page: Any) -> Any:
    return page.locator("connection-status")


def test_connecting_is_told_when_it_takes_long_and_not_before(open_page: OpenPage) -> None:
    server = FakeServer(lambda server, event: None)
    page = open_page("alice", prepare=server.prepare)
    has_heard(page, server, "init")
    page.clock.run_for(1400)
    expect(line(page)).to_be_hidden()
    page.clock.run_for(200)
    expect(line(page).get_by_role("status")).to_have_text("Connecting…")
    expect(line(page).get_by_role("button")).to_have_count(0)
    server.be_ready({"type": "init"})
    expect(line(page)).to_be_hidden()


def test_the_line_counts_down_and_says_connecting_while_it_tries(open_page: OpenPage) -> None:
    answers = iter([True, True, False])
    server = FakeServer(lambda server, event: next(answers) and server.be_ready(event))
    page = open_page("alice", prepare=server.prepare)
    for bound in (2, 4):
        is_online(page)
        server.sockets[-1].close(code=4008)
        for second in range(bound, 0, -1):
            expect(line(page)).to_contain_text(f"No connection to the server. Trying again in {second} s.")
            page.clock.run_for(1000)
    expect(line(page).get_by_role("status")).to_have_text("Connecting…")
    choose(page, "한국어")
    expect(line(page).get_by_role("status")).to_have_text("연결 중…")


@pytest.mark.parametrize("share", [0.25, 0.75])
def test_waits_are_drawn_from_the_whole_of_a_bound_that_grows_to_30_seconds(open_page: OpenPage, share: float) -> None:
    server = FakeServer()
    page = open_page("alice", prepare=server.prepare)
    page.evaluate("share => { Math.random = () => share; }", share)
    for bound in (2, 4, 8, 15, 30, 30, 1):
        is_online(page)
        if bound == 1:
            page.clock.run_for(11_000)  # a connection that held: its end is no second failure
        server.sockets[-1].close(code=4008)
        has_state(page, "waiting")
        page.clock.run_for(int(bound * share * 1000) - 50)
        has_state(page, "waiting")
        page.clock.run_for(50)
    is_online(page)


def test_without_a_network_the_line_says_offline_and_goes_when_it_is_back(open_page: OpenPage) -> None:
    server = FakeServer()
    page = open_page("alice", prepare=server.prepare)
    is_online(page)
    page.context.set_offline(True)
    has_heard(page, server, "init", "ping")  # the network may be another one, and alive
    is_online(page)
    server.sockets[-1].close(code=1006)
    expect(line(page)).to_contain_text("You are offline.")
    page.context.set_offline(False)
    is_online(page)
    expect(line(page)).to_be_hidden()
    assert len(server.sockets) == 2


def test_coming_back_to_the_tab_connects_at_once_and_leaving_it_does_not(open_page: OpenPage) -> None:
    server = FakeServer()
    page = open_page("alice", prepare=server.prepare)
    is_online(page)
    server.sockets[-1].close(code=4008)
    has_state(page, "waiting")
    page.evaluate(HIDE, True)
    page.wait_for_timeout(100)
    has_state(page, "waiting")
    page.evaluate(HIDE, False)
    is_online(page)
    assert len(server.sockets) == 2


def test_who_comes_back_to_a_dead_connection_gets_a_new_one_within_seconds(open_page: OpenPage) -> None:
    server = FakeServer()
    page = open_page("alice", prepare=server.prepare)
    is_online(page)
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    has_heard(page, server, "init", "ping")
    page.clock.run_for(2900)
    is_online(page)
    assert len(server.sockets) == 1
    page.clock.run_for(200)
    has_heard(page, server, "init", "ping", "init")
    is_online(page)
    assert len(server.sockets) == 2


def test_a_clock_that_stood_still_makes_the_connection_prove_that_it_is_alive(open_page: OpenPage) -> None:
    server = FakeServer(answering)
    page = open_page("alice", prepare=server.prepare)
    is_online(page)
    page.clock.run_for(15_000)  # awake
    assert server.types() == ["init"]
    page.clock.fast_forward(15_000)  # asleep
    has_heard(page, server, "init", "ping")
    page.clock.run_for(10_000)
    is_online(page)
    assert len(server.sockets) == 1, "it answered"


def test_after_a_sleep_a_dead_connection_is_replaced(open_page: OpenPage) -> None:
    server = FakeServer()
    page = open_page("alice", prepare=server.prepare)
    is_online(page)
    page.clock.fast_forward(15_000)
    has_heard(page, server, "init", "ping")
    page.clock.run_for(3100)
    has_heard(page, server, "init", "ping", "init")
    is_online(page)


def test_a_code_that_the_page_does_not_know_is_told_with_the_servers_own_words(open_page: OpenPage) -> None:
    server = FakeServer()
    page = open_page("alice", prepare=server.prepare)
    is_online(page)
    server.sockets[-1].close(code=4599, reason="school is over")
    expect(line(page)).to_contain_text("The server ended the connection. (4599 school is over)")
    page.evaluate(HIDE, True)
    page.evaluate(HIDE, False)
    page.clock.run_for(120_000)
    assert len(server.sockets) == 1, "it was told not to come back"


def test_a_socket_that_was_closed_leaves_nothing_behind(open_page: OpenPage) -> None:
    server = FakeServer()
    page = open_page(prepare=server.prepare)
    page.evaluate(
        """async () => {
            const {ChatSocket} = await import("/static/js/chat-socket.js");
            new ChatSocket(`ws://${location.host}/ws`, {userId: "alice"}).close();
            dispatchEvent(new Event("online"));
        }"""
    )
    page.clock.run_for(60_000)
    page.clock.fast_forward(60_000)
    assert json.dumps(server.heard) == "[]"
