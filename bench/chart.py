"""The picture of a run: for each load one bar a server, drawn as a ratio to the best peer.

Drawn by hand: a few dozen rectangles are no reason for a plotting library. The card has a
background of its own and a second set of colours for dark pages, so that it can be read on both.
"""

from __future__ import annotations

from html import escape
from typing import Any

from bench.servers import LIMIT, OURS

WIDTH, MARGIN = 880, 28
BARS_X, BARS_WIDTH = 190, 430  # names stand left of it, figures right of the bars
ROW, BAR = 24, 15
HEAD, PANEL_HEAD, PANEL_GAP, FOOT = 86, 30, 22, 52
MOST = 8.0  # a longer bar would dwarf all others, as the relay's may: it is cut, and says so

STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-size: 19px; font-weight: 600 }
.head { font-weight: 600 }
.muted { fill: #59636e }
.small { font-size: 12px }
.bold { font-weight: 600 }
.halo { stroke: #ffffff; stroke-width: 4px }
.card { fill: #ffffff; stroke: #d0d7de }
.bar { fill: #afb8c1 }
.best { fill: #6e7781 }
.ours { fill: #0969da }
.relay { fill: none; stroke: #6e7781; stroke-dasharray: 4 3 }
.one { stroke: #1f2328; stroke-dasharray: 2 3 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .muted { fill: #9198a1 }
  .halo { stroke: #0d1117 }
  .card { fill: #0d1117; stroke: #3d444d }
  .bar { fill: #4d5560 }
  .best { fill: #8b949e }
  .ours { fill: #4493f8 }
  .relay { stroke: #9198a1 }
  .one { stroke: #e6edf3 }
}
""".strip()

Section = dict[str, Any]


def draw(summary: list[Section], footer: list[str]) -> str:
    """An SVG of the sections that have ratios; `footer`: the lines at the bottom."""
    panels = [section for section in summary if sum(map(_drawable, section["rows"])) > 1]
    parts: list[str] = []
    y = HEAD
    for section in panels:
        parts += _panel(section, y, _scale(section, panels))
        y += PANEL_HEAD + ROW * len(section["rows"]) + PANEL_GAP
    for line in footer:
        parts.append(_text(MARGIN, y + 8, line, "muted small"))
        y += 18
    height = y + MARGIN - 12
    title = "One worker on one core, compared with the best peer"
    subtitle = "Bars are ratios: the best peer of each load is 1 (dotted line). Figures are medians."
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'width="{WIDTH}" height="{height}" aria-labelledby="title">',
        f'<title id="title">{escape(title)}</title>',
        f"<style>{STYLE}</style>",
        f'<rect class="card" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>',
        _text(MARGIN, 38, title, "title"),
        _text(MARGIN, 60, subtitle, "muted"),
        *parts,
        "</svg>\n",
    ])  # fmt: skip


def _drawable(row: Section) -> bool:
    return row.get("ratio") is not None


def _scale(section: Section, panels: list[Section]) -> float:
    """The ratio at the right end: the same for all loads where more is better, so that their bars can be compared;
    for memory its own."""
    alike = [s for s in panels if s["better"] == section["better"]]
    rows = [row for s in alike for row in s["rows"] if _drawable(row) and row["server"] != LIMIT]
    return min(MOST, max([1.25, *(float(row["ratio"]) for row in rows)]))


def _panel(section: Section, y: float, scale: float) -> list[str]:
    rows = section["rows"]
    better = f"{section['figure']}, {section['better']} is better"
    bottom = y + PANEL_HEAD + ROW * len(rows)
    one = BARS_X + BARS_WIDTH / scale
    parts = [
        f'<text x="{MARGIN}" y="{y + 12}"><tspan class="head">{escape(section["title"])}</tspan>'
        f'<tspan class="muted" dx="10">{escape(better)}</tspan></text>'
    ]
    for index, row in enumerate(rows):
        parts += _bar(row, section, y + PANEL_HEAD + index * ROW, scale)
    line = f'x1="{one:.1f}" x2="{one:.1f}" y1="{y + PANEL_HEAD - 6}" y2="{bottom - 4}"'
    return [parts[0], f'<line class="one" {line}/>', *parts[1:]]


def _bar(row: Section, section: Section, y: float, scale: float) -> list[str]:
    middle = y + BAR - 3
    name = _text(BARS_X - 10, middle, row["name"], "bold" if row["server"] in OURS else "", "end")
    if not _drawable(row):
        return [name, _text(BARS_X, middle, "no figure: failed, or others used the machine", "muted")]
    kind = "best" if row["server"] == section["best"] else "relay" if row["server"] == LIMIT else "bar"
    kind = "ours" if row["server"] in OURS else kind
    weight = "bold" if row["server"] in OURS else ""
    cut = row["ratio"] > scale
    width = max(1.5, BARS_WIDTH * min(row["ratio"], scale) / scale)
    unit = section["unit"] if section["unit"].startswith("/") else " " + section["unit"]
    ratio = f"{row['ratio']:.2f}" if row["ratio"] < 10 else f"{row['ratio']:.0f}"
    label = f"{ratio}\u00d7 \u00b7 {_rounded(row['value'])}{unit}" + ("  (bar cut)" if cut else "")
    return [
        name,
        f'<rect class="{kind}" x="{BARS_X}" y="{y}" width="{width:.1f}" height="{BAR}" rx="2"/>',
        _text(BARS_X + width + 8, middle, label, f"halo {weight}"),  # where the line of 1 is crossed
        _text(BARS_X + width + 8, middle, label, weight),
    ]


def _rounded(value: float) -> str:
    """Three digits: more would claim what these measurements do not know."""
    size = len(str(int(value)))
    return f"{round(value, 3 - size):,.0f}" if size > 3 else f"{value:,.0f}"


def _text(x: float, y: float, text: str, kind: str, anchor: str = "start") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} class="{kind}">{escape(text)}</text>'
