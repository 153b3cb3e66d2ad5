"""Answers each request with the number of the process that serves it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """WSGI."""
    start_response("200 OK", [("Connection", "close")])
    return [b"%d" % os.getpid()]
