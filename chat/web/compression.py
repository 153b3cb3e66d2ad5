"""Owns the compression of the page and its files (gzip, RFC 9110, section 8.4.1.3), each done once and kept.

JSON is not compressed: an answer that holds a secret beside what somebody else chose can be guessed by its
length.
"""

import gzip
from collections.abc import Callable
from functools import lru_cache, partial

from flask import Response, request

KINDS = ("text/html", "text/css", "text/javascript", "application/javascript", "image/svg+xml")
LEAST_BYTES = 500  # less fits into the first packet either way
KEPT = 100  # files and pages in the memory


def compressor() -> Callable[[Response], Response]:
    """Make a blueprint's `after_request`. It compresses a response, if the browser takes that."""
    compressed = lru_cache(KEPT)(partial(gzip.compress, mtime=0))

    def compress(response: Response) -> Response:
        if response.mimetype not in KINDS:
            return response
        response.vary.add("Accept-Encoding")
        is_wanted = response.status_code == 200 and request.accept_encodings["gzip"] > 0
        if not is_wanted or "Content-Encoding" in response.headers or request.method == "HEAD":
            return response
        response.direct_passthrough = False  # of a file, which Flask would hand to the server
        data = response.get_data()
        if len(data) < LEAST_BYTES:
            return response
        response.set_data(compressed(data))
        response.headers["Content-Encoding"] = "gzip"
        etag, _ = response.get_etag()
        if etag is not None:
            response.set_etag(etag, weak=True)  # other bytes, the same content
        return response

    return compress
