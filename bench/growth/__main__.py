"""`python -m bench.growth`: what grows as messages and conversations become many, on SQLite and, if it is here, PostgreSQL.

Fills a database of each size, serves it as `ours` is served, asks as users of few and of many conversations do, prints the
medians, and names what grows faster than the logarithm of what is stored. `--largest` adds 5*10^6 messages.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bench import install, machine, servers
from bench.growth import lines, report
from bench.growth.content import Content, Size
from bench.growth.fill import fill, finish_postgres, say
from bench.growth.measure import TIMES, measure
from tests.postgres import Postgres

SIZES = (Size(10_000, 1_000), Size(100_000, 10_000), Size(1_000_000, 100_000))
LARGEST = Size(5_000_000, 100_000)
RESULTS = install.HERE / "results"
NO_LIMITS = {"CHAT_RATE_LIMITS": "off", "CHAT_AUTH": "open"}


def main() -> int:
    """Print the table; write results/growth.json and results/growth.svg. 1: something was left out."""
    options = _options()
    core, *_, own_core = 2 * sorted(os.sched_getaffinity(0))  # of one core, the same: nothing here is a rate
    os.sched_setaffinity(0, {own_core})
    found: dict[str, list[report.Run]] = {}
    left_out = []
    for engine in options.only:
        if engine == "postgresql" and not Postgres.is_installed():
            left_out.append("left out: PostgreSQL is not installed here")
            continue
        found[engine] = []
        for size in options.sizes:
            found[engine].append(_one(engine, Content(size), core, options.times))
            say("")
    print("\n".join([*(line for engine, runs in found.items() for line in report.table(engine, runs)), *left_out]))
    if options.results:
        options.results.mkdir(exist_ok=True)
        record = {"date": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine.describe()}
        record |= {engine: [run.record() for run in runs] for engine, runs in found.items()}
        (options.results / "growth.json").write_text(json.dumps(record, indent=1) + "\n")
        (options.results / "growth.svg").write_text(lines.draw(found))
        print(f"\nwritten: growth.json and growth.svg in {options.results.name}")
    return len(left_out)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.growth", description=__doc__)
    parser.add_argument("--only", type=lambda text: text.split(","), default=["sqlite", "postgresql"], help="engines")
    parser.add_argument(
        "--sizes", type=_sizes, default=SIZES, help="messages/conversations, such as 10000/1000,100000/10000"
    )
    parser.add_argument("--largest", action="store_true", help=f"{LARGEST.messages:,} messages too")
    parser.add_argument("--times", type=int, default=TIMES, help="how often each question is asked")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder that the files are written to")
    options = parser.parse_args()
    if options.largest:
        options.sizes = (*options.sizes, LARGEST)
    return options


def _sizes(text: str) -> tuple[Size, ...]:
    return tuple(Size(*map(int, one.split("/"))) for one in text.split(","))


def _one(engine: str, content: Content, core: int, times: int) -> report.Run:
    """Fill one database, serve it, and measure."""
    seconds: dict[str, float] = {}
    [ours] = servers.find(["ours"])
    with _database(engine) as url:
        environment = NO_LIMITS | ({"CHAT_DATABASE_URL": url} if url else {})

        def prepare(own: str) -> None:
            seconds.update(fill(url or own, content))
            if url:
                finish_postgres(url)

        with servers.running(replace(ours, environment=environment), core, prepare_database=prepare) as target:
            return report.Run(content.size, seconds, measure(target.port, content, times, say))


@contextmanager
def _database(engine: str) -> Iterator[str]:
    """Give the URL of a new database of PostgreSQL's; "" for SQLite, whose file is made where a server is run."""
    if engine == "sqlite":
        yield ""
        return
    with tempfile.TemporaryDirectory() as folder:
        postgres = Postgres(Path(folder), is_durable=True)
        postgres.start()
        try:
            yield postgres.create_database("growth")
        finally:
            postgres.stop()


if __name__ == "__main__":
    sys.exit(main())
