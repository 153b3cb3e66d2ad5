"""Writing: what is too long, what Enter does, where the list stays meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.pages import FakeServer, OpenPage, choose, click, expect, is_online, texts, wait_until, write
from tests.conftest import Server

# The number of the first message in sight, and how many pixels of the list lie below the screen.
FIRST_IN_SIGHT = """() => {
    const top = document.querySelector(".scroller").getBoundingClientRect().top + 5;
    const row = [...document.querySelectorAll(".message")].find((row) => row.getBoundingClientRect().bottom > top);
    return Number(row.dataset.seq);
}"""
BELOW = "scroller => Math.round(scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight)"
CUT_OFF = "field => field.scrollHeight - field.clientHeight"


def test_what_is_too_long_stays_in_the_field_and_what_was_refused_comes_back_to_it(open_page: OpenPage) -> None:
    def answer(server: FakeServer, event: dict[str, object]) -> None:
        server.be_ready(event)
        if event["type"] == "chat":
            server.say(type="error", code="invalid_field", message="no", ref=event["ref"])

    fake = FakeServer(answer)
    page = open_page("alice", to="bob", prepare=fake.prepare)
    is_online(page)
    field = page.get_by_label("Write a message")
    field.fill("한" * 30)
    left = int(page.locator(".room").text_content().split()[0])
    field.press_sequentially("한a")
    expect(page.locator(".room")).to_have_text(f"{left - 4} bytes left")  # what the server counts
    write(page, "한" * 200)
    expect(field).to_have_value("한" * 200)
    expect(page.locator(".room")).to_contain_text("Too long by")
    expect(texts(page)).to_have_count(0)
    assert "chat" not in fake.types()
    write(page, "refused")
    expect(page.get_by_role("button", name="Edit")).to_be_visible()
    expect(page.get_by_role("button", name="Try again")).to_be_hidden()
    field.fill("more")
    click(page.get_by_role("button", name="Edit"))
    expect(field).to_have_value("refused\nmore")
    expect(texts(page)).to_have_count(0)


def test_where_enter_does_not_send_it_breaks_the_line_and_the_button_sends(open_page: OpenPage) -> None:
    page = open_page("alice", to="bob", prepare=(fake := FakeServer()).prepare)
    is_online(page)
    choose(page, "Enter breaks the line")
    page.get_by_label("Write a message").fill("one")
    page.keyboard.press("Enter")
    page.keyboard.type("two")
    assert "chat" not in fake.types()
    click(page.get_by_role("button", name="Send"))
    expect(texts(page)).to_have_text("one\ntwo")


def test_on_a_phone_enter_breaks_the_line_unless_somebody_wants_it_to_send(phone: Any, server: Server) -> None:
    FakeServer().prepare(phone)
    phone.goto(f"{server.http}/#bob")
    phone.get_by_label("Your name").fill("alice")
    phone.keyboard.press("Enter")
    is_online(phone)
    field = phone.get_by_label("Write a message")
    field.press_sequentially("one")
    field.press("Enter")
    field.press_sequentially("two")
    expect(field).to_have_value("one\ntwo")
    phone.get_by_role("button", name="Send").tap()
    expect(texts(phone)).to_have_text("one\ntwo")
    phone.get_by_role("link", name="Back to the list").tap()
    choose(phone, "Enter breaks the line")
    phone.go_back()
    write(phone, "three")
    expect(texts(phone)).to_have_text(["one\ntwo", "three"])


def test_writing_and_turning_the_screen_leave_the_list_where_it_was(open_page: OpenPage) -> None:
    page = open_page("alice", to="bob", prepare=(fake := FakeServer()).prepare)
    is_online(page)
    bob = page.evaluate("location.hash.slice(1)")

    def hear(*numbers: int) -> None:
        for n in numbers:
            text = f"number {n} " + "word " * (n % 30)
            when = f"2030-01-01T10:00:{n:02}.000Z"
            fake.say(type="chat", fromUserId=bob, toUserId="alice", message=text, timestamp=when, seq=n)

    hear(*range(1, 50))
    page.clock.run_for(500)  # for the frames in which they are drawn
    expect(texts(page).last).to_be_in_viewport()
    field, scroller = page.get_by_label("Write a message"), page.locator(".scroller")
    for _ in range(6):
        field.press_sequentially("line")
        field.press("Shift+Enter")
        assert wait_until(page, lambda: scroller.evaluate(BELOW), lambda below: below == 0) == 0
    hear(50)
    expect(texts(page).last).to_contain_text("number 50")
    expect(texts(page).last).to_be_in_viewport(ratio=1)
    field.fill("a long draft " * 12)
    scroller.evaluate(
        "(element, row) => (element.scrollTop += row.getBoundingClientRect().top - element.getBoundingClientRect().top)",
        texts(page).nth(29).element_handle(),
    )
    reading = page.evaluate(FIRST_IN_SIGHT)
    assert reading == pytest.approx(30, abs=1)
    wide = field.bounding_box()["height"]
    for sizes in (((700, 800), (420, 800)), ((844, 390), (390, 844)), ((1200, 800), (800, 800), (1280, 800))):
        for width, height in sizes:  # one after the other, as when the edge of a window is pulled
            page.set_viewport_size({"width": width, "height": height})
        seen = wait_until(page, lambda: page.evaluate(FIRST_IN_SIGHT), lambda first: first == reading)
        assert (seen, page.evaluate("innerWidth")) == (reading, width)
        if width == 420:
            narrow = wait_until(page, lambda: field.bounding_box()["height"], lambda tall: tall > wide)
            assert narrow > wide
            assert field.evaluate(CUT_OFF) == 0, "the field is as high as its text"
    assert wait_until(page, lambda: field.bounding_box()["height"], lambda tall: tall == wide) == wide
    page.evaluate("document.documentElement.style.fontSize = '32px'")
    seen = wait_until(page, lambda: page.evaluate(FIRST_IN_SIGHT), lambda first: first == reading)
    assert seen == reading, "in larger letters"


def test_who_signs_out_on_a_dead_line_leaves_nothing_in_sight(open_page: OpenPage) -> None:
    page = open_page("alice", to="bob", prepare=(fake := FakeServer()).prepare)
    is_online(page)
    write(page, "for bob alone")
    wait_until(page, fake.types, lambda types: "chat" in types)
    page.route("**/api/session", lambda route: None)  # never answered
    choose(page, "Sign out")
    expect(page.locator("#chat")).to_be_hidden()
    page.clock.run_for(1100)
    expect(page.get_by_label("Your name")).to_be_visible()
