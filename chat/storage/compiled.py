"""Owns queries that are compiled once, at their first use, and run on the driver's own cursor: those that each `init` asks.

SQLAlchemy's way there and back takes ten times as long as SQLite does with a few rows.
"""

from typing import Any

from sqlalchemy import Connection, Engine, Select
from sqlalchemy.exc import DBAPIError


class Compiled:
    """A query with names for its values: `Compiled(engine, query).rows(connection, user="alice")`."""

    def __init__(self, engine: Engine, query: Select[Any]) -> None:
        self._engine, self._query = engine, query
        self._text = ""  # until the first use: a command, or a start, needs few of them

    def rows(self, connection: Connection, **values: Any) -> list[tuple[Any, ...]]:
        """Return all rows. Raises as `Connection.execute`."""
        if not self._text:
            self._compile()
        rows = rows_of(connection, self._text, tuple([values.get(name, value) for name, value in self._values]))
        return [*map(self._read, rows)] if self._readers else rows

    def first(self, connection: Connection, **values: Any) -> tuple[Any, ...] | None:
        """Return the first row; None: there is none."""
        return next(iter(self.rows(connection, **values)), None)

    def _compile(self) -> None:
        engine, query = self._engine, self._query
        compiled: Any = query.compile(engine, compile_kwargs={"render_postcompile": True})
        self._values = [(name, compiled.params[name]) for name in compiled.positiontup]  # those that the query says too
        kinds = [column.type.dialect_impl(engine.dialect) for column in query.selected_columns]
        readers = [kind.result_processor(engine.dialect, None) for kind in kinds]
        self._readers = readers if any(readers) else []  # such as that of a bool, which SQLite keeps as a number
        self._text = str(compiled)  # last: another thread may compile it too, and none runs half of it

    def _read(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(read(value) if read else value for value, read in zip(row, self._readers, strict=True))


def rows_of(connection: Connection, statement: str, values: Any) -> list[tuple[Any, ...]]:
    """Run a statement as the driver takes it, and return its rows. Raises as `Connection.exec_driver_sql`."""
    dialect, line = connection.dialect, connection.connection
    cursor: Any = line.cursor()
    try:
        cursor.execute(statement, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    except dialect.loaded_dbapi.Error as error:
        is_gone = dialect.is_disconnect(error, line, cursor)
        failed = DBAPIError.instance(statement, None, error, type(error), False, is_gone, dialect)
        raise failed from error
    return rows
