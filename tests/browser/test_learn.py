"""/learn, walked through from its first page to its last: in both languages, wide, on a phone and on a
projector, each demonstration tried."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from chat.learn.steps import STEPS
from tests.browser.pages import OpenPage, expect, is_online, write
from tests.browser.test_accessibility import RUN
from tests.conftest import ROOT, Server, StartServer
from tests.npm import npm_package

PROJECTOR = {"width": 960, "height": 540}  # of 1920 points, with the browser's zoom at 200 %
COMMAND_SECONDS = 60

# What stands on a ground or a shadow, which forced colours take away; and what a ground alone tells.
WITHOUT_EDGE = """() => {
    const grounds = ".predict, .demo, .choice, .number, .neighbours a, .scroll, .dict, .part, .counts > div, .compute li, meter, .lamp";
    const marks = ".steps [aria-current], .choice[aria-pressed=true], .is-told";
    const without = (selector, style) => [...document.querySelectorAll(selector)]
        .filter((one) => one.checkVisibility() && getComputedStyle(one)[style] === "none").map((one) => one.className);
    return [...without(grounds, "borderTopStyle"), ...without(marks, "outlineStyle")];
}"""
# step -> what tries its demonstration, and sees what changes on the screen by it.
DEMONSTRATIONS: dict[str, Callable[[Any], None]] = {}


def demonstration(function: Callable[[Any], None]) -> Callable[[Any], None]:
    DEMONSTRATIONS[function.__name__] = function
    return function


@pytest.fixture(scope="module")
def server(_start: StartServer, database: str) -> Iterator[Server]:
    """With default limits, as a class has it."""
    running = _start(CHAT_DATABASE_URL=database, CHAT_RATE_LIMITS="on")
    yield running
    running.end()


@contextmanager
def one_more(lines: Any) -> Iterator[None]:
    """What is done here adds one to those that are there from an earlier try."""
    before = lines.count()
    yield
    expect(lines).to_have_count(before + 1)


@demonstration
def push(page: Any) -> None:
    polls: list[str] = []

    def count(request: Any) -> None:
        if request.method == "GET" and "/learn/news" in request.url and "wait=" not in request.url:
            polls.append(request.url)

    def refuse(route: Any) -> None:
        route.fulfill(
            status=429, headers={"Retry-After": "1"}, json={"code": "rate_limited", "message": "Too many wait."}
        )

    page.on("request", count)
    page.route("**/learn/news?*wait=*", refuse, times=1)
    page.locator("#listen").click()
    page.locator("#happen").click()
    for way in ("poll", "longPoll", "stream", "socket"):
        row = page.locator(f"[data-way={way}]")
        expect(row.locator(".heard")).to_have_text("1")
        expect(row.locator(".delay")).not_to_have_text("–")
    expect(page.locator("[data-way=poll] .requests")).not_to_have_text("1")
    expect(page.locator("[data-way=longPoll] .bytes")).to_have_text(re.compile(r"^[\d,]+$"))
    page.locator("#listen").click()
    requests = {
        row.get_attribute("data-way"): int(row.locator(".requests").text_content())
        for row in page.locator("[data-way]").all()
    }
    page.remove_listener("request", count)
    assert (requests["stream"], requests["socket"]) == (1, 1)
    assert requests["poll"] in (len(polls), len(polls) - 1), "the last one may not be answered"


@demonstration
def handshake(page: Any) -> None:
    key = page.locator("#request div", has_text="Sec-WebSocket-Key").locator("code")
    before = key.text_content() if key.count() else ""
    page.locator("#shake").click()
    expect(key).not_to_have_text(before)
    accept = page.locator("#answer div", has_text="Sec-WebSocket-Accept").locator("code").text_content()
    expect(page.locator("#compute .accept")).to_have_text(accept)
    expect(page.locator("#compute .is-right")).to_be_visible()


@demonstration
def frame(page: Any) -> None:
    page.locator("#text").fill("안")
    note, before = page.locator("#which").text_content(), page.locator("#bits").text_content()
    page.locator("#say button").click()
    expect(page.locator("#which")).not_to_have_text(note)
    expect(page.locator("#bits .part")).to_have_count(7)
    assert page.locator("#bits").text_content() != before  # another mask than the RFC's example
    expect(page.locator("#unmask tr").last).to_contain_text("11101100")
    expect(page.locator("#back .masked code")).to_have_text("0")


@demonstration
def client(page: Any) -> None:
    log = page.locator("#log li")
    with one_more(log.filter(has_text="readyState")):
        page.locator("#greet").click()  # nothing is open: dropped
    page.locator("#open").click()
    expect(page.locator("#ready-state")).to_have_text("readyState 1 OPEN")
    for preset, answer in (("init", '"type":"ready"'), ("hello", '"type":"ack"'), ("rude", '"code":"bad_json"')):
        page.locator(f"[value={preset}]").click()
        with one_more(log.filter(has_text=answer)):
            page.locator("#greet").click()
    with one_more(log.filter(has_text="code 1000")):
        page.locator("#shut").click()
    expect(page.locator("#ready-state")).to_have_text("readyState 3 CLOSED")


@demonstration
def people(page: Any) -> None:
    two = re.compile(r"\(#\d+, #\d+,\)")
    shown = page.locator("#dict")
    expect(shown).to_have_text(re.compile(r"\(#\d+,\)"))
    one = shown.text_content()
    page.locator("#tab").click()
    expect(shown).to_have_text(two)
    page.locator("#mine button").last.click()
    expect(shown).to_have_text(one)
    with page.expect_popup() as opened:
        page.locator("#real").click()
    expect(shown).to_have_text(two)
    opened.value.close()
    expect(shown).to_have_text(one)
    page.locator("#race").click()
    expect(page.locator("#tabs span:not(.is-in)")).not_to_have_count(0)
    expect(page.locator("#tabs span")).to_have_count(20)
    page.locator("#locked").click()
    expect(page.locator("#tabs .is-in")).to_have_count(20)


@demonstration
def way(page: Any) -> None:
    before = page.locator("#whole").text_content()
    page.locator("#send").click()
    expect(page.locator("#whole")).not_to_have_text(before)
    expect(page.locator(".stages .is-lit")).to_have_count(8)
    stages = [float(us.replace(",", "")) for us in page.locator(".us").all_text_contents()]
    assert min(stages) > 0
    assert stages[4] > stages[1], "need the disk to be slower than the mask for the lesson to be true"


@demonstration
def wrong(page: Any) -> None:
    shown, log = page.locator("#received li"), page.locator("#log li")
    doubled = page.locator("#received .is-double")
    with one_more(shown), one_more(log.filter(has_text=re.compile("stored already|이미 저장되어"))):
        page.locator("#lose").click()
    with one_more(shown), one_more(log.filter(has_text=re.compile("passed over|무시함"))):
        page.locator("#repeat").click()
    page.locator("#clientId").uncheck()
    with one_more(doubled):
        page.locator("#lose").click()  # the second try is another message
    page.locator("#clientId").check()
    page.locator("#seq").uncheck()
    with one_more(doubled):
        page.locator("#repeat").click()
    page.locator("#seq").check()
    # With backoff in the one language, and without in the other: two seconds each.
    is_patient = page.locator("html").get_attribute("lang") == "en"
    page.locator("#backoff").set_checked(is_patient)
    over = log.filter(has_text=re.compile("back after|in vain|다시 연결됨|실패"))
    with one_more(over):
        page.locator("#cut").click()
    tries = int(re.search(r"(\d+)(?= tries|번)", over.last.text_content())[0])  # type: ignore[index]
    assert (tries <= 6) == is_patient
    expect(page.locator("#cut")).to_be_enabled()
    page.locator("#backoff").check()


@demonstration
def react(page: Any) -> None:
    seen = Counter[str]()

    def count(socket: Any) -> None:
        seen["sockets"] += 1
        socket.on("framesent", lambda text: seen.update(["inits"] * ('"type":"init"' in str(text))))

    page.on("websocket", count)

    def run(hook: str) -> list[int]:
        seen.clear()
        page.locator(f"#{hook}").check()
        page.locator("#run").click()
        expect(page.locator("#run")).to_be_disabled()
        expect(page.locator("#run")).to_be_enabled()
        counts = [int(page.locator(f"#{name}").text_content()) for name in ("sockets", "inits", "shown")]
        assert [seen["sockets"] - 1, seen["inits"] - 1] == counts[:2], "as the browser counts; one is the friend's"
        return counts

    # The first mount of StrictMode is closed before it is open; then an init for the second, for each letter and for each
    # time that the message comes: twice, and more often where a pong takes longer than a rendering. On a busy machine a
    # pong may be there before the first one, and the message comes once: whoever runs it again sees it.
    for _ in range(5):
        sockets, inits, shown = run("known")
        assert (sockets, inits) == (1 + inits, 1 + len("hello") + shown)
        if shown >= 2:
            break
    assert shown >= 2
    assert run("cured") == [2, 1, 1]
    page.remove_listener("websocket", count)


@demonstration
def notify(page: Any) -> None:
    log = page.locator("#log li")
    with (
        one_more(log.filter(has_text='"type":"notification"')),
        one_more(log.filter(has_text=re.compile("reached|도착"))),
    ):
        page.locator("#push").click()
    with one_more(log.filter(has_text='"type":"wave"')):
        page.locator("#wave").click()


def fits(page: Any) -> bool:
    """Whether nothing is wider than the screen."""
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth") is True


def look(page: Any, axe: str, screen: str) -> None:
    """Nothing that axe knows is wrong, and nothing is wider than the screen."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(f"() => {{ {axe} }}")  # by the debugger: the content policy allows no script of ours
    assert fits(page), screen
    found = page.evaluate(RUN, "none")
    assert found["passes"] > 10, f"need rules that apply to {screen} for this to mean anything"
    assert found["violations"] == [], screen


def test_each_step_of_the_lesson_works_in_both_languages_wide_on_a_projector_and_on_a_phone(
    context: Any, database: str, complaints: list[str]
) -> None:
    axe = (npm_package("axe-core") / "axe.min.js").read_text("utf-8")
    page = context.new_page()
    page.emulate_media(reduced_motion="reduce")
    page.goto("/learn")
    expect(page.locator(".overview a")).to_have_count(len(STEPS))
    look(page, axe, "the first page")
    page.locator(".overview a").first.click()
    for number, step in enumerate(STEPS):
        assert page.url.endswith(f"/learn/{step}")
        expect(page.locator("h1")).not_to_be_empty()  # its scripts have run
        expect(page.locator("html")).to_have_attribute("lang", "ko" if number else "en")  # as the step before was told
        page.set_viewport_size({"width": 1280, "height": 800})
        page.emulate_media(color_scheme="light")
        page.get_by_role("button", name="English").click()
        english = page.locator("h1").text_content()
        page.locator(".choice").first.click()
        expect(page.locator(".verdict")).not_to_be_empty()
        DEMONSTRATIONS[step](page)
        look(page, axe, f"{step}, wide and light")
        page.set_viewport_size({"width": 390, "height": 800})
        page.emulate_media(color_scheme="dark")
        page.get_by_role("button", name="한국어").click()
        expect(page.locator("h1")).not_to_have_text(english)
        DEMONSTRATIONS[step](page)
        look(page, axe, f"{step}, in Korean on a dark phone")
        expect(page.get_by_role("link", name="채팅으로").first).to_be_visible()
        assert page.evaluate(
            "[...document.querySelectorAll('.wide')].every((box) => box.scrollWidth <= box.clientWidth)"
        ), f"{step}: a table's numbers are beyond a phone's edge"
        page.set_viewport_size(PROJECTOR)
        assert fits(page), f"{step}, on a projector"
        page.emulate_media(forced_colors="active")
        assert page.evaluate(WITHOUT_EDGE) == [], f"{step}, in forced colours"
        page.emulate_media(forced_colors="none")
        if number + 1 < len(STEPS):
            page.locator(".neighbours .next").click()
    commands_notify(page, {"CHAT_DATABASE_URL": database})
    complaints[:] = [line for line in complaints if "429" not in line]  # a long poll was refused, see `push`


def commands_notify(page: Any, settings: dict[str, str]) -> None:
    """The last step's commands, run as they are shown, reach the page that shows them."""
    expect(page.locator("#outside")).to_be_visible()
    told = page.locator("#log li", has_text='"message":"안녕"')
    before = told.count()
    environment = {**os.environ, **settings, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    running = [
        subprocess.Popen([*program, page.locator(selector).text_content()], cwd=ROOT, env=environment)
        for selector, program in (("#shell", ["bash", "-c"]), ("#python", [sys.executable, "-c"]))
    ]
    expect(told).to_have_count(before + 2)
    assert [one.wait(COMMAND_SECONDS) for one in running] == [0, 0]


def test_the_drawer_shows_the_frames_of_the_pages_own_socket_on_the_chats_page_and_on_learns(
    open_page: OpenPage,
) -> None:
    axe = (npm_package("axe-core") / "axe.min.js").read_text("utf-8")
    alice = open_page("alice", to="bob")
    is_online(alice)
    drawer, frames = alice.locator(".wire-drawer"), alice.locator(".wire-drawer .frame")
    alice.keyboard.press("F2")
    expect(drawer.get_by_role("button", name="Close")).to_be_focused()
    write(alice, "안녕")
    expect(frames.filter(has_text='"message":"안녕"')).to_contain_text(
        re.compile(r"FIN 1 · \d+ bytes .* mask( [0-9a-f]{2}){4}")
    )
    expect(frames.filter(has_text='"type":"ack"')).to_contain_text("no mask")
    bob = open_page("bob", to="alice")
    write(bob, "hi")
    expect(frames.filter(has_text='"message":"hi"')).to_have_count(1)
    alice.bring_to_front()
    drawer.get_by_role("button", name="Pause").click()
    count = frames.count()
    write(bob, "and again")
    alice.bring_to_front()
    expect(drawer.get_by_role("button", name=re.compile(r"Go on \([1-9]"))).to_be_visible()
    assert frames.count() == count
    drawer.get_by_role("button", name="Go on").click()
    expect(frames.filter(has_text='"message":"and again"')).to_have_count(1)
    for colours in ("light", "dark"):
        alice.emulate_media(color_scheme=colours, reduced_motion="reduce")
        look(alice, axe, f"the drawer, {colours}")
    alice.keyboard.press("F2")
    expect(drawer).to_have_count(0)
    alice.goto("/learn/wrong")
    alice.set_viewport_size({"width": 390, "height": 800})
    expect(alice.locator("#lose")).to_be_enabled()
    alice.get_by_role("button", name="한국어").click()
    alice.locator("#wire").click()
    alice.locator("#lose").click()
    expect(frames.filter(has_text="도중에 사라짐")).to_contain_text('"type":"ack"')
    expect(frames.filter(has_text="PONG").first).to_contain_text("마스크")  # of the ping behind what was sent
    look(alice, axe, "the drawer in Korean on a dark phone")


@pytest.mark.parametrize("step", STEPS)
def test_every_step_has_a_demonstration(step: str) -> None:
    assert step in DEMONSTRATIONS
