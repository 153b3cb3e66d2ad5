"""The alert rules and the dashboard: what they ask for is there, in a form that Prometheus takes, and calls when it should."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from chat.metrics import Metrics
from tests.conftest import ROOT

PROMETHEUS, GRAFANA = ROOT / "deploy/prometheus", ROOT / "deploy/grafana"
# Of a dashboard, what Grafana replaces.
VARIABLES = {"$__rate_interval": "5m", "$job": "chat", "$instance": "one"}


@cache
def shown() -> str:
    return Metrics().exposition.text()


def promtool(*words: str | Path, cwd: Path = PROMETHEUS, said: str = "") -> str:
    """Run Prometheus' own check of its files."""
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed (Debian: apt-get install prometheus)")
    run = subprocess.run(["promtool", *words], cwd=cwd, input=said, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((GRAFANA / "chat.json").read_text("utf-8"))
    return found


def asked() -> list[str]:
    """What the panels of the dashboard ask, as Prometheus would be asked."""
    found = [target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", [])]
    for name, value in VARIABLES.items():
        found = [expression.replace(name, value) for expression in found]
    return found


def names(text: str) -> set[str]:
    """The metrics that an expression names; a histogram by its own name."""
    found = set(re.findall(r"\b(?:chat|process)_[a-z_]+", text))
    return {re.sub("_(bucket|sum|count)$", "", name) for name in found}


def test_every_metric_that_a_rule_or_the_dashboard_names_is_shown() -> None:
    there = set(re.findall(r"^# TYPE (\S+)", shown(), re.M))
    rules = " ".join(re.findall("expr: (.*)", (PROMETHEUS / "alerts.yml").read_text("utf-8")))
    assert len(names(rules)) > 10, "need the rules for this to mean anything"
    assert names(rules) <= there
    assert len(asked()) > 30, "need the panels for this to mean anything"
    assert names(" ".join(asked())) <= there


def test_each_figure_of_ours_stands_on_the_dashboard() -> None:
    ours = {name for name in re.findall(r"^# TYPE (\S+)", shown(), re.M) if name.startswith("chat_")}
    assert ours == {name for name in names(" ".join(asked())) if name.startswith("chat_")}


def test_the_panels_are_told_apart_and_say_what_they_show() -> None:
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(panel["title"] for panel in panels)
    places = {(p["gridPos"]["x"], p["gridPos"]["y"]) for p in panels}
    assert len(places) == len(panels), "none lies on another"


def test_what_alerts_wait_for_the_first_of_is_there_from_the_start() -> None:
    assert 'chat_errors_total{code="internal"} 0.0' in shown(), "or the first one is no change"
    assert 'chat_closes_total{code="4008"} 0.0' in shown()


@pytest.mark.slow
def test_prometheus_takes_the_rules_and_its_own_settings() -> None:
    assert "rules found" in promtool("check", "rules", "alerts.yml")
    promtool("check", "config", "--syntax-only", "prometheus.yml")


@pytest.mark.slow
def test_a_full_disk_and_a_worker_that_hangs_call_somebody_and_an_ordinary_day_nobody() -> None:
    assert "SUCCESS" in promtool("test", "rules", "alerts.test.yml")


@pytest.mark.slow
def test_prometheus_takes_what_the_dashboard_asks(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{number}", "expr": expression} for number, expression in enumerate(asked())]
    (tmp_path / "rules.json").write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))  # YAML too
    assert f"{len(rules)} rules found" in promtool("check", "rules", "rules.json", cwd=tmp_path)


@pytest.mark.slow
def test_prometheus_takes_what_is_shown() -> None:
    promtool("check", "metrics", said=shown())
