"""The page and its headers."""

from __future__ import annotations

import re
import signal
import threading

import pytest
from flask.testing import FlaskClient

from chat import create_app
from chat.web.pages import WORDS
from tests.conftest import ROOT


@pytest.fixture
def client() -> FlaskClient:
    return create_app().test_client()


def test_the_page_is_served_at_the_root(client: FlaskClient) -> None:
    response = client.get("/")
    assert response.status_code == 200
    assert response.mimetype == "text/html"


def test_an_app_made_in_a_thread_leaves_the_signals_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=create_app)
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(
    ("asked", "language", "title"),
    [
        ("ko-KR,ko;q=0.9,en;q=0.8", "ko", "채팅"),
        ("en-GB,ko;q=0.5", "en", "Chat"),
        ("fr,ko;q=0.5", "ko", "채팅"),
        ("fr", "en", "Chat"),
        ("", "en", "Chat"),
    ],
)
def test_the_page_begins_in_the_language_of_the_browser(
    client: FlaskClient, asked: str, language: str, title: str
) -> None:
    page = client.get("/", headers={"Accept-Language": asked})
    html = page.get_data(as_text=True)
    assert f'<html lang="{language}"' in html
    assert f'<title data-text="app.name">{title}</title>' in html
    assert ("자바스크립트" in html) == (language == "ko")
    assert "Accept-Language" in page.headers["Vary"]


def test_the_words_of_the_page_are_there_in_every_language() -> None:
    template = (ROOT / "templates/flask_chat_server/index.html").read_text("utf-8")
    used = set(re.findall(r"\{\{ words\[language\]\.(\w+) \}\}", template))
    assert len(used) > 1
    for language, words in WORDS.items():
        assert words.keys() == used, language
        assert all(words.values()), language
