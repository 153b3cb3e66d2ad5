"""Sends the page and its files compressed (gzip, RFC 9110, section 8.4.1.3), each compressed once and kept.

JSON is not, and neither is what a host application adds: an answer that holds a secret beside what somebody else
chose can be guessed by its length.
"""

from __future__ import annotations

import gzip
from collections import OrderedDict
from hashlib import sha256
from pathlib import Path

from flask import Flask, Response, request

OURS = ("static", "chat_pages.index", "chat_pages.show_script")
KINDS = ("text/html", "text/css", "text/javascript", "application/javascript", "image/svg+xml")
LEAST_BYTES = 500  # less fits into the first packet either way
KEPT = 100  # files and pages in the memory


class Compression:
    """Compresses an app's responses.

    Args:
        folder: of static files, which are compressed before anybody asks for them.
    """

    def __init__(self, folder: Path) -> None:
        # self._kept[digest of a text] = the text compressed; the latest used last
        self._kept: OrderedDict[bytes, bytes] = OrderedDict()
        for path in sorted(folder.rglob("*")):
            if path.suffix in {".css", ".js", ".svg"} and path.stat().st_size >= LEAST_BYTES:
                self._compressed(path.read_bytes())

    def attach(self, app: Flask) -> None:
        app.after_request(self._compress)

    def _compress(self, response: Response) -> Response:
        if request.endpoint not in OURS or response.mimetype not in KINDS:
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
