"""Errors stand where they belong; banners are for what has no place, come once, and go by themselves."""

from __future__ import annotations

from typing import Any

from tests.browser.pages import FakeServer, OpenPage, choose, choose_for_conversation, click, expect, is_online

UNAVAILABLE = {"error": {"code": "unavailable", "message": "in English", "field": None, "rule": "no_answer"}}


def test_an_error_stands_where_it_belongs_and_a_banner_comes_once_in_the_persons_language(
    open_page: OpenPage, complaints: list[str]
) -> None:
    def answer(server: FakeServer, event: dict[str, Any]) -> None:
        server.be_ready(event)
        if event["type"] == "block":
            rule = {"field": "userId", "rule": "too_many_blocked", "params": {"max": 1000}}
            server.say(type="error", ref=event["ref"], code="forbidden", message="in English", **rule)

    fake = FakeServer(answer)
    failing = ["conversations?", "/messages"]

    def prepare(page: Any) -> None:
        fake.prepare(page)
        page.route(
            lambda url: any(part in url for part in failing), lambda route: route.fulfill(status=503, json=UNAVAILABLE)
        )

    page = open_page("alice", to="bob", prepare=prepare)
    is_online(page)
    banners = page.locator("chat-banners .banner")
    expect(page.locator(".edge .problem")).to_contain_text("The database does not answer.")
    expect(banners).to_have_count(1)  # of the list, whose place is taken
    fake.say(type="error", code="unavailable", message="in English", rule="no_answer")
    page.clock.run_for(6000)  # the list is asked for again
    expect(banners).to_have_count(1)
    choose(page, "한국어")
    expect(banners).to_contain_text("데이터베이스가 응답하지 않습니다.")
    expect(page.locator(".edge .problem")).to_contain_text("데이터베이스가 응답하지 않습니다.")
    for _ in range(60):  # its time counts while it is on the screen, which the browser tells when it has drawn
        page.clock.run_for(1000)
        if not banners.count():
            break
    expect(banners).to_have_count(0)
    fake.say(type="error", code="unavailable", message="in English", rule="no_answer")
    fake.say(type="error", code="internal", message="in English")
    expect(banners).to_have_count(1)  # of what is new
    expect(banners).not_to_contain_text("English")
    choose_for_conversation(page, "차단")
    dialog = page.get_by_role("dialog")
    click(dialog.get_by_role("button", name="차단", exact=True))
    expect(dialog.get_by_role("alert")).to_contain_text("1,000명을 차단했습니다.")
    expect(banners).to_have_count(1)
    failing.clear()
    complaints.clear()  # of the answers with status 503
