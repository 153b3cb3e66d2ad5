"""Finding people and messages: suggestions, links to a conversation, the search."""

from __future__ import annotations

from typing import Any

from tests.browser.pages import Called, OpenPage, Wire, click, expect, is_online, new_message, texts, write
from tests.browser.test_delivery import WRITE_BY_PROGRAM
from tests.clients import Person
from tests.conftest import Server


def tell(page: Any, sender: str, receiver: str, *messages: str) -> None:
    page.evaluate(WRITE_BY_PROGRAM, [sender, receiver, list(messages)])


def options(page: Any) -> Any:
    return page.get_by_role("option").locator(".name")


def test_a_conversation_begins_with_a_suggestion_chosen_by_keyboard(open_page: OpenPage, called: Called) -> None:
    alice = open_page("alice")
    is_online(alice)
    for other in ("zoe", "zora", "quentin"):
        tell(alice, called(other), called("alice"), "hi")
    field = new_message(alice)
    expect(options(alice)).to_have_text([called("quentin"), called("zora"), called("zoe")])  # the latest first
    alice.keyboard.type("ZO")
    expect(options(alice)).to_have_text([called("zora"), called("zoe")])
    expect(field).to_have_attribute("aria-expanded", "true")
    alice.keyboard.press("ArrowDown")
    alice.keyboard.press("ArrowDown")
    expect(alice.get_by_role("option").nth(1)).to_have_attribute("aria-selected", "true")
    expect(field).to_have_attribute("aria-activedescendant", "new-name-option-1")
    alice.keyboard.press("Enter")
    expect(alice.get_by_role("heading", name=called("zoe"))).to_be_visible()
    expect(field).to_be_hidden()
    new_message(alice).press_sequentially("zo")
    expect(options(alice)).to_have_count(2)
    alice.keyboard.press("ArrowDown")
    alice.keyboard.type("x")  # who types on has left the suggestion, before the server has answered
    alice.keyboard.press("Enter")
    expect(alice.get_by_role("heading", name="zox")).to_be_visible()


def test_a_suggestion_can_be_clicked_and_escape_leads_back_to_the_button(open_page: OpenPage, called: Called) -> None:
    alice = open_page("alice")
    is_online(alice)
    tell(alice, called("xaver"), called("alice"), "hi")
    field = new_message(alice)
    field.press_sequentially("xa")
    expect(options(alice)).to_have_count(1)
    alice.keyboard.press("Escape")
    expect(field).to_be_hidden()
    expect(alice.get_by_role("button", name="New message")).to_be_focused()
    new_message(alice).press_sequentially("xav")
    options(alice).first.click()
    expect(alice.get_by_role("heading", name=called("xaver"))).to_be_visible()


def test_what_is_typed_after_enter_goes_into_the_conversation(open_page: OpenPage) -> None:
    alice = open_page("alice")
    is_online(alice)
    new_message(alice).focus()
    alice.keyboard.insert_text("bob")
    alice.evaluate(
        """() => {
            const type = (element, letter) => document.execCommand("insertText", false, letter);
            document.querySelector("name-field form").requestSubmit();
            for (const letter of "hello") type(document.activeElement, letter); // before the page has drawn anything
        }"""
    )
    expect(alice.get_by_label("Write a message")).to_have_value("hello")
    expect(new_message(alice)).to_have_value("")


def test_one_field_finds_people_and_begins_a_conversation_with_whom_it_does_not_find(
    open_page: OpenPage, called: Called
) -> None:
    alice = open_page("alice")
    is_online(alice)
    alice.get_by_label("Search names").fill(called("nadia"))
    expect(alice.get_by_role("link", name=f"Write to {called('nadia')}")).to_be_visible()
    expect(alice.locator("search-box .outcome")).to_have_text("No person and no message found.")
    alice.keyboard.press("Enter")  # to the first result
    alice.keyboard.press("Enter")
    expect(alice.get_by_role("heading", name=called("nadia"))).to_be_visible()
    alice.get_by_label("Search names").fill("no name")
    expect(alice.locator("search-box .outcome")).to_have_text("No person and no message found.")
    expect(alice.get_by_role("link", name="Write to")).to_have_count(0)


def test_a_link_leads_to_a_conversation(open_page: OpenPage, called: Called, complaints: list[str]) -> None:
    page = open_page("alice")
    is_online(page)
    page.goto(f"/?with={called('bob')}")
    expect(page.get_by_role("heading", name=called("bob"))).to_be_visible()
    assert page.url.endswith(f"/#{called('bob')}")
    page.goto("/?with=%3Cb%3E")
    expect(page.locator("#name-note")).to_contain_text("Letters, digits and . _ - @ only")
    complaints.clear()  # of the answer with status 400
    page.goto(f"/#{called('ALICE')}")
    expect(page.locator("#name-note")).to_contain_text("That is your own name.")


def test_the_search_finds_names_and_messages_and_jumps_to_one_far_up(
    open_page: OpenPage, server: Server, called: Called
) -> None:
    alice = open_page("alice")
    is_online(alice)
    bob = called("bob")
    many = ["the needle in the hay, 바늘을 찾았다", *(f"number {number}" for number in range(400))]
    tell(alice, bob, called("alice"), *many)
    alice.get_by_label("Search names").press_sequentially("needle")
    result = alice.locator("search-box .messages a")
    expect(result).to_have_count(1)
    expect(result.locator("mark")).to_have_text("needle")
    expect(alice.get_by_text("Found: 1")).to_have_attribute("role", "status")
    alice.keyboard.press("ArrowDown")
    alice.keyboard.press("Enter")
    found = texts(alice).filter(has_text="needle")
    expect(found).to_be_in_viewport()
    expect(alice.locator(".message.is-found")).to_have_count(1)
    assert texts(alice).count() <= 300
    alice.get_by_label("Search names").fill("바늘")  # two letters, which no trigram holds
    expect(alice.locator("search-box .messages a")).to_have_count(1)
    with Person(server.ws, bob):
        alice.get_by_label("Search names").fill(bob[:2].upper())
        expect(alice.locator("search-box .people .name")).to_have_text([bob])
        expect(alice.locator("search-box .people .dot")).to_have_attribute("data-presence", "online")
    alice.get_by_label("Search names").fill("nothing holds this")
    expect(alice.get_by_text("No person and no message found.")).to_be_visible()
    alice.keyboard.press("Escape")
    expect(alice.get_by_role("navigation", name="Conversations")).to_be_visible()


def test_from_a_found_message_one_comes_down_to_the_newest(open_page: OpenPage, called: Called) -> None:
    alice = open_page("alice")
    is_online(alice)
    tell(alice, called("alice"), called("bob"), "needle", *(f"number {n}" for n in range(300)))
    alice.get_by_label("Search names").fill("needle")
    click(alice.locator("search-box .messages a"))
    expect(texts(alice).first).to_be_in_viewport()
    click(alice.get_by_role("button", name="To the newest message"))
    expect(texts(alice).filter(has_text="number 299")).to_be_in_viewport()


def test_a_search_that_fails_says_so(open_page: OpenPage, complaints: list[str]) -> None:
    alice = open_page("alice")
    is_online(alice)
    problem = {"error": {"code": "unavailable", "message": "Later.", "field": None}}
    alice.route("**/api/search?**", lambda route: route.fulfill(status=503, json=problem))
    alice.get_by_label("Search names").fill("needle")
    expect(alice.locator(".outcome")).to_contain_text("has trouble with its database at the moment")
    complaints.clear()


def test_somebody_comes_looks_away_and_leaves(open_page: OpenPage, called: Called) -> None:
    alice = open_page("alice", to="bob")
    write(alice, "hi")
    expect(alice.locator("header .presence")).to_have_text("Offline")
    wire = Wire()
    bob = open_page("bob", prepare=wire.prepare)
    expect(alice.locator("header .presence")).to_have_text("Online")
    expect(alice.get_by_role("link", name=called("bob"))).to_contain_text("Online")
    bob.evaluate(
        """() => {
            Object.defineProperty(document, "hidden", {value: true, configurable: true});
            document.dispatchEvent(new Event("visibilitychange"));
        }"""
    )
    expect(alice.locator("header .presence")).to_have_text("Away")
    bob.reload()
    expect(alice.locator("header .presence")).to_have_text("Online")
    bob.close()
    expect(alice.locator("header .presence")).to_contain_text("Last seen", timeout=10_000)
    alice.locator("#chat").evaluate("chat => { chat.dataset.connection = 'waiting'; }")
    expect(alice.locator("header .presence")).to_be_hidden()  # without a connection nobody knows


def test_a_jump_arrives_in_a_conversation_that_was_not_opened_yet(
    open_page: OpenPage, server: Server, called: Called
) -> None:
    with Person(server.ws, called("bob")) as bob:
        for number in range(1, 301):
            text = "the needle" if number == 100 else f"hay {number}"
            bob.send(type="chat", toUserId=called("alice"), message=text, clientId=f"n{number}")
        assert bob.ask(type="ping")
        bob.ask(type="chat", toUserId=called("alice"), message="the last straw", clientId="last")
    alice = open_page("alice")
    is_online(alice)
    alice.get_by_label("Search names").fill("needle")
    click(alice.locator("search-box .messages a"))
    expect(alice.locator(".message.is-found .text")).to_have_text("the needle")
    expect(alice.get_by_text("hay 101")).to_be_in_viewport()


def test_a_name_typed_in_capitals_opens_the_conversation_that_is_there(open_page: OpenPage, called: Called) -> None:
    alice, bob = open_page("alice", to="bob"), open_page("bob", to="alice")
    for page in (alice, bob):
        is_online(page)
    write(alice, "hello")
    expect(texts(bob)).to_have_text(["hello"])
    alice.goto(f"/?with={called('BOB')}")
    is_online(alice)
    expect(texts(alice)).to_have_text(["hello"])
    expect(alice.locator("#conversation-name")).to_have_text(called("bob"))
    write(bob, "hi")
    expect(texts(alice)).to_have_text(["hello", "hi"])
    expect(alice.locator("conversation-list nav li")).to_have_count(1)
    assert alice.url.endswith(f"#{called('bob')}")


def test_two_names_are_one_persons_as_the_server_says_and_no_secret_goes_to_another(
    open_page: OpenPage, called: Called, server: Server
) -> None:
    """`kız` and `kiz` are two users, `WEIẞ` and `weiß` are one."""
    ayla = open_page("ayla")
    is_online(ayla)
    with Person(server.ws, called("kız")) as dotless, Person(server.ws, called("kiz")) as kiz:
        kiz.ask(type="chat", toUserId=called("ayla"), message="hi, it is kiz")
        new_message(ayla).fill(called("kız"))
        ayla.keyboard.press("Enter")
        expect(ayla.locator("#conversation-name")).to_have_text(called("kız"))
        write(ayla, "a secret")
        assert dotless.receive("chat")["message"] == "a secret"
        kiz.send(type="ping")
        while (heard := kiz.receive()["type"]) != "pong":
            assert heard != "chat"
        expect(texts(ayla)).to_have_text(["a secret"])
        expect(ayla.locator("conversation-list nav li")).to_have_count(2)
    with Person(server.ws, called("WEIẞ")) as weiss:
        weiss.ask(type="chat", toUserId=called("ayla"), message="hello")
        expect(ayla.locator("conversation-list nav li")).to_have_count(3)
        new_message(ayla).fill(called("weiß"))
        ayla.keyboard.press("Enter")
        write(ayla, "hello back")
        assert weiss.receive("chat")["message"] == "hello back"
    expect(texts(ayla)).to_have_text(["hello", "hello back"])
    expect(ayla.locator("#conversation-name")).to_have_text(called("WEIẞ"))
    expect(ayla.locator("conversation-list nav li")).to_have_count(3)


def test_a_name_that_is_refused_stands_in_the_field_again_with_the_reason(
    open_page: OpenPage, complaints: list[str]
) -> None:
    alice = open_page("alice")
    is_online(alice)
    new_message(alice).fill("김 민지")
    alice.keyboard.press("Enter")
    expect(alice.get_by_role("dialog").get_by_role("alert")).to_have_text(
        "Name: No spaces, please. Use . _ or - instead."
    )
    expect(alice.get_by_role("combobox")).to_have_value("김 민지")
    assert "#" not in alice.url
    complaints.clear()  # of the answer with status 400


def test_a_typed_name_waits_for_the_server_and_what_is_written_meanwhile_is_kept(
    open_page: OpenPage, called: Called, complaints: list[str]
) -> None:
    alice, bob = open_page("alice"), open_page("bob")
    for page in (alice, bob):
        is_online(page)
    tell(bob, called("bob"), called("alice"), "hi")
    expect(alice.locator("conversation-list nav li")).to_have_count(1)
    asked: list[Any] = []
    alice.route("**/api/users/*", lambda route: route.abort() if not asked else route.continue_())
    new_message(alice).fill(called("BOB"))
    alice.keyboard.press("Enter")
    expect(alice.locator("#name-note")).to_contain_text(f"Looking for {called('BOB')}")
    write(alice, "written in the dark")
    alice.keyboard.insert_text("and a draft")
    expect(alice.get_by_text("Waiting").first).to_be_attached()
    asked.append(True)  # from now on it is answered, and 5 seconds after the first try it is asked again
    expect(texts(alice)).to_have_text(["hi", "written in the dark"])
    expect(alice.get_by_label("Write a message")).to_have_value("and a draft")
    expect(alice.locator("#name-note")).to_be_hidden()
    expect(bob.locator("conversation-list nav li")).to_have_count(1)
    complaints.clear()  # of the requests that failed
