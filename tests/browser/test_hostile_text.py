"""What others write is text in the page, whatever it looks like; no policy of the page is breached by it.

The fixture `context` fails each of these for an error in the console, which a breach of the policy is.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.pages import Called, FakeServer, OpenPage, click, expect, is_online, texts, write

HOSTILE = [
    "<img src=x onerror=\"document.title='taken'\">",
    "</script><script>document.title='taken'</script>",
    "javascript:document.title='taken'",
    '"><svg onload=alert(1)>',
    "{{ config }} ${document.title} &lt;b&gt;",
    "\u202eabc\u202c",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_markup_in_a_message_is_shown_as_it_was_written(open_page: OpenPage, called: Called, text: str) -> None:
    alice, bob = open_page("alice", to="bob"), open_page("bob")
    is_online(bob)
    write(alice, text)
    click(bob.get_by_role("link", name=called("alice")))
    expect(texts(bob)).to_have_count(1)
    assert texts(bob).text_content() == text
    assert bob.locator(".message .text *").count() == 0, "no element was made of it"
    assert "taken" not in bob.title()
    assert texts(bob).evaluate("text => getComputedStyle(text).unicodeBidi") in ("isolate", "plaintext")


@pytest.mark.parametrize("name", HOSTILE[:2])
def test_markup_in_a_name_that_a_server_let_through_is_shown_as_it_is(open_page: OpenPage, name: str) -> None:
    """Our server refuses such a name; the page does not count on it."""
    fake = FakeServer()

    def say(page: Any) -> None:
        fake.prepare(page)

    page = open_page("alice", prepare=say)
    is_online(page)
    fake.say(type="chat", fromUserId=name, toUserId="alice", message="hi", seq=1, timestamp="2030-01-01T10:00:00.000Z")
    expect(page.locator("conversation-list nav .name")).to_have_text([name])
    assert page.locator("conversation-list nav .name *").count() == 0


def test_the_page_runs_no_script_that_was_written_into_it(open_page: OpenPage, complaints: list[str]) -> None:
    page = open_page("alice")
    is_online(page)
    page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "document.title = 'taken'";
          document.body.append(script);
        }"""
    )
    assert page.title() != "taken"
    [breach] = complaints
    assert "Content Security Policy" in breach
    complaints.clear()


def test_letters_piled_up_with_marks_stay_in_their_own_message(open_page: OpenPage, called: Called) -> None:
    alice, bob = open_page("alice", to="bob"), open_page("bob", to="alice")
    for page in (alice, bob):
        is_online(page)
    write(alice, "above")
    above = texts(bob).first
    expect(above).to_have_text("above")
    before = above.screenshot()
    # How high marks pile up is the font's choice: the shadow stands for one that piles them over two lines.
    piled = "".join(letter + "\u0301\u0302\u0303\u0323\u0331" * 9 for letter in "ZALGO")
    write(alice, piled)
    expect(texts(bob)).to_have_count(2)
    assert texts(bob).last.text_content() == piled
    texts(bob).last.evaluate("text => { text.style.textShadow = '0 -36px black'; }")
    assert above.screenshot() == before
