"""The databases of tests of commands: those of the storage's own tests."""

from __future__ import annotations

from tests.storage.conftest import database_url

__all__ = ["database_url"]
