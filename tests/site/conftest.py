"""A site of somebody's own, whose chat is tested as the site would."""

from __future__ import annotations

import pytest
from flask import Flask

from chat import Chat
from chat.storage.records import Send
from chat.storage.storage import Storage


class Site:
    """An app, its chat, and what that keeps."""

    def __init__(self) -> None:
        self.app = Flask("site")
        self.app.config["TESTING"] = True
        self.chat = Chat(self.app)

    @property
    def storage(self) -> Storage:
        storage: Storage = self.app.extensions["chat"].storage
        return storage

    def write(self, *messages: tuple[str, str, str]) -> None:
        """Store messages: (from, to, text)."""
        for number, (sender, to, text) in enumerate(messages):
            self.storage.writer.commit([Send(sender, to, text, f"client-{number}")], [])

    def send(self, sender: str, to: str, text: str) -> None:
        """Send a message as somebody does who signs in."""
        client = self.app.test_client()
        token = client.post("/chat/api/session", json={"userId": sender}).json["token"]
        said = {"json": {"message": text}, "headers": {"Authorization": f"Bearer {token}"}}
        assert client.post(f"/chat/api/conversations/{to}/messages", **said).status_code == 201


@pytest.fixture
def site() -> Site:
    return Site()
