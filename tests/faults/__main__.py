"""`python -m tests.faults`: all faults at full length, and a table of what came of them.

Exit status 1 if anything was lost, shown twice or out of order, or if a server was late to come back.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.faults import away, many, restarts, scenarios, soak
from tests.faults.scenarios import Outcome, Skipped
from tests.faults.server import Mortal

# Together at least 50 kills and 10,000 acknowledged messages.
SCENARIOS: list[Callable[[Path], Outcome]] = [
    lambda folder: scenarios.kill_9(folder, 30, 6_000, "worker"),
    lambda folder: scenarios.kill_9(folder, 25, 5_000, "master and workers"),
    lambda folder: scenarios.on_postgres(folder, partial(scenarios.kill_9, kills=10, acks=2_000, what="worker")),
    lambda folder: scenarios.on_postgres(folder, partial(scenarios.database_crashes, crashes=20)),
    lambda folder: scenarios.on_postgres(folder, partial(scenarios.database_crashes, crashes=10, kill_9=True)),
    lambda folder: scenarios.on_postgres(folder, partial(scenarios.database_stops, times=5, acks=10_000)),
    lambda folder: scenarios.two_writers(folder, 10_000),
    lambda folder: scenarios.on_postgres(folder, partial(scenarios.two_writers, messages=10_000)),
    lambda folder: scenarios.cut_before_the_ack(folder, 40),
    lambda folder: scenarios.dead_line(folder, 5),
    lambda folder: scenarios.one_client_id_at_once(folder, 20),
    lambda folder: scenarios.disk_full(folder, 5),
    lambda folder: scenarios.locked(folder, 5),
    lambda folder: scenarios.sigterm(folder, 10),
    lambda folder: many.one_conversation(folder, 10_000),
    lambda folder: many.worker_dies(folder, 10_000, kills=8, workers=4),
    lambda folder: many.dies_before_it_publishes(folder, 10_000),
    lambda folder: many.redis_dies(folder, 10_000, 30.0),
    lambda folder: many.redis_stops(folder, 10_000, 10.0),
    lambda folder: many.worker_is_parted(folder, 10_000, 5.0),
    lambda folder: many.worker_stops(folder, 10_000, 15.0),
    lambda folder: scenarios.on_postgres(folder, partial(many.one_conversation, sends=10_000)),
    lambda folder: scenarios.on_postgres(folder, partial(many.worker_dies, acks=10_000, kills=8, workers=4)),
    lambda folder: scenarios.on_postgres(folder, partial(many.redis_dies, acks=10_000, seconds=30.0)),
    lambda folder: soak.soak(folder, 180.0, 300),
    lambda folder: away.file_put_back(folder, 10),
    lambda folder: away.folder_put_back(folder, 10),
    lambda folder: away.dead_line_of_the_offline(folder, 3),
    lambda folder: restarts.hup(folder, 3, 3_500),
    lambda folder: restarts.hup_in_turn(folder, 4, 10_000),
    lambda folder: restarts.storm(folder, 5_000),
]

TITLES = ("faults", "acked", "stored", "lost", "duplicated", "out of order", "other", "back after: median, max")
ROW = "{:<36}{:>8}{:>8}{:>8}{:>6}{:>12}{:>14}{:>7}   {}"


def main() -> int:
    # A server that is started here knows nothing of the settings of whoever runs this.
    for name in [name for name in os.environ if name.startswith("CHAT_")]:
        del os.environ[name]
    Mortal.has_its_imports = False
    faults: list[str] = []
    acked = 0
    began = time.monotonic()
    print(ROW.format("scenario", *TITLES))
    for scenario in SCENARIOS:
        with tempfile.TemporaryDirectory(prefix="faults-") as folder:
            try:
                outcome = scenario(Path(folder))
            except Skipped as reason:
                print(f"skipped: {reason}")
                continue
            except AssertionError as error:  # it did not come to an end
                print(f"broken off: {error}")
                faults.append("a scenario was broken off")
                continue
        _print(outcome)
        faults += [f"{outcome.scenario}: {fault}" for fault in outcome.faults]
        acked += outcome.verdict.acked
    print(f"{acked:,} messages acknowledged in {time.monotonic() - began:.0f} s")
    for fault in faults[:50]:
        print(fault)
    print(f"{len(faults)} faults found")
    return 1 if faults else 0


def _print(outcome: Outcome) -> None:
    verdict, times = outcome.verdict, outcome.recoveries
    back = f"{statistics.median(times):.1f} s, {max(times):.1f} s" if times else "-"
    columns = [len(verdict.lost), len(verdict.duplicated), len(verdict.disorder)]
    columns.append(len(verdict.invented) + len(outcome.wrong))
    print(ROW.format(outcome.scenario, outcome.kills, verdict.acked, verdict.stored, *columns, back), flush=True)


if __name__ == "__main__":
    sys.exit(main())
