"""Owns the finding of rows by many keys at once, and of conversations, some by some.

By keys it is a join with a list of them, which becomes as many look-ups. SQLite reads the whole table for
`(a, b) IN (VALUES ...)` of two keys and more.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, TypeVar

from sqlalchemy import Connection, Select, select

from chat.storage.compiled import rows_of
from chat.storage.schema import conversations

# How many keys one query asks for: a few fixed sizes, so that the drivers keep the statements prepared. The last key fills
# up a list, and is looked up each time.
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
IN_ONE_QUERY = 500  # values of an IN (...), below every database's bound
WALKED = 1_000  # conversations that one step of a walk looks at

Key = TypeVar("Key")


def parts(values: Sequence[Key]) -> Iterator[Sequence[Key]]:
    """Cut `values` into as many as one query may name."""
    for start in range(0, len(values), IN_ONE_QUERY):
        yield values[start : start + IN_ONE_QUERY]


def padded(keys: Sequence[Key]) -> Iterator[Sequence[Key]]:
    """Cut `keys` into lists of fixed sizes; the last key fills up the last list."""
    while keys:
        size = next((size for size in SIZES if size >= len(keys)), SIZES[-1])
        some, keys = keys[:size], keys[size:]
        yield [*some, *[some[-1]] * (size - len(some))]


def look_up(connection: Connection, query: str, keys: Sequence[tuple[str | int, ...]], *values: str | int) -> list[Any]:
    """Return the rows of `query`, whose list of keys is `{keys}`, and `{}` each further value. One may come twice."""
    return [row for some in padded(keys) for row in rows_of(connection, *filled(connection, query, some, *values))]


def filled(
    connection: Connection, query: str, keys: Sequence[tuple[str | int, ...]], *values: str | int
) -> tuple[str, tuple[str | int, ...]]:
    """Return such a query as the driver takes it, and its parameters."""
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    return _statement(query, mark, len(values), len(keys[0]), len(keys)), (*chain.from_iterable(keys), *values)


@lru_cache(maxsize=256)
def _statement(query: str, mark: str, values: int, width: int, count: int) -> str:
    row = ", ".join([mark] * width)
    return query.format(*[mark] * values, keys="VALUES " + ", ".join([f"({row})"] * count))


def walk(connection: Connection, query: Select[int], after: int, **values: int) -> tuple[list[int], int | None]:
    """Return the conversations that `query` finds in one step, and the id to go on from; None: there are no more.

    A step looks at WALKED conversations: those behind the id `after`. `query` is told `after`, and `last`, the step's last id.
    """
    c = conversations.c
    ids = connection.scalars(select(c.id).where(c.id > after).order_by(c.id).limit(WALKED)).all()
    found = connection.scalars(query, {"after": after, "last": ids[-1], **values}).all() if ids else []
    return [*found], ids[-1] if len(ids) == WALKED else None
