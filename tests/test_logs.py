"""The lines of the log as JSON: one object each, whatever it says."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from chat.logs import _Json, make_log
from tests.clients import Person
from tests.conftest import ROOT, StartServer


def written(text: str, *args: Any, exc_info: Any = None) -> dict[str, Any]:
    record = logging.LogRecord("chat", logging.WARNING, __file__, 1, text, args, exc_info)
    record.created = 1_800_000_000.0625
    line = _Json().format(record)
    assert len(line.splitlines()) == 1
    assert line.isascii(), "some programs end a line at other letters than \\n"
    found: dict[str, Any] = json.loads(line)
    return found


def test_a_line_says_when_and_what_and_each_value_by_its_name() -> None:
    said = written("leave user=%r reason=%r after=%.1fs", "앨리스", "1006 gone", 12.25)
    assert list(said)[:4] == ["time", "level", "logger", "message"]
    assert (said["level"], said["logger"]) == ("WARNING", "chat")
    assert datetime.fromisoformat(said["time"]) == datetime.fromtimestamp(1_800_000_000.062, UTC)
    assert said["message"] == "leave user='앨리스' reason='1006 gone' after=12.2s"
    assert (said["user"], said["reason"], said["after"]) == ("앨리스", "1006 gone", 12.25)


def test_a_value_without_a_name_is_no_field_and_shifts_no_other() -> None:
    said = written("100%% of %d records failed: %s user=%s", 12, "full", None)
    assert said["message"] == "100% of 12 records failed: full user=None"
    assert said["user"] is None
    assert set(said) == {"time", "level", "logger", "message", "user"}


def test_a_value_cannot_take_the_place_of_what_each_line_has() -> None:
    assert written("level=%s message=%s", "DEBUG", "forged")["level"] == "WARNING"


def test_a_traceback_and_line_ends_in_a_name_stay_on_one_line() -> None:
    try:
        raise ValueError("two\nlines\u2028and more")
    except ValueError:
        said = written("a handler failed for user=%r", "eve\n2026 ERROR", exc_info=sys.exc_info())
    assert "ValueError: two" in said["exception"]
    assert said["user"] == "eve\n2026 ERROR"


def test_the_documented_line_is_what_is_written() -> None:
    [shown] = re.findall(r'^\{"time".*\}$', (ROOT / "docs/operations.md").read_text("utf-8"), re.M)
    said = written("init user=%r address=%s", "alice", "127.0.0.1")
    documented = json.loads(shown)
    assert list(documented) == list(said)
    assert {**documented, "time": 0, "level": 0} == {**said, "time": 0, "level": 0}


def test_a_server_writes_json_where_it_is_told_to(start_server: StartServer) -> None:
    server = start_server(CHAT_LOG="json")
    with Person(server.ws, "alice"):
        server.wait_for("init user")
    ours = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
    assert [line["address"] for line in ours if line["message"].startswith("init")] == ["127.0.0.1"]
    assert " INFO chat " not in server.log


def test_a_line_is_of_the_place_that_wrote_it_however_it_did() -> None:
    log, records = make_log(None), list[logging.LogRecord]()
    log.addFilter(lambda record: bool(records.append(record)))
    here = sys._getframe().f_code

    def through_another() -> None:
        log.warning("a line", stacklevel=2)

    log.warning("a line")
    log.log(logging.ERROR, "a line")
    try:
        raise ValueError
    except ValueError:
        log.exception("a line")
    log.error("a line", stack_info=True)
    through_another()
    first = records[0].lineno
    places = [(record.pathname, record.funcName, record.lineno - first) for record in records]
    assert places == [(__file__, here.co_name, line) for line in (0, 1, 5, 6, 7)]
    assert f"line {first + 6}, in {here.co_name}" in str(records[3].stack_info).splitlines()[-2]


def test_where_the_host_has_set_logging_up_its_own_form_counts(capsys: pytest.CaptureFixture[str]) -> None:
    log = make_log(None, "json")
    log.warning("for the host's handlers")
    assert "{" not in capsys.readouterr().err


def test_a_line_that_our_handler_alone_sees_is_the_one_that_it_would_write(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before, root.handlers = root.handlers, []  # pytest's own
    factory = logging.getLogRecordFactory()
    made: list[logging.LogRecord] = []

    def make(*args: Any, **others: Any) -> logging.LogRecord:
        made.append(factory(*args, **others))
        return made[-1]

    try:
        log = make_log("INFO")
        said: list[tuple[Any, ...]] = [
            ("init user=%r address=%s", "앨리스\n", "127.0.0.1"), ("100%",), ("%(a)s", {"a": 1}), ("%d", "no number")
        ]  # fmt: skip
        for text in said:
            log.info(*text)
            log.debug(*text)
        quick = capsys.readouterr().err
        assert not made, "need lines without a record for this to mean anything"
        logging.setLogRecordFactory(make)
        for text in said:
            log.info(*text)
        assert made
        assert without_times(quick) == without_times(capsys.readouterr().err)
        assert re.match(
            r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO chat init user='앨리스\\n' address=127.0.0.1\n", quick
        )
    finally:
        root.handlers = before
        logging.setLogRecordFactory(factory)


def without_times(lines: str) -> list[str]:
    """Return them without what differs from one to the next, and without the places of a traceback."""
    return [re.sub(r"^[\d:, -]+", "", line) for line in lines.splitlines() if not line.startswith(("  File", "    "))]


def test_whoever_begins_to_look_at_the_lines_sees_the_next_one() -> None:
    root, parent = logging.getLogger(), logging.getLogger("chat")
    before, root.handlers = root.handlers, []
    seen: list[str] = []
    theirs = logging.Handler()
    theirs.emit = lambda record: seen.append(record.getMessage())  # type: ignore[method-assign]
    try:
        log = make_log("INFO")
        for logger in (root, parent, log):
            log.info("nobody looks")
            logger.addHandler(theirs)
            log.info("line %d", len(seen))
            logger.removeHandler(theirs)
        log.addFilter(lambda record: bool(seen.append(record.getMessage())))
        log.info("line %d", len(seen))
    finally:
        root.handlers = before
    assert seen == [f"line {number}" for number in range(4)]


@pytest.mark.parametrize("method", ["callHandlers", "handle"])
def test_what_an_error_tracker_puts_in_loggings_place_sees_each_line(
    method: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As Sentry's and New Relic's do, in a process where nobody has set logging up."""
    root = logging.getLogger()
    before, root.handlers = root.handlers, []  # pytest's own
    seen: list[str] = []
    original = getattr(logging.Logger, method)

    def patched(self: logging.Logger, record: logging.LogRecord) -> None:
        seen.append(record.getMessage())
        original(self, record)

    try:
        log = make_log("INFO")
        log.error("before it came")
        monkeypatch.setattr(logging.Logger, method, patched)
        log.error("commit failed: %s", "no room")
    finally:
        root.handlers = before
    assert seen == ["commit failed: no room"]
    assert capsys.readouterr().err.count("commit failed: no room") == 1
