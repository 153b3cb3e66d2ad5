"""Owns the compression of the page and its files (gzip, RFC 9110, section 8.4.1.3), each done once and kept.

JSON is not compressed: an answer that holds a secret beside what somebody else chose can be guessed by its
length.
"""

import gzip
from collections import OrderedDict
from hashlib import sha256

from flask import Response, request

KINDS = ("text/html", "text/css", "text/javascript", "application/javascript", "image/svg+xml")
LEAST_BYTES = 500  # less fits into the first packet either way
KEPT = 100  # files and pages in the memory


class Compression:
    """Compresses the responses of one app's page."""

    def __init__(self) -> None:
        # self._kept[digest of a text] = the text compressed; the latest used last
        self._kept: OrderedDict[bytes, bytes] = OrderedDict()

    def compress(self, response: Response) -> Response:
        """Compress a response, if its browser takes that: a blueprint's `after_request`."""
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
        response.set_data(self._compressed(data))
        response.headers["Content-Encoding"] = "gzip"
        etag, _ = response.get_etag()
        if etag is not None:
            response.set_etag(etag, weak=True)  # other bytes, the same content
        return response

    def _compressed(self, data: bytes) -> bytes:
        key = sha256(data).digest()
        if key in self._kept:
            self._kept.move_to_end(key)
        else:
            self._kept[key] = gzip.compress(data, mtime=0)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return self._kept[key]
