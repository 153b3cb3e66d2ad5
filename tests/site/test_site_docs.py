"""docs/api.md and docs/site.md: each example is run; those for other sites by tests/test_readme.py."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from chat import message_stored
from tests.conftest import ROOT
from tests.site.conftest import Site
from tests.site.test_testing import run_tests_of_a_site
from tests.test_docs import blocks

SITE = (ROOT / "docs/site.md").read_text("utf-8")
API = (ROOT / "docs/api.md").read_text("utf-8")


def test_the_examples_of_api_md_are_true(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    first, *others, signal = blocks(API, "python")
    given: dict[str, object] = {"__name__": "shop"}
    exec(compile(first, "api.md", "exec"), given)
    site.write(("alice", "bob", "Is it still there?"), ("bob", "alice", "It is."))
    given["chat"] = site.chat
    failed: list[str] = []
    with site.app.app_context():
        for block in others:
            example = doctest.DocTestParser().get_doctest(block, given, "api.md", "docs/api.md", 0)
            runner = doctest.DocTestRunner()
            runner.run(example, out=failed.append, clear_globs=False)
            assert runner.summarize(verbose=False).attempted > 4, "need examples for this to mean anything"
        assert failed == []
    exec(compile(signal, "api.md", "exec"), given)
    with caplog.at_level("INFO", "site"):
        site.send("carol", "bob", "Hi")
    message_stored.disconnect(given["look"])
    assert "carol wrote to bob" in caplog.text


@pytest.mark.slow
def test_the_site_and_its_tests_in_site_md_go_together(tmp_path: Path) -> None:
    site, bot, tests, _ = blocks(SITE, "python")
    assert "1 passed" in run_tests_of_a_site(tmp_path, tests, f"{site}\n{bot}")
