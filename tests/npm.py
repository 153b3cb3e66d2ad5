"""What the tests need from npm, as the lock of its folder pins it; `make test` installs it where there is npm."""

from __future__ import annotations

from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "js"


def npm_package(name: str, folder: Path = FOLDER) -> Path:
    """The folder of an installed package. Skips the test where it is not."""
    found = folder / "node_modules" / name
    if not found.exists():
        pytest.skip(f"{name} is not installed (cd {folder} && npm ci)")
    return found
