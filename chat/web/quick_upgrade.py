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
from chat.web.upgrade import PATHS, REFUSED, adopt, check_upgrade, may_be_taken, taken_socket

HOOKS = "before_request_funcs", "after_request_funcs", "teardown_request_funcs", "url_value_preprocessors"
UPGRADE = "chat.upgrade"  # in app.extensions
PLAIN_HOST = re.compile(r"[\w.:\[\]-]*", re.ASCII)  # of another one Werkzeug has its own opinion


def pass_flask_by(app: Flask, blueprint: str, prefix: str, hosts: HostCheck, chat: Callable[[], ChatServer]) -> Any:
    """Return `app.wsgi_app` with the shorter way before it, unless somebody has wrapped it, who would see upgrades."""
    if getattr(app.wsgi_app, "__func__", None) is not Flask.wsgi_app:
        return app.wsgi_app
    quick = app.extensions[UPGRADE] = QuickUpgrade(app, blueprint, prefix, hosts, chat)
    return quick


def set_outermost(app: Flask, wsgi_app: Any, believe: Callable[[Environ], None] | None = None) -> None:
    """Set `app.wsgi_app` to what we have wrapped it in. `believe`: writes into a request what our proxies said of it."""
    app.wsgi_app = wsgi_app  # type: ignore[method-assign]
    if quick := upgrade_of(app):
        quick.outermost, quick.believe = wsgi_app, believe


def upgrade_of(app: Any) -> "QuickUpgrade | None":
    """Return what stands before Flask in an app; None: nothing of ours."""
    return getattr(app, "extensions", {}).get(UPGRADE)


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
        self.outermost: Any = None  # the app's `wsgi_app` as we made it; the host may have wrapped it since
        self.believe: Callable[[Environ], None] | None = None  # writes into a request what our proxies said of it
        self._refused: dict[int, ChatError] = {}  # descriptor -> with what its request was refused already

    def __call__(self, environ: Environ, start_response: Any) -> Any:
        if self._refused and (refused := self._refused.pop(_number_of(environ), None)):
            environ[REFUSED] = refused
            return self._flask(environ, start_response)
        if not self._is_plain(environ):
            return self._flask(environ, start_response)
        if self._is_seen is None:
            try:
                return self._flask(environ, start_response)
            finally:  # from now on Flask takes no more hooks and routes
                self._is_seen = self._does_host_see()
        try:
            check_upgrade(environ, self._chat().connections)
        except ChatError as error:
            environ[REFUSED] = error
            return self._flask(environ, start_response)
        self.take(environ)
        raise StopIteration  # as ADOPTED says it

    def take(self, environ: Environ, sock: Any = None) -> None:
        """Take over the socket of an upgrade that the checks let pass. `sock`: a plain one; None: gunicorn's."""
        chat = self._chat()
        adopt(sock or taken_socket(environ), environ, lambda sock, address: Client(sock, chat, address))

    # What `early_upgrade.py` asks, of a request that nobody has read yet.

    def is_busy(self) -> bool:
        """Return whether more have said `init` than are read together."""
        return self._is_seen is False and self._chat().logins.has_waiting

    def is_early(self, environ: Environ) -> bool:
        """Return whether nothing before this, and nothing behind it, would see an upgrade; say in it what a proxy said."""
        if self._is_seen is not False or self._app.wsgi_app is not self.outermost:
            return False
        if self.believe is not None:
            self.believe(environ)
        elif "HTTP_X_FORWARDED_FOR" in environ or "HTTP_X_FORWARDED_PROTO" in environ:  # which is told of
            return False
        return self._is_plain(environ)

    def lets_pass(self, environ: Environ) -> bool:
        """Check it. False: it is refused, and to go the ordinary way to its answer."""
        try:
            check_upgrade(environ, self._chat().connections)
        except ChatError as error:
            self._refused[_number_of(environ)] = error
            return False
        return True

    def has_refused(self, sock: Any) -> bool:
        return sock.fileno() in self._refused

    def forget(self, sock: Any) -> None:
        """A connection is new: what was refused under its number was another's."""
        if self._refused:
            self._refused.pop(sock.fileno(), None)

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


def _number_of(environ: Environ) -> int:
    sock = environ.get("gunicorn.socket")
    return -1 if sock is None else int(sock.fileno())
