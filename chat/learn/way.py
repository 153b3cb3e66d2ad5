"""Owns the times of one message on its way through the server: each stage in microseconds, measured as it passes."""

import time
from typing import Any

MICROSECONDS = 1_000_000


class Way:
    """Begins when the socket is readable. All times are of time.perf_counter()."""

    def __init__(self) -> None:
        self.begun = time.perf_counter()
        self.acknowledged = 0.0  # when its ack was put in the outbox
        self.handled = 0.0  # when the handler was done: the message waits in the journal
        self._handling = 0.0
        self._commit_seconds = 0.0  # of all commits, before this one
        self._spans: dict[str, tuple[float, float]] = {}  # stage -> its begin and end

    def note(self, stage: str, begun: float, ended: float) -> None:
        self._spans[stage] = begun, ended

    def begin(self, commit_seconds: float) -> None:
        """A text of this read is handled: the last one counts."""
        self._handling, self._commit_seconds = time.perf_counter(), commit_seconds

    def told(self, written: float, commit_seconds: float) -> dict[str, Any]:
        """Return the event that tells of it. `written`: when the kernel had taken the ack."""
        decoding = self._spans.get("decode", (self.begun, self.begun))
        delivering = self._spans.get("deliver")
        settled = delivering[0] if delivering else self.acknowledged
        between = max(0.0, settled - self.handled)
        commit = min(between, commit_seconds - self._commit_seconds)
        stages = {
            "read": decoding[0] - self.begun,
            "decode": decoding[1] - decoding[0],
            "handle": self.handled - self._handling,
            "gather": between - commit,
            "commit": commit,
            "deliver": delivering[1] - delivering[0] if delivering else 0.0,
            "acknowledge": self.acknowledged - (delivering[1] if delivering else settled),
            "write": written - self.acknowledged,
        }
        return {
            "type": "way",
            "stages": [{"name": name, "us": round(seconds * MICROSECONDS, 1)} for name, seconds in stages.items()],
            "whole": round((written - self.begun) * MICROSECONDS, 1),
        }
