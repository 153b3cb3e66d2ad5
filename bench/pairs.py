"""`python -m bench.pairs BEFORE AFTER`: compare two checkouts of this server by turns.

Both servers run at once on the one core, and the generator turns from one to the other every second, so that what
else the machine does hits both alike. A checkout has a `.venv`, or a link to one.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from bench import install, loads, machine, servers
from bench.loads import Generator
from bench.servers import Failed

LOADS = ("1", "16", "2000", "ack1", "ack16", "ack2000")
PAIRS = 15
WARMUP_SECONDS, SECONDS = 0.3, 1.0


def main() -> int:
    """Run; print for each load the median ratio AFTER to BEFORE, of the rate and of the messages per CPU second."""
    parser = argparse.ArgumentParser(prog="bench.pairs", description=__doc__)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--loads", default=",".join(LOADS), help=",".join(LOADS))
    parser.add_argument("--pairs", type=int, default=PAIRS, help=f"turns of each ({PAIRS})")
    options = parser.parse_args()
    install.check_machine()
    cores = machine.two_cores()
    install.compile_c("load")
    generator = Generator(cores[1], warmup=WARMUP_SECONDS, seconds=SECONDS)
    try:
        for load in loads.find(options.loads.split(",")):
            _compare(load, generator, cores[0], (options.before, options.after), options.pairs)
    except Failed as problem:
        print(f"bench.pairs: {problem}", file=sys.stderr)
        return 1
    return 0


def _compare(load: loads.Load, generator: Generator, core: int, folders: tuple[Path, Path], pairs: int) -> None:
    key = "ours" if load.key.startswith("ack") else "relaying"
    with ExitStack() as stack:
        before, after = (stack.enter_context(servers.running(_server(key, folder), core)) for folder in folders)
        rates, efforts = [], []
        for number in range(pairs):
            order = (before, after) if number % 2 == 0 else (after, before)
            results = {id(target): generator.measure(load, target) for target in order}
            then, now = results[id(before)], results[id(after)]
            if then["messages"] and now["messages"]:  # else something kept one of them off the core for its whole turn
                rates.append(now["rate"] / then["rate"])
                efforts.append(now["per_cpu_second"] / then["per_cpu_second"])
    if not rates:
        raise Failed(f"{load.key}: in no turn did both pass on a message; is the machine busy?")
    left_out = f"  left out: {pairs - len(rates)} of {pairs}" if len(rates) < pairs else ""
    print(f"{load.key:>8}  rate {_summary(rates)}  per CPU second {_summary(efforts)}{left_out}", flush=True)


def _server(key: str, folder: Path) -> servers.Server:
    server = servers.find([key])[0]
    binaries = folder.resolve() / ".venv" / "bin"

    def command(port: int) -> list[str]:
        program, *rest = server.command(port)
        return [str(binaries / Path(program).name), *rest]

    return replace(server, command=command, cwd=folder.resolve())


def _summary(ratios: list[float]) -> str:
    """The median, and the quartiles about it."""
    low, middle, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else (ratios * 3)
    return f"{middle:.3f} ({low:.3f}-{high:.3f})"


if __name__ == "__main__":
    sys.exit(main())
