"""`python -m bench`: measure our server and its peers in turn, and write down what was seen."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bench import install, loads, machine, report, servers
from bench.loads import Generator, Load
from bench.servers import Failed, Server

DEFAULT_ROUNDS = 3

# On a busy machine: how long a measurement waits for calm, how often it is made at most, and how long all waiting and
# repeating may take, so that the benchmark comes to an end.
CALM_SECONDS, TRIES, PATIENCE_SECONDS = 15, 3, 900


def main() -> int:
    """Run; 0 when all was measured, 1 when something failed or was left out."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that `finally` stops the servers
    try:
        install.check_machine()
        cores = machine.two_cores()
        machine.allow_files(loads.MOST_SOCKETS + machine.SPARE_FILES)
        install.compile_c("load")
        contestants, left_out = _prepare(servers.find(options.only))
        wanted = loads.find(options.loads)
    except (install.Missing, Failed) as problem:
        print(f"bench: {problem}", file=sys.stderr)
        return 2
    generator = Generator(
        cores[1],
        warmup=0.5 if options.quick else 1.0,
        seconds=1.0 if options.quick else 4.0,
        share=0.25 if options.quick else 1.0,
    )
    rounds = options.rounds or (1 if options.quick else DEFAULT_ROUNDS)
    session = Session(contestants, generator, cores, rounds)
    runs: list[dict[str, Any]] = []
    try:
        for number in range(1, rounds + 1):
            for load in wanted:
                if load.rounds is None or number <= load.rounds:
                    for run in session.one_round(number, load):
                        runs.append(run)  # one by one: Ctrl-C is to lose none
    except KeyboardInterrupt:
        print("\nstopped; what was measured so far:", file=sys.stderr)
    report.write(runs, wanted, contestants, left_out, quick=options.quick)
    return 1 if left_out or any("failed" in run for run in runs) else 0


def _options() -> argparse.Namespace:
    def words(text: str) -> list[str]:
        return [word.strip() for word in text.split(",") if word.strip()]

    keys = [server.key for server in servers.SERVERS]
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round, for trying")
    parser.add_argument("--only", type=words, default=keys, help=",".join(keys))
    parser.add_argument("--loads", type=words, help=",".join(load.key for load in loads.LOADS))
    parser.add_argument("--rounds", type=int, help=f"how often each is measured ({DEFAULT_ROUNDS})")
    return parser.parse_args()


def _prepare(wanted: list[Server]) -> tuple[list[Server], dict[str, str]]:
    """Those that can be measured; and the names of those that cannot, with the reason."""
    able, left_out = [], {}
    for server in wanted:
        try:
            server.prepare()
            able.append(server)
        except install.Missing as problem:
            left_out[server.name] = str(problem)
            print(f"bench: {server.name} is left out. {problem}", file=sys.stderr)
    return able, left_out


@dataclass
class Session:
    """One run of the benchmark: who is measured, with what, and how long it puts up with others."""

    contestants: list[Server]
    generator: Generator
    cores: tuple[int, int]
    rounds: int
    patience: float = PATIENCE_SECONDS  # what is left of it
    values: dict[tuple[int, str, str], float] = field(default_factory=dict)  # by round, load and server

    def one_round(self, number: int, load: Load) -> Iterator[dict[str, Any]]:
        """One load on every server, one after the other, each freshly started; then once more on those that others
        disturbed, whatever their figures were. All runs are given: a server's last one counts."""
        waiting = [server for server in self.contestants if load.key in server.loads]
        for tries in range(1, TRIES + 1):
            disturbed = []
            for server in waiting:
                if tries > 1 and self.patience <= 0:
                    return
                started = time.monotonic()
                run = self._run(number, load, server) | {"tries": tries}
                seconds = time.monotonic() - started
                what = f"round {number}/{self.rounds}  {load.key:>12}  {server.name:<20}"
                print(f"{what} {report.one_line(run, load)}  [{seconds:.0f} s]", flush=True)
                if tries > 1:
                    self.patience -= seconds
                if run.get("disturbed"):
                    disturbed.append(server)
                yield run
            waiting = disturbed

    def _run(self, number: int, load: Load, server: Server) -> dict[str, Any]:
        run: dict[str, Any] = {"round": number, "load": load.key, "server": server.key}
        try:
            run |= self._measure(load, server, self._rate(number, load, server))
            self.values[number, load.key, server.key] = run["value"]
        except Failed as problem:
            run["failed"] = str(problem)
        return run

    def _rate(self, number: int, load: Load, server: Server) -> float | None:
        """What half of the rate is that the server bore in this round."""
        if load.half_of is None:
            return None
        whole = self.values.get((number, load.half_of, server.key))
        if whole is None:
            raise Failed(f"needs the load {load.half_of} in the same round, to send half of its rate")
        return whole / 2

    def _measure(self, load: Load, server: Server, rate: float | None) -> dict[str, Any]:
        began = time.monotonic()
        machine.wait_until_calm(self.cores, began + min(CALM_SECONDS, self.patience))
        self.patience -= time.monotonic() - began
        fill = load.fill if server.key in servers.OURS else lambda url: None
        with servers.running(server, self.cores[0], prepare_database=fill) as target:
            watch = machine.Watch(self.cores, target.pid)
            result = self.generator.measure(load, target, rate)
            result |= watch.seen()
        return result | {"disturbed": loads.is_disturbed(load, result)}


if __name__ == "__main__":
    sys.exit(main())
