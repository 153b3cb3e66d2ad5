"""Owns the source that a step shows: taken from the running code, or from the script's file, by its name."""

import inspect
import re
import textwrap
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from chat.resources import PACKAGE, STATIC


class SourcePart(NamedTuple):
    """A part of a file. Its lines stand in the file as they are, each behind one indentation more."""

    file: str  # chat/people/online.py
    name: str
    line: int  # of the file, from 1
    text: str


def source_of(place: str) -> SourcePart:
    """Return the source of `chat.people.online:Online.add`, or of `js/chat-socket.js:#connect`. Raises LookupError."""
    where, _, name = place.partition(":")
    return _of_script(where, name) if where.endswith(".js") else _of_python(where, name)


def _of_python(module: str, name: str) -> SourcePart:
    found: Any = import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    lines, first = inspect.getsourcelines(found)
    file = Path(inspect.getfile(found)).relative_to(PACKAGE.parent)
    return SourcePart(file.as_posix(), name, first, textwrap.dedent("".join(lines)).rstrip())


def _of_script(file: str, name: str) -> SourcePart:
    """From the line that declares it to the one where its braces are closed."""
    lines = (STATIC / file).read_text("utf-8").splitlines()
    declares = re.compile(rf"\s*(export )?(async )?((const|function|class) )?{re.escape(name)}\b.*[{{(\[]$")
    first = next((number for number, line in enumerate(lines) if declares.match(line)), None)
    if first is None:
        raise LookupError(f"{file} declares no {name}")
    depth, last = 0, first
    for last in range(first, len(lines)):
        depth += sum(lines[last].count(sign) for sign in "{([") - sum(lines[last].count(sign) for sign in "})]")
        if depth <= 0:
            break
    return SourcePart(f"static/{file}", name, first + 1, textwrap.dedent("\n".join(lines[first : last + 1])))
