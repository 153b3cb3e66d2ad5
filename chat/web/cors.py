"""Owns what lets pages of other sites use the API: those of CHAT_ORIGINS, which may open a socket too.

They send a token in a header. The headers that would allow a cookie are never sent: site_session.py alone reads one, and
answers pages of the site itself only.
"""

from collections.abc import Collection

from flask import Response, request

from chat.protocol.handshake import is_listed

HEADERS = "Authorization, Content-Type, Idempotency-Key, Last-Event-ID"  # that a page may send
MAX_AGE = "600"  # seconds that a browser need not ask again


def cors_headers(origins: Collection[str]) -> dict[str, str]:
    """Return the headers that say whether the current request's page may read the answer (Fetch, section 3.2)."""
    if not origins:
        return {}
    origin = request.headers.get("Origin", "")
    if not is_listed(origin, origins):
        return {"Vary": "Origin"}
    return {"Vary": "Origin", "Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": "Retry-After"}


def share(prefix: str, origins: Collection[str], response: Response) -> Response:
    """Put the headers on an answer of the API, and on that to a preflight: a blueprint's `after_request`."""
    if not request.path.removeprefix(prefix).startswith("/api/"):
        return response
    headers = cors_headers(origins)
    if vary := headers.pop("Vary", ""):
        response.vary.add(vary)
    if "Access-Control-Request-Method" in request.headers and "Allow" in response.headers and headers:
        headers["Access-Control-Allow-Methods"] = response.headers["Allow"]
        headers["Access-Control-Allow-Headers"] = HEADERS
        headers["Access-Control-Max-Age"] = MAX_AGE
    response.headers.update(headers)
    return response
