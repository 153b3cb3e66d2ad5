"""The page and its headers."""

from __future__ import annotations

import re

import pytest
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from chat import create_app
from tests.conftest import ROOT


@pytest.fixture
def client():  # type: ignore[no-untyped-def]
    return create_app().test_client()


def test_the_page_is_served_at_the_root(client) -> None:  # type: ignore[no-untyped-def]
    response = client.get("/")
    assert response.status_code == 200
    assert response.mimetype == "text/html"


def test_an_app_made_in_a_thread_leaves_the_signals_alone() -> None:
    import signal
    import threading

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
def test_the_page_begins_in_the_language_of_the_browser(client, asked, language, title) -> None:  # type: ignore[no-untyped-def]
    page = client.get("/", headers={"Accept-Language": asked})
    html = page.get_data(as_text=True)
    assert f'<html lang="{language}"' in html
    assert f'<title data-text="app.name">{title}</title>' in html
    assert ("자바스크립트" in html) == (language == "ko")
    assert "Accept-Language" in page.headers["Vary"]


def test_what_is_translated_was_compiled() -> None:
    sources = list((ROOT / "chat/translations").rglob("*.po"))
    assert sources
    for source in sources:
        with source.open("rb") as po, source.with_suffix(".mo").open("rb") as mo:
            written, compiled = read_po(po), read_mo(mo)
        texts = {m.id: m.string for m in written if m.id}
        assert len(texts) > 1
        assert texts == {m.id: m.string for m in compiled if m.id}
        template = (ROOT / "templates/index.html").read_text("utf-8")
        assert set(re.findall(r'_\("([^"]+)"\)', template)) == set(texts)
