"""Writing: what is too long, what Enter does, where the list stays meanwhile."""

from __future__ import annotations

from tests.browser.pages import FakeServer, OpenPage, click, expect, is_online, texts, write


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
    click(page.get_by_role("button", name="Enter sends"))
    page.get_by_label("Write a message").fill("one")
    page.keyboard.press("Enter")
    page.keyboard.type("two")
    assert "chat" not in fake.types()
    click(page.get_by_role("button", name="Send"))
    expect(texts(page)).to_have_text("one\ntwo")
