"""The pupil's page: first.html with first_server.py, and what the checker of a page says of it."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import TIMEOUT_MS
from tests.conftest import StartServer
from tests.test_docs import WALKTHROUGHS, blocks
from tests.walkthrough.servers import LESSON, app_of, serving

import check_client  # isort: skip  (of LESSON, which `servers` has made known)


def enter(page: Any, name: str) -> None:
    page.fill("#me", name)
    page.press("#me", "Enter")


def write(page: Any, to: str, text: str) -> None:
    page.fill("#to", to)
    page.fill("#text", text)
    page.press("#text", "Enter")


def test_two_people_chat_with_the_first_page_on_the_first_server(
    chromium: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(app_of(LESSON / "first_server.py", monkeypatch)) as host, chromium.new_context() as context:
        alice, bob = context.new_page(), context.new_page()
        for page, name in (alice, "alice"), (bob, "bob"):
            page.goto(f"http://{host}/")
            enter(page, name)
            page.wait_for_function("socket.readyState === WebSocket.OPEN")
        write(bob, "bob", "here")  # comes back: his init is handled
        expect(bob.locator("li").nth(1)).to_have_text("bob: here")
        write(alice, "bob", "<b>안녕</b>")
        expect(bob.locator("li").last).to_have_text("alice: <b>안녕</b>")
        expect(alice.locator("li")).to_have_text(["alice → bob: <b>안녕</b>"])
        alice.evaluate("socket.close()")
        expect(alice.locator("li").last).to_have_text("(closed / 닫힘: 1006)")  # as the exercises say


def test_the_experiments_for_the_console_print_what_the_walkthrough_says(
    chromium: Any, start_server: StartServer
) -> None:
    opens, says, is_rude = blocks(WALKTHROUGHS["walkthrough.md"], "js")
    server = start_server(CHAT_RATE_LIMITS="on")
    with chromium.new_context() as context:
        lines: dict[str, list[str]] = {}
        pages = {}
        for name in ("alice", "bob"):
            page = pages[name] = context.new_page()
            page.goto(server.http)
            page.on("console", lambda line, name=name: lines.setdefault(name, []).append(line.text))
            page.evaluate(opens.replace("const ws", "globalThis.ws").replace('"alice"', f'"{name}"') + "0")
            until(page, lambda name=name: '"type":"ready"' in last(lines, name))
        pages["alice"].evaluate(says)
        until(
            pages["bob"],
            lambda: last(lines, "bob").startswith('message {"type":"chat"') and "안녕" in last(lines, "bob"),
        )
        pages["alice"].evaluate(is_rude)
        until(pages["alice"], lambda: "bad_json" in last(lines, "alice"))
        assert '"forbidden"' in lines["alice"][-2]
        assert pages["alice"].evaluate("ws.readyState") == 1
        assert "homework" not in last(lines, "bob")
        server.process.send_signal(signal.SIGTERM)  # as by Ctrl-C
        until(pages["bob"], lambda: last(lines, "bob") == "close 1012 service restart")
        assert '"type":"restart"' in lines["bob"][-2]
        assert pages["bob"].evaluate("[ws.readyState, ws.send('hi')]") == [3, None]


def last(lines: dict[str, list[str]], name: str) -> str:
    """The last line of somebody's console that is the experiment's, and not the browser's."""
    lines[name] = [line for line in lines.get(name, []) if line.startswith(("message", "close"))]
    return lines[name][-1] if lines[name] else ""


def until(page: Any, is_true: Callable[[], bool]) -> None:
    end = time.monotonic() + TIMEOUT_MS / 1000
    while not is_true():
        assert time.monotonic() < end
        page.wait_for_timeout(20)  # in which the browser's events come


def judged(chromium: Any, file: Path, lang: str = "en") -> list[str]:
    """What the checker says of a page, whose person does what they are told."""
    with serving(check_client.make_app(file)) as host, chromium.new_context() as context:
        page = context.new_page()
        page.goto(f"http://{host}/?lang={lang}")
        frame = page.frame_locator("iframe")
        enter_name = frame.locator("#me")
        enter_name.fill("alice")
        enter_name.press("Enter")
        lines = page.locator("li")
        expect(lines.nth(1)).to_have_attribute("data-state", re.compile("passed|failed|untried"))
        frame.locator("#to").fill("teacher")
        frame.locator("#text").fill("hello")
        frame.locator("#text").press("Enter")
        expect(lines.nth(4)).to_have_attribute("data-state", re.compile("passed|failed|untried"))
        return [line for line in lines.all_text_contents() if "FAILED" in line or "실패" in line]


def test_the_checker_of_a_page_passes_the_answer_and_says_of_each_half_right_page_what_is_wrong(
    chromium: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_client, "BACK_SECONDS", 3.0)
    monkeypatch.setattr(check_client, "ANSWER_SECONDS", 1.0)
    assert judged(chromium, LESSON / "answers/comes_back.html") == []
    [line] = judged(chromium, LESSON / "first.html", "ko")
    assert "다시 연결하지 않았습니다" in line
    half = tmp_path / "half.html"
    whole = (LESSON / "answers/comes_back.html").read_text("utf-8")
    html = whole.replace("item.textContent = line", "item.innerHTML = line").replace(
        "message: text.value}", "text: text.value}"
    )
    half.write_text(html.replace('if (event.type === "chat") ', ""), "utf-8")
    said = judged(chromium, half)
    assert [line[0] for line in said] == ["2", "3", "4"]
    assert ["textContent" in said[0], '"message"' in said[1], "undefined" in said[2]] == [True] * 3
    half.write_text(whole.replace('type: "init", ', ""), "utf-8")
    assert judged(chromium, half)[0].startswith("1  FAILED")


def test_a_page_that_opens_no_socket_here_is_told_of_the_address_that_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_client, "PERSON_SECONDS", 0.05)
    file = tmp_path / "page.html"
    keys = []
    for text in ('new WebSocket("ws://127.0.0.1:5000/ws")', "<form>"):
        file.write_text(text)
        verdicts: list[Any] = []
        check_client.judge(check_client.Page(file), lambda _, verdict, found=verdicts: found.append(verdict))
        keys.append((verdicts[0].key, verdicts[0].blanks.get("got"), [verdict.tried for verdict in verdicts]))
    untried = [True, False, False, False, False]
    assert keys == [("fixed_address", "ws://127.0.0.1:5000/ws", untried), ("no_page_socket", None, untried)]
