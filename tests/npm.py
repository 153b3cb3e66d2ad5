"""What the tests need from npm, as tests/js/package-lock.json pins it; `make test` installs it where there is npm."""

from __future__ import annotations

from pathlib import Path

import pytest

MODULES = Path(__file__).parent / "js/node_modules"


def npm_package(name: str) -> Path:
    """The folder of an installed package. Skips the test where it is not."""
    found = MODULES / name
    if not found.exists():
        pytest.skip(f"{name} is not installed (make tests/js/node_modules/.package-lock.json)")
    return found
