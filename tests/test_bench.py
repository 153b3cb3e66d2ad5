"""The benchmark: what it says of what was measured, when it measures again, and that its generator counts right."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench import chart, conversations, install, latency, loads, machine, report, servers
from bench.__main__ import Session
from bench.loads import Generator, Load
from bench.servers import Running, Server
from chat.people.tokens import Tokens
from tests.conftest import ROOT

README = (ROOT / "bench/README.md").read_text("utf-8")
CALM = {"steal": 0.0, "others": 0.0, "load_average": 1.0, "tries": 1}


def run(number: int, load: str, server: str, value: float, **other: Any) -> dict[str, Any]:
    figures = {"p50_us": 1.0, "p99_us": 1.0, "server_share": 1.0, "generator_share": 0.5, "per_cpu_second": value}
    return CALM | figures | {
        "round": number, "load": load, "server": server, "value": value, "disturbed": False,
    } | other  # fmt: skip


def summarise(runs: list[dict[str, Any]], *keys: str) -> list[dict[str, Any]]:
    return report.summarise(runs, loads.find(list(keys)), list(servers.SERVERS))


def rows(section: dict[str, Any]) -> dict[str, Any]:
    return {row["server"]: row for row in section["rows"]}


def test_each_load_names_its_best_peer_which_is_neither_ours_nor_the_limit() -> None:
    def both(load: str, bun: float, node: float) -> list[dict[str, Any]]:
        figures = {"relaying": 90.0, "ours": 90.0, "relay": 99.0, "bun": bun, "node": node}
        return [run(1, load, server, value) for server, value in figures.items()]

    relayed, idle = summarise(both("16", 60, 30) + both("idle", 2_000, 1_000), "16", "idle")
    assert (relayed["best"], idle["best"]) == ("bun", "node")
    assert rows(relayed)["relaying"]["ratio"] == 1.5
    assert rows(relayed)["relaying"]["ratio_to_node"] == 3
    assert rows(idle)["ours"]["ratio"] == 0.09


def test_a_ratio_is_of_one_round_and_leaves_out_what_was_disturbed() -> None:
    runs = [
        run(1, "1", "bun", 100), run(1, "1", "relaying", 50),
        run(2, "1", "bun", 10), run(2, "1", "relaying", 8),  # the machine was slow: for both
        run(3, "1", "bun", 100), run(3, "1", "relaying", 5, disturbed=True),
    ]  # fmt: skip
    [section] = summarise(runs, "1")
    assert rows(section)["relaying"]["ratios"] == [0.5, 0.8]


def test_what_was_measured_again_counts_instead() -> None:
    runs = [run(1, "1", "bun", 10), run(1, "1", "relaying", 1, disturbed=True), run(1, "1", "relaying", 9, tries=2)]
    [section] = summarise(runs, "1")
    assert rows(section)["relaying"]["ratios"] == [0.9]
    seen = report.how_disturbed(runs)
    assert (seen["runs"], seen["repeated"], seen["disturbed"]) == (2, 1, 0)


def test_what_is_stored_is_compared_with_peers_that_store_nothing() -> None:
    runs = [run(1, "ack16", "ours", 30), run(1, "16", "bun", 60), run(1, "16", "node", 40)]
    [section] = summarise(runs, "ack16")
    assert rows(section).keys() == {"ours", "bun", "node"}
    assert (rows(section)["ours"]["ratio"], rows(section)["ours"]["ratio_to_node"]) == (0.5, 0.75)


def test_the_chart_draws_the_best_peer_as_one_and_cuts_what_is_too_long() -> None:
    runs = [run(1, "16", key, value) for key, value in {"relaying": 50, "bun": 100, "node": 40, "relay": 999}.items()]
    sections = summarise(runs, "16")
    drawn = chart.draw(sections, report.how_disturbed(runs)["lines"])
    widths = {
        name: float(width) for name, width in re.findall(r'<rect class="(\w+)" .*?width="([\d.]+)" height="15"', drawn)
    }
    assert widths["ours"] == pytest.approx(widths["best"] / 2, abs=0.2)
    assert drawn.count("(bar cut)") == 2, "the relay's: a label is drawn twice, once as its own halo"
    assert widths["relay"] == chart.BARS_WIDTH
    assert "load average 1.0" in drawn


@pytest.mark.slow
def test_the_report_says_who_is_best_how_many_sockets_and_how_disturbed_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    relayed = [run(1, "16", key, value) for key, value in {"relaying": 50, "bun": 100, "node": 40}.items()]
    held = [run(1, "idle", key, value, sockets=10_000) for key, value in {"ours": 1_500, "bun": 3_000}.items()]
    wanted = loads.find(["16", "idle", "half"])
    report.write([*relayed, *held], wanted, list(servers.SERVERS), {"Socket.IO": "npm is missing"}, quick=True)
    said = capsys.readouterr().out
    assert "(more is better); the best peer: Bun" in said
    assert re.search(r"ours, nothing stored +50 +0.50x +0.50-0.50 +1.25x +0.50x", said)
    assert re.search(r"ours +1,500 +0.50x +0.50-0.50 +- +10,000", said)
    assert "load average 1.0 (1.0)" in said
    assert "left out: Socket.IO. npm is missing" in said
    assert '"disturbance"' in (tmp_path / "latest.json").read_text()
    assert "<svg" in (tmp_path / "chart.svg").read_text()


@pytest.mark.parametrize(
    ("figures", "is_disturbed"),
    [
        ({}, False),
        ({"steal": 0.1}, True),
        ({"others": 0.3}, True),
        ({"server_share": 0.7}, True),  # it had work, and no core
        ({"server_share": 0.7, "generator_share": 0.99}, False),  # the generator was the limit
        ({"server_share": 0.7, "generator_share": 0.99, "generator_cpu": 0.8}, True),
    ],
)
def test_a_figure_is_disturbed_when_others_had_the_cores(figures: dict[str, float], is_disturbed: bool) -> None:
    result = CALM | {"seconds": 1.0, "generator_cpu": 1.0, "generator_share": 0.5, "server_share": 1.0} | figures
    [relayed, idle, stored] = loads.find(["16", "idle", "ack16"])
    assert loads.is_disturbed(relayed, result) == is_disturbed
    assert not loads.is_disturbed(idle, result), "memory is the same, however long it takes"
    waits_for_the_disk = figures == {"server_share": 0.7}
    assert loads.is_disturbed(stored, result) == (is_disturbed and not waits_for_the_disk)


def test_what_others_had_of_the_cores_is_what_was_busy_less_what_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    second = machine.TICKS
    times = iter([[machine.Ticks(0, 0, 0)] * 2, [machine.Ticks(0, second, 0), machine.Ticks(0, second, second // 2)]])
    own, clock = iter([0.0, 1.5]), iter([100.0, 101.0])
    monkeypatch.setattr(machine, "_ticks", lambda cores: next(times))
    monkeypatch.setattr(machine.Watch, "_own_seconds", lambda self: next(own))
    monkeypatch.setattr(machine, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    seen = machine.Watch((0, 1), 1).seen()
    assert (seen["steal"], seen["others"]) == (0.5, 0.5)


class Scripted(Session):
    """A session whose measurements are disturbed as often as `disturbances` says for each server."""

    disturbances: dict[str, int]

    def _measure(self, load: Load, server: Server, rate: float | None) -> dict[str, Any]:
        self.disturbances[server.key] -= 1
        return run(1, load.key, server.key, 1.0, disturbed=self.disturbances[server.key] >= 0)


@pytest.mark.parametrize(("patience", "tried"), [(900.0, {"bun": 2, "node": 1, "relay": 3}), (0.0, dict.fromkeys(["bun", "node", "relay"], 1))])  # fmt: skip
def test_those_who_were_disturbed_are_measured_again_while_patience_lasts(
    patience: float, tried: dict[str, int], capsys: pytest.CaptureFixture[str]
) -> None:
    session = Scripted(servers.find([*tried]), Generator(1, 0, 0), (0, 1), 1, patience)
    session.disturbances = {"bun": 1, "node": 0, "relay": 99}
    [load] = loads.find(["16"])
    runs = list(session.one_round(1, load))
    assert {key: sum(r["server"] == key for r in runs) for key in tried} == tried
    assert [r["server"] for r in runs[:3]] == ["bun", "node", "relay"], "a round goes over all before it repeats one"


def test_every_server_and_load_is_in_the_document_and_measured_with_what_there_is() -> None:
    keys = {load.key for load in loads.LOADS}
    named = {key for server in servers.SERVERS for key in server.loads}
    assert named == keys
    in_tables = {
        key for cell in re.findall(r"^\| (`[^|]+) \|", README, re.M) for key in re.findall(r"`([\w-]+)`", cell)
    }
    assert keys | {server.key for server in servers.SERVERS} <= in_tables


@pytest.fixture(scope="module")
def generator() -> Generator:
    install.compile_c("load")
    return Generator(machine.two_cores()[1], warmup=0.2, seconds=0.5, share=0.02)


@pytest.fixture
def limit() -> Iterator[Running]:
    [relay] = servers.find([servers.LIMIT])
    relay.prepare()
    with servers.running(relay, machine.two_cores()[0]) as target:
        yield target


@pytest.mark.slow
def test_the_benchmark_of_latencies_has_a_token_that_its_server_takes() -> None:
    claims = Tokens(latency.SECRET["CHAT_TOKEN_SECRET"].encode(), 60).service_of(latency._service_token(ROOT), "notify")
    assert claims.svc == "bench"


def test_the_generator_counts_those_who_are_back(generator: Generator, limit: Running) -> None:
    relayed, back, storm = (generator.measure(load, limit) for load in loads.find(["1", "back", "storm"]))
    assert relayed["received"] == relayed["sent"] > 0
    assert (back["messages"], storm["messages"]) == (80, 200)
    assert back["value"] == pytest.approx(80 / back["seconds"], rel=0.05)


def test_while_all_come_back_to_ours_others_write_and_are_acknowledged(generator: Generator) -> None:
    [ours] = servers.find(["ours"])

    def fill(url: str) -> None:
        conversations.fill(url, users=30)

    storm, idle = loads.find(["storm-others", "idle-sync"])
    with servers.running(ours, machine.two_cores()[0], prepare_database=fill) as target:
        seen = generator.measure(storm, target)
        held = generator.measure(idle, target)
    assert seen["messages"] == 180, "the 20 others were there before"
    assert seen["sent"] == seen["acked"] == seen["received"] > 0
    assert seen["value"] == seen["others_p99_us"] > 0
    assert (held["sockets"], held["rss_before"] > 0) == (200, True)
