"""The house: imports go down only and form no circle, each library is known in one place, each name is one thing's."""

from __future__ import annotations

import ast
from collections import Counter
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / "chat").rglob("*.py"))
}

# From the top of the house to its ground; a file imports from its own layer and from those below.
LAYERS = [
    ["chat.classroom"],  # a site around a chat
    ["chat"],
    ["chat.extension"],
    ["chat.commands"],
    ["chat.process"],
    ["chat.web"],
    ["chat.site"],
    ["chat.learn"],
    ["chat.handlers"],
    ["chat.login"],
    ["chat.client"],
    ["chat.server", "chat.shown", "chat.readiness"],
    ["chat.router", "chat.terms"],
    ["chat.bus"],
    ["chat.notifications"],
    ["chat.messages"],
    ["chat.people"],
    ["chat.transport"],
    ["chat.storage"],
    ["chat.protocol"],
    [
        "chat.figures",
        "chat.limits",
        "chat.logs",
        "chat.metrics",
        "chat.config",
        "chat.setting_checks",
        "chat.errors",
        "chat.files",
        "chat.resources",
        "chat.rules",
        "chat.signals",
    ],
]

# Each place of a library; a package stands for its files. No more places, and none that does without it.
ONLY_IN = {
    "flask": {
        "chat.web",
        "chat.commands.group",
        "chat.commands.running",
        "chat.extension",
        "chat.classroom.pages",
        "chat.classroom.serving",
    },
    "flask_sock": {"chat.web.upgrade"},
    "simple_websocket": set(),
    "websockets": {"chat.protocol.frames"},
    "greenlet": {"chat.transport.greenlets"},
    "ssl": {"chat.transport", "chat.web.upgrade"},
    "socket": {
        "chat.transport",
        "chat.storage.lease",  # the name of this machine
        "chat.classroom.addresses",
    },
    "gevent": {
        "chat.storage.together",
        "chat.transport",
        "chat.web.upgrade",
        "chat.web.requests",  # a body that comes too slowly is cut by a Timeout; no server does that
        "chat.process",
        "chat.commands.running",
        "chat.classroom.serving",
        "chat.bus.connection",
        "chat.bus.bus",
        "chat.bus.members",
        "chat.bus.other_workers",
        "chat.server",
        "chat.readiness",  # an answer in time, whatever the database does
        # To hand over between the loop and native threads.
        "chat.storage.journal",
        "chat.storage.writer_thread",
        "chat.storage.storage",
        # What a native thread waits with, which gevent's patches would take from it.
        "chat.storage.database",
    },
    "redis": {"chat.bus.connection", "chat.bus.diagnosis"},
    "hiredis": {"chat.bus.connection"},
    "sqlalchemy": {"chat.storage"},
    "alembic": {"chat.storage.migrate"},
    "jwt": {"chat.people.tokens"},
    "argon2": {"chat.people.passwords"},
    "zxcvbn": {"chat.people.passwords"},
    "blinker": {"chat.signals"},
    "segno": {"chat.classroom.pages", "chat.classroom.serving"},
    "ifaddr": {"chat.classroom.addresses"},
    "PIL": {"chat.people.pictures"},
    "prometheus_client": {"chat.figures.exposition"},
    "requests": {"chat.notifications.letter", "chat.notifications.remote", "chat.commands.way_in"},
}

# Names of two public things: what keeps them apart.
SHARED_NAMES = {
    "Profiles": "the part of the storage, and of the people; and the field of answers that tells of them",
    "document": "said with its module: openapi.document, asyncapi.document",
    "Chat": "the extension; and the wire's event `chat`, which has each event's name in capitals",
    "notify": "the function, what it hands on to, and the command that does the same",
    "check": "said with its module: handshake.check, migrate.check",
    "Client": "a socket; and the Protocol by which a feed, a layer below, knows it",
    "Notifications": "the part of the storage; and the answer that lists them, a name in the API's document",
    "make_engine": "said with its module: sqlite.make_engine, postgres.make_engine",
    "Place": "the place in a list that a cursor stands for: each list's own",
}


# When a test asks, not when it is collected: each process of pytest-xdist collects all tests.
@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text("utf-8"))


@cache
def imports_of(module: str) -> set[str]:
    """All that a module imports, in a function or under a condition too: `from a import b` is a.b if that is one."""
    found = set()
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module, f"{module}: a relative import"
            assert node.level == 0, f"{module}: a relative import"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if whole in MODULES else node.module)
    return found


@cache
def graph() -> dict[str, set[str]]:
    return {module: {name for name in imports_of(module) if name in MODULES} for module in MODULES}


def layer_of(module: str) -> int:
    """The layer of the longest name in LAYERS that `module` lies under."""
    depth = {name: number for number, names in enumerate(LAYERS) for name in names}
    place = module
    while place not in depth:
        place = place.rpartition(".")[0]
    assert place != "chat" or module == "chat", f"{module} has no layer"
    return depth[place]


# Directions.


def test_the_modules_and_their_imports_are_found() -> None:
    assert {"chat", "chat.router", "chat.transport.websocket"} <= MODULES.keys()
    assert "chat.server" in graph()["chat.extension"]
    assert "chat.web.requests" in graph()["chat.web.pages"]
    assert sum(map(len, graph().values())) > 200


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_from_its_own_layer_and_below(module: str) -> None:
    above = {name for name in graph()[module] if layer_of(name) < layer_of(module)}
    assert not above, f"{module} looks up to {above}"


def test_imports_form_no_circle() -> None:
    TopologicalSorter(graph()).prepare()  # raises CycleError, which names it


def test_no_import_is_for_the_type_checker_alone() -> None:
    """It would hide a circle."""
    assert [name for name, path in MODULES.items() if "TYPE_CHECKING" in path.read_text("utf-8")] == []


# Only here.


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_is_known_only_where_the_design_says(library: str) -> None:
    users = {module for module in MODULES if library in {name.partition(".")[0] for name in imports_of(module)}}
    places = ONLY_IN[library]
    found = {place for user in users for place in places if user == place or user.startswith(place + ".")}
    strangers = {user for user in users if not any(user == p or user.startswith(p + ".") for p in places)}
    assert not strangers
    assert found == places, "a place that does without it is not to be listed"


def test_only_config_reads_the_environment() -> None:
    readers = {
        module
        for module in MODULES
        for node in ast.walk(tree_of(module))
        if (isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.environ", "os.getenv", "os.environb"))
        or (isinstance(node, ast.ImportFrom) and node.module == "os")
    }
    assert readers == {"chat.config"}


@pytest.mark.parametrize("library", ["alembic", "sqlalchemy.dialects.postgresql", "prometheus_client"])
def test_what_few_starts_need_is_loaded_by_those_alone(library: str) -> None:
    for module in MODULES:
        for node in tree_of(module).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{name}" for name in names]
            assert not [name for name in names if f"{name}.".startswith(f"{library}.")], module


def test_the_transport_knows_no_json() -> None:
    for module in MODULES:
        if module.startswith("chat.transport"):
            assert not imports_of(module) & {"json", "msgspec"}, module


# Words.


@pytest.mark.parametrize("module", MODULES)
def test_a_file_says_first_what_it_owns(module: str) -> None:
    docstring = ast.get_docstring(tree_of(module))
    assert docstring
    if MODULES[module].name != "__init__.py":
        assert docstring.startswith("Owns ")


def test_no_name_stands_for_two_things() -> None:
    public = Counter(
        node.name
        for tree in map(tree_of, MODULES)
        for node in tree.body
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_")
    )
    assert {name for name, count in public.items() if count > 1} == SHARED_NAMES.keys()
