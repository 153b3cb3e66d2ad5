"""What is sent compressed, to whom, and what is not."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from chat import create_app
from tests.conftest import ROOT

GZIP = {"Accept-Encoding": "br, gzip;q=0.8"}
CSS = "/static/css/chat.css"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    url = f"sqlite:///{tmp_path_factory.mktemp('compression')}/chat.db"
    return create_app({"CHAT_DATABASE_URL": url}).test_client()


def get(client: FlaskClient, path: str, **options: Any) -> TestResponse:
    """The answer, read whole, so that the file behind it is closed."""
    return client.get(path, buffered=True, **options)


@pytest.mark.parametrize("path", ["/", CSS, "/static/js/app.js", "/static/icon.svg"])
def test_who_takes_gzip_gets_it_and_others_the_same_text(client: FlaskClient, path: str) -> None:
    plain = get(client, path)
    packed = get(client, path, headers=GZIP)
    if len(plain.data) >= 500:
        assert packed.headers["Content-Encoding"] == "gzip"
        assert len(packed.data) == int(packed.headers["Content-Length"]) < len(plain.data)
        assert gzip.decompress(packed.data) == plain.data
    assert "Content-Encoding" not in plain.headers
    assert "Content-Encoding" not in get(client, path, headers={"Accept-Encoding": "gzip;q=0"}).headers
    for answer in (plain, packed):
        assert "Accept-Encoding" in answer.headers["Vary"]


def test_a_browser_that_has_the_file_is_told_so(client: FlaskClient) -> None:
    first = get(client, CSS, headers=GZIP)
    again = get(client, CSS, headers={**GZIP, "If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_a_part_of_a_file_and_an_answer_of_the_api_are_left_as_they_are(client: FlaskClient) -> None:
    part = get(client, CSS, headers={**GZIP, "Range": "bytes=0-9"})
    assert (part.status_code, part.data) == (206, (ROOT / "static/css/chat.css").read_bytes()[:10])
    document = get(client, "/api/openapi.json", headers=GZIP)
    assert len(document.data) > 1000
    assert "Content-Encoding" not in document.headers


def test_the_head_of_a_page_is_that_of_the_page(client: FlaskClient) -> None:
    assert client.head("/", headers=GZIP).status_code == 200
