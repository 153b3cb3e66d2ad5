"""What is installed is what was looked at: each version pinned, each file by its hash, each line with its reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_every_requirement_is_pinned_with_its_hashes(name: str) -> None:
    text = (ROOT / f"{name}.txt").read_text("utf-8")
    lines = re.sub(r"\\\n", " ", re.sub(r"^ *#.*\n", "", text, flags=re.M)).splitlines()
    assert len(lines) > 20, "need the packages for this to mean anything"
    for line in lines:
        assert re.match(r"[\w.\-]+(\[\w+\])?==\S+ ", line), line
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", line), line


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_the_lock_has_what_was_asked_for_in_the_same_version(name: str) -> None:
    locked = (ROOT / f"{name}.txt").read_text("utf-8")
    asked = re.findall(r"^([\w.\-]+)(?:\[\w+\])?==([\w.]+)", (ROOT / f"{name}.in").read_text("utf-8"), re.M)
    assert len(asked) > 10, "need the packages for this to mean anything"
    for package, version in asked:
        pinned = rf"^{re.escape(package)}(\[\w+\])?=={re.escape(version)} "
        assert re.search(pinned, locked, re.M | re.I), package


def test_every_dependency_of_the_server_says_why() -> None:
    for line in (ROOT / "requirements.in").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            assert re.search(r"# \w.{15,}", line), line
