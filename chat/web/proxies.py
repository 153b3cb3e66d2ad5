"""Whose address a request comes from, where a proxy stands between."""

from __future__ import annotations

import logging

from flask import Flask, request
from werkzeug.middleware.proxy_fix import ProxyFix

log = logging.getLogger("chat")


def trust(app: Flask, proxies: int) -> None:
    """Believe what the last `proxies` entries of X-Forwarded-For and X-Forwarded-Proto say.

    The entries before them may be forged by anybody. 0: believe none, and say so once, since behind a
    proxy all people then share one address and its limits.
    """
    if proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies)  # type: ignore[method-assign]
        return
    told = False

    @app.before_request
    def tell() -> None:
        nonlocal told
        if not told and "X-Forwarded-For" in request.headers:
            told = True
            log.warning("X-Forwarded-For is not read; behind a proxy set CHAT_TRUSTED_PROXIES=1")
