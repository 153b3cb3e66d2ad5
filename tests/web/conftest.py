"""The API in a small app of its own, on an SQLite file, or on each engine where that matters."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from chat.config import Settings
from chat.limits import Limits
from chat.notifications.notifier import Notifier
from chat.notifications.webhook import Webhook
from chat.people.directory import Directory
from chat.people.online import sockets, streams
from chat.people.tokens import Tokens
from chat.protocol.names import name_key
from chat.storage.accounts import Accounts
from chat.storage.batches import Batches
from chat.storage.in_turn import InTurn
from chat.storage.last_seen import Sightings
from chat.storage.notifications import Notifications
from chat.storage.records import Pointer, Send
from chat.storage.storage import Storage
from chat.transport.connections import Connections
from chat.web.api import answer_unknown_paths, api_blueprint
from tests.storage import conftest as databases
from tests.storage.conftest import open_storage

database_url, storage = databases.database_url, databases.storage

SECRET = b"0123456789abcdef0123456789abcdef"


def at_once(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return function(*args, **kwargs)


def chat_on(store: Store, settings: Settings, run: Callable[..., Any] = at_once) -> Any:
    """What the views use of a ChatServer: its real parts, on this database.

    Args:
        run: calls what a ChatServer calls in another thread.
    """
    chat = SimpleNamespace(
        settings=settings,
        log=logging.getLogger("chat"),
        user_key=name_key,
        limits=Limits(settings),
        tokens=Tokens(SECRET, seconds=600),
        online=sockets,
        streams=streams,
        connections=Connections(settings),
        hash_in_thread=run,
        directory=Directory(),
        notifier=Notifier(),
    )
    chat.storage = SimpleNamespace(
        messages=store.questions,
        search=store.search,
        accounts=Accounts(store.database),
        last_seen=SimpleNamespace(partners=Sightings(store.database).companions),
        notifications=Notifications(store.database),
        batches=Batches(store.database),
        in_thread=run,
        write=run,
    )
    chat.directory.open(chat.tokens, chat.storage.accounts, run, settings.auth == "required")
    chat.notifier.open(
        chat.storage.notifications, chat.storage.batches, InTurn(), chat.directory, Webhook(), gevent.spawn
    )  # fmt: skip
    return chat


def app_of(chat: Any, url_prefix: str = "") -> Flask:
    """A host's app with the API of this chat below `url_prefix`."""
    app = Flask("host")
    app.extensions["chat"] = chat
    app.register_blueprint(api_blueprint(), url_prefix=f"{url_prefix}/api")
    answer_unknown_paths(app, url_prefix)
    return app


class Api:
    """The API as one user after another uses it."""

    def __init__(self, store: Store, run: Callable[..., Any] = at_once, **settings: Any) -> None:
        self.store = store
        self.chat = chat_on(store, Settings(**{"rate_limits": "off", **settings}), run)
        self.app = app_of(self.chat)
        self.client = self.app.test_client()

    def header(self, user_id: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.chat.tokens.sign(user_id)[0]}"}

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
        self.store.commit(messages)

    def point(self, user_id: str, with_user_id: str, received: int, read: int) -> None:
        self.storage.writer.commit([], [Pointer(user_id, with_user_id, received, read)])


@pytest.fixture(scope="module")
def api_on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Shared by the tests of one file, which keep to users of their own or ask for errors."""
    opened = open_storage(f"sqlite:///{tmp_path_factory.mktemp('api')}/chat.db")
    yield Api(opened)
    opened.close()


@pytest.fixture
def api_on_each(storage: Storage) -> Api:
    """On a new database of each engine."""
    return Api(storage)


def fault(response: TestResponse) -> tuple[int, str, str | None]:
    """Status, code and field of an error, which must have the shape of ours."""
    assert response.mimetype == "application/json"
    assert response.json is not None
    assert response.json.keys() == {"error"}
    error = response.json["error"]
    assert error.keys() == {"code", "message", "field"}
    assert error["message"].endswith(".")
    return response.status_code, error["code"], error["field"]
