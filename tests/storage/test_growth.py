"""`python -m bench.growth`: it runs, from an empty database to its files, and names what grows."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench.growth import lines
from bench.growth.content import WAITING, Content, Size
from bench.growth.fill import fill
from bench.growth.report import Run, growing, table
from chat.storage.records import Send
from tests.conftest import ROOT
from tests.storage.conftest import open_storage

SMALL = Size(4_000, 1_000)


@pytest.mark.slow
def test_a_small_run_asks_everything_and_writes_its_files(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.growth", "--only", "sqlite", "--sizes", "4000/1000", "--times", "1",
         "--results", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    [run] = json.loads((tmp_path / "growth.json").read_text())["sqlite"]
    assert len(run["milliseconds"]) == 3 + 3 + 3 + 2 * 3 + 3 + 4, (
        "three users, two who search for three words, and what has no user"
    )
    for title in run["milliseconds"]:
        assert title in done.stdout, title
    assert "4*10^3/10^3: 4,000 messages" in done.stderr, "it says how far it is"
    assert ElementTree.parse(tmp_path / "growth.svg").getroot().tag.endswith("svg")


def test_what_is_filled_is_what_a_server_would_have_stored(new_database_url: str) -> None:
    content = Content(SMALL)
    fill(new_database_url, content)
    storage = open_storage(new_database_url)
    read = storage.messages
    [first, *_] = found = read.standings("some", 1_001)
    assert len(found) == 1_000
    assert {state.unread for state in found} == {0, 1}
    assert read.history("some", first.with_user_id, 5).messages[-1].seq == first.last_seq
    assert {state.unread for state in read.standings(WAITING, 100)} == {40}, "half of all, in 50 conversations"
    if storage.database.is_sqlite:
        assert not storage.search_index.step(), "all of it is indexed"
    assert len(storage.search.messages("some", "gathering", 20).messages) == 5
    [begun], _ = storage.writer.commit([Send("newcomer", "some", "a conversation of its own", None)])
    assert (begun.seq, len(read.standings("some", 2_000))) == (1, 1_001)
    storage.close()


def test_the_content_has_so_many_messages_whose_numbers_have_no_gaps() -> None:
    content = Content(SMALL)
    seqs = Counter[int]()
    for conversation, seq, *_ in content.messages():
        seqs[conversation] += 1
        assert seq == seqs[conversation]
    assert seqs == {id_: last for id_, _, last in content.conversations()}
    assert seqs.total() == 4_000


def run_of(messages: int, **times: float) -> Run:
    return Run(Size(messages, messages // 10), {"rows": 1.0}, times)


def test_what_grows_faster_than_the_logarithm_is_named() -> None:
    runs = [
        run_of(10_000, slow=2, level=2, log=2, tiny=0.1),
        run_of(1_000_000, slow=9, level=2.1, log=3, tiny=0.9, late=50),
    ]
    assert growing(runs) == [("slow", 4.5, pytest.approx(1.5))]
    assert "    slow: 4.5 times, the logarithm 1.5" in table("sqlite", runs)
    assert "  nothing grows faster than log n" in table("sqlite", [run_of(10, slow=1), run_of(100, slow=1)])


def test_the_chart_draws_a_line_for_each_question() -> None:
    svg = lines.draw({"sqlite": [run_of(10_000, **{"init: a": 2, "history: b": 3}), run_of(10**6, **{"init: a": 20})]})
    assert svg.count("<polyline") == 2
    assert ElementTree.fromstring(svg).tag.endswith("svg")
