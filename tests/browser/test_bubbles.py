"""What a message looks like: its bubble with time and ticks, code, emoji, and how it comes."""

from __future__ import annotations

from typing import Any

from tests.browser.pages import OpenPage, expect, is_online, texts, write

# Counts what moves by itself, but not in the style sheet.
COUNT_MOVES = """window.moves = 0;
const {animate} = Element.prototype;
Element.prototype.animate = function (...rest) { window.moves += 1; return animate.apply(this, rest); };"""


def boxes(row: Any) -> Any:
    """The bubble, its time and its list, in pixels, and what the bubble looks like."""
    return row.evaluate(
        """row => {
          const box = element => element.getBoundingClientRect();
          const bubble = row.querySelector(".bubble"), {borderBottomRightRadius, borderTopRightRadius} = getComputedStyle(bubble);
          return {bubble: box(bubble), time: box(row.querySelector("time")), ticks: box(row.querySelector(".state")),
            text: box(row.querySelector(".text")), list: box(row.parentElement), scroller: box(row.closest(".scroller")),
            letter: parseFloat(getComputedStyle(row.querySelector(".text")).fontSize),
            corner: borderBottomRightRadius !== borderTopRightRadius};
        }"""
    )


def test_a_bubble_holds_its_time_and_stands_at_the_bottom_of_a_phone(open_page: OpenPage) -> None:
    page = open_page("alice", to="bob", size=(360, 740))
    is_online(page)
    for text in ("ok", "a long one " * 20, "🙂"):
        write(page, text)
    rows = page.locator(".message")
    expect(page.locator(".message[data-state=stored]")).to_have_count(3)
    short, long, emoji = (boxes(row) for row in rows.all())
    for one in (short, long, emoji):
        for inner in (one["time"], one["ticks"]):
            assert one["bubble"]["left"] < inner["left"]
            assert inner["right"] < one["bubble"]["right"]
            assert inner["bottom"] <= one["bubble"]["bottom"]
    assert short["time"]["top"] < short["text"]["bottom"], "on the same line"
    assert short["text"]["right"] <= short["time"]["left"]
    assert 0.8 < long["bubble"]["width"] / long["list"]["width"] <= 0.851
    assert [one["corner"] for one in (short, long, emoji)] == [False, False, True], "at the end of a group"
    assert emoji["letter"] > 2 * short["letter"]
    below = emoji["scroller"]["bottom"] - emoji["bubble"]["bottom"]
    assert 0 <= below < 24, "at the bottom"
    page.set_viewport_size({"width": 1000, "height": 740})
    wide = boxes(rows.nth(1))
    assert 0.7 < wide["bubble"]["width"] / wide["list"]["width"] <= 0.751, "beside the list, less"


def test_code_between_backticks_is_monospaced_text(open_page: OpenPage) -> None:
    page = open_page("alice", to="bob")
    is_online(page)
    write(page, "run `<b>make</b> https://a.example`, then\n```html\n<img src=x>\n  <br>\n```\ndone")
    expect(texts(page).locator("code")).to_have_count(2)
    inline, block = texts(page).locator("code").all()
    assert inline.text_content() == "<b>make</b> https://a.example"
    assert block.text_content() == "<img src=x>\n  <br>\n"
    assert texts(page).locator("code *").count() == 0, "no element was made of it"
    assert texts(page).text_content() == "run <b>make</b> https://a.example, then\n<img src=x>\n  <br>\ndone"
    for code in (inline, block):
        assert "monospace" in code.evaluate("code => getComputedStyle(code).fontFamily")


def test_what_arrives_moves_but_not_for_who_wants_no_motion(open_page: OpenPage) -> None:
    alice = open_page("alice", to="bob", prepare=lambda page: page.add_init_script(COUNT_MOVES))
    is_online(alice)
    write(alice, "there before")
    bob = open_page("bob", to="alice", prepare=lambda page: page.add_init_script(COUNT_MOVES))
    expect(texts(bob)).to_have_text(["there before"])
    assert bob.evaluate("window.moves") == 0, "what stood there does not come"
    write(alice, "one")
    expect(texts(bob)).to_have_count(2)
    assert bob.evaluate("window.moves") == 1
    bob.emulate_media(reduced_motion="reduce")
    write(alice, "two")
    expect(texts(bob)).to_have_count(3)
    assert bob.evaluate("window.moves") == 1
    alice.get_by_label("Write a message").press_sequentially("h")
    typing = bob.locator("conversation-header .typing")
    expect(typing).to_have_text("typing…")
    name = "element => getComputedStyle(element, '::before').animationName"
    assert typing.evaluate(name) == "none"
    bob.emulate_media(reduced_motion="no-preference")
    assert typing.evaluate(name) == "typing"
