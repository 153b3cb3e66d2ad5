"""The application, in a worker whose clock is an hour late."""

import time

REAL = time.time
time.time = lambda: REAL() - 3600

from app import app as app  # noqa: E402
