"""The page and its headers."""

from __future__ import annotations

import pytest

from chat import create_app


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
