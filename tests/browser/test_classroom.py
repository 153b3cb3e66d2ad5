"""Class mode, one lesson from its first link to its end: 25 pupils, of whom three have browsers, and the projector."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.browser.pages import expect, is_online, write
from tests.browser.test_learn import DEMONSTRATIONS, look
from tests.clients import Person
from tests.conftest import Server
from tests.npm import npm_package

COMMAND = [sys.executable, "-m", "chat.classroom", "--host", "127.0.0.1", "--port"]
SCRIPTS = [f"pupil{number}" for number in range(1, 23)]  # without a browser
SECONDS = 60


class Pupil:
    """A pupil without a browser, who comes in by the link."""

    def __init__(self, link: str, name: str) -> None:
        self._http = link.partition("/join/")[0]
        self._session = requests.Session()
        self.name = name
        joined = self._session.post(link, json={"name": name}, timeout=SECONDS)
        assert joined.json() == {"name": name}
        self.person = self.connect("/ws")

    def connect(self, path: str) -> Person:
        token = self._session.post(f"{self._http}/api/session", timeout=SECONDS).json()["token"]
        person = Person(self._http.replace("http", "ws") + path)
        person.send(type="init", userId=self.name, token=token, sync=True)
        person.receive("ready", SECONDS)
        return person

    def ask(self, **event: Any) -> dict[str, Any]:
        self.person.send(**event, ref="asked")
        while (answer := self.person.receive(seconds=SECONDS)).get("ref") != "asked":
            pass
        return answer

    def break_line(self) -> None:
        """Lose an ack, say it again, and be cut off: the message is one."""
        broken = self.connect("/learn/ws?key=0123456789abcdef&step=wrong")
        broken.send(type="learn", do="lose_ack")
        for ref in ("lost", "again"):
            broken.send(type="chat", toUserId=self.name, message="?", clientId="c", ref=ref)
        answer = broken.receive("ack", SECONDS)
        assert (answer["ref"], answer["repeated"]) == ("again", True)
        broken.send(type="learn", do="cut")
        assert broken.close_code() == 1006


@pytest.fixture(scope="module")
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the lesson makes the folder of its data."""
    return tmp_path_factory.mktemp("temporary")


@pytest.fixture(scope="module")
def server(temporary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A class, as a teacher starts it; the database of the environment is not its own."""
    elsewhere = f"sqlite:///{temporary}/elsewhere.db"
    env = {"TMPDIR": str(temporary), "CHAT_DATABASE_URL": elsewhere}
    running = Server([*COMMAND, "0"], env, tmp_path_factory.mktemp("class") / "log")
    running.wait_for("Ctrl-C")
    yield running
    running.stop()
    assert "Traceback" not in running.log


def linked(server: Server, kind: str) -> str:
    return server.wait_for(rf"{kind} +(http\S+)")[1]


def come_in(context: Any, link: str, name: str, button: str) -> Any:
    page = context.new_page()
    page.goto(link)
    page.get_by_role("textbox").fill(name)
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name=button, exact=True)).to_be_visible()
    return page


def test_a_lesson_from_its_link_to_its_end(
    chromium: Any, context: Any, server: Server, temporary: Path, complaints: list[str]
) -> None:
    axe = (npm_package("axe-core") / "axe.min.js").read_text("utf-8")
    link = linked(server, "Pupils")
    folders = [path for path in temporary.iterdir() if path.is_dir()]
    assert len(folders) == 1, "need the data for their end to mean anything"
    contexts: list[Any] = []

    def browser(locale: str, width: int, height: int) -> Any:
        size = {"width": width, "height": height}
        made = chromium.new_context(base_url=server.http, locale=locale, viewport=size, reduced_motion="reduce")
        made.on("weberror", lambda error: complaints.append(str(error.error)))
        contexts.append(made)
        return made

    def look_at(page: Any, screen: str) -> None:
        for colours in ("light", "dark"):
            page.emulate_media(color_scheme=colours)
            look(page, axe, f"{screen}, {colours}")

    # The teacher opens the projector.
    board = context.new_page()
    board.set_viewport_size({"width": 1920, "height": 1080})
    board.emulate_media(reduced_motion="reduce")
    board.goto("/class")
    expect(board.get_by_role("heading", name="This page is the teacher's")).to_be_visible()
    look_at(board, "the projector's page without the key")
    complaints.clear()  # Chromium complains of the 403
    board.goto(linked(server, "Teacher"))
    assert board.url == f"{server.http}/class"
    for size in ((1280, 800), (1920, 1080)):
        board.set_viewport_size({"width": size[0], "height": size[1]})
        rows = board.get_by_role("link", name=link).evaluate("link => link.getClientRects().length")
        assert rows == 1, "it is typed from the wall"
    expect(board.get_by_text("Nobody yet.")).to_be_visible()
    board.emulate_media(color_scheme="dark", forced_colors="active")
    ground = board.locator(".code").evaluate("code => getComputedStyle(code).backgroundColor")
    assert ground == "rgb(255, 255, 255)", "a camera reads dark on white alone"
    board.emulate_media(forced_colors="none")

    # The class comes in: one on a telephone, in Korean.
    phone, desk = browser("ko-KR", 390, 800), browser("en-US", 1280, 800)
    stranger = phone.new_page()
    for path in ("/join", "/join/aaaaaaaa", link):
        stranger.goto(path)
        expect(stranger.get_by_role("heading").first).not_to_be_empty()
        look_at(stranger, f"{path} in Korean on a phone")
    minsu = come_in(phone, link, "민수", "채팅")
    look_at(minsu, "who is in, on a phone")
    taken = desk.new_page()
    taken.goto(link)
    taken.get_by_label("Your name").fill("민수")
    taken.keyboard.press("Enter")
    expect(taken.get_by_role("alert")).to_have_text("This name is taken.")
    look_at(taken, "a name that is taken")
    alice = come_in(desk, link, "alice", "Chat")
    carol = come_in(browser("en-US", 1280, 800), link, "carol", "Chat")
    pupils = [Pupil(link, name) for name in SCRIPTS]
    expect(board.locator("#roster li")).to_have_count(25)

    # They chat.
    minsu.get_by_role("link", name="채팅").click()
    is_online(minsu)
    alice.get_by_role("link", name="민수").click()
    is_online(alice)
    write(alice, "안녕, 민수!")
    expect(minsu.get_by_text("안녕, 민수!").first).to_be_visible()
    for pupil, neighbour in zip(pupils, [*pupils[1:], pupils[0]], strict=True):
        pupil.person.send(type="chat", toUserId=neighbour.name, message="hi")
    assert {pupil.person.receive("chat", SECONDS)["message"] for pupil in pupils} == {"hi"}
    nobody = pupils[0].ask(type="chat", toUserId="alice", fromUserId="민수", message="forged")
    assert (nobody["code"], nobody["rule"]) == ("forbidden", "not_your_name")

    # They break it, each for themselves.
    carol.get_by_role("link", name="Learn, step by step").click()
    for step in ("people", "react", "wrong"):  # who needs to be somebody: each page is a guest
        with carol.expect_websocket(lambda ws: ws.url == f"{server.ws}/ws"):  # carol's own, for what the teacher says
            carol.goto(f"/learn/{step}")
        expect(carol.locator("h1")).not_to_be_empty()
        DEMONSTRATIONS[step](carol)
    for pupil in pupils:
        pupil.break_line()
    row = board.locator("#roster li", has_text="carol")
    expect(row).to_contain_text("What goes wrong")
    expect(row).to_contain_text("here")
    expect(board.locator("#roster .is-here")).to_have_count(25)
    look_at(board, "the projector's page")

    # The teacher tells all something, and has them stop writing.
    board.get_by_label("Say to all").fill("Look at the board!")
    board.keyboard.press("Enter")
    expect(board.get_by_text("Sent to 25.")).to_be_visible()
    for page in (minsu, alice, carol):
        page.bring_to_front()
        expect(page.get_by_text("Look at the board!").first).to_be_visible()
    assert {pupil.person.receive("notification", SECONDS)["message"] for pupil in pupils} == {"Look at the board!"}
    board.get_by_role("button", name="Pause writing").click()
    expect(board.get_by_role("button", name="Let them write again")).to_be_visible()
    refused = pupils[0].ask(type="chat", toUserId="alice", message="but")
    assert (refused["code"], refused["rule"]) == ("forbidden", "writing_paused")
    write(alice, "but I")
    expect(alice.get_by_text("The teacher has paused writing.").first).to_be_visible()
    board.get_by_role("button", name="Let them write again").click()
    expect(board.get_by_role("button", name="Pause writing")).to_be_visible()
    assert pupils[0].ask(type="chat", toUserId="alice", message="again")["type"] == "ack"

    # A name is freed; its sockets end.
    board.get_by_role("button", name=f"Free the name {SCRIPTS[-1]}", exact=True).click()
    board.get_by_role("button", name="Yes").click()
    expect(board.locator("#roster li")).to_have_count(24)
    assert pupils[-1].person.close_code() == 4501

    # The board, in the other language and narrower.
    board.get_by_role("button", name="한국어").click()
    expect(board.get_by_role("heading", name="누가 있나요")).to_be_visible()
    board.set_viewport_size({"width": 390, "height": 800})
    look_at(board, "the projector's page in Korean on a phone")

    # It ends.
    board.get_by_role("button", name="수업 끝내기").click()
    look_at(board, "whether the lesson is to end")
    board.get_by_role("button", name="예", exact=True).click()
    expect(board.get_by_role("heading", name="수업이 끝났습니다")).to_be_visible()
    expect(board.get_by_text("모두 지웠습니다")).to_be_visible()
    assert pupils[0].person.close_code() == 1012
    assert server.process.wait(SECONDS) == 0
    assert "its data are deleted" in server.log
    assert not folders[0].exists()
    assert [*temporary.iterdir()] == [], "neither here nor in the environment's database"
    with pytest.raises(requests.ConnectionError):
        requests.get(link, timeout=SECONDS)
    for made in contexts:
        made.close()
    complaints.clear()  # Chromium complains of a server that is gone
