"""Owns whose address a request comes from, where a proxy stands between; for an app that is a chat alone."""

import logging
from typing import Any

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from chat.protocol.handshake import Environ
from chat.web.quick_upgrade import set_outermost

log = logging.getLogger("chat")

OF_THE_OUTERMOST = ("HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_PREFIX")


def trust(app: Flask, proxies: int) -> None:
    """Believe what the last `proxies` entries of X-Forwarded-For, -Proto and -Prefix say.

    The entries before them may be forged by anybody. Of scheme and prefix there may be fewer, since most proxies
    pass on the one that the outermost wrote: then the first counts. 0: believe none, and say so once, since behind a
    proxy all people then share one address and its limits.
    """
    inner: Any = app.wsgi_app
    if proxies:
        fix = ProxyFix(lambda *_: [], x_for=proxies, x_proto=1, x_prefix=1)

        def believe(environ: Environ) -> None:
            for header in OF_THE_OUTERMOST:
                if header in environ:
                    environ[header] = environ[header].split(",")[-proxies:][0].strip()
            fix(environ, lambda *_: lambda _: None)

        def fixed(environ: Environ, start_response: Any) -> Any:
            believe(environ)
            return inner(environ, start_response)

        set_outermost(app, fixed, believe)
        return
    told = False

    def tell(environ: Environ, start_response: Any) -> Any:
        nonlocal told
        if not told and "HTTP_X_FORWARDED_FOR" in environ:
            told = True
            log.warning("X-Forwarded-For is not read; behind a proxy set CHAT_TRUSTED_PROXIES=1")
        return inner(environ, start_response)

    set_outermost(app, tell)
