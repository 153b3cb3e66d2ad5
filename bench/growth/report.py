"""What was measured, as a table, and what grows faster than it may."""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import Any

from bench.growth.content import Size

TOLERATED = 1.3  # beyond the logarithm's growth: a shared machine is as uneven
FLOOR_MS = 1.0  # that a time has to grow by at all, to be named


@dataclass(frozen=True)
class Run:
    """One size of one engine: how long filling took (seconds), and each answer (milliseconds, the median)."""

    size: Size
    seconds: dict[str, float]
    times: dict[str, float]

    def record(self) -> dict[str, Any]:
        return {"messages": self.size.messages, "conversations": self.size.conversations} | {
            "seconds": self.seconds, "milliseconds": self.times,
        }  # fmt: skip


def table(engine: str, runs: list[Run]) -> list[str]:
    """Return the lines of an engine's table, and below them what grows."""
    titles = list(dict.fromkeys(title for run in runs for title in run.times))
    found = ["", f"{engine}: milliseconds, by messages/conversations"]
    found.append(f"  {'':<52}" + "".join(f"{run.size.title:>14}" for run in runs))
    for title in titles:
        cells = (f"{run.times[title]:>14.1f}" if title in run.times else f"{'-':>14}" for run in runs)
        found.append(f"  {title:<52}" + "".join(cells))
    for part in runs[0].seconds if runs else ():
        cells = (f"{run.seconds[part]:>13.1f}s" for run in runs)
        found.append(f"  {'filling: ' + part:<52}" + "".join(cells))
    grown = growing(runs)
    found.append("  grows faster than log n:" if grown else "  nothing grows faster than log n")
    return found + [f"    {title}: {times:.1f} times, the logarithm {fair:.1f}" for title, times, fair in grown]


def growing(runs: list[Run]) -> list[tuple[str, float, float]]:
    """Return what grows faster than the logarithm of the messages, how many times, and how many times that grows.

    From the smallest size at which it was measured to the largest.
    """
    found = []
    for title in dict.fromkeys(title for run in runs for title in run.times):
        measured = [run for run in runs if title in run.times]
        first, last = measured[0], measured[-1]
        before, after = first.times[title], last.times[title]
        fair = log(last.size.messages) / log(first.size.messages)
        if after - before > FLOOR_MS and after / before > fair * TOLERATED:
            found.append((title, after / before, fair))
    return sorted(found, key=lambda one: -one[1])
