"""The machine that measures: its two cores, whether they are free, who else uses them, and what to call it."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
import resource
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import install

CALM_BUSY = 0.15  # of a core; what others may use of it for a measurement to begin, and while it runs
STOLEN = 0.02  # of a core; what the host may give to other guests while it runs
LOOK_SECONDS = 0.4
TICKS = os.sysconf("SC_CLK_TCK")  # a second's
SPARE_FILES = 100  # a process' own, beside its sockets
OUR_PACKAGES = ("flask", "flask-sock", "gevent", "greenlet", "gunicorn", "msgspec")


def two_cores() -> tuple[int, int]:
    """One core for the server, one for the generator; Missing when there is only one."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise install.Missing("The benchmark needs two cores: one would measure the scheduler.")
    return cores[0], cores[1]


def allow_files(wanted: int) -> None:
    """Let all that is started from here open as many files as the system lets it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        print(f"bench: only {hard} open files are allowed (ulimit -Hn), {wanted} are needed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def most_sockets(wanted: int) -> int:
    """Return how many of them one process may hold: fewer, where the system lets it open no more files."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard - SPARE_FILES)


def wait_until_calm(cores: tuple[int, int], deadline: float) -> None:
    """Return once others leave both cores alone, or at `deadline` (time.monotonic) anyway."""
    before = _ticks(cores)
    while time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
        now = _ticks(cores)
        wanted = TICKS * LOOK_SECONDS * (1 - CALM_BUSY)
        if all(after.idle - was.idle >= wanted for was, after in zip(before, now, strict=True)):
            return
        before = now


class Watch:
    """Tells, from when it is made, how much of the two cores others had: /proc/stat, less what was measured itself."""

    def __init__(self, cores: tuple[int, int], pid: int) -> None:
        """`pid`: the server's. The generator is a child of this process, and has ended by the time of `seen`."""
        self._cores = cores
        self._pid = pid
        self._began = time.monotonic(), _ticks(cores), self._own_seconds()

    def seen(self) -> dict[str, float]:
        """Return in cores, 0 to 2, what the host gave to other guests and what others had here; and the load average."""
        began, before, own = self._began
        seconds, now = time.monotonic() - began, _ticks(self._cores)
        stolen, busy = (
            sum(getattr(after, name) - getattr(was, name) for was, after in zip(before, now, strict=True)) / TICKS
            for name in ("stolen", "busy")
        )
        others = max(0.0, busy - (self._own_seconds() - own))
        return {"steal": stolen / seconds, "others": others / seconds, "load_average": os.getloadavg()[0]}

    def _own_seconds(self) -> float:
        mine = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        return sum(one.ru_utime + one.ru_stime for one in mine) + (int(fields[11]) + int(fields[12])) / TICKS


@dataclass(frozen=True)
class Ticks:
    """What one core has done since the machine was started."""

    idle: int  # waiting for I/O too
    busy: int  # with processes: interrupts belong to nobody
    stolen: int


def _ticks(cores: tuple[int, int]) -> list[Ticks]:
    """Each core's, of /proc/stat; proc(5)."""
    lines = {line.split()[0]: line.split()[1:] for line in Path("/proc/stat").read_text().splitlines()}
    found = []
    for core in cores:
        user, nice, system, idle, waiting, _, _, stolen, *_ = map(int, lines[f"cpu{core}"])
        found.append(Ticks(idle + waiting, user + nice + system, stolen))
    return found


def describe() -> dict[str, Any]:
    """What the figures depend on. No name and no path: results are published."""
    found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    return {"cpu": found.group(1).strip() if found else platform.machine(), "linux": platform.release().split("-")[0]}


def versions() -> dict[str, Any]:
    """Of what ran: ours from its environment, the peers as they are pinned."""
    found: dict[str, Any] = {"python": platform.python_version()}
    for name in OUR_PACKAGES:
        found[name] = importlib.metadata.version(name)
    for tool in ("node", "gcc"):
        try:
            said = subprocess.run([tool, "--version"], capture_output=True, text=True, timeout=10)
            found[tool] = said.stdout.splitlines()[0].split()[-1]
        except (OSError, IndexError):
            found[tool] = None
    pins = (install.SOURCES / "requirements.txt").read_text().split()
    manifest = json.loads((install.SOURCES / "package.json").read_text())
    packages = [f"{name}@{version}" for name, version in manifest["dependencies"].items()]
    return found | {"peers": pins + packages}
