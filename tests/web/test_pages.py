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


def test_the_page_may_load_and_run_only_what_this_server_serves(client) -> None:  # type: ignore[no-untyped-def]
    page = client.get("/")
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["X-Content-Type-Options"] == "nosniff"


def test_an_app_made_in_a_thread_leaves_the_signals_alone() -> None:
    import signal
    import threading

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=create_app)
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) is before
