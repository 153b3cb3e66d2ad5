"""Gets ready what is measured: compiles the C files, installs the peers into bench/.peers.

Nothing is installed into the application's own environment: a peer is no dependency of ours.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PEERS = HERE / ".peers"
SOURCES = HERE / "peers"
VENV = PEERS / "venv"
NODE = PEERS / "node"

INSTALL_SECONDS = 600


class Missing(Exception):
    """Something that the benchmark needs is not there; the text says what to do about it."""


def check_machine() -> None:
    """Raise Missing unless this machine can measure at all."""
    if not sys.platform.startswith("linux"):
        raise Missing("The benchmark needs Linux: it uses epoll, taskset and /proc.")
    for tool, package in (("gcc", "gcc"), ("taskset", "util-linux")):
        if shutil.which(tool) is None:
            raise Missing(f"{tool} is missing. On Debian: apt-get install {package}")


def compile_c(name: str) -> Path:
    """Compile bench/NAME.c, when it is newer than what was compiled before."""
    source, program = HERE / f"{name}.c", PEERS / name
    PEERS.mkdir(exist_ok=True)
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        made = program.with_suffix(f".{os.getpid()}")  # two at a time, as tests are run, are not in each other's way
        _run(["gcc", "-O2", "-Wall", "-Wextra", "-o", str(made), str(source)])
        made.replace(program)
    return program


def python_peers() -> None:
    """A virtual environment with the Python peers; Missing when it cannot be had."""
    wanted = SOURCES / "requirements.txt"
    if _is_installed(VENV, wanted):
        return
    print("installing the Python peers ...", flush=True)
    _run([sys.executable, "-m", "venv", "--clear", str(VENV)])
    pip = [str(VENV / "bin" / "pip"), "--disable-pip-version-check", "install", "--quiet"]
    _run([*pip, "--requirement", str(wanted)])
    shutil.copy(wanted, VENV)


def node_peers() -> None:
    """node_modules with the Node peers; Missing when it cannot be had."""
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            raise Missing(f"{tool} is missing. On Debian: apt-get install nodejs npm")
    wanted = SOURCES / "package.json"
    if _is_installed(NODE, wanted) and (NODE / "node_modules").is_dir():
        return
    print("installing the Node peers ...", flush=True)
    shutil.rmtree(NODE, ignore_errors=True)
    NODE.mkdir(parents=True)
    manifest = Path(shutil.copy(wanted, NODE / "package.json"))
    try:
        _run(["npm", "install", "--no-package-lock", "--no-audit", "--no-fund"], cwd=NODE)
    except Missing:
        manifest.unlink()  # or the next run would take it for installed
        raise


def _is_installed(folder: Path, wanted: Path) -> bool:
    """The list of what was installed is copied last, so an installation cut short is no match."""
    copy = folder / wanted.name
    return copy.exists() and copy.read_bytes() == wanted.read_bytes()


def _run(command: Sequence[str], cwd: Path | None = None) -> None:
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired:
        raise Missing(f"{Path(command[0]).name} took over {INSTALL_SECONDS} s.") from None
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise Missing(f"{Path(command[0]).name} failed: " + " | ".join(lines[-3:]))
