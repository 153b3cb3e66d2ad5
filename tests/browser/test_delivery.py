"""What becomes of a message in the page: kept, sent again, stored once, received, read, and found again later."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.pages import (
    Called,
    FakeServer,
    OpenPage,
    Wire,
    choose,
    click,
    expect,
    is_online,
    texts,
    wait_until,
    write,
)

# Writes as somebody else would with a program of their own; [fromUserId, toUserId, [text, ...]].
WRITE_BY_PROGRAM = """async ([from, to, texts]) => {
    const {ChatSocket} = await import("/static/js/chat-socket.js");
    const socket = new ChatSocket(`ws://${location.host}/ws`, {userId: from, sync: true});
    await new Promise((resolve) => socket.on("ready", resolve));
    await Promise.all(texts.map((message) => socket.emit("chat", {toUserId: to, message})));
    socket.close();
}"""


READ_BY_PROGRAM = """([withUserId, seq]) => fetch(`/api/conversations/${withUserId}/read`, {
    method: "PUT",
    body: JSON.stringify({seq}),
    headers: {"Authorization": `Bearer ${sessionStorage.getItem("chat.token")}`, "Content-Type": "application/json"},
})"""


def is_in_state(page: Any, *states: str) -> None:
    """The states of one's own messages, from the top."""
    mine = page.locator(".message.mine")
    expect(mine).to_have_count(len(states))
    for number, state in enumerate(states):
        expect(mine.nth(number)).to_have_attribute("data-state", state)


def scroll(page: Any, place: str) -> None:
    page.locator(".scroller").evaluate(f"element => (element.scrollTop = {place})")


def kept(page: Any) -> list[str]:
    """The keys of the messages that the browser keeps."""
    found: list[str] = page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('chat.outbox.'))")
    return found


# Waiting


def test_messages_written_offline_survive_a_reload_and_arrive_once_and_in_order(open_page: OpenPage) -> None:
    wire = Wire()
    alice = open_page("alice", to="bob", prepare=wire.prepare)
    bob = open_page("bob", to="alice")
    for page in (alice, bob):
        is_online(page)
    wire.is_down = True
    wire.cut()
    for text in ("one", "two", "three"):
        write(alice, text)
    is_in_state(alice, "waiting", "waiting", "waiting")
    alice.reload()
    expect(texts(alice)).to_have_text(["one", "two", "three"])
    is_in_state(alice, "waiting", "waiting", "waiting")
    expect(texts(bob)).to_have_count(0)
    wire.is_down = False
    expect(texts(bob)).to_have_text(["one", "two", "three"])
    for page in (alice, bob):
        page.reload()
        expect(texts(page)).to_have_text(["one", "two", "three"])
    assert kept(alice) == []


def test_a_lost_ack_is_asked_for_again_and_the_message_arrives_once(open_page: OpenPage) -> None:
    wire = Wire()

    def lose_the_ack(event: dict[str, Any]) -> list[dict[str, Any]]:
        if event["type"] != "ack" or len(wire.chats()) != 1:
            return [event]
        wire.cut()
        return []

    wire.garble = lose_the_ack
    alice = open_page("alice", to="bob", prepare=wire.prepare)
    bob = open_page("bob")
    for page in (alice, bob):
        is_online(page)
    write(alice, "only once")
    expect(bob.locator(".badge")).to_contain_text("1 unread")
    is_in_state(alice, "received")
    first, second = wait_until(alice, wire.chats, lambda chats: len(chats) == 2)
    assert first["clientId"] == second["clientId"]
    click(bob.get_by_role("link", name="alice"))
    expect(texts(bob)).to_have_text(["only once"])
    expect(texts(alice)).to_have_text(["only once"])


def test_what_another_tab_left_behind_is_sent_by_this_one(open_page: OpenPage) -> None:
    wire = Wire()
    wire.is_down = True
    other = open_page("alice", to="bob", prepare=wire.prepare)
    this = open_page("alice", to="bob", prepare=lambda page: page.clock.install())
    is_online(this)
    write(other, "left behind")
    expect(texts(this)).to_have_text(["left behind"])
    is_in_state(this, "waiting")
    other.close()
    this.clock.run_for(11_000)
    is_in_state(this, "stored")


def test_a_busy_server_is_asked_again_later_with_the_same_client_id(open_page: OpenPage) -> None:
    answers = ["busy", "unavailable"]

    def answer(server: FakeServer, event: dict[str, Any]) -> None:
        server.be_ready(event)
        if event["type"] == "chat" and answers:
            server.say(type="error", ref=event["ref"], code=answers.pop(0), message="Later.")
        elif event["type"] == "chat":
            server.say(type="ack", ref=event["ref"], seq=1, timestamp="2030-01-01T10:00:00.000Z")

    server = FakeServer(answer)
    page = open_page("alice", to="bob", prepare=server.prepare)
    is_online(page)
    write(page, "patience")
    waiting = page.locator(".message .trouble")
    expect(waiting.get_by_text("Waiting. The server is busy.")).to_be_visible()
    expect(waiting.get_by_role("button")).to_have_count(0)
    page.clock.run_for(1000)
    expect(waiting.get_by_text("has trouble with its database")).to_be_visible()
    page.clock.run_for(2000)
    is_in_state(page, "stored")
    expect(waiting).to_be_hidden()
    assert len({event["clientId"] for event in server.heard if event["type"] == "chat"}) == 1
    assert server.types().count("chat") == 3


@pytest.mark.parametrize(("code", "is_another"), [("invalid_field", True), ("conflict", True), ("internal", False)])
def test_a_refused_message_says_why_survives_a_reload_and_can_be_tried_again(
    open_page: OpenPage, code: str, is_another: bool
) -> None:
    answers = [code]

    def answer(server: FakeServer, event: dict[str, Any]) -> None:
        server.be_ready(event)
        if event["type"] == "chat" and answers:
            broken = {"message": "No.", "field": "message", "rule": "too_long", "params": {"max": 4_000}}
            server.say(type="error", ref=event["ref"], code=answers.pop(), **broken)
        elif event["type"] == "chat":
            server.say(type="ack", ref=event["ref"], seq=1, timestamp="2030-01-01T10:00:00.000Z")

    server = FakeServer(answer)
    page = open_page("alice", to="bob", prepare=server.prepare)
    is_online(page)
    write(page, "again")
    is_in_state(page, "failed")
    page.reload()
    is_online(page)
    is_in_state(page, "failed")
    expect(page.locator(".trouble")).to_contain_text("Message: At most 4,000 characters, please.")
    if code == "invalid_field":  # the same again would be refused again
        expect(page.get_by_role("button", name="Try again")).to_have_count(0)
        page.get_by_role("button", name="Edit").click()
        page.keyboard.press("Enter")
    else:
        page.get_by_role("button", name="Try again").click()
    is_in_state(page, "stored")
    ids = [event["clientId"] for event in server.heard if event["type"] == "chat"]
    assert len(ids) == 2
    assert (ids[0] != ids[1]) is is_another


def test_a_refused_message_can_be_discarded_and_goes_with_signing_out(open_page: OpenPage) -> None:
    def refuse(server: FakeServer, event: dict[str, Any]) -> None:
        server.be_ready(event)
        if event["type"] == "chat":
            server.say(type="error", ref=event["ref"], code="forbidden", message="No.")

    page = open_page("alice", to="bob", prepare=FakeServer(refuse).prepare)
    write(page, "never mind")
    is_in_state(page, "failed")
    expect(page.get_by_role("button", name="Edit")).to_be_visible()
    page.get_by_role("button", name="Discard").click()
    expect(texts(page)).to_have_count(0)
    assert kept(page) == []
    write(page, "nobody is to find this here")
    is_in_state(page, "failed")
    assert len(kept(page)) == 1
    choose(page, "Sign out")
    expect(page.get_by_label("Your name")).to_be_visible()
    assert kept(page) == []


def test_a_browser_without_room_says_so_and_warns_before_the_page_is_closed(open_page: OpenPage) -> None:
    server = FakeServer()
    page = open_page("alice", to="bob", prepare=server.prepare)
    is_online(page)
    write(page, "kept")  # never answered
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.reload()
    assert asked == [], "what is kept needs no warning"
    page.evaluate("() => (Storage.prototype.setItem = () => { throw new DOMException('full'); })")
    page.get_by_label("Write a message").click()
    write(page, "not kept")
    expect(page.get_by_role("region", name="Notifications")).to_contain_text("has no room")
    is_in_state(page, "waiting", "waiting")
    page.reload()
    assert asked == ["beforeunload"]
    expect(texts(page)).to_have_text(["kept"])


# Stored, received, read


def test_a_message_is_stored_then_received_then_read(open_page: OpenPage) -> None:
    alice = open_page("alice", to="bob")
    is_online(alice)
    write(alice, "first")
    is_in_state(alice, "stored")
    bob = open_page("bob")
    is_in_state(alice, "received")
    expect(alice.get_by_title("Delivered")).to_have_count(1)
    write(alice, "second")
    is_in_state(alice, "received", "received")
    click(bob.get_by_role("link", name="alice"))
    is_in_state(alice, "read", "read")
    expect(alice.locator(".label:not(.visually-hidden)")).to_have_text(["Read"])
    alice.reload()
    is_in_state(alice, "read", "read")


def test_two_tabs_of_one_person_agree_on_what_is_unread(open_page: OpenPage, called: Called) -> None:
    one, other = open_page("alice"), open_page("alice")
    for page in (one, other):
        is_online(page)
    one.evaluate(WRITE_BY_PROGRAM, [called("bob"), called("alice"), ["1", "2", "3"]])
    for page in (one, other):
        expect(page.locator(".badge")).to_contain_text("3 unread")
        expect(page).to_have_title("(3) Chat")
    click(one.get_by_role("link", name="bob"))
    expect(other.locator(".badge:visible")).to_have_count(0)
    expect(other).to_have_title("Chat")
    other.reload()
    expect(other.get_by_role("link", name="bob")).to_contain_text("3")
    expect(other.locator(".badge:visible")).to_have_count(0)


def test_what_was_missed_is_counted_and_shown_after_coming_back(open_page: OpenPage, called: Called) -> None:
    wire = Wire()
    alice = open_page("alice", to="bob", prepare=wire.prepare)
    elsewhere = open_page()  # on no wire: what is cut is alice's own socket, and not the program's
    is_online(alice)
    elsewhere.evaluate(WRITE_BY_PROGRAM, [called("bob"), called("alice"), ["before"]])
    expect(texts(alice)).to_have_text(["before"])
    wire.is_down = True
    wire.cut()
    expect(alice.locator("#chat")).not_to_have_attribute("data-connection", "online")
    missed = [str(number) for number in range(210)]  # more than one answer holds
    for name in ("bob", "carol"):
        elsewhere.evaluate(WRITE_BY_PROGRAM, [called(name), called("alice"), missed])
    expect(texts(alice)).to_have_text(["before"])
    wire.is_down = False
    expect(texts(alice)).to_have_text(["before", *missed])
    expect(alice.get_by_role("link", name="carol")).to_contain_text("210 unread")


def test_a_strangers_burst_is_counted_whole_and_asks_for_the_list_a_few_times_only(
    open_page: OpenPage, called: Called
) -> None:
    alice, elsewhere = open_page("alice"), open_page()
    is_online(alice)
    asked: list[str] = []
    alice.on("request", lambda request: asked.append(request.url))
    burst = [str(number) for number in range(200)]
    elsewhere.evaluate(WRITE_BY_PROGRAM, [called("carol"), called("alice"), burst])
    expect(alice.get_by_role("link", name="carol")).to_contain_text("200 unread")
    alice.wait_for_timeout(200)  # for those that would still come
    assert 1 <= len(asked) <= 20, "some of 200, since each answer may be followed by one more"


def test_what_the_server_says_twice_is_shown_once(open_page: OpenPage) -> None:
    wire = Wire()
    wire.garble = lambda event: [event] * (3 if event["type"] in ("chat", "ack") else 1)
    alice = open_page("alice", to="bob", prepare=wire.prepare)
    bob = open_page("bob", to="alice")
    for page in (alice, bob):
        is_online(page)
    write(bob, "one")
    expect(texts(alice)).to_have_text(["one"])
    write(alice, "two")
    expect(texts(bob)).to_have_text(["one", "two"])
    write(bob, "three")
    expect(texts(alice)).to_have_text(["one", "two", "three"])


def test_a_message_that_got_lost_on_the_way_is_fetched_before_the_next(open_page: OpenPage) -> None:
    wire = Wire()
    wire.garble = lambda event: [] if event.get("message") == "lost" else [event]
    alice = open_page("alice", to="bob", prepare=wire.prepare)
    bob = open_page("bob", to="alice")
    for page in (alice, bob):
        is_online(page)
    for text in ("one", "lost", "three"):
        write(bob, text)
    expect(texts(alice)).to_have_text(["one", "lost", "three"])


# History


# How many rows come at once, at most.
COUNT_ROWS = """() => {
    window.mostRows = 0;
    new MutationObserver((records) => {
        const added = records.reduce((sum, {addedNodes}) => sum + addedNodes.length, 0);
        window.mostRows = Math.max(window.mostRows, added);
    }).observe(document.querySelector("message-list ol"), {childList: true});
}"""


def test_a_long_conversation_is_loaded_by_scrolling_and_the_page_stays_light(
    open_page: OpenPage, called: Called
) -> None:
    alice = open_page("alice")
    is_online(alice)
    everything = [f"number {number}" for number in range(560)]
    alice.evaluate(WRITE_BY_PROGRAM, [called("bob"), called("alice"), everything[:-1]])
    alice.evaluate(WRITE_BY_PROGRAM, [called("alice"), called("bob"), everything[-1:]])
    alice.evaluate(READ_BY_PROGRAM, [called("bob"), 560])  # else it opens at the first unread one
    alice.reload()
    click(alice.get_by_role("link", name="bob"))
    expect(texts(alice).last).to_have_text("number 559")
    expect(texts(alice).last).to_be_in_viewport()
    assert texts(alice).count() <= 151
    alice.evaluate(COUNT_ROWS)
    beginning = alice.get_by_text("The conversation begins here.")
    most = 0
    for _ in range(40):
        top = alice.evaluate(
            """() => {
                const scroller = document.querySelector(".scroller");
                scroller.scrollTop = 0;
                return document.querySelector(".message .text").textContent;
            }"""
        )
        wait_until(alice, lambda top=top: texts(alice).first.text_content() != top or beginning.is_visible(), bool)
        most = max(most, texts(alice).count())
        if beginning.is_visible():
            break
        expect(alice.get_by_text(top, exact=True)).to_be_attached()
    assert most == 250
    assert 0 < alice.evaluate("window.mostRows") <= 20, "a few a frame: fifty at once make a frame long"
    expect(texts(alice).first).to_have_text("number 0")
    newest = alice.get_by_text("number 540", exact=True)
    for _ in range(40):  # down again: the newest ones are fetched once more
        if newest.count():
            break
        scroll(alice, "element.scrollHeight")
        alice.wait_for_timeout(50)
    expect(newest).to_be_attached()
    write(alice, "from far up")
    expect(alice.get_by_text("number 559", exact=True)).to_be_attached()
    expect(texts(alice).last).to_have_text("from far up")
    expect(texts(alice).last).to_be_in_viewport()
    found = texts(alice).all_text_contents()
    assert found[:-1] == everything[-len(found) + 1 :]


def test_scrolling_up_moves_nothing_that_somebody_reads(open_page: OpenPage, called: Called) -> None:
    alice = open_page("alice", size=(800, 500))
    is_online(alice)
    many = [f"number {number}" for number in range(120)]
    alice.evaluate(WRITE_BY_PROGRAM, [called("alice"), called("bob"), many])
    alice.reload()  # what came live is held; now it is fetched
    click(alice.get_by_role("link", name="bob"))
    expect(texts(alice).last).to_be_in_viewport()
    answers: list[Any] = []
    alice.route("**/messages?**", lambda route: answers.append(route))
    scroll(alice, "100")
    expect(alice.get_by_role("status").filter(has_text="Loading…")).to_be_visible()
    wait_until(alice, lambda: answers, bool)
    alice.evaluate("() => (window.row = document.querySelectorAll('.message')[3])")
    before, count = alice.evaluate(TOP_OF_ROW), texts(alice).count()
    answers.pop(0).continue_()
    expect(texts(alice)).to_have_count(count + 50)
    assert alice.evaluate(TOP_OF_ROW) == pytest.approx(before, abs=1)


TOP_OF_ROW = "() => window.row.getBoundingClientRect().top"


def test_history_that_did_not_come_can_be_asked_for(open_page: OpenPage, called: Called, complaints: list[str]) -> None:
    alice = open_page("alice")
    is_online(alice)
    alice.evaluate(WRITE_BY_PROGRAM, [called("bob"), called("alice"), ["one", "two"]])
    alice.route("**/messages?**", lambda route: route.fulfill(status=503, json=UNAVAILABLE))
    alice.reload()
    click(alice.get_by_role("link", name="bob"))
    expect(texts(alice)).to_have_text(["two"])
    again = alice.get_by_role("button", name="Load earlier messages")
    expect(again).to_be_visible()
    expect(alice.locator(".edge .problem")).to_contain_text("has trouble with its database")
    expect(alice.locator("chat-banners .banner")).to_have_count(0)
    alice.unroute("**/messages?**")
    again.click()
    expect(texts(alice)).to_have_text(["one", "two"])
    expect(alice.locator(".edge .problem")).to_be_hidden()
    assert complaints, "need a failure for this to mean anything"
    complaints.clear()


UNAVAILABLE = {"error": {"code": "unavailable", "message": "Later.", "field": None}}
NOT_SIGNED_IN = {"error": {"code": "not_signed_in", "message": "No.", "field": None}}


def test_a_token_that_ran_out_is_asked_for_anew_once(
    open_page: OpenPage, called: Called, complaints: list[str]
) -> None:
    alice = open_page("alice")
    is_online(alice)
    alice.evaluate(WRITE_BY_PROGRAM, [called("bob"), called("alice"), ["one"]])
    expect(alice.locator(".badge")).to_contain_text("1 unread")
    alice.evaluate("() => sessionStorage.setItem('chat.token', 'stale')")
    alice.reload()
    expect(alice.locator(".badge")).to_contain_text("1 unread")
    assert alice.evaluate("() => sessionStorage.getItem('chat.token')") != "stale"
    sessions: list[str] = []
    alice.on("request", lambda request: sessions.extend([request.url] * ("session" in request.url)))
    alice.route("**/api/conversations**", lambda route: route.fulfill(status=401, json=NOT_SIGNED_IN))
    alice.reload()
    expect(alice.get_by_role("region", name="Notifications")).to_contain_text("sign out and in")
    assert len(sessions) == 1
    complaints.clear()
