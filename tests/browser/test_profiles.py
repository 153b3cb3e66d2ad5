"""Profiles on the page: one's own is changed under one's face, and everybody else's page shows it at once."""

from __future__ import annotations

import unicodedata
from io import BytesIO
from typing import Any

from PIL import Image

from tests.browser.pages import Called, OpenPage, choose, click, expect, is_online, new_message, wait_until, write

ZALGO = "Z" + "\u0335\u0321\u035a\u0316\u0319" * 15
HOSTILE = "<b>Eve</b>\u202e\u2069 gnp"


def picture(kind: str = "JPEG") -> bytes:
    Image.new("RGB", (900, 600), "teal").save(out := BytesIO(), kind)
    return out.getvalue()


def file(name: str, data: bytes) -> dict[str, Any]:
    return {"name": name, "mimeType": "image/png", "buffer": data}


def name_and_face(page: Any, row: str) -> tuple[Any, Any]:
    return page.locator(f"{row} .name").first, page.locator(f"{row} .face img").first


def test_a_profile_that_somebody_changes_is_seen_everywhere_at_once(
    open_page: OpenPage, called: Called, complaints: list[str]
) -> None:
    ann, bob = called("ann"), called("bob")
    anns, bobs = open_page("ann"), open_page("bob")
    new_message(anns).fill(bob)
    anns.keyboard.press("Enter")
    write(anns, "hello")
    expect(bobs.locator("conversation-list nav .name")).to_have_text(ann)
    bobs.locator("conversation-list nav a").click()

    choose(anns, "Profile")
    dialog = anns.get_by_role("dialog", name="Your profile")
    dialog.get_by_label("Name").fill("Ann Lee")
    dialog.get_by_label("About you").fill("Support, Seoul")
    dialog.locator("input[type=file]").set_input_files(file("a.png", b"<svg/>"))
    expect(dialog.get_by_role("alert")).to_contain_text("JPEG, PNG, WebP or GIF")
    dialog.locator("input[type=file]").set_input_files(file("a.png", picture()))
    expect(dialog.locator(".face canvas")).to_be_visible()
    expect(dialog.locator("#profile-problem")).to_be_empty()
    click(dialog.get_by_role("button", name="Save"))
    expect(dialog).to_have_count(0)

    expect(anns.locator(".me .name")).to_have_text("Ann Lee")
    for row in ("conversation-list nav li", "conversation-header"):
        name, face = name_and_face(bobs, row)
        expect(name).to_have_text("Ann Lee")
        expect(face).to_be_visible()
        assert face.evaluate("img => img.decode().then(() => img.naturalWidth)") == 96
    expect(bobs.locator("conversation-header .id")).to_have_text(ann)
    expect(bobs.locator(".message .by")).to_have_text("Ann Lee")
    expect(bobs.locator("conversation-header .subtitle")).to_have_text("Support, Seoul")
    stranger = open_page("cyd")  # who is not told whether Ann is there
    stranger.evaluate("name => { location.hash = name; }", ann)
    subtitle = stranger.locator("conversation-header .subtitle")
    expect(subtitle).to_have_text("Support, Seoul")
    expect(stranger.locator("conversation-header .presence")).to_be_empty()
    assert subtitle.evaluate("line => getComputedStyle(line, '::before').content") == "none", "no dot before nothing"
    bobs.reload()
    is_online(bobs)
    expect(bobs.locator("conversation-list nav .name")).to_have_text("Ann Lee")
    bobs.get_by_role("textbox", name="Search").fill("lee")
    expect(bobs.locator(".people .name")).to_have_text("Ann Lee")
    expect(bobs.locator(".people .id")).to_have_text(ann)

    bobs.evaluate("window.earlier = document.querySelector('conversation-list nav .face img')")
    anns.evaluate("for (const _ of [1, 2]) document.querySelector('#profile').click()")
    dialog.get_by_label("Name").fill("x\u202a" + "y" * 90)
    click(dialog.get_by_role("button", name="Remove picture"))
    click(dialog.get_by_role("button", name="Save"))
    expect(dialog.get_by_role("alert")).to_contain_text("80")
    expect(dialog.get_by_label("Name")).to_have_attribute("aria-invalid", "true")
    complaints.clear()  # of the answer 400
    dialog.get_by_label("Name").fill("")
    click(dialog.get_by_role("button", name="Save"))
    expect(dialog).to_have_count(0)
    expect(bobs.locator("conversation-list nav .name")).to_have_text(ann)
    expect(bobs.locator("conversation-list nav .face img")).to_have_count(0)
    bobs.evaluate("earlier.dispatchEvent(new Event('error'))")  # late: something else has its place
    expect(bobs.locator("conversation-list nav .face")).to_have_text(ann[0])


def test_a_display_name_is_text_and_covers_no_neighbour(open_page: OpenPage, called: Called) -> None:
    bob = called("bob")
    eves, page = open_page("eve"), open_page("bob")
    new_message(eves).fill(bob)
    eves.keyboard.press("Enter")
    write(eves, "hello")
    page.locator("conversation-list nav a").click()
    for shown in (HOSTILE, ZALGO, "م" * 80, "W" * 80):
        choose(eves, "Profile")
        dialog = eves.get_by_role("dialog", name="Your profile")
        dialog.get_by_label("Name").fill(shown)
        click(dialog.get_by_role("button", name="Save"))
        expect(dialog).to_have_count(0)
        for row in ("conversation-list nav li", "conversation-header"):
            name, _ = name_and_face(page, row)
            expected = unicodedata.normalize("NFC", shown)
            assert wait_until(page, name.text_content, lambda text: text == expected) == expected  # noqa: B023
            box = name.evaluate("e => [getComputedStyle(e).overflow, getComputedStyle(e).unicodeBidi, e.offsetHeight]")
            assert box[0] in ("hidden", "clip")
            assert box[1] in ("isolate", "plaintext")
            assert box[2] <= 32, "one line"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.locator("conversation-list nav li time").evaluate(
            "e => { const {x, y, width, height} = e.getBoundingClientRect(); "
            "return document.elementFromPoint(x + width / 2, y + height / 2) === e; }"
        )
