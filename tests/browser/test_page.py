"""The page in a real browser against a real server, as people use it."""

from __future__ import annotations

import json
from typing import Any

from tests.browser.pages import (
    Called,
    FakeServer,
    OpenPage,
    Wire,
    choose,
    click,
    expect,
    has_state,
    is_online,
    new_message,
    sent_events,
    texts,
    wait_until,
    write,
)

# Writing


def test_two_people_in_one_browser_write_to_each_other(open_page: OpenPage) -> None:
    alice = open_page("alice", to="bob")
    bob = open_page("bob")
    is_online(bob)
    write(alice, "Hi Bob!")
    expect(alice.locator(".message.mine")).to_have_attribute("data-state", "received")
    click(bob.get_by_role("link", name="alice"))
    expect(texts(bob)).to_have_text(["Hi Bob!"])
    write(bob, "안녕하세요, Alice 👋")
    expect(texts(alice)).to_have_text(["Hi Bob!", "안녕하세요, Alice 👋"])
    expect(alice.locator(".message.mine")).to_have_count(1)
    expect(bob.locator(".message.mine")).to_have_count(1)


def test_another_tab_of_the_same_person_sees_both_sides(open_page: OpenPage) -> None:
    alice, other_tab, bob = (
        open_page(name, to=to) for name, to in [("alice", "bob"), ("alice", "bob"), ("bob", "alice")]
    )
    for page in (other_tab, bob):
        is_online(page)
    write(alice, "from me")
    expect(texts(bob)).to_have_text(["from me"])
    write(bob, "from bob")
    expect(texts(other_tab)).to_have_text(["from me", "from bob"])
    expect(other_tab.locator(".message.mine .text")).to_have_text(["from me"])
    expect(texts(alice)).to_have_text(["from me", "from bob"])


def test_a_whole_conversation_by_keyboard_alone(open_page: OpenPage) -> None:
    page = open_page()
    page.keyboard.type("  Tab.and.Enter ")
    page.keyboard.press("Enter")
    is_online(page)
    for _ in range(3):  # past one's own face and the bell to "new message"
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.type("nobody")
    page.keyboard.press("Enter")
    expect(page.locator("textarea")).to_be_focused()  # where a person sees the cursor
    page.keyboard.type("are you there?")
    page.keyboard.press("Enter")
    expect(texts(page)).to_have_text(["are you there?"])


def test_a_message_is_shown_letter_by_letter_as_text(open_page: OpenPage) -> None:
    written = [
        '<img src=x onerror="alert(1)"><b>bold</b>',
        "مرحبا\u202eabc",
        "two\n\n  lines",
        "👩‍👩‍👧‍👦 한글 日本語",
        "{count} &amp; $&",
    ]
    alice, bob = open_page("alice", to="bob"), open_page("bob", to="alice")
    is_online(bob)
    for text in written:
        write(alice, text)
    for page in (alice, bob):
        expect(texts(page)).to_have_count(len(written))
        assert texts(page).evaluate_all("all => all.map((one) => one.textContent)") == written
        expect(texts(page).locator("*")).to_have_count(0)


def test_a_name_made_of_markup_is_refused_with_a_sentence_and_stays_text(
    open_page: OpenPage, complaints: list[str]
) -> None:
    page = open_page()
    for name in ("<b>bold</b>", "<img/src=x>", "javascript:alert(1)"):
        page.get_by_label("Your name").fill(name)
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("Letters, digits")
        expect(page.get_by_label("Your name")).to_have_value(name)
    assert page.locator("sign-in b, sign-in img:not(.logo)").count() == 0
    complaints.clear()  # of answers with status 400


def test_blank_input_sends_nothing(open_page: OpenPage) -> None:
    events: list[list[dict[str, Any]]] = []
    page = open_page("alice", to="bob", prepare=lambda page: events.append(sent_events(page)))
    is_online(page)
    for blank in ("", "   ", "\n \n", "\u200b", "\u3164", "\u2800\ufe0f"):
        write(page, blank)
        page.get_by_role("button", name="Send").click()
    write(page, "not blank")
    expect(texts(page)).to_have_text(["not blank"])
    assert [event["message"] for event in events[0] if event["type"] == "chat"] == ["not blank"]


def test_shift_enter_breaks_the_line_and_enter_sends(open_page: OpenPage) -> None:
    page = open_page("alice", to="bob")
    field = page.get_by_label("Write a message")
    field.press_sequentially("one")
    before = field.bounding_box()["height"]
    field.press("Shift+Enter")
    field.press_sequentially("two")
    assert field.bounding_box()["height"] > before, "the field grows with its text"
    expect(page.locator(".room")).to_be_hidden()
    expect(texts(page)).to_have_count(0)
    field.press("Enter")
    assert texts(page).evaluate("element => element.textContent") == "one\ntwo"
    expect(field).to_have_value("")


def test_the_enter_that_ends_a_composition_does_not_send(open_page: OpenPage) -> None:
    page = open_page("지민", to="bob")
    field = page.get_by_label("Write a message")
    field.focus()
    keyboard = page.context.new_cdp_session(page)
    keyboard.send("Input.imeSetComposition", {"text": "안녕", "selectionStart": 2, "selectionEnd": 2})
    page.evaluate("addEventListener('keydown', ({isComposing}) => (window.composed = isComposing))")
    page.keyboard.press("Enter")
    assert page.evaluate("window.composed"), "need a composition for this to mean anything"
    expect(texts(page)).to_have_count(0)
    keyboard.send("Input.insertText", {"text": "안녕"})
    page.keyboard.press("Enter")
    expect(texts(page)).to_have_text(["안녕"])


def test_safaris_enter_after_a_composition_does_not_send(open_page: OpenPage) -> None:
    page = open_page("지민", to="bob")
    field = page.get_by_label("Write a message")
    field.fill("안녕")
    field.dispatch_event("keydown", {"key": "Enter", "keyCode": 229, "isComposing": False})
    expect(texts(page)).to_have_count(0)
    expect(field).to_have_value("안녕")


def test_a_half_written_message_stays_with_its_conversation(open_page: OpenPage) -> None:
    page = open_page("alice", to="bob")
    page.get_by_label("Write a message").fill("half")
    new_message(page).fill("carol")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Write a message")).to_have_value("")
    page.go_back()
    expect(page.get_by_label("Write a message")).to_have_value("half")


# Seeing what goes on

# Letter for letter, all of it before the next hint is due.
TYPE = """(field, text) => {
    field.focus();
    for (const letter of text) document.execCommand("insertText", false, letter);
}"""


def test_a_typing_hint_appears_is_sent_sparingly_and_goes(open_page: OpenPage) -> None:
    events: list[list[dict[str, Any]]] = []
    alice = open_page("alice", to="bob", prepare=lambda page: events.append(sent_events(page)))
    bob = open_page("bob", to="alice", prepare=lambda page: page.clock.install())
    for page in (alice, bob):
        is_online(page)
    alice.get_by_label("Write a message").evaluate(TYPE, "hello there")
    expect(bob.locator("header .typing")).to_have_text("typing…")
    assert [event["type"] for event in events[0]].count("typing") == 1
    bob.clock.run_for(3100)
    expect(bob.locator("header .typing")).to_have_text("")


def test_unread_messages_are_counted_in_the_list_and_the_title(open_page: OpenPage) -> None:
    alice = open_page("alice", to="bob")
    is_online(alice)
    carol = open_page("carol", to="alice")
    write(carol, "one")
    write(carol, "two")
    expect(alice).to_have_title("(2) Chat")
    expect(alice.get_by_role("link", name="carol")).to_contain_text("2 unread")
    click(alice.get_by_role("link", name="carol"))
    expect(alice).to_have_title("Chat")
    expect(texts(alice)).to_have_text(["one", "two"])
    expect(alice.locator(".badge:visible")).to_have_count(0)


def test_who_reads_further_up_is_not_torn_away(open_page: OpenPage) -> None:
    alice = open_page("alice", to="bob", size=(800, 400))
    is_online(alice)
    bob = open_page("bob", to="alice")
    for number in range(3):
        write(bob, "\n".join(f"{number}: line {line}" for line in range(8)))
    expect(texts(alice)).to_have_count(3)
    alice.bring_to_front()
    expect(texts(alice).last).to_be_in_viewport()
    alice.locator(".scroller").evaluate("element => (element.scrollTop = 0)")
    expect(texts(alice).first).to_be_in_viewport()
    write(bob, "the newest")
    button = alice.get_by_role("button", name="1 new")
    expect(button).to_be_visible()
    expect(texts(alice).first).to_be_in_viewport()
    click(button)
    expect(texts(alice).last).to_be_in_viewport()
    expect(button).to_be_hidden()


def test_incoming_messages_are_told_to_screen_readers(open_page: OpenPage, called: Called) -> None:
    alice = open_page("alice")
    is_online(alice)
    write(open_page("bob", to="alice"), "hello")
    expect(alice.get_by_text(f"{called('bob')} says: hello")).to_have_attribute("role", "status")


def test_events_that_the_page_does_not_know_are_passed_over(open_page: OpenPage, called: Called) -> None:
    server = FakeServer()
    page = open_page("alice", to="bob", prepare=server.prepare)
    is_online(page)
    for odd in ("no json", "null", "[]", '"text"', '{"type":"state"}', '{"type":"novel","x":1}'):
        server.sockets[-1].send(odd)
    server.say(
        type="chat",
        seq=1,
        fromUserId=called("bob"),
        toUserId=called("alice"),
        message="still here",
        timestamp="2026-01-31T09:30:00.000Z",
    )
    expect(texts(page)).to_have_text(["still here"])
    expect(page.locator(".day")).to_contain_text("2026")


def test_an_error_of_the_server_is_told_in_the_persons_language(open_page: OpenPage) -> None:
    def refuse(server: FakeServer, event: dict[str, Any]) -> None:
        server.be_ready(event)
        if event["type"] == "chat":
            server.say(type="error", ref=event["ref"], code="invalid_field", message="Not that.", field="message")

    page = open_page("alice", to="bob", prepare=FakeServer(refuse).prepare)
    write(page, "hello")
    expect(page.locator(".trouble")).to_contain_text("Not sent. Something in it is not allowed. Not that.")
    choose(page, "한국어")
    expect(page.locator(".trouble")).to_contain_text("보내지 못했습니다. 허용되지 않는 값이 있습니다.")


# Staying connected


def test_the_page_comes_back_after_a_restart_and_sends_what_was_written_meanwhile(open_page: OpenPage) -> None:
    wire = Wire()
    alice = open_page("alice", to="bob", prepare=wire.prepare)
    bob = open_page("bob", to="alice")
    for page in (alice, bob):
        is_online(page)
    wire.cut(1012)
    expect(alice.get_by_text("The server is restarting.")).to_be_visible()
    write(alice, "written offline")
    expect(texts(bob)).to_have_text(["written offline"])
    is_online(alice)
    expect(alice.locator("connection-status")).to_be_hidden()
    assert len(wire.sockets) == 2


def test_try_now_does_not_wait(open_page: OpenPage) -> None:
    server = FakeServer()
    page = open_page("alice", prepare=server.prepare)
    is_online(page)
    server.sockets[-1].close(code=4008)
    expect(page.locator("connection-status")).to_contain_text("Trying again in 2 s.")
    page.get_by_role("button", name="Try now").click()
    is_online(page)
    assert len(server.sockets) == 2


def test_a_refused_page_does_not_come_back_by_itself(open_page: OpenPage) -> None:
    sentences = {
        1008: "The server refused this connection.",
        4500: "Your sign-in is no longer valid.",
        4599: "The server ended the connection.",
    }
    server = FakeServer()
    page = open_page("alice", prepare=server.prepare)
    for number, (code, sentence) in enumerate(sentences.items(), start=1):
        is_online(page)
        server.sockets[-1].close(code=code)
        expect(page.locator("connection-status")).to_contain_text(sentence)
        page.clock.run_for(120_000)
        assert len(server.sockets) == number
        page.get_by_role("button", name="Connect again").click()


def test_a_page_that_lost_its_connection_comes_back(open_page: OpenPage) -> None:
    server = FakeServer()
    page = open_page("alice", prepare=server.prepare)
    for code in (1001, 1006, 1009, 1011, 1012, 4008, 4009, 4502):
        is_online(page)
        server.sockets[-1].close(code=code)
        has_state(page, "waiting")
        page.clock.fast_forward(30_000)
    is_online(page)
    assert server.types() == ["init"] * 9


def test_each_further_failure_waits_longer_and_a_restart_does_not(open_page: OpenPage) -> None:
    server = FakeServer()
    page = open_page("alice", prepare=server.prepare)
    for longest, code in ((2, 4009), (4, 4009), (8, 4009), (1, 1012)):
        is_online(page)
        server.sockets[-1].close(code=code)
        has_state(page, "waiting")
        page.clock.run_for(longest * 1000 - 100)
        has_state(page, "waiting")
        page.clock.run_for(100)
    is_online(page)


def test_the_page_comes_back_when_the_server_that_restarts_said_and_tells_so_in_both_languages(
    open_page: OpenPage,
) -> None:
    server = FakeServer()
    page = open_page("alice", prepare=server.prepare)
    is_online(page)
    server.sockets[-1].send(json.dumps({"type": "restart", "retryAfter": 7.5}))
    server.sockets[-1].close(code=1012)
    status = page.locator("connection-status")
    expect(status).to_contain_text("The server is restarting.")
    expect(status).to_contain_text("Trying again in 8 s.")
    choose(page, "한국어")
    expect(status).to_contain_text("서버가 다시 시작되고 있습니다.")
    expect(status).to_contain_text("8초 후 다시 연결합니다.")
    page.clock.run_for(7_400)
    has_state(page, "waiting")
    page.clock.run_for(100)
    is_online(page)


def test_a_connection_that_answers_nothing_is_closed_and_opened_again(open_page: OpenPage) -> None:
    server = FakeServer()
    page = open_page("alice", prepare=server.prepare)
    is_online(page)
    page.clock.run_for(25_000)
    is_online(page)
    assert wait_until(page, server.types, lambda types: len(types) > 1) == ["init", "ping"]
    page.clock.run_for(10_000)
    has_state(page, "waiting")
    page.clock.run_for(4000)
    is_online(page)
    assert len(server.sockets) == 2


def test_the_browsers_word_that_it_is_online_ends_the_wait(open_page: OpenPage) -> None:
    server = FakeServer()
    page = open_page("alice", prepare=server.prepare)
    is_online(page)
    server.sockets[-1].close(code=1006)
    has_state(page, "waiting")
    page.evaluate("dispatchEvent(new Event('online'))")
    is_online(page)


# chat-socket.js by itself

EMIT = """async (count) => {
    const {ChatSocket} = await import("/static/js/chat-socket.js");
    const socket = new ChatSocket(`ws://${location.host}/ws`, {userId: "alice"});
    window.socket = socket;
    window.outcomes = [];
    for (let number = 0; number < count; number += 1) {
        socket.emit("chat", {toUserId: "bob", message: number === 7 ? "x".repeat(600) : "hi"}).then(
            (ack) => window.outcomes.push(ack.delivered),
            (error) => window.outcomes.push([error.name, error.code, error.field].join(" ").trim()),
        );
    }
}"""


def outcomes(page: Any, count: int) -> list[Any]:
    """What became of the emits, once there are `count` of them."""
    found: list[Any] = wait_until(page, lambda: page.evaluate("window.outcomes"), lambda found: len(found) >= count)
    return found


def test_what_is_emitted_before_ready_waits_in_order(open_page: OpenPage) -> None:
    def answer(server: FakeServer, event: dict[str, Any]) -> None:
        server.be_ready(event)
        if event.get("ref") == "2":
            server.say(type="error", ref="2", code="forbidden", message="No.", field="toUserId")
        elif event["type"] == "chat":
            server.say(type="ack", ref=event["ref"], delivered=True)

    server = FakeServer(answer)
    page = open_page(prepare=server.prepare)
    page.evaluate(EMIT, 3)
    assert outcomes(page, 3) == [True, "ChatError forbidden toUserId", True]
    assert server.types() == ["init", "chat", "chat", "chat"]


def test_an_emit_fails_by_name_when_it_cannot_be_sent(open_page: OpenPage) -> None:
    server = FakeServer(lambda server, event: None)  # never ready
    page = open_page(prepare=server.prepare)
    page.evaluate(EMIT, 101)
    assert outcomes(page, 1) == ["ChatError too_many_waiting"]
    page.clock.run_for(10_001)
    assert outcomes(page, 101)[1:] == ["ChatError not_connected"] * 100
    assert server.types().count("chat") == 0


def test_an_emit_fails_by_name_when_nobody_knows_whether_it_arrived(open_page: OpenPage) -> None:
    server = FakeServer()
    page = open_page(prepare=server.prepare)
    page.evaluate(EMIT, 1)
    wait_until(page, lambda: page.evaluate("socket.state.name"), lambda name: name == "online")
    page.clock.run_for(10_001)
    assert outcomes(page, 1) == ["ChatError timeout"]
    page.evaluate("() => void socket.emit('poke', {}).catch(({code}) => outcomes.push(code))")
    server.sockets[-1].close(code=1012)
    assert outcomes(page, 2)[1] == "connection_lost"
    page.evaluate("() => socket.close()")
    page.evaluate("() => void socket.emit('chat', {}).catch(({code}) => outcomes.push(code))")
    assert outcomes(page, 3)[2] == "ended"


def test_a_chat_is_said_again_with_its_client_id_after_the_connection_was_lost(open_page: OpenPage) -> None:
    def answer(server: FakeServer, event: dict[str, Any]) -> None:
        server.be_ready(event)
        if event["type"] == "chat" and len(server.sockets) == 2:
            server.say(type="ack", ref=event["ref"], delivered=True, seq=1)

    server = FakeServer(answer)
    page = open_page(prepare=server.prepare)
    page.evaluate(EMIT, 3)
    wait_until(page, server.types, lambda types: types.count("chat") == 3)
    server.sockets[-1].close(code=1012)
    page.clock.run_for(1000)
    assert outcomes(page, 3) == [True, True, True]
    ids = [event["clientId"] for event in server.heard if event["type"] == "chat"]
    assert ids[:3] == ids[3:] == sorted(set(ids)), "ordered ids, the same both times"


def test_a_message_beyond_the_servers_limit_is_not_sent(open_page: OpenPage) -> None:
    server = FakeServer()
    page = open_page(prepare=server.prepare)
    page.evaluate(EMIT, 8)
    assert outcomes(page, 1) == ["ChatError too_big"]
    assert server.types().count("chat") == 7


# Languages, sizes, signing in and out


def test_the_page_speaks_korean_and_remembers_it(open_page: OpenPage) -> None:
    page = open_page("지민", to="bob")
    choose(page, "한국어")
    expect(page.locator("html")).to_have_attribute("lang", "ko")
    expect(page.get_by_placeholder("메시지를 입력하세요")).to_be_visible()
    expect(page.locator(".connection")).to_have_text("온라인")
    expect(page).to_have_title("채팅")
    page.reload()
    expect(page.get_by_role("button", name="보내기")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "ko")


def test_every_text_of_the_page_is_written_in_both_languages(open_page: OpenPage) -> None:
    page = open_page()
    texts = page.evaluate("import('/static/js/texts.js').then(({texts}) => texts)")
    assert len(texts) > 50, "need the texts for this to mean anything"
    for key, text in texts.items():
        assert all(text[language] for language in ("en", "ko")), key
    named = page.evaluate(
        """() => [document, ...[...document.querySelectorAll("template")].map(({content}) => content)]
            .flatMap((root) => [...root.querySelectorAll("[data-text], [data-label], [data-hint]")])
            .flatMap(({dataset}) => [dataset.text, dataset.label, dataset.hint]).filter(Boolean)"""
    )
    assert set(named) <= set(texts)


def test_a_phone_shows_the_list_or_the_conversation_and_never_scrolls_sideways(open_page: OpenPage) -> None:
    page = open_page("alice", size=(360, 640))
    new_message(page).fill("w" * 64)
    page.keyboard.press("Enter")
    write(page, "w" * 500 + " " + "길" * 300)
    expect(texts(page)).to_have_count(1)
    expect(page.locator("conversation-list")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert page.locator(".scroller").evaluate("({scrollWidth, clientWidth}) => scrollWidth - clientWidth") == 0
    page.get_by_role("link", name="Back to the list").click()
    expect(page.locator("conversation-list")).to_be_visible()
    expect(page.locator("#conversation-pane")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_a_name_that_cannot_be_is_told_with_the_rule(open_page: OpenPage, complaints: list[str]) -> None:
    sentences = {
        "  ": "Please enter a name.",
        "x" * 65: "At most 64 characters, please.",
        "a\u202eb": "It holds characters that cannot be seen.",
    }
    page = open_page()
    for name, sentence in sentences.items():
        page.get_by_label("Your name").fill(name)
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert").first).to_have_text(sentence)
    newer = {"code": "invalid_field", "field": "userId", "rule": "of_tomorrow", "message": "Not this one."}
    page.route("**/api/session", lambda route: route.fulfill(status=400, json={"error": newer}))
    page.get_by_label("Your name").fill("carol")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").first).to_have_text("Not this one.")
    expect(page.locator("#chat")).to_be_hidden()
    complaints.clear()  # of answers with status 400


def test_a_name_survives_reloading_and_ends_with_signing_out(open_page: OpenPage, called: Called) -> None:
    page = open_page("alice", to="bob")
    page.reload()
    expect(page.locator(".me .name")).to_have_text(called("alice"))
    is_online(page)
    choose(page, "Sign out")
    expect(page.get_by_label("Your name")).to_be_visible()
    expect(page.locator("#chat")).to_be_hidden()
    expect(open_page().get_by_label("Your name")).to_be_visible()


def test_the_page_is_served_with_a_strict_content_policy(open_page: OpenPage, server: Any) -> None:
    """That no page breaks it is checked after every test: a breach is an error in the console."""
    page = open_page()
    policy = page.request.get(f"{server.http}/").headers["content-security-policy"]
    assert "'self'" in policy
    assert "unsafe" not in policy
    assert page.locator("[style], [onclick], script:not([src]), style").count() == 0
