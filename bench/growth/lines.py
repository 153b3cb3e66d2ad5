"""The picture of a run: how long each answer takes, against how much is stored. Both scales are logarithmic.

A panel for each kind of question and engine; where time does not grow, its line is level.
"""

from __future__ import annotations

from html import escape
from math import ceil, floor, log10

from bench.chart import STYLE
from bench.growth.report import Run

WIDTH, MARGIN, GAP = 880, 28, 24
PLOT_X, PLOT_WIDTH, PLOT_HEIGHT = 70, 380, 170
HEAD, PANEL_HEAD, PANEL_FOOT = 74, 28, 46
ROW = 18
# Of 3:1 on light and dark; as many as there are lines in a panel.
COLOURS = ("#0969da", "#cf222e", "#1a7f37", "#9a6700", "#8250df", "#6e7781", "#bf3989", "#0a7b83", "#bc4c00")
TITLE = "How the cost grows with what is stored"


def draw(found: dict[str, list[Run]]) -> str:
    """Return an SVG of each engine's runs."""
    parts: list[str] = []
    y = HEAD
    for engine, runs in found.items():
        for kind, titles in _kinds(runs).items():
            parts += _panel(f"{kind}, {engine}", titles, runs, y)
            y += PANEL_HEAD + PLOT_HEIGHT + PANEL_FOOT
    height = y + MARGIN - 12
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'width="{WIDTH}" height="{height}" aria-labelledby="title">',
        f'<title id="title">{escape(TITLE)}</title>',
        f"<style>{STYLE}</style>",
        f'<rect class="card" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>',
        _text(MARGIN, 38, TITLE, "title"),
        _text(MARGIN, 58, "Milliseconds for an answer, medians, by stored messages", "muted"),
        *parts,
        "</svg>\n",
    ])  # fmt: skip


def _kinds(runs: list[Run]) -> dict[str, list[str]]:
    """Return what was asked, by its kind: what stands before the colon or comma."""
    kinds: dict[str, list[str]] = {}
    for title in dict.fromkeys(title for run in runs for title in run.times):
        kind = title.partition(":")[0].partition(",")[0]
        kinds.setdefault("writing" if kind in ("sending", "repeats", "receipts") else kind, []).append(title)
    return kinds


def _panel(head: str, titles: list[str], runs: list[Run], y: float) -> list[str]:
    points = [ms for run in runs for title, ms in run.times.items() if title in titles]
    low, high = floor(log10(min(points))), max(ceil(log10(max(points))), floor(log10(min(points))) + 1)
    first, last = log10(runs[0].size.messages), log10(runs[-1].size.messages)
    top, bottom = y + PANEL_HEAD, y + PANEL_HEAD + PLOT_HEIGHT

    def place(run: Run, ms: float) -> str:
        across = (log10(run.size.messages) - first) / ((last - first) or 1)
        return f"{PLOT_X + across * PLOT_WIDTH:.1f},{bottom - (log10(ms) - low) / (high - low) * PLOT_HEIGHT:.1f}"

    parts = [_text(MARGIN, y + 12, head, "head")]
    for power in range(low, high + 1):
        at = bottom - (power - low) / (high - low) * PLOT_HEIGHT
        parts.append(f'<line class="one" x1="{PLOT_X}" x2="{PLOT_X + PLOT_WIDTH}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(_text(PLOT_X - 8, at + 4, f"{10**power:g} ms", "muted small", "end"))
    for run in runs:
        across = float(place(run, 10**low).partition(",")[0])
        parts.append(_text(across, bottom + 18, run.size.title, "muted small", "middle"))
    for number, title in enumerate(titles):
        colour = COLOURS[number % len(COLOURS)]
        spots = [place(run, run.times[title]) for run in runs if title in run.times]
        line = f'fill="none" stroke="{colour}" stroke-width="2"'
        parts.append(f'<polyline points="{" ".join(spots)}" {line}/>')
        parts += [
            f'<circle cx="{x}" cy="{y_}" r="3" fill="{colour}"/>' for x, y_ in (spot.split(",") for spot in spots)
        ]
        at = top + 8 + number * ROW
        parts.append(f'<rect x="{PLOT_X + PLOT_WIDTH + GAP}" y="{at - 8}" width="12" height="8" fill="{colour}"/>')
        shown = title.partition(": ")[2] or title
        if head.startswith("search"):
            shown = title.removeprefix("search, ")
        last_ms = next(run.times[title] for run in reversed(runs) if title in run.times)
        parts.append(_text(PLOT_X + PLOT_WIDTH + GAP + 18, at, f"{shown}: {last_ms:.1f} ms", "small"))
    return parts


def _text(x: float, y: float, text: str, kind: str, anchor: str = "start") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} class="{kind}">{escape(text)}</text>'
