"""A server that is killed, a page that is loaded anew in the middle of something, tabs that share a person."""

from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path
from typing import Any

from chat import create_app
from chat.storage.records import Send
from tests.browser.pages import (
    Called,
    OpenPage,
    Wire,
    choose,
    click,
    expect,
    has_state,
    is_online,
    new_message,
    texts,
    write,
)
from tests.conftest import TOKEN_SECRET, Server, StartServer
from tests.storage.conftest import open_storage

BACK_MS = 30_000  # until a page has come back by itself, or somebody pressed the button


def start_on(start_server: StartServer, port: int, folder: Path) -> Server:
    """A server on this port, 0 for a free one, with the database in `folder`."""
    command = [sys.executable, "-m", "gunicorn", "-k", "gevent", "-b", f"127.0.0.1:{port}", "app:app"]
    server = start_server(command=command, CHAT_DATABASE_URL=f"sqlite:///{folder}/chat.db")  # type: ignore[arg-type]
    server.wait_for("Booting worker")
    return server


def kill(server: Server) -> None:
    worker = server.worker_pid
    server.process.kill()  # first, or it would start another worker
    server.process.wait()
    os.kill(worker, signal.SIGKILL)


def enter(context: Any, server: Server, name: str, to: str) -> Any:
    page = context.new_page()
    page.goto(f"{server.http}/#{to}")
    page.get_by_label("Your name").fill(name)
    page.keyboard.press("Enter")
    is_online(page)
    return page


def test_a_killed_server_loses_neither_a_draft_nor_a_message_of_either_side(
    context: Any, start_server: StartServer, tmp_path: Path, complaints: list[str]
) -> None:
    server = start_on(start_server, 0, tmp_path)
    alice, bob = enter(context, server, "alice", "bob"), enter(context, server, "bob", "alice")
    write(alice, "before")
    expect(texts(bob)).to_have_text(["before"])
    kill(server)
    has_state(alice, "waiting")
    write(alice, "unsent")
    alice.get_by_label("Write a message").press_sequentially("half a dra")
    write(bob, "from the other side")
    for page, text in ((alice, "unsent"), (bob, "from the other side")):
        expect(page.locator(".message[data-state=waiting] .text")).to_have_text([text])
    again = start_on(start_server, server.port, tmp_path)
    assert again.port == server.port
    for page in (alice, bob):
        expect(page.locator("#chat")).to_have_attribute("data-connection", "online", timeout=BACK_MS)
    alice.get_by_label("Write a message").press_sequentially("ft")
    for page in (alice, bob):
        expect(texts(page)).to_have_count(3)
        assert sorted(texts(page).all_text_contents()) == ["before", "from the other side", "unsent"]
        expect(page.locator(".message[data-state=waiting]")).to_have_count(0)
    assert texts(alice).all_text_contents() == texts(bob).all_text_contents()
    expect(alice.get_by_label("Write a message")).to_have_value("half a draft")
    alice.reload()
    expect(alice.get_by_label("Write a message")).to_have_value("half a draft")
    expect(texts(alice)).to_have_count(3)
    for page in (alice, bob):
        page.close()  # before their server
    complaints.clear()  # Chromium complains of each connection that was refused


def test_after_a_restore_a_page_that_held_more_shows_what_the_database_holds(
    context: Any, start_server: StartServer, tmp_path: Path, complaints: list[str]
) -> None:
    server, url = start_on(start_server, 0, tmp_path), f"sqlite:///{tmp_path}/chat.db"
    app = create_app({"CHAT_DATABASE_URL": url, "CHAT_TOKEN_SECRET": TOKEN_SECRET})
    runner, copy = app.test_cli_runner(), str(tmp_path / "copy.db")
    bob = enter(context, server, "bob", "alice")
    store(url, "one", "two", "three")
    assert runner.invoke(args=["chat", "backup", copy]).exit_code == 0
    store(url, "four", "five")
    bob.reload()
    is_online(bob)
    expect(texts(bob)).to_have_text(["one", "two", "three", "four", "five"])
    kill(server)
    has_state(bob, "waiting")
    put_back = runner.invoke(args=["chat", "restore", copy])
    assert put_back.exit_code == 0, put_back.output
    store(url, "another four", "another five", "six")  # as many as the page held, and one more
    app.extensions["chat"].stop()
    start_on(start_server, server.port, tmp_path)
    expect(bob.locator("#chat")).to_have_attribute("data-connection", "online", timeout=BACK_MS)
    expect(texts(bob)).to_have_text(["one", "two", "three", "another four", "another five", "six"])
    bob.close()
    complaints.clear()


def store(url: str, *said: str) -> None:
    """Have alice say this to bob, past any server."""
    storage = open_storage(url)
    storage.writer.commit([Send("alice", "bob", text, None) for text in said])
    storage.close()


def test_a_page_that_is_loaded_anew_in_mid_send_sends_once(open_page: OpenPage) -> None:
    wire = Wire()
    alice = open_page("alice", to="bob", prepare=wire.prepare)
    bob = open_page("bob", to="alice")
    for page in (alice, bob):
        is_online(page)
    wire.garble = lambda event: [] if event["type"] == "ack" else [event]
    write(alice, "in the middle")
    expect(texts(bob)).to_have_text(["in the middle"])
    expect(alice.locator(".message.mine")).to_have_attribute("data-state", "waiting")
    wire.garble = lambda event: [event]
    alice.reload()
    expect(alice.locator(".message.mine")).to_have_count(1)
    expect(alice.locator(".message.mine")).not_to_have_attribute("data-state", "waiting")
    write(alice, "afterwards")
    expect(texts(bob)).to_have_text(["in the middle", "afterwards"])
    expect(texts(alice)).to_have_text(["in the middle", "afterwards"])


def test_a_draft_of_each_conversation_survives_a_reload_is_shared_by_tabs_and_goes_with_signing_out(
    open_page: OpenPage, called: Called
) -> None:
    page = open_page("alice", to="bob")
    field = page.get_by_label("Write a message")
    field.fill("to bob,\nhalf")
    new_message(page).fill(called("carol"))
    page.keyboard.press("Enter")
    field.fill("to carol")
    page.reload()
    expect(field).to_have_value("to carol")
    page.go_back()
    expect(field).to_have_value("to bob,\nhalf")
    field.fill("")
    page.reload()
    expect(field).to_have_value("")
    other = open_page("alice", to="bob")
    there = other.get_by_label("Write a message")
    field.fill("begun in one tab")
    expect(there).to_have_value("begun in one tab")
    there.press_sequentially("!")
    expect(field).to_have_value("begun in one tab!")
    there.press("Enter")
    expect(texts(other)).to_have_text(["begun in one tab!"])
    expect(field).to_have_value("")
    other.close()
    field.fill("nobody is to read this")
    choose(page, "Sign out")
    expect(page.get_by_label("Your name")).to_be_visible()
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.includes('draft'))") == []


def test_two_people_and_three_tabs_agree_on_everything(open_page: OpenPage, called: Called) -> None:
    alice, alices_other, bob = open_page("alice"), open_page("alice"), open_page("bob", to="alice")
    for page in (alice, alices_other, bob):
        is_online(page)
    new_message(alice).fill(called("bob"))  # begun on a connection that has told of all there were
    alice.keyboard.press("Enter")
    for number in range(3):
        write(alice, f"from alice {number}")
        write(bob, f"from bob {number}")
    for page in (alice, bob):
        expect(texts(page)).to_have_count(6)
    assert texts(alice).all_text_contents() == texts(bob).all_text_contents()
    expect(alices_other.get_by_role("link", name=called("bob"))).to_contain_text(re.compile("from (alice|bob) 2"))
    expect(alices_other.locator(".badge:visible")).to_have_count(0)  # read in the first tab
    alice.close()
    write(bob, "to the tab that is left")
    expect(alices_other.locator(".badge:visible")).to_have_text(["11 unread"])
    expect(bob.locator("header .presence")).to_have_text("Online")
    click(alices_other.get_by_role("link", name=called("bob")))
    expect(texts(alices_other)).to_have_count(7)
    assert texts(alices_other).all_text_contents() == texts(bob).all_text_contents()
    expect(bob.locator(".message.mine").last).to_have_attribute("data-state", "read")
