"""What the tests need from npm: installed once, below tests/js, as its package.json pins it."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "js"
INSTALL = ["install", "--no-package-lock", "--no-audit", "--no-fund", "--silent"]
INSTALL_SECONDS = 300


def node_modules() -> Path:
    """The folder with the packages, installed where package.json has changed since.

    Skips the test where there is no npm; an installation that fails is a failure.
    """
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed (Debian: apt-get install nodejs npm)")
    modules = FOLDER / "node_modules"
    stamp = modules / ".installed"
    wanted = hashlib.sha256((FOLDER / "package.json").read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        run = subprocess.run(
            [npm, *INSTALL], cwd=FOLDER, capture_output=True, text=True, timeout=INSTALL_SECONDS
        )
        assert run.returncode == 0, run.stderr
        stamp.write_text(wanted)
    return modules
