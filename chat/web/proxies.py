"""Owns whose address a request comes from, where a proxy stands between; for an app that is a chat alone."""

import logging
from typing import Any

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

log = logging.getLogger("chat")


def trust(app: Flask, proxies: int) -> None:
    """Believe what the last `proxies` entries of X-Forwarded-For, -Proto and -Prefix say.

    The entries before them may be forged by anybody. 0: believe none, and say so once, since behind a
    proxy all people then share one address and its limits.
    """
    inner: Any = app.wsgi_app
    if proxies:
        app.wsgi_app = ProxyFix(inner, x_for=proxies, x_proto=proxies, x_prefix=proxies)  # type: ignore[method-assign]
        return
    told = False

    def tell(environ: dict[str, Any], start_response: Any) -> Any:
        nonlocal told
        if not told and "HTTP_X_FORWARDED_FOR" in environ:
            told = True
            log.warning("X-Forwarded-For is not read; behind a proxy set CHAT_TRUSTED_PROXIES=1")
        return inner(environ, start_response)

    app.wsgi_app = tell  # type: ignore[method-assign]
