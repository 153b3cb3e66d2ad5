"""A thousand conversations on the page."""

from __future__ import annotations

import functools
import itertools
import json
from typing import Any

from chat.limits import READY_CONVERSATIONS
from chat.storage.records import Pointer, Send
from tests.browser.pages import READY, Called, OpenPage, expect, is_online, sent_events, wait_until
from tests.storage.conftest import open_storage

PEOPLE = 1_000

# A server in the page itself, so that its events come when the test says.
SERVER = """window.WebSocket = class {
    static OPEN = 1;
    readyState = 0; bufferedAmount = 0;
    constructor() {
        window.server = this;
        setTimeout(() => { this.readyState = 1; this.onopen({}); });
    }
    send(frame) {
        const {type, ref} = JSON.parse(frame);
        if (type === "init") this.say(READY);
        else if (ref !== undefined) this.say({type: "ack", ref});
    }
    close() {}
    say(event) { this.onmessage({data: JSON.stringify(event)}); }
};"""
# How often something is made that takes a browser's time: what writes dates, by each way to get one.
COUNT_FORMATS = """window.formats = 0;
const {DateTimeFormat} = Intl;
Intl.DateTimeFormat = new Proxy(DateTimeFormat, {
    construct(...made) { window.formats += 1; return Reflect.construct(...made); },
    apply(...made) { window.formats += 1; return Reflect.apply(...made); },
});
for (const name of ["toLocaleString", "toLocaleDateString", "toLocaleTimeString"]) {
    const own = Date.prototype[name];
    Date.prototype[name] = function (...given) { window.formats += 1; return own.apply(this, given); };
}"""
# Each of them leaves, by a task of its own; returns how many changes the list and its rows had until nobody is there.
LEAVE = """async (people) => {
    let changes = 0;
    const list = document.querySelector("conversation-list nav ul");
    const observer = new MutationObserver((records) => (changes += records.length));
    observer.observe(list, {childList: true, subtree: true, characterData: true, attributes: true});
    const {port1, port2} = new MessageChannel();
    port1.onmessage = ({data}) => server.say({type: "presence", userId: data, status: "offline"});
    for (const person of people) port2.postMessage(person);
    while (list.querySelector("[data-presence=online]")) await new Promise(requestAnimationFrame);
    observer.disconnect();
    return changes;
}"""
# Says all of these, each by a task of its own; returns how many rows the list had after each change of it.
SAY = """async (events) => {
    const counts = [];
    const list = document.querySelector("conversation-list nav ul");
    const observer = new MutationObserver(() => counts.push(list.children.length));
    observer.observe(list, {childList: true});
    const {port1, port2} = new MessageChannel();
    port1.onmessage = ({data}) => server.say(data);
    for (const event of events) port2.postMessage(event);
    while (counts.at(-1) !== events.length) await new Promise(requestAnimationFrame);
    observer.disconnect();
    return counts;
}"""


def chats(seq: int) -> list[dict[str, Any]]:
    stamp = f"2026-01-31T09:3{seq}:00.000Z"
    return [
        {
            "type": "chat",
            "fromUserId": f"person{n}",
            "toUserId": "alice",
            "message": f"hello {seq} from {n}",
            "seq": seq,
        }
        | {"timestamp": stamp}
        for n in range(PEOPLE)
    ]


def test_a_list_of_a_thousand_is_drawn_a_part_at_a_time_and_then_only_what_changed(context: Any, server: Any) -> None:
    page = context.new_page()
    page.add_init_script(COUNT_FORMATS)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.add_init_script(SERVER.replace("READY", json.dumps(READY)))
    nothing = {"token": "t", "userId": "alice", "hasPassword": False, "conversations": [], "next": None}
    more = {"messages": [], "lastSeq": 0, "more": False, "notifications": [], "unseen": 0, "users": [], "keys": {}}
    page.route("**/api/**", lambda route: route.fulfill(json=nothing | more))
    page.goto("/#person7")
    page.get_by_label("Your name").fill("alice")
    page.keyboard.press("Enter")
    is_online(page)
    rows = page.locator("conversation-list nav li")
    counts = page.evaluate(SAY, chats(1))
    assert counts == sorted(counts)
    most = max(now - before for before, now in itertools.pairwise([0, *counts]))
    assert most < PEOPLE / 4, "need frames in between"
    expect(rows).to_have_count(PEOPLE)
    page.evaluate("event => server.say(event)", chats(2)[500])
    expect(rows.first).to_contain_text("hello 2 from 500")
    expect(rows.last).to_contain_text("hello 1 from")
    expect(rows.locator(".count").filter(has_text="1")).to_have_count(PEOPLE - 2)
    leaving = [f"person{n}" for n in range(0, PEOPLE, 3)]
    page.evaluate(
        "people => people.forEach((userId) => server.say({type: 'presence', userId, status: 'online'}))", leaving
    )
    expect(rows.locator("[data-presence=online]")).to_have_count(len(leaving))
    changes = page.evaluate(LEAVE, leaving)
    assert len(leaving) <= changes < 20 * len(leaving), "only what changed is drawn"
    assert page.evaluate("window.formats") < 50, "what writes dates is made once"
    page.close()


def test_an_old_conversation_that_nobody_told_of_is_read_when_it_is_seen(
    open_page: OpenPage, called: Called, database: str
) -> None:
    alice, bob, carol = called("alice"), called("bob"), called("carol")
    newer = [called(f"friend{n}") for n in range(READY_CONVERSATIONS)]
    storage = open_storage(database)
    storage.writer.commit([Send(sender, alice, f"old {n}", None) for sender in (bob, carol) for n in range(3)])
    storage.writer.commit([], [Pointer(alice, bob, 1, 1)])
    storage.writer.commit([Send(sender, alice, "newer", None) for sender in newer])
    storage.writer.commit([], [Pointer(alice, sender, 1, 1) for sender in newer])
    storage.close()
    said: list[list[dict[str, Any]]] = []
    page = open_page("alice", to="bob", prepare=lambda page: said.append(sent_events(page)))
    is_online(page)
    expect(page.locator(".divider + .message .text")).to_have_text("old 1")
    page.get_by_label("Search names").fill(carol)
    page.locator("search-box").get_by_role("link", name=carol).click()
    expect(page.locator(".divider + .message .text")).to_have_text("old 0")
    look = functools.partial(lambda sent: [(e["withUserId"], e["seq"]) for e in sent if e["type"] == "read"], said[0])
    assert wait_until(page, look, lambda read: len(read) > 1) == [(bob, 3), (carol, 3)]
