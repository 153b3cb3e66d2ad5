"""The page's ES modules as one script, so that a first visit waits for one file and not for one after the other.

Each module is wrapped in a function that gives its exports; what they import becomes names of these. Only the
few forms that static/js uses are known; any other is refused at startup. The modules themselves stay served
as they are, for whoever embeds one of them or wants to read them one by one (CHAT_SCRIPTS=separate).
"""

from __future__ import annotations

import re
from pathlib import Path

from chat.errors import BadScript

IMPORT = re.compile(
    r'^import (?:\{(?P<names>[^}]*)\} from )?"(?P<path>\./[^"]+|\.\./[^"]+)";\n', re.M
)
EXPORT = re.compile(
    r"^export (?=(?:async )?(?:const|class|function\*?) (?P<name>[A-Za-z_$][\w$]*))", re.M
)
# What is left of either form after those above were taken out, at the beginning of a line.
UNKNOWN = re.compile(r"^(?:import\b(?!\()|export\b).*", re.M)
COMMENT = re.compile(r"^[ \t]*(?:/\*\*(?:[^*]|\*(?!/))*\*/|//[^\n]*)[ \t]*\n", re.M)
INDENT = re.compile(r"^[ \t]+|\n(?=\n)", re.M)


def joined(entry: Path) -> str:
    """One script that does what loading the module `entry` does, to be loaded as a module too.

    Raises:
        BadScript: a module imports or exports in a form that is not known here, a file that is not there,
            or in a circle.
    """
    modules: dict[Path, str] = {}
    _walk(entry.resolve(), modules, ())
    numbers = {path: number for number, path in enumerate(modules)}
    parts = [_wrapped(path, source, numbers) for path, source in modules.items()]
    return "const modules = [];\n" + "".join(parts)


def _walk(path: Path, modules: dict[Path, str], above: tuple[Path, ...]) -> None:
    """Collect the modules, each behind those that it imports, as a browser runs them."""
    if path in above:
        raise BadScript(f"{path.name} imports itself, through {above[-1].name}.")
    if path in modules:
        return
    try:
        source = path.read_text("utf-8")
    except OSError as error:
        raise BadScript(f"{path} cannot be read: {error.strerror}.") from None
    for found in IMPORT.finditer(source):
        _walk((path.parent / found["path"]).resolve(), modules, (*above, path))
    modules[path] = source


def _wrapped(path: Path, source: str, numbers: dict[Path, int]) -> str:
    """The module as a function that is called at once; its result is what it exports."""

    def imported(found: re.Match[str]) -> str:
        if not found["names"]:
            return ""
        number = numbers[(path.parent / found["path"]).resolve()]
        names = found["names"].replace(" as ", ": ")
        return f"const {{{names}}} = modules[{number}];\n"

    exported = [found["name"] for found in EXPORT.finditer(source)]
    body = EXPORT.sub("", IMPORT.sub(imported, source))
    if unknown := UNKNOWN.search(body):
        raise BadScript(f"{path.name}: {unknown[0]!r} is not known to scripts.py.")
    body = _smaller(body)
    return (
        f"modules[{numbers[path]}] = (() => {{\n{body}return {{{', '.join(exported)}}};\n}})();\n"
    )


def _smaller(body: str) -> str:
    """Without comments and indentation: a third of the bytes. Where a text in backquotes may go over lines,
    nothing is taken out.
    """
    lines = COMMENT.sub("", body)
    if any(line.count("`") % 2 for line in lines.split("\n")):
        return body
    return INDENT.sub("", lines)
