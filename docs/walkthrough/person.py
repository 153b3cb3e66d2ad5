"""Owns one user's socket as the checker uses it: what is sent, what comes in time, and why there is no socket at all."""

import json
import sys
import time
from contextlib import ExitStack
from typing import Any

from verdicts import Red, shown

try:
    from websockets.exceptions import ConnectionClosed, InvalidStatus, InvalidURI, WebSocketException
    from websockets.protocol import State
    from websockets.sync.client import ClientConnection, connect
except ImportError:
    sys.exit("This needs the package websockets:  pip install websockets")

ANSWER_SECONDS = 2.0  # within which a message must arrive
QUIET_SECONDS = 0.3  # for a server to handle an init that it does not answer, or to notice that a socket is closed
HANDSHAKE_SECONDS = 3.0
CLOSE_SECONDS = 1.0
SIGN_IN = 4501  # the real server's close code, where every name needs a password


class Person:
    """One socket of one user. `title` is the name in sentences, `name` the one on the wire."""

    def __init__(self, address: str, title: str, name: str, until: ExitStack) -> None:
        """Open the socket, which is closed when `until` ends."""
        self.title, self.name = title, name
        self.others: list[dict[str, Any]] = []  # what came and was not waited for
        self._socket = open_socket(address, until)

    def say_init(self) -> None:
        try:
            self.say(json.dumps({"type": "init", "userId": self.name}))
            self._take(QUIET_SECONDS)  # the answer, if this server has one
        except Red as red:
            if red.key != "closed":
                raise
            raise Red("sign_in" if red.blanks["code"] == SIGN_IN else "closed_at_once", **red.blanks) from None

    def say(self, text: str | bytes) -> None:
        try:
            self._socket.send(text)
        except ConnectionClosed:
            raise self._closed() from None

    def write(self, to: "Person", message: str, **more: str) -> None:
        event = {"type": "chat", "fromUserId": self.name, "toUserId": to.name, "message": message, **more}
        self.say(json.dumps(event))

    def hears(self, message: str, seconds: float | None = None) -> dict[str, Any] | None:
        """Return the event with this message, None if it does not come in time. What else comes is put to `others`."""
        for event in self.others:
            if event.get("message") == message:
                self.others.remove(event)
                return event
        until = time.monotonic() + (ANSWER_SECONDS if seconds is None else seconds)
        while (left := until - time.monotonic()) > 0 and self._take(left):
            if self.others[-1].get("message") == message:
                return self.others.pop()
        return None

    def has(self, message: str) -> bool:
        """Return whether this message came before one that was waited for."""
        return any(event.get("message") == message for event in self.others)

    def close_code(self) -> int:
        """Return the code with which the server has closed the socket, or is about to; 0: it is open."""
        until = time.monotonic() + QUIET_SECONDS
        try:
            while (left := until - time.monotonic()) > 0 and self._take(left):
                pass
        except Red:
            pass
        return 0 if self._socket.state is State.OPEN else self._socket.close_code or 1006

    def close(self) -> None:
        self._socket.close()

    def _take(self, seconds: float) -> bool:
        """Put what comes next to `others`. False: nothing came."""
        try:
            text = self._socket.recv(seconds)
        except TimeoutError:
            return False
        except ConnectionClosed:
            raise self._closed() from None
        if isinstance(text, bytes):
            raise Red("not_text", who=self.title, got=shown(text))
        try:
            event = json.loads(text)
        except ValueError:
            event = None
        if not isinstance(event, dict):
            raise Red("not_json", who=self.title, got=shown(text))
        self.others.append(event)
        return True

    def _closed(self) -> Red:
        return Red("closed", who=self.title, code=self._socket.close_code or 1006)


def open_socket(address: str, until: ExitStack) -> ClientConnection:
    """Open a socket, or say in a Red why there is none."""
    place = address.partition("://")[2].partition("/")[0]
    try:
        return until.enter_context(
            connect(address, open_timeout=HANDSHAKE_SECONDS, close_timeout=CLOSE_SECONDS, compression=None, proxy=None)
        )
    except ConnectionRefusedError:
        raise Red("refused", address=place) from None
    except TimeoutError:
        raise Red("silent", seconds=f"{HANDSHAKE_SECONDS:g}") from None
    except InvalidStatus as error:
        status = error.response.status_code
        if "AirTunes" in error.response.headers.get("Server", ""):
            raise Red("airplay") from None
        raise Red("no_path" if status == 404 else "status", got=status) from None
    except (WebSocketException, EOFError) as error:
        key = "no_host" if isinstance(error, InvalidURI) else "no_http"
        raise Red(key, address=place, got=error) from None
    except ConnectionError as error:
        raise Red("no_http", got=error.strerror) from None
    except (OSError, ValueError) as error:
        raise Red("no_host", address=place, got=getattr(error, "strerror", None) or error) from None
