"""Owns the headers of every response of ours that tell a browser what not to do with it."""

import re
from collections.abc import Collection
from typing import Any

from flask import Response, request

# The page needs its own files and its own socket, and nothing else: not a script in its text, no frame
# of a stranger around it, no form to another site. A favicon drawn by script is the one thing that is `data:`.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "manifest-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'"
)
# Of CHAT_ORIGINS, who may put the page in a frame: sites by their names. `*` and `null` are no names: whoever frames the
# page lays their own over it, and the clicks are its visitor's.
SITE = re.compile(r"https?://[\w.:\[\]-]+", re.ASCII)
UNUSED = ", ".join(
    f"{what}=()" for what in ("camera", "display-capture", "geolocation", "microphone", "payment", "usb")
)
FOR_OTHER_PAGES = ("chat.static", "chat.show_picture")  # endpoints; they may stand on other sites' pages too
A_YEAR = 31_536_000  # seconds; what HSTS is advised to last (RFC 6797, section 11.2)


def protect(origins: Collection[str], avatar_hosts: Collection[str], response: Response) -> Response:
    """Put the headers on a response of ours: a blueprint's `after_request`. `origins`: those of CHAT_ORIGINS."""
    headers = security_headers(request.is_secure, origins)
    if avatar_hosts:
        shown = " ".join("https:" if host == "*" else f"https://{host}" for host in avatar_hosts)
        policy = headers["Content-Security-Policy"]
        headers["Content-Security-Policy"] = policy.replace("img-src 'self'", f"img-src 'self' {shown}")
    response.headers.update(headers)
    if request.endpoint in FOR_OTHER_PAGES:
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    # Flask sets a lasting session's cookie again with each answer. Ours, a style that comes late, may come behind the one that
    # took it away, or gave it to another user.
    response.set_cookie = response.delete_cookie = _set_no_cookie  # type: ignore[method-assign]
    return response


def _set_no_cookie(*_: Any, **__: Any) -> None: ...


def security_headers(is_secure: bool, origins: Collection[str] = ()) -> dict[str, str]:
    """Return the headers of a response that came over TLS, or did not."""
    framed_by = " ".join(["'self'", *filter(SITE.fullmatch, origins)])
    headers = {
        "Content-Security-Policy": f"{CONTENT_SECURITY_POLICY}; frame-ancestors {framed_by}",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": UNUSED,
    }
    if is_secure:
        headers["Strict-Transport-Security"] = f"max-age={A_YEAR}"
    return headers
