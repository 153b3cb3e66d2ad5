"""Owns the headers of every response of ours that tell a browser what not to do with it."""

from flask import Response, request

# The page needs its own files and its own socket, and nothing else: not a script in its text, no frame
# around it, no form to another site. A favicon drawn by script is the one thing that is `data:`.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "manifest-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; form-action 'self'"
)
UNUSED = ", ".join(
    f"{what}=()" for what in ("camera", "display-capture", "geolocation", "microphone", "payment", "usb")
)
A_YEAR = 31_536_000  # seconds; what HSTS is advised to last (RFC 6797, section 11.2)


def protect(response: Response) -> Response:
    """Put the headers on a response of ours: a blueprint's `after_request`."""
    response.headers.update(security_headers(request.is_secure))
    if request.endpoint == "chat.static":  # these files are made to stand on other sites' pages too
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def security_headers(is_secure: bool) -> dict[str, str]:
    """Return the headers of a response that came over TLS, or did not."""
    headers = {
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": UNUSED,
    }
    if is_secure:
        headers["Strict-Transport-Security"] = f"max-age={A_YEAR}"
    return headers
