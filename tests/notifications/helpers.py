"""What the tests of notifications share: to push, to list, to wait, and to read a stream."""

from __future__ import annotations

import json
import socket
import struct
import time
from itertools import count
from typing import Any

import requests

from chat.people.tokens import Tokens
from tests.conftest import TOKEN_SECRET, Server

SECONDS = 20
_names = count(1)


def tokens() -> Tokens:
    return Tokens(TOKEN_SECRET.encode(), 600)


def token_of(server: Server, user_id: str) -> str:
    """A token for a name that has no password."""
    answer = requests.post(f"{server.http}/api/session", json={"userId": user_id}, timeout=SECONDS)
    assert answer.status_code == 201, answer.text
    token: str = answer.json()["token"]
    return token


def a_name(start: str = "user") -> str:
    """A user nobody has heard of."""
    return f"{start}{next(_names)}"


def push(server: Server, key: str | None = None, **body: Any) -> requests.Response:
    """Push a notification as a program does."""
    headers = {"Authorization": f"Bearer {tokens().sign_service('ci', 'notify', 600)}"}
    if key is not None:
        headers["Idempotency-Key"] = key
    url = f"{server.http}/api/notifications"
    return requests.post(url, json=body, headers=headers, timeout=SECONDS)


def ask(server: Server, user_id: str, method: str, path: str) -> requests.Response:
    """Ask the API of notifications as `user_id`."""
    headers = {"Authorization": f"Bearer {token_of(server, user_id)}"}
    url = f"{server.http}/api/notifications{path}"
    return requests.request(method, url, headers=headers, timeout=SECONDS)


def listed(server: Server, user_id: str) -> dict[str, Any]:
    return ask(server, user_id, "GET", "").json()


def wait_until_seen(server: Server, user_id: str) -> None:
    until = time.monotonic() + SECONDS
    while listed(server, user_id)["unseen"]:
        assert time.monotonic() < until, "the pong never counted"
        time.sleep(0.02)


def finished(server: Server, batch_id: int) -> dict[str, Any]:
    """Wait until the batch is finished; its progress."""
    headers = {"Authorization": f"Bearer {tokens().sign_service('ci', 'notify', 600)}"}
    url = f"{server.http}/api/notifications/batches/{batch_id}"
    until = time.monotonic() + 60
    while True:
        progress = requests.get(url, headers=headers, timeout=SECONDS).json()
        if progress["finished"]:
            return progress
        assert time.monotonic() < until, progress
        time.sleep(0.05)


class Reader:
    """One stream, read line by line from a plain socket."""

    def __init__(self, server: Server, user_id: str, last: int | str | None = None, query: str = "") -> None:
        self.sock = socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS)
        lines = [
            f"GET /api/notifications/stream{query} HTTP/1.1",
            "Host: 127.0.0.1",
            f"Authorization: Bearer {token_of(server, user_id)}",
            *([f"Last-Event-ID: {last}"] if last is not None else []),
        ]
        self.sock.sendall("\r\n".join([*lines, "", ""]).encode())
        self.file = self.sock.makefile("rb")
        self.head = b"".join(iter(self.file.readline, b"\r\n")).decode()
        assert self.block() == ["retry: 2000"]

    def block(self) -> list[str]:
        """The lines up to the next empty one; [] where the server has hung up."""
        lines: list[str] = []
        while (line := self.file.readline().decode()) not in ("\n", ""):
            lines.append(line.rstrip("\n"))
        return lines

    def event(self) -> tuple[str, dict[str, Any], int | None]:
        """The next event: its name, its data, its id. Comments are passed over."""
        while (lines := self.block()) and lines[0].startswith(":"):
            pass
        found = dict(line.split(": ", 1) for line in lines)
        self.last = found.get("id", "")
        id_ = int(found["id"].partition(".")[0]) if "id" in found else None
        return found["event"], json.loads(found["data"]), id_

    def reset(self) -> None:
        """Break off, as a line does that goes dead: without a goodbye."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        self.file.close()
        self.sock.close()

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
