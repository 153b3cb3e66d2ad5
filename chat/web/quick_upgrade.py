"""Owns the shorter way of an upgrade, past Flask's request, which takes longer than all the rest of it.

An upgrade goes it where nobody can tell: no hook or signal of the host's would see the request, and the checks let it
pass. All others go on to Flask; what the checks have refused is answered there.
"""

import re
from collections.abc import Callable
from typing import Any

from flask import Flask, signals
from flask.sessions import SecureCookieSessionInterface
from werkzeug.exceptions import HTTPException

from chat.client import Client
from chat.errors import ChatError
from chat.protocol.handshake import Environ, wants_upgrade
from chat.server import ChatServer
from chat.web.hosts import HostCheck
from chat.web.upgrade import PATHS, REFUSED, adopt, check_upgrade, may_be_taken

HOOKS = "before_request_funcs", "after_request_funcs", "teardown_request_funcs", "url_value_preprocessors"
PLAIN_HOST = re.compile(r"[\w.:\[\]-]*", re.ASCII)  # of another one Werkzeug has its own opinion


def pass_flask_by(app: Flask, blueprint: str, prefix: str, hosts: HostCheck, chat: Callable[[], ChatServer]) -> Any:
    """Return `app.wsgi_app` with the shorter way before it, unless somebody has wrapped it, who would see upgrades."""
    is_plain = getattr(app.wsgi_app, "__func__", None) is Flask.wsgi_app
    return QuickUpgrade(app, blueprint, prefix, hosts, chat) if is_plain else app.wsgi_app


class QuickUpgrade:
    """A WSGI application in the place of `app.wsgi_app`, for an app to which the routes are added already."""

    def __init__(
        self, app: Flask, blueprint: str, prefix: str, hosts: HostCheck, chat: Callable[[], ChatServer]
    ) -> None:
        self._app = app
        self._flask = app.wsgi_app
        self._hosts = hosts
        self._chat = chat
        self._endpoints = {f"{prefix}{path}": f"{blueprint}.socket:{path}" for path in PATHS}
        self._views = {name: app.view_functions[name] for name in self._endpoints.values()}
        self._blueprint = blueprint
        self._our_hooks = self._hooks(blueprint)
        self._signals = (
            signals.request_started, signals.request_finished, signals.request_tearing_down,
            signals.appcontext_pushed, signals.appcontext_popped, signals.appcontext_tearing_down,
        )  # fmt: skip
        self._is_seen: bool | None = None  # whether the host sees upgrades; None: the first one goes to Flask

    def __call__(self, environ: Environ, start_response: Any) -> Any:
        if not self._is_plain(environ):
            return self._flask(environ, start_response)
        if self._is_seen is None:
            try:
                return self._flask(environ, start_response)
            finally:  # from now on Flask takes no more hooks and routes
                self._is_seen = self._does_host_see()
        chat = self._chat()
        try:
            check_upgrade(environ, chat.connections)
        except ChatError as error:
            environ[REFUSED] = error
            return self._flask(environ, start_response)
        adopt(environ, lambda sock, address: Client(sock, chat, address))
        raise StopIteration  # as ADOPTED says it

    def _is_plain(self, environ: Environ) -> bool:
        return (
            environ.get("PATH_INFO") in self._endpoints
            and not self._is_seen
            and wants_upgrade(environ)
            and may_be_taken(environ)
            and PLAIN_HOST.fullmatch(environ.get("HTTP_HOST", "")) is not None
            and self._hosts.is_ours(environ)
            and not any(signal.receivers for signal in self._signals)
            and self._chat().is_started
        )

    def _does_host_see(self) -> bool:
        """Return whether something of the host's is called with each upgrade, or decides where it goes."""
        app = self._app
        return (
            type(app) is not Flask
            or app.request_class is not Flask.request_class
            or type(app.session_interface) is not SecureCookieSessionInterface
            or bool(app.config["TRUSTED_HOSTS"] or app.url_map.host_matching or app.subdomain_matching)
            or bool(self._hooks(None) or app.teardown_appcontext_funcs)
            or self._hooks(self._blueprint) != self._our_hooks
            or any(app.view_functions[name] is not view for name, view in self._views.items())
            or any(self._endpoint_at(path) != name for path, name in self._endpoints.items())
        )

    def _hooks(self, scope: str | None) -> list[Any]:
        return [hook for kind in HOOKS for hook in getattr(self._app, kind).get(scope, ())]

    def _endpoint_at(self, path: str) -> str | None:
        try:
            endpoint, _ = self._app.url_map.bind("").match(path, "GET", websocket=True)
        except HTTPException:  # a redirect is one too
            return None
        return str(endpoint)
