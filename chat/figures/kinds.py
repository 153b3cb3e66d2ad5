"""Owns the kinds of figures: what only grows, what there is now, and how long things took.

They are plain numbers, for prometheus-client's own take a lock and a microsecond each time, and each message counts
some. They live on the loop's thread, unless one thread alone writes a figure. Their text is left to `exposition`.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MOST_LABELS = 100  # values of one figure's label; further ones count as OTHER, for some come from outside
OTHER = "other"

# Seconds. The longest: a write that waits for another process gives up after ten.
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

# What a figure tells of itself: a number; a number for each label; of a histogram its buckets, count and sum.
Sample = Any


@dataclass(eq=False)
class Counter:
    """How often something has happened since the start."""

    name: str
    help: str
    _count: float = 0
    only_grows = True

    def add(self, count: float = 1) -> None:
        """Count; on the loop's thread."""
        self._count += count

    def value(self) -> float:
        return self._count

    sample = value

    def merged(self, samples: Sequence[float]) -> float:
        return sum(samples)


@dataclass(eq=False)
class Gauge:
    """How much of something there is now; whoever knows it replaces `value`."""

    name: str
    help: str
    value: Callable[[], float] = lambda: 0
    merge: Callable[[Sequence[float]], float] = sum  # or max: of what is the same for all workers, or the worst
    only_grows = False

    def sample(self) -> float:
        return self.value()

    def merged(self, samples: Sequence[float]) -> float:
        return self.merge(samples)


@dataclass(eq=False)
class Counts:
    """How often things of several kinds have happened since the start."""

    name: str
    help: str
    label: str
    counts: dict[str, float] = field(default_factory=dict)
    read: Callable[[], Mapping[str, float]] | None = None  # of who counts by itself
    only_grows = True

    def add(self, kind: str, count: float = 1) -> None:
        """Count; on the loop's thread."""
        if kind not in self.counts and len(self.counts) >= MOST_LABELS:
            kind = OTHER
        self.counts[kind] = self.counts.get(kind, 0) + count

    def sample(self) -> Mapping[str, float]:
        return self.read() if self.read else self.counts

    def merged(self, samples: Sequence[Mapping[str, float]]) -> dict[str, float]:
        return {kind: sum(one.get(kind, 0) for one in samples) for kind in sorted({k for one in samples for k in one})}


class Histogram:
    """How long things took, in buckets of BOUNDS. Written by one thread."""

    only_grows = True

    def __init__(self, name: str, help: str) -> None:
        self.name, self.help = name, help
        self.buckets = [0] * len(BOUNDS)  # each with those before it, as Prometheus has it
        self.count = 0
        self.sum = 0.0

    def observe(self, seconds: float) -> None:
        """Count one that took so long."""
        self.observe_all([0.0], seconds)

    def observe_all(self, begun: Sequence[float], now: float) -> None:
        """Count what began at these times, the oldest first, and is over now: a look for each bucket, not for each."""
        for number, bound in enumerate(BOUNDS):
            self.buckets[number] += len(begun) - bisect_left(begun, now - bound)
        self.count += len(begun)
        self.sum += now * len(begun) - sum(begun)

    def sample(self) -> list[float]:
        return [*self.buckets, self.count, self.sum]

    def merged(self, samples: Sequence[Sequence[float]]) -> list[float]:
        return [sum(column) for column in zip(*samples, strict=True)]


Figure = Counter | Gauge | Counts | Histogram
