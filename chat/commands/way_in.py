"""Owns the doctor's look at the way in: what a proxy does to requests, asked through the public address."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import requests

from chat.commands.finding import FAIL, OK, WARN, Finding
from chat.config import Settings
from chat.notifications.letter import why_unanswered
from chat.people.tokens import SCOPES, Tokens

ANSWER_SECONDS = 10
TOKEN_SECONDS = 60
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
UNTRUSTED = "Mend the certificate, or name the file of the authority that you trust in REQUESTS_CA_BUNDLE."
ELSEWHERE = "elsewhere.invalid"  # a name that is nobody's
# What a refused upgrade most often means, by its status.
REFUSED = {
    400: "The proxy changes the handshake: pass Upgrade, Connection and Sec-WebSocket-* on as they are.",
    403: "The server does not take this for its own page's: let the proxy pass on Host as the browser sends it, "
    "or name the site in CHAT_ORIGINS.",
    426: "The proxy does not pass on Upgrade and Connection: see docs/operations.md, Behind nginx.",
    429: "Too many come from one address: set CHAT_TRUSTED_PROXIES, so that people are told apart.",
    503: "The worker takes no more sockets, or does not run under gevent: gunicorn -k gevent.",
}


class WayIn:
    """The way to a chat through its public address. `workers`: how many the server has; None: it does not say."""

    def __init__(self, url: str, settings: Settings, tokens: Tokens) -> None:
        self.workers: int | None = None
        self._url = url.rstrip("/")
        self._settings = settings
        self._tokens = tokens
        self._session = requests.Session()

    def findings(self) -> Iterator[Finding]:
        """Ask, and return what is found. Blocks."""
        try:
            answer = self._get("/healthz")
        except requests.RequestException as error:
            said = f"Nobody answers at {self._url}: {why_unanswered(error, ANSWER_SECONDS)}."
            todo = UNTRUSTED if isinstance(error, requests.exceptions.SSLError) else "Start the server and the proxy."
            yield Finding(FAIL, "way in", said, todo)
            return
        if answer.status_code == 200 and "status" in _json(answer):
            yield Finding(OK, "way in", f"{self._url} leads to a chat.")
            yield self._of_readiness()
            yield from self._of_host()
            yield self._of_upgrade()
            yield self._of_token()
        else:
            said = f"{self._url}/healthz is answered {answer.status_code}, and not by this chat."
            yield Finding(FAIL, "way in", said, "The address must have the path below which the chat lies, if any.")

    def _of_readiness(self) -> Finding:
        answer = self._get("/readyz")
        checks = _json(answer).get("checks") or {}
        faults = " ".join(f"{name}: {said}" for name, said in checks.items() if said != "ok")
        if not checks:
            return Finding(FAIL, "ready", f"/readyz is answered {answer.status_code}.", "Let the proxy pass it on.")
        if faults:
            return Finding(WARN if answer.ok else FAIL, "ready", faults)
        return Finding(OK, "ready", "The worker that was asked can work.")

    def _of_host(self) -> Iterator[Finding]:
        """The server tells in one of its documents under which address it believes to be asked."""
        answer = self._get("/api/asyncapi.json")
        if answer.status_code == 421:
            yield Finding(FAIL, "hosts", f"{_name(self._url)} is not in CHAT_HOSTS.", "Add it, and restart.")
            return
        if not self._settings.hosts and self._get("/api/asyncapi.json", {"Host": ELSEWHERE}).ok:
            yield Finding(WARN, "hosts", "Any name is served that leads here.", f"Set CHAT_HOSTS={_name(self._url)}.")
        else:
            yield Finding(OK, "hosts", f"{_name(self._url)} is one of ours.")
        seen: dict[str, Any] = next(iter(_json(answer).get("servers", {}).values()), {})
        asked = urlsplit(self._url)
        if seen.get("host") != asked.netloc:
            said = f"The server sees the host {seen.get('host')}, not {asked.netloc}."
            yield Finding(FAIL, "proxy", said, "Let the proxy pass on Host as the browser sends it.")
        elif (seen.get("protocol") == "wss") != (asked.scheme == "https"):
            said = f"The server believes to be asked by {seen.get('protocol')}."
            yield Finding(
                FAIL, "proxy", said, "Let the proxy set X-Forwarded-Proto and -For, and set CHAT_TRUSTED_PROXIES."
            )
        else:
            yield Finding(OK, "proxy", "The server sees host and scheme as a browser does.")

    def _of_upgrade(self) -> Finding:
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(self._url))
        answer = self._get("/ws", UPGRADE | {"Origin": origin}, stream=True)
        answer.close()
        if answer.status_code == 101:
            return Finding(OK, "upgrade", "A socket is opened.")
        said = f"A socket is refused with {answer.status_code}."
        return Finding(FAIL, "upgrade", said, REFUSED.get(answer.status_code, "The proxy answers for the server."))

    def _of_token(self) -> Finding:
        """A token that is signed here is good there only with the same secret; and what it opens tells the workers."""
        bearer = {"Authorization": f"Bearer {self._tokens.sign_service('doctor', ' '.join(SCOPES), TOKEN_SECONDS)}"}
        answer = self._get("/api/notifications/batches/0", bearer)
        if answer.status_code != 404:  # there is no such batch
            said = f"The server refuses a token that was signed here, with {answer.status_code}."
            return Finding(FAIL, "token", said, "Set the same CHAT_TOKEN_SECRET, and set the clocks.")
        # A proxy may keep this one to itself.
        if found := re.search(r"^chat_workers (\d+)", self._get("/metrics", bearer).text, re.M):
            self.workers = int(found[1])
        return Finding(OK, "token", "The server takes what is signed with this secret.")

    def _get(self, path: str, headers: dict[str, str] | None = None, stream: bool = False) -> requests.Response:
        options: dict[str, Any] = {"timeout": ANSWER_SECONDS, "stream": stream, "allow_redirects": False}
        return self._session.get(f"{self._url}{path}", headers=headers, **options)


def _json(answer: requests.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except requests.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _name(url: str) -> str:
    return urlsplit(url).hostname or ""
