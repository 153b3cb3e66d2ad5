"""Imports go down only, and each library is known in one place: the design's two tables."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / "chat").rglob("*.py"))
}

# From the top of the house to its ground; a file imports from its own layer and from those below.
LAYERS = [
    ["chat"],
    ["chat.web", "chat.handlers", "chat.web.upgrade", "chat.cli", "chat.notifications.remote"],
    [
        "chat.router",
        "chat.messages.missed",
        "chat.messages.receipts",
        "chat.people.online",
        "chat.people.tokens",
        "chat.people.directory",
        "chat.notifications.draft",
        "chat.notifications.feed",
        "chat.notifications.notifier",
        "chat.notifications.webhook",
        "chat.notifications.stream",
        "chat.people.presence",
        "chat.notifications.retention",
    ],
    ["chat.transport", "chat.bus", "chat.storage"],
    ["chat.protocol.validation"],
    ["chat.protocol.structs"],
    ["chat.limits"],
    ["chat.protocol.names"],
    ["chat.people.passwords"],
    ["chat.errors", "chat.config", "chat.metrics"],
]

ONLY_IN = {
    "flask_babel": ["chat.web.language"],
    "flask_sock": ["chat.transport"],
    "simple_websocket": ["chat.transport"],
    "websockets": ["chat.protocol.frames"],
    "greenlet": ["chat.transport"],
    "sqlalchemy": ["chat.storage"],
    "redis": ["chat.bus.redis"],
    "jwt": ["chat.people.tokens"],
    "argon2": ["chat.people.passwords"],
    "zxcvbn": ["chat.people.passwords"],
    "requests": ["chat.notifications.webhook", "chat.notifications.remote"],
    "flask": ["chat", "chat.web", "chat.web.upgrade", "chat.web.adoption", "chat.cli"],
    # web.reading: a body that comes too slowly is cut by gevent's Timeout; no server does that.
    "gevent": ["chat", "chat.transport", "chat.storage", "chat.web.requests"],
}


def imports_of(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def layer_of(module: str) -> int:
    """The layer of the longest name in LAYERS that `module` lies under."""
    depth = {name: number for number, names in enumerate(LAYERS) for name in names}
    while module not in depth:
        module = module.rpartition(".")[0]
    return depth[module]


def test_the_modules_are_found() -> None:
    assert {"chat", "chat.router", "chat.transport.websocket"} <= MODULES.keys()


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_from_its_own_layer_and_below(module: str) -> None:
    ours = {name for name in imports_of(MODULES[module]) if name in MODULES} - {"chat"}
    above = {name for name in ours if layer_of(name) < layer_of(module)}
    assert not above, f"{module} looks up to {above}"


@pytest.mark.parametrize("module", MODULES)
def test_a_library_is_known_only_where_the_design_says(module: str) -> None:
    for library in {name.partition(".")[0] for name in imports_of(MODULES[module])} & ONLY_IN.keys():
        allowed = ONLY_IN[library]
        assert any(module == place or (place != "chat" and module.startswith(place + ".")) for place in allowed), (
            f"{module} knows of {library}"
        )


def test_only_config_reads_the_environment() -> None:
    readers = {name for name, path in MODULES.items() if "os.environ" in path.read_text()}
    assert readers == {"chat.config"}


def test_sockets_know_no_json_and_events_nothing_of_chat() -> None:
    assert not imports_of(MODULES["chat.transport.sockets"]) & {"json", "msgspec", "chat.protocol.structs"}
    assert "chat.handlers" not in imports_of(MODULES["chat.router"])
