"""The machine that measures: its two cores, whether they are free, and what to call it."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
import resource
import subprocess
import time
from pathlib import Path
from typing import Any

from bench import install

CALM_BUSY = 0.15  # of a core; what others may use of it for a measurement to begin
LOOK_SECONDS = 0.4
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


def wait_until_calm(cores: tuple[int, int], deadline: float) -> None:
    """Return once others leave both cores alone, or at `deadline` (time.monotonic) anyway."""
    before = _idle_ticks(cores)
    while time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
        now = _idle_ticks(cores)
        wanted = os.sysconf("SC_CLK_TCK") * LOOK_SECONDS * (1 - CALM_BUSY)
        if all(after - was >= wanted for was, after in zip(before, now, strict=True)):
            return
        before = now


def _idle_ticks(cores: tuple[int, int]) -> list[int]:
    """Idle plus waiting for I/O, of each core (/proc/stat; proc(5))."""
    text = Path("/proc/stat").read_text()
    lines = {line.split()[0]: line.split()[1:] for line in text.splitlines()}
    return [int(lines[f"cpu{core}"][3]) + int(lines[f"cpu{core}"][4]) for core in cores]


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
