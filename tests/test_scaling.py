"""docs/scaling.md and what plays its arithmetic: bench/simulate.py."""

from __future__ import annotations

import dataclasses
import re

import pytest

from bench import simulate
from bench.simulate import SIZES, Load, Needs
from chat.config import Settings
from chat.transport import goodbye
from tests.conftest import ROOT

PAGE = (ROOT / "docs/scaling.md").read_text("utf-8")


def test_the_pages_table_is_what_the_simulation_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate.main(["--table"]) == 0
    assert capsys.readouterr().out in PAGE


def test_what_the_simulation_takes_from_the_server_is_the_servers() -> None:
    settings = Settings()
    assert settings.max_sockets == simulate.MOST_SOCKETS
    assert settings.heartbeat_seconds == simulate.HEARTBEAT_SECONDS
    assert goodbye.ADMITTED_A_SECOND == simulate.ADMITTED


def test_every_figure_of_the_page_stands_in_the_simulation() -> None:
    """The page's two tables of figures name the constant behind each."""
    named = re.findall(r"^\| `(\w+)` \| ([\d,.]+)", PAGE, re.M)
    assert len(named) > 12, "need figures for this to mean anything"
    for name, figure in named:
        assert float(figure.replace(",", "")) == pytest.approx(getattr(simulate, name)), name


def test_twice_the_load_needs_twice_as_much_and_never_less() -> None:
    for load in SIZES.values():
        one, two = Needs(load), Needs(dataclasses.replace(load, sockets=2 * load.sockets, rate=2 * load.rate))
        assert two.workers >= one.workers
        assert two.worker_cores == pytest.approx(2 * one.worker_cores)
        assert two.nginx_bytes == 2 * one.nginx_bytes
        assert two.primary_share == pytest.approx(2 * one.primary_share)


def test_a_busy_few_need_workers_for_their_messages_and_an_idle_crowd_for_its_sockets() -> None:
    busy, idle = Needs(Load(1_000, 50_000)), Needs(Load(150_000, 0))
    assert idle.workers == 10
    assert busy.workers * simulate.BUSY >= busy.worker_cores > 5


@pytest.mark.parametrize(
    ("load", "said"),
    [
        (Load(1_000, 20), ""),
        (Load(1_000_000, 10_001), "One primary does not commit so many"),
        (Load(300_000, 10), "connections need pgbouncer"),
        (Load(1_000_000, 1_000), "The database takes longer than the workers"),
    ],
)
def test_what_will_not_go_well_is_said(load: Load, said: str) -> None:
    assert said in " ".join(simulate.warnings(Needs(load)))
    assert bool(said) == bool(simulate.warnings(Needs(load)))


@pytest.mark.parametrize("arguments", ["--sockets 0", "--rate -1", "--conversations 0", "--max-sockets 0"])
def test_a_size_that_cannot_be_is_refused(arguments: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        simulate.main(arguments.split())
    assert end.value.code == 2
    assert "at least 1" in capsys.readouterr().err


def test_one_size_is_told_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate.main(["--sockets", "1500000", "--rate", "20000"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"^workers +100$", said, re.M)
    assert "see docs/scaling.md, Where it ends" in said
