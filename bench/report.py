"""What was measured, put into words: medians, ratios to the baseline, and how far to trust them.

A ratio is taken between two runs of the same round, minutes apart at most, and the median of those
ratios is quoted: on a noisy machine the figures of two rounds must not be compared. A run that
others disturbed is no half of such a pair; it counts in the ratio of messages per CPU second only.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from statistics import median
from typing import Any

from bench import chart, install, machine
from bench.loads import GENERATOR_BUSY, Load
from bench.servers import BASELINE, Server

RESULTS = install.HERE / "results"

Run = dict[str, Any]


def write(runs: list[Run], loads: list[Load], contestants: list[Server], left_out: dict[str, str], quick: bool) -> None:
    """Print the table; write results/latest.json and results/chart.svg."""
    summary = summarise(runs, loads, contestants)
    for section in summary:
        print("\n" + "\n".join(_table(section)))
    for name, reason in left_out.items():
        print(f"\nleft out: {name}. {reason}")
    record = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": quick,
        "machine": machine.describe(),
        "versions": machine.versions(),
        "left_out": left_out,
        "summary": summary,
        "runs": runs,
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "latest.json").write_text(json.dumps(record, indent=1) + "\n")
    (RESULTS / "chart.svg").write_text(chart.draw(summary, _footer(record)))
    print("\nwritten: bench/results/latest.json, bench/results/chart.svg")


def summarise(runs: list[Run], loads: list[Load], contestants: list[Server]) -> list[Run]:
    """For each load its title, unit and rows; a row is a server's medians and ratio."""
    sections = []
    for load in loads:
        rows = [_row(runs, load, server) for server in contestants if load.key in server.loads]
        if load.baseline:  # it has no such load of its own
            theirs = replace(load, key=load.baseline)
            rows += [_row(runs, theirs, s) for s in contestants if s.key == BASELINE]
        rows = [row for row in rows if row is not None]
        if rows:
            facts = {"title": load.title, "figure": load.figure, "unit": load.unit}
            sections.append({"load": load.key, **facts, "better": load.better, "rows": rows})
    return sections


def _row(runs: list[Run], load: Load, server: Server) -> Run | None:
    def of(key: str, load_key: str) -> dict[int, Run]:
        mine = [r for r in runs if r["load"] == load_key and r["server"] == key]
        return {r["round"]: r for r in mine if "failed" not in r}

    good, base = of(server.key, load.key), of(BASELINE, load.baseline or load.key)
    failures = [r["failed"] for r in runs if r["load"] == load.key and r["server"] == server.key and "failed" in r]
    if not good and not failures:
        return None
    row: Run = {"server": server.key, "name": server.name, "runs": len(good), "failures": failures}
    if not good:
        return row
    pairs = [(run, base[number]) for number, run in good.items() if number in base]
    fair = [pair for pair in pairs if not any(run["disturbed"] for run in pair)]
    ratios = [run["value"] / max(other["value"], 1e-9) for run, other in fair]
    calm = [run for run in good.values() if not run["disturbed"]]
    row["value"] = median(run["value"] for run in calm or good.values())
    row["ratio"] = median(ratios) if ratios else None
    row["ratios"] = sorted(ratios)
    if load.key != "idle":
        for name in ("p50_us", "p99_us", "server_share", "generator_share", "per_cpu_second"):
            row[name] = median(run[name] for run in good.values())
        costs = [run["per_cpu_second"] / max(other["per_cpu_second"], 1e-9) for run, other in pairs]
        row["ratio_per_cpu_second"] = median(costs) if costs else None
    row["disturbed"] = sum(run["disturbed"] for run in good.values())
    return row


def one_line(run: Run, load: Load) -> str:
    """One measurement, for the progress."""
    if "failed" in run:
        return f"FAILED: {run['failed']}"
    text = f"{run['value']:>11,.0f} {load.unit}"
    if "server_share" in run:
        shares = f"server {run['server_share']:.0%}, generator {run['generator_share']:.0%}"
        text += f"  ({shares} of a core)"
    if run["disturbed"]:
        text += "  disturbed: others had the cores"
    return text


def _table(section: Run) -> list[str]:
    lines = [f"{section['title']}: {section['figure']} ({section['better']} is better)"]
    head = f"  {'server':<20}{'median':>13}{'to Node ws':>12}{'lowest-highest':>16}"
    if section["load"] != "idle":
        head += f"{'per CPU s':>11}{'p50 ms':>9}{'p99 ms':>9}{'server':>8}{'generator':>11}"
    lines.append(head)
    notes = []
    for row in section["rows"]:
        if "value" in row:
            lines.append(_line(row, section))
            notes += _notes(row)
        notes += [f"  ! {row['name']} failed in a round: {why}" for why in row["failures"]]
    return lines + notes


def _line(row: Run, section: Run) -> str:
    ratio, span, cost = "-", "-", "-"
    if row["ratio"] is not None:
        ratio = f"{row['ratio']:.2f}x"
        span = f"{row['ratios'][0]:.2f}-{row['ratios'][-1]:.2f}"
    text = f"  {row['name']:<20}{row['value']:>13,.0f}{ratio:>12}{span:>16}"
    if section["load"] == "idle":
        return text
    if row["ratio_per_cpu_second"] is not None:
        cost = f"{row['ratio_per_cpu_second']:.2f}x"
    text += f"{cost:>11}{row['p50_us'] / 1000:>9.2f}{row['p99_us'] / 1000:>9.2f}"
    return text + f"{row['server_share']:>8.0%}{row['generator_share']:>11.0%}"


def _notes(row: Run) -> list[str]:
    notes = []
    if row.get("generator_share", 0) >= GENERATOR_BUSY and row["server_share"] < GENERATOR_BUSY:
        notes.append(
            f"  ! {row['name']}: the generator was at its limit ({row['generator_share']:.0%}) and "
            f"the server not ({row['server_share']:.0%}): it can do more than this."
        )
    if row["disturbed"]:
        notes.append(
            f"  ! {row['name']}: in {row['disturbed']} of {row['runs']} rounds neither side had a "
            "whole core: others used the machine. Left out of the ratio; see per CPU s."
        )
    return notes


def _footer(record: Run) -> list[str]:
    rounds = max((run["round"] for run in record["runs"]), default=0)
    return [
        f"{record['machine']['cpu']}, {record['date'][:10]}, rounds: {rounds}. Server and generator have a core each.",
        "Ratios are taken within a round. The C relay shows what generator and kernel can do.",
    ]
