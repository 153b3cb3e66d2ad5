"""No module keeps state: all that belongs to a chat is its ChatServer's, and two of these share nothing."""

from __future__ import annotations

import ast
import enum
import importlib
import logging
import re
import struct
import typing
from collections.abc import Iterator
from functools import _lru_cache_wrapper
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, GenericAlias, MappingProxyType, ModuleType, NoneType, UnionType
from typing import Any

import click
import msgspec
import pytest
from sqlalchemy import MetaData
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.types import TypeEngine

from tests.test_architecture import MODULES, tree_of

# What is no constant by its type, and yet keeps nothing of any chat.
ALLOWED = {
    "chat.router.events": "the registry of declarations, which init_app copies",
    "chat.process._served": "which chats this process serves: the process's, not a chat's",
    "chat.people.passwords._hasher": "Argon2's parameters; it keeps nothing of what it hashes",
    "chat.signals.message_stored": "a declaration; who listens is the site's",
    "chat.signals.notification_pushed": "a declaration; who listens is the site's",
    "chat.signals.user_came": "a declaration; who listens is the site's",
    "chat.signals.user_left": "a declaration; who listens is the site's",
    "chat.router.LATER": "a sentinel without attributes",
    "chat.web.upgrade.ADOPTED": "a sentinel for Flask, emptied at each use; making one costs a tenth of an upgrade",
    # Caches of functions whose answer depends on nothing but the arguments.
    "chat.protocol.names.checked_user_id": "a cache: the canonical spelling of a name",
    "chat.protocol.names.name_key": "a cache: the key of a name",
    "chat.setting_checks.is_loopback": "a cache: whether a host is this machine",
    "chat.limits.origin_of": "a cache: whom an address stands for",
    "chat.protocol.conversation_ids.conversation_id": "a cache: the id of the conversation of two keys",
    "chat.protocol.conversation_ids.conversation_and_keys": "a cache: the same, and the keys of the two names",
    "chat.protocol.lookalikes.skeleton": "a cache: what names that look alike have in common",
    "chat.protocol.lookalikes._prototypes": "a cache: Unicode's table",
    "chat.protocol.structs.iso": "a cache: a time as text",
    "chat.people.passwords._nobody": "a cache: the hash that an unknown name's password is compared with",
    "chat.people.passwords._common": "a cache: the list of the commonest passwords",
    "chat.web.asyncapi.document": "a cache: the document of the events",
    "chat.web.openapi.document": "a cache: the document of the views",
    "chat.site.testing._tables": "a cache: the file of a database that holds nothing",
    "chat.storage.look_up._statement": "a cache: the text of a statement for so many keys",
    "chat.storage.migrate.revisions": "a cache: the names in a folder that does not change",
}

IMMUTABLE = (str, int, float, bytes, bool, NoneType, re.Pattern, struct.Struct, Path, enum.Enum)
TYPING = (GenericAlias, UnionType, typing.TypeVar, type(typing.Union[int, str]), typing._GenericAlias)  # type: ignore[attr-defined]  # noqa: UP007
DECLARATIONS = (ClauseElement, TypeEngine, MetaData, click.Command)
CODECS = (msgspec.json.Encoder, msgspec.json.Decoder)
MUTATORS = {
    "append", "extend", "insert", "remove", "pop", "popitem", "clear", "sort", "reverse", "update", "setdefault",
    "add", "discard",
}  # fmt: skip


def own_values(module: str) -> Iterator[tuple[str, Any]]:
    """What a module has given names to at its top, itself: what it imports is looked at where it comes from."""
    imported = {
        (alias.asname or alias.name).partition(".")[0]
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    for name, value in vars(importlib.import_module(module)).items():
        if name not in imported and not name.startswith("__"):
            yield name, value


def is_constant(value: Any) -> bool:
    if isinstance(value, (*IMMUTABLE, FunctionType, type, ModuleType, logging.Logger, *TYPING, *DECLARATIONS, *CODECS)):
        return True
    if isinstance(value, BuiltinFunctionType):  # a function in C, or a method of what it is bound to
        return isinstance(value.__self__, (ModuleType, NoneType, *CODECS))
    if isinstance(value, tuple | frozenset):
        return all(map(is_constant, value))
    if isinstance(value, MappingProxyType):
        return all(map(is_constant, value.values()))
    return False


def is_table(value: Any) -> bool:
    """A dict, list or set of constants: one itself where it has a name in capitals, and nothing changes it."""
    if isinstance(value, dict):
        return all(is_table(item) for item in value.values())
    if isinstance(value, list | set):
        return all(map(is_table, value))
    return is_constant(value)


@pytest.mark.parametrize("module", MODULES)
def test_no_module_keeps_state(module: str) -> None:
    for name, value in own_values(module):
        if f"{module}.{name}" in ALLOWED:
            continue
        assert is_constant(value) or (name.isupper() and is_table(value)), f"{module}.{name} is {type(value)}"


def test_what_is_allowed_to_be_there_is_there() -> None:
    found = {f"{module}.{name}": value for module in MODULES for name, value in own_values(module)}
    assert ALLOWED.keys() <= found.keys()
    assert not [name for name in ALLOWED if is_constant(found[name])]
    caches = {name for name, value in found.items() if isinstance(value, _lru_cache_wrapper)}
    assert {name for name, reason in ALLOWED.items() if reason.startswith("a cache: ")} == caches


def test_no_class_keeps_state_for_all_that_are_made_of_it() -> None:
    mutable = [
        f"{module}.{name}.{attribute}"
        for module in MODULES
        for name, value in own_values(module)
        if isinstance(value, type)
        for attribute, kept in vars(value).items()
        if isinstance(kept, dict | list | set | bytearray)
        and not attribute.startswith("__")
        and attribute != "_field_defaults"  # of every NamedTuple
    ]
    assert mutable == []


def root_of(node: ast.expr) -> str:
    """Of TABLE[x][y], module.TABLE[x] and TABLE: the name TABLE."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def changed_names(tree: ast.Module) -> Iterator[str]:
    """The names of what a module changes: by an index, a method such as `append`, `|=`, or `del`."""
    for node in ast.walk(tree):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign | ast.Delete):
            targets = [target for target in node.targets if isinstance(target, ast.Subscript)]
        elif isinstance(node, ast.AugAssign):
            targets = [node.target]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in MUTATORS:
            targets = [node.func.value]
        yield from map(root_of, targets)


def test_a_change_of_a_table_would_be_found() -> None:
    text = "A[1] = 2\nm.B['x']['y'] = 1\nC.append(1)\ndel D[0]\nm.E.update(x=1)\nF |= {}\ng = G[1]"
    assert set(changed_names(ast.parse(text))) == set("ABCDEF")


def test_nothing_changes_a_table_of_a_module() -> None:
    tables = {name for module in MODULES for name, value in own_values(module) if isinstance(value, dict | list | set)}
    assert "WORDS" in tables, "need a table for this to mean anything"
    for module, tree in ((module, tree_of(module)) for module in MODULES):
        assert not tables & set(changed_names(tree)), module


def test_no_function_gives_a_name_of_a_module_another_value() -> None:
    for module, tree in ((module, tree_of(module)) for module in MODULES):
        modules = {name for name, value in vars(importlib.import_module(module)).items() if type(value) is ModuleType}
        for node in ast.walk(tree):
            assert not isinstance(node, ast.Global), module
            targets = node.targets if isinstance(node, ast.Assign) else []
            assert not [t for t in targets if isinstance(t, ast.Attribute) and ast.unparse(t.value) in modules], module
