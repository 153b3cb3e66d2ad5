"""The API in a small app of its own, on an SQLite file, or on each engine where that matters."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from chat import events
from chat.config import Settings
from chat.rules import sentence
from chat.server import ChatServer
from chat.storage.records import Pointer, Send
from chat.web.api import answer_unknown_paths, api_blueprint
from tests.conftest import TOKEN_SECRET, MakeChat
from tests.storage import conftest as databases
from tests.storage.conftest import begin_with_tables, open_storage

database_url = databases.database_url


def app_of(chat: ChatServer, url_prefix: str = "") -> Flask:
    """A host's app with the API of this chat below `url_prefix`."""
    app = Flask("host")
    app.extensions["chat"] = chat
    app.register_blueprint(api_blueprint(), url_prefix=f"{url_prefix}/api")
    answer_unknown_paths(app, url_prefix)
    return app


class Api:
    """The API of a chat as one user after another uses it."""

    def __init__(self, chat: ChatServer) -> None:
        self.chat = chat
        self.app = app_of(chat)
        self.client = self.app.test_client()

    def header(self, user_id: str) -> dict[str, str]:
        account, _ = self.chat.storage.in_thread(self.chat.storage.accounts.find, user_id)
        token, _ = self.chat.tokens.sign(user_id, 0 if account is None else account.generation)
        return {"Authorization": f"Bearer {token}"}

    def service(self, scope: str = "notify", name: str = "ci") -> dict[str, str]:
        return {"Authorization": f"Bearer {self.chat.tokens.sign_service(name, scope, 600)}"}

    def get(self, path: str, user_id: str = "alice", **query: Any) -> TestResponse:
        path, _, raw_query = path.partition("?")
        return self.client.get(f"/api{path}", headers=self.header(user_id), query_string=raw_query or query)

    def post(self, path: str, data: Any, content_type: str = "application/json") -> TestResponse:
        body = data if isinstance(data, bytes | str) else json.dumps(data)
        return self.client.post(f"/api{path}", data=body, content_type=content_type)

    def say(self, *messages: tuple[str, str, str]) -> None:
        """Store messages: (from, to, text)."""
        self.send(*[Send(*message, None) for message in messages])

    def send(self, *messages: Send) -> None:
        self.chat.storage.writer.commit(messages)

    def point(self, user_id: str, with_user_id: str, received: int, read: int) -> None:
        self.chat.storage.writer.commit([], [Pointer(user_id, with_user_id, received, read)])


@pytest.fixture(scope="module")
def api_on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Shared by the tests of one file, which keep to users of their own or ask for errors."""
    begin_with_tables(url := f"sqlite:///{tmp_path_factory.mktemp('api')}/chat.db")
    settings = Settings(token_secret=TOKEN_SECRET, token_ttl=600, rate_limits="off", database_url=url)
    chat = ChatServer(settings, events, "", logging.getLogger("chat"))
    yield Api(chat)
    chat.stop()


@pytest.fixture
def api_on_each(database_url: str, make_chat: MakeChat) -> Api:
    """On a new database of each engine."""
    open_storage(database_url).close()
    return Api(make_chat(database_url=database_url))


def fault(response: TestResponse) -> tuple[int, str, str | None]:
    """Status, code and field of an error, which must have the shape of ours."""
    assert response.mimetype == "application/json"
    assert response.json is not None
    assert response.json.keys() == {"error"}
    error = response.json["error"]
    assert error.keys() - {"rule", "params"} == {"code", "message", "field"}
    assert error["message"].endswith(".")
    if "rule" in error:
        assert error["message"] == sentence(error["rule"], error["field"], error.get("params", {}))
    return response.status_code, error["code"], error["field"]
