"""Writing: what is too long, what Enter does, where the list stays meanwhile."""

from __future__ import annotations

from tests.browser.pages import FakeServer, OpenPage, choose, click, expect, is_online, texts, wait_until, write


def test_what_is_too_long_stays_in_the_field_and_what_was_refused_comes_back_to_it(open_page: OpenPage) -> None:
    def answer(server: FakeServer, event: dict[str, object]) -> None:
        server.be_ready(event)
        if event["type"] == "chat":
            server.say(type="error", code="invalid_field", message="no", ref=event["ref"])

    fake = FakeServer(answer)
    page = open_page("alice", to="bob", prepare=fake.prepare)
    is_online(page)
    write(page, "한" * 200)
    field = page.get_by_label("Write a message")
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
    page.get_by_label("Write a message").fill("\n".join("line" for _ in range(6)))
    expect(texts(page).last).to_be_in_viewport()
    hear(50)
    expect(texts(page).last).to_contain_text("number 50")
    expect(texts(page).last).to_be_in_viewport()
    twentieth = texts(page).nth(19)
    page.locator(".scroller").evaluate(
        "(element, row) => (element.scrollTop += row.getBoundingClientRect().top - 80)", twentieth.element_handle()
    )
    expect(twentieth).to_be_in_viewport()
    page.set_viewport_size({"width": 420, "height": 800})
    expect(twentieth).to_be_in_viewport()
    page.set_viewport_size({"width": 1280, "height": 800})
    expect(twentieth).to_be_in_viewport()


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
