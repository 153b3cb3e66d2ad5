"""The checker of a page, without a browser: what it says of pages that do half of what they should."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Thread

import pytest
from simple_websocket import ConnectionClosed

from tests.walkthrough.servers import LESSON

import check_client  # isort: skip  (of LESSON, which `servers` has made known)

FILE = LESSON / "first.html"
INIT = {"type": "init", "userId": "alice"}
CHAT = {"type": "chat", "toUserId": "teacher", "message": "hello"}
SHOWN = "teacher: <b>42</b> and 안녕"


class Socket:
    """A page's socket that says these texts, and hears what it is sent until it hangs up."""

    def __init__(self, texts: list[str], hears: int = 10) -> None:
        self.texts, self.hears = texts, hears

    def receive(self) -> str:
        if not self.texts:
            raise ConnectionClosed
        return self.texts.pop(0)

    def send(self, text: str) -> None:
        self.hears -= 1
        if self.hears < 0:
            raise ConnectionClosed

    def close(self, code: int, reason: str) -> None:
        pass


@pytest.mark.parametrize(
    ("events", "shown", "hears", "keys"),
    [
        ([], "", 9, ["no_init", None, None, None, None]),
        (["hello"], "", 9, ["wrong_init", None, None, None, None]),
        ([{"type": "init", "userId": 7}], "", 9, ["wrong_init", None, None, None, None]),
        ([INIT, CHAT], "", 9, [None, "not_shown", None, "stopped", "gone"]),
        ([INIT, CHAT], SHOWN, 9, [None, None, None, "stopped", "gone"]),
        ([INIT, CHAT], "teacher: 42 and 안녕", 9, [None, "made_html", None, "stopped", "gone"]),
        ([INIT, CHAT], f"{SHOWN} undefined after the weather", 9, [None, None, None, "shown_undefined", "gone"]),
        ([INIT], f"{SHOWN} after the weather", 9, [None, None, "not_sent", None, "gone"]),
        ([INIT, {**CHAT, "message": {}}], f"{SHOWN} after the weather", 9, [None, None, "wrong_chat", None, "gone"]),
        ([INIT, {"type": "typing"}, CHAT], SHOWN, 1, [None, None, None, "hung_up", "gone"]),
    ],
)
def test_a_half_right_page_gets_the_sentence_that_says_what_is_wrong_with_it(
    events: list[object], shown: str, hears: int, keys: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PERSON_SECONDS", "ANSWER_SECONDS", "BACK_SECONDS"):
        monkeypatch.setattr(check_client, name, 0.1)
    page = check_client.Page(Path(FILE))
    page.shown = shown

    def serve() -> None:
        with pytest.raises(ConnectionClosed):
            page.serve(Socket([event if isinstance(event, str) else json.dumps(event) for event in events], hears))

    thread = Thread(target=serve)
    thread.start()
    thread.join()
    found: list[str | None] = []
    check_client.judge(page, lambda _, verdict: found.append(verdict.key))
    assert found == keys
