"""Refused upgrades in the log."""

from __future__ import annotations

import logging

import pytest

from chat.transport.refusals import LINES, SUM_SECONDS, Refusals


def test_a_flood_of_refused_upgrades_is_a_few_lines_and_a_sum_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    now = 1_000.0
    refusals = Refusals(logging.getLogger("chat"), clock=lambda: now)
    for _ in range(2):
        caplog.clear()
        for number in range(1_000):
            refusals.add("origin_refused", 403, "192.0.2.7", f"https://{number}.example")
            refusals.add("bad_handshake", 400, "192.0.2.7", "-")
            if number == 0:
                refusals.add("stopping", 503, "192.0.2.7", "-")
        refusals.log_sum()
        now += SUM_SECONDS
        for _ in range(60):
            refusals.log_sum()
        *lines, last = [record.getMessage() for record in caplog.records]
        assert lines[0] == "refused 403 address=192.0.2.7 origin='https://0.example': origin_refused"
        assert [line.rpartition(": ")[2] for line in lines].count("bad_handshake") == LINES
        assert len(lines) == 2 * LINES + 1
        assert last == "refused upgrades, others within 60 s: 990 origin_refused, 990 bad_handshake"
    assert refusals.counts.total() == 2 * 2_001
