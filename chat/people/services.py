"""Owns which programs are let in: their tokens, and which of them were taken back."""

import secrets
import time
from contextlib import suppress

from chat.errors import NotSignedIn, Unavailable
from chat.people.tokens import Tokens
from chat.storage.service_tokens import ServiceToken
from chat.storage.storage import Storage


class Services:
    """The programs of one chat. Lives on the event loop; its first question blocks the greenlet."""

    def __init__(self, tokens: Tokens, storage: Storage) -> None:
        self._tokens = tokens
        self._storage = storage
        self._revoked: frozenset[str] | None = None  # ids of tokens; None: nobody has looked yet

    def new_token(self, service: str, scope: str, seconds: float) -> str:
        """Make a token that can be taken back. Blocks, for a command."""
        id_, now_ms = secrets.token_urlsafe(9), int(time.time() * 1000)
        token = self._tokens.sign_service(service, scope, seconds, id_)
        self._storage.service_tokens.add(ServiceToken(id_, service, scope, now_ms, now_ms + int(seconds * 1000)))
        return token

    def admit(self, token: str, scope: str) -> str:
        """Return the program's name. Raises NotSignedIn: its token is of no good; Forbidden: it is for another scope."""
        claims = self._tokens.service_of(token, scope)
        if claims.jti is not None:
            if self._revoked is None:
                self._revoked = self._storage.in_thread(self._storage.service_tokens.revoked)
            if claims.jti in self._revoked:
                raise NotSignedIn(rule="token_taken_back")
        return str(claims.svc)

    def keep_up(self) -> None:
        """Look which tokens were taken back since the last call."""
        if self._revoked is not None:
            with suppress(Unavailable):
                self._revoked = self._storage.in_thread(self._storage.service_tokens.revoked)
