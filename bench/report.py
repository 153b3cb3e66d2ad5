"""What was measured, put into words: medians, ratios to the best peer, and how far to trust them.

A ratio is taken between two runs of the same round, minutes apart at most, and the median of those
ratios is quoted: on a noisy machine the figures of two rounds must not be compared. A run that
others disturbed is no half of such a pair; it counts in the ratio of messages per CPU second only.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from statistics import median
from typing import Any

from bench import chart, install, machine
from bench.loads import GENERATOR_BUSY, Load
from bench.servers import LIMIT, NODE, OURS, Server

RESULTS = install.HERE / "results"

Run = dict[str, Any]


def write(runs: list[Run], loads: list[Load], contestants: list[Server], left_out: dict[str, str], quick: bool) -> None:
    """Print the table; write results/latest.json and results/chart.svg."""
    summary = summarise(runs, loads, contestants)
    for section in summary:
        print("\n" + "\n".join(_table(section)))
    for name, reason in left_out.items():
        print(f"\nleft out: {name}. {reason}")
    disturbance = how_disturbed(runs)
    print("\n" + "\n".join(disturbance["lines"]))
    record = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": quick,
        "machine": machine.describe(),
        "versions": machine.versions(),
        "left_out": left_out,
        "disturbance": disturbance,
        "summary": summary,
        "runs": runs,
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "latest.json").write_text(json.dumps(record, indent=1) + "\n")
    (RESULTS / "chart.svg").write_text(chart.draw(summary, _footer(record)))
    print("\nwritten: bench/results/latest.json, bench/results/chart.svg")


def summarise(runs: list[Run], loads: list[Load], contestants: list[Server]) -> list[Run]:
    """For each load its title, unit, the best peer's key (None: there is none) and rows; a row is a server's medians
    and ratios."""
    sections = []
    for load in loads:
        theirs = load.baseline or load.key  # where messages are stored, peers have no such load of their own
        best = _best_peer(runs, load, theirs, contestants)
        rows = [_row(runs, load.key, theirs, server, best) for server in contestants if load.key in server.loads]
        if load.baseline:
            compared = [server for server in contestants if server.key in (best, NODE)]
            rows += [_row(runs, theirs, theirs, server, best) for server in compared]
        rows = [row for row in rows if row is not None]
        if rows:
            facts = {"title": load.title, "figure": load.figure, "unit": load.unit, "better": load.better}
            sections.append({"load": load.key, "mode": load.mode, **facts, "best": best, "rows": rows})
    return sections


def how_disturbed(runs: Iterable[Run]) -> Run:
    """Return what others had of the cores while it was measured, in figures and in words."""
    measured = [run for run in runs if "steal" in run]
    if not measured:
        return {"lines": ["Nothing was measured."]}
    last = {(run["round"], run["load"], run["server"]): run for run in measured}
    seen: Run = {name: median(run[name] for run in measured) for name in ("steal", "others", "load_average")}
    seen |= {f"{name}_most": max(run[name] for run in measured) for name in ("steal", "others", "load_average")}
    seen |= {
        "runs": len(last),
        "repeated": sum(run["tries"] > 1 for run in last.values()),
        "disturbed": sum(run["disturbed"] for run in last.values()),
    }
    seen["lines"] = [
        f"Meanwhile others had {seen['others']:.2f} of the two cores (at most {seen['others_most']:.2f}), other guests "
        f"of the host {seen['steal']:.3f} ({seen['steal_most']:.3f}); load average {seen['load_average']:.1f} "
        f"({seen['load_average_most']:.1f}).",
        f"Of {seen['runs']} figures {seen['repeated']} were measured again since others disturbed them; "
        f"{seen['disturbed']} stayed disturbed, and no ratio was taken of them.",
    ]
    return seen


def _best_peer(runs: list[Run], load: Load, theirs: str, contestants: list[Server]) -> str | None:
    values = {}
    for server in contestants:
        good = _good(runs, theirs, server.key)
        if good and server.key not in (*OURS, LIMIT):
            values[server.key] = _median_value(good.values())
    best = max if load.better == "more" else min
    return best(values, key=lambda key: values[key], default=None)


def _good(runs: list[Run], load: str, server: str) -> dict[int, Run]:
    """Return the last run of each round that did not fail."""
    mine = [run for run in runs if (run["load"], run["server"]) == (load, server) and "failed" not in run]
    return {run["round"]: run for run in mine}


def _median_value(good: Iterable[Run]) -> float:
    runs = list(good)
    return median(run["value"] for run in [run for run in runs if not run["disturbed"]] or runs)


def _row(runs: list[Run], load: str, theirs: str, server: Server, best: str | None) -> Run | None:
    good = _good(runs, load, server.key)
    failures = [r["failed"] for r in runs if (r["load"], r["server"]) == (load, server.key) and "failed" in r]
    if not good and not failures:
        return None
    row: Run = {"server": server.key, "name": server.name, "runs": len(good), "failures": failures}
    if not good:
        return row
    row["value"] = _median_value(good.values())
    row["disturbed"] = sum(run["disturbed"] for run in good.values())
    row["ratios"] = _ratios(good, _good(runs, theirs, best or ""))
    row["ratio"] = median(row["ratios"]) if row["ratios"] else None
    to_node = _ratios(good, _good(runs, theirs, NODE))
    row["ratio_to_node"] = median(to_node) if to_node else None
    if "sockets" in next(iter(good.values())):
        row["sockets"] = next(iter(good.values()))["sockets"]
        return row
    for name in ("p50_us", "p99_us", "server_share", "generator_share", "per_cpu_second"):
        row[name] = median(run[name] for run in good.values())
    base = _good(runs, theirs, best or "")
    costs = [run["per_cpu_second"] / max(base[n]["per_cpu_second"], 1e-9) for n, run in good.items() if n in base]
    row["ratio_per_cpu_second"] = median(costs) if costs else None
    return row


def _ratios(good: dict[int, Run], base: dict[int, Run]) -> list[float]:
    """Return, in order, the ratios of those rounds in which neither was disturbed."""
    pairs = [(run, base[number]) for number, run in good.items() if number in base]
    fair = [pair for pair in pairs if not any(run["disturbed"] for run in pair)]
    return sorted(run["value"] / max(other["value"], 1e-9) for run, other in fair)


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
    names = {row["server"]: row["name"] for row in section["rows"]}
    best = f"; the best peer: {names[section['best']]}" if section["best"] in names else ""
    lines = [f"{section['title']}: {section['figure']} ({section['better']} is better){best}"]
    head = f"  {'server':<20}{'median':>13}{'to best':>10}{'lowest-highest':>16}{'to Node ws':>12}"
    if section["mode"] == "idle":
        head += f"{'sockets':>9}"
    else:
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
    span = f"{row['ratios'][0]:.2f}-{row['ratios'][-1]:.2f}" if row["ratios"] else "-"
    text = f"  {row['name']:<20}{row['value']:>13,.0f}{_times(row['ratio']):>10}{span:>16}"
    text += f"{_times(row['ratio_to_node']):>12}"
    if section["mode"] == "idle":
        return text + f"{row['sockets']:>9,}"
    text += f"{_times(row['ratio_per_cpu_second']):>11}{row['p50_us'] / 1000:>9.2f}{row['p99_us'] / 1000:>9.2f}"
    return text + f"{row['server_share']:>8.0%}{row['generator_share']:>11.0%}"


def _times(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f}x"


def _notes(row: Run) -> list[str]:
    notes = []
    if row.get("generator_share", 0) >= GENERATOR_BUSY and row["server_share"] < GENERATOR_BUSY:
        notes.append(
            f"  ! {row['name']}: the generator was at its limit ({row['generator_share']:.0%}) and "
            f"the server not ({row['server_share']:.0%}): it can do more than this."
        )
    if row["disturbed"]:
        notes.append(
            f"  ! {row['name']}: in {row['disturbed']} of {row['runs']} rounds others used the cores. "
            "Left out of the ratio; see per CPU s."
        )
    return notes


def _footer(record: Run) -> list[str]:
    rounds = max((run["round"] for run in record["runs"]), default=0)
    return [
        f"{record['machine']['cpu']}, {record['date'][:10]}, rounds: {rounds}. Server and generator have a core each.",
        "Ratios are taken within a round. The C relay shows what generator and kernel can do.",
        *record["disturbance"]["lines"],
    ]
