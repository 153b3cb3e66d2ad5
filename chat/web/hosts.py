"""Owns the check of `Host` on our own routes, against DNS rebinding.

A page of a stranger's site whose name he lets point to this machine is, to its visitor's browser, of one origin with
a chat here. Its requests name the stranger's host. A host application's own routes are its own to guard.
"""

import logging
from dataclasses import dataclass

from flask import Response, request

from chat.config import Settings
from chat.errors import WrongHost
from chat.protocol.handshake import Environ
from chat.setting_checks import is_loopback
from chat.web import health
from chat.web.answers import error_response

# A balancer asks by the address; and a program's token is nothing that a browser would add.
EXEMPT = ("/api/health", "/metrics", *health.PATHS)

PAGE = """<!doctype html>
<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>421</title>
<h1>This chat is not served under this name</h1>
<p>Its operator can add the name to the setting <code>CHAT_HOSTS</code>.</p>
<h1 lang="ko">이 이름으로는 채팅이 제공되지 않습니다</h1>
<p lang="ko">운영자가 설정 <code>CHAT_HOSTS</code>에 이 이름을 추가할 수 있습니다.</p>
"""


@dataclass
class HostCheck:
    """The check of one app."""

    _settings: Settings
    _prefix: str
    _log: logging.Logger
    _told: bool = False

    def refusal(self) -> Response | None:
        """Return the answer to the current request if its Host is not one of ours; None: it may go on."""
        if request.path.removeprefix(self._prefix) in EXEMPT or self.is_ours(request.environ):
            return None
        if request.method == "GET" and request.accept_mimetypes.best == "text/html":
            return Response(PAGE, WrongHost.status, mimetype="text/html")
        return error_response(WrongHost(rule="host", host=_host_of(request.environ)))

    def is_ours(self, environ: Environ) -> bool:
        """Return whether a request's Host is one of ours; without one it is no browser."""
        host, hosts = _host_of(environ), self._settings.hosts
        if not host:
            return True
        if hosts:
            return "*" in hosts or host in hosts
        is_behind_proxy = self._settings.trusted_proxies or "werkzeug.proxy_fix.orig" in environ
        if is_loopback(environ.get("SERVER_NAME", "")) and not is_behind_proxy:
            return is_loopback(host)
        if not self._told:
            self._told = True
            self._log.warning("CHAT_HOSTS is not set: any name that leads here is served, such as %r", host)
        return True


def _host_of(environ: Environ) -> str:
    """Return the name without its port; "": there is none."""
    host = str(environ.get("HTTP_HOST", ""))
    name, colon, port = host.lower().rpartition(":")
    return (name if colon and port.isdigit() else host.lower()).rstrip(".")
