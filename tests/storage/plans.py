"""Every statement that a storage runs, with the database's plan for it, and the line of chat/storage that asked."""

from __future__ import annotations

import ast
import contextlib
import re
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import event

import chat.storage
from chat.storage.storage import Storage

FOLDER = Path(chat.storage.__file__).parent
# Of the schema, of the connection itself, of tables with one row, and of commands, which copy, count or check everything.
OTHERS = {
    "migrate.py", "database.py", "postgres.py", "sqlite.py", "lease_row.py", "epoch.py", "backup.py", "sizes.py", "health.py", "diagnosis.py",
    "examination.py", "overview.py", "lists_anew.py",
}  # fmt: skip
ASKS = {"execute", "executemany", "exec_driver_sql", "scalar", "scalars", "look_up", "rows", "first", "rows_of"}

# Names in SQLite's plans of what is small: lists and pages within a statement, the schema, and the index's settings.
SMALL = {"wanted", "w", "start", "page", "listed", "place", "unread", "sqlite_master", "main"}

# An index that holds only the rows wanted: what is under way. To read all of it is no scan of its table.
OF_FEW = "using (?:index )?batches_under_way"

Line = tuple[str, int]


def places() -> dict[tuple[str, int, int], str]:
    """Where chat/storage asks the database: (file, first line, last line) of each call, and the function around it."""
    found: dict[tuple[str, int, int], str] = {}
    for path in FOLDER.glob("*.py"):
        if path.name in OTHERS:
            continue
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef):
                for node in ast.walk(function):
                    if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in ASKS:
                        found[path.name, node.lineno, node.end_lineno or node.lineno] = function.name
    return found


def not_reached(lines: set[Line]) -> dict[str, str]:
    """The places where nothing was asked, each with its function."""
    return {
        f"{name}:{first}": function
        for (name, first, last), function in places().items()
        if not any((name, line) in lines for line in range(first, last + 1))
    }


class Plans:
    """What was asked while `watch` ran: statement -> plan; and `lines`, from where."""

    def __init__(self, storage: Storage) -> None:
        self.lines: set[Line] = set()
        self.of: dict[str, str] = {}
        self._database = storage.database

    @contextlib.contextmanager
    def watch(self) -> Iterator[None]:
        """All connections are new, and watched. To be called while none is in use."""
        engine = self._database.engine
        self._database.close()
        self._database.is_closed = False
        connected = self._watch_sqlite if self._database.is_sqlite else self._watch_postgres
        event.listen(engine, "connect", connected)
        event.listen(engine, "before_cursor_execute", self._note_lines)
        yield
        event.remove(engine, "connect", connected)
        event.remove(engine, "before_cursor_execute", self._note_lines)
        if self._database.is_sqlite:
            with contextlib.closing(sqlite3.connect(str(engine.url.database))) as connection:
                for statement in self.of:
                    rows = connection.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
                    self.of[statement] = "\n".join(str(row[-1]) for row in rows)

    def _note_lines(self, *_: Any) -> None:
        frame = sys._getframe(1)
        while frame := frame.f_back:  # type: ignore[assignment]
            path = Path(frame.f_code.co_filename)
            if path.parent == FOLDER:
                self.lines.add((path.name, frame.f_lineno))

    def _watch_sqlite(self, connection: sqlite3.Connection, _: Any) -> None:
        """SQLite tells of each statement with its values in it; of what it asks itself, as a comment."""

        def note(statement: str) -> None:
            self._note_lines()
            if re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)", statement):
                self.of[statement] = ""

        connection.set_trace_callback(note)

    def _watch_postgres(self, connection: Any, _: Any) -> None:
        """PostgreSQL tells of each plan; of a scan only where nothing else would do, as its tables are small here."""
        settings = "auto_explain.log_min_duration = 0", "auto_explain.log_level = notice", "enable_seqscan = off"
        settings = *settings, "jit = off"
        connection.execute("LOAD 'auto_explain'")
        for setting in settings:
            connection.execute(f"SET {setting}")
        connection.commit()

        def note(notice: Any) -> None:
            self._note_lines()
            found = re.search(
                r"Query Text: (.*?)\n((?:  |\w[\w ]* on |\w[^\n]*\(cost).*)", notice.message_primary, re.S
            )
            if found:
                self.of[found[1]] = found[2]

        connection.add_notice_handler(note)


def scanned(plan: str) -> list[str]:
    """The tables that a plan of PostgreSQL or SQLite reads from end to end."""
    if re.search(OF_FEW, plan, re.I):
        return []
    if "(cost=" not in plan:
        found = re.findall(r"^SCAN (?!(?:\d+ )?CONSTANT ROW)(?!\S+ VIRTUAL TABLE INDEX \S*[MG<>=])(\w+)", plan, re.M)
        return [name for name in found if name not in SMALL]
    found = re.findall(r"Seq Scan on (\w+)", plan)
    lines = plan.split("\n")
    for number, line in enumerate(lines):
        if scan := re.search(r"Index (?:Only )?Scan (?:Backward )?using \w+ on (\w+)|Bitmap Index Scan on (\w+)", line):
            depth = len(line) - len(line.lstrip())
            details: list[str] = []
            for after in lines[number + 1 :]:
                if "->" in after or len(after) - len(after.lstrip()) < depth:
                    break
                details.append(after)
            if not any("Index Cond" in detail for detail in details):
                found.append(scan[1] or scan[2])
    return found
