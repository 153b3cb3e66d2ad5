"""The application, in a worker that dies now and then between storing a message and passing it on."""

from __future__ import annotations

import os
import random
import signal
from typing import Any

from app import app as app
from chat.bus.envelope import MESSAGE
from chat.bus.relay import SocketRelay

ONCE_IN = 400
publish = SocketRelay._publish


def publish_or_die(self: SocketRelay, user_id: str, kind: bytes, *rest: Any) -> None:
    if kind == MESSAGE and random.random() < 1 / ONCE_IN:
        os.kill(os.getpid(), signal.SIGKILL)
    publish(self, user_id, kind, *rest)


SocketRelay._publish = publish_or_die  # type: ignore[method-assign]
