"""Every error can be told in another language: by its code, its rule and params, and never by its sentence alone."""

from __future__ import annotations

import ast
import inspect
import re
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Literal, get_type_hints

import msgspec
import pytest
from msgspec import Meta

from chat import errors
from chat.errors import ChatError, InvalidField
from chat.protocol.mistakes import explained
from chat.router import events
from chat.rules import SENTENCES, sentence
from chat.web.api import VIEWS
from tests.conftest import ROOT

CODE = ROOT / "chat"
TEXTS = (ROOT / "static/js/error-texts.js").read_text("utf-8")
TEXT = re.compile(r'^  "(\w+)\.(\w+)": \{en: "(.+)", ko: "(.+)"\},$', re.M)
# Not for clients: the server does not start, or the operator is told by /api/health and by the log.
AT_START = {"BadSetting", "WrongTables", "DatabaseInUse", "NotReached"}
FOR_OPERATORS = {
    "storage/lock_file.py",
    "storage/lease_row.py",
    "storage/migrate.py",
    "storage/backup.py",
    "storage/failures.py",
    "web/api.py",
    "bus/diagnosis.py",
}
# Python's or a regular expression's words, which say nothing to a person.
FOREIGN = re.compile(r"\b(str|int|float|bool|null|None|regex)\b|[`|\\^$\[\]{}]")


def params_of(rule: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(SENTENCES[rule]) if name} - {"field"}


CLASSES = {
    name: found
    for name, found in inspect.getmembers(errors, inspect.isclass)
    if issubclass(found, ChatError) and name not in AT_START
}


@cache
def made_errors() -> list[tuple[Path, ast.Call]]:
    """Each place of the program that makes an error for a client."""
    return [
        (path, call)
        for path in CODE.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] in CLASSES
    ]


def rules_in(call: ast.Call) -> list[str]:
    """The rules that the call may name."""
    said = [word.value for word in call.keywords if word.arg == "rule"]
    if ast.unparse(call.func).endswith("RateLimited"):
        said += call.args[1:]
    strings = [part for value in said for part in ast.walk(value) if isinstance(part, ast.Constant)]
    return [part.value for part in strings if isinstance(part.value, str)]


def test_every_error_that_a_client_gets_has_its_class_s_sentence_or_a_rule_s() -> None:
    made = made_errors()
    assert len(made) > 60, "need the errors for this to mean anything"
    free = [
        f"{path.relative_to(CODE)}:{call.lineno} {ast.unparse(call)}"
        for path, call in made
        if call.args
        and not ast.unparse(call.func).endswith("RateLimited")
        and not (isinstance(call.args[0], ast.Constant) and call.args[0].value is None)
        and str(path.relative_to(CODE)) not in FOR_OPERATORS
        and (path.name, ast.unparse(call.func)) != ("requests.py", "BadRequest")  # that one is Werkzeug's
    ]
    assert not free


def test_every_rule_is_used_with_its_own_params_and_no_other_is() -> None:
    used: set[str] = set()
    for _, call in made_errors():
        given = {str(word.arg) for word in call.keywords} - {"rule", "field", "message"}
        for rule in rules_in(call):
            assert given == params_of(rule), ast.unparse(call)
            used.add(rule)
    mistakes = (CODE / "protocol/mistakes.py").read_text("utf-8")
    used |= {rule for rule in SENTENCES if f'"{rule}"' in mistakes}
    assert used == SENTENCES.keys()


def test_a_sentence_is_made_of_the_rule_s_params() -> None:
    assert sentence("too_long", "userId", {"max": 1024}) == "userId must have at most 1,024 characters."
    assert sentence("wrong_type", "ref", {"expected": ["integer", "string"]}) == "ref must be an integer or a string."
    assert sentence("only_one_of", "b", {"fields": ["a", "b", "c"]}) == "Only one of a, b and c can be given."
    error = InvalidField(field="userId", rule="too_long", max=64)
    assert (error.rule, error.params) == ("too_long", {"max": 64})


def test_an_error_may_still_have_a_sentence_of_its_own_in_a_host_s_handler() -> None:
    error = InvalidField("colour must be red.", "colour")
    assert (error.message, error.rule, error.params) == ("colour must be red.", None, {})


class Everything(msgspec.Struct, forbid_unknown_fields=True):
    """A field of each kind that an event of a site may have."""

    text: Annotated[str, Meta(min_length=2, max_length=3)] = "ab"
    word: Annotated[str, Meta(min_length=1, pattern="^[!-~]{1,200}$")] = "a"
    number: Annotated[int, Meta(ge=2, le=3)] = 2
    some: Annotated[list[int], Meta(min_length=2, max_length=3)] = msgspec.field(default_factory=lambda: [1, 2])
    level: Literal["low", "high"] = "low"
    share: float | None = None
    flag: bool = False
    mark: int | str | None = None


@pytest.mark.parametrize(
    ("given", "rule", "params"),
    [
        ({"text": "a"}, "too_short", {"min": 2}), ({"text": "abcd"}, "too_long", {"max": 3}),
        ({"word": ""}, "empty", {}), ({"word": "a b"}, "malformed", {}), ({"number": 1}, "too_small", {"min": 2}),
        ({"number": 4}, "too_large", {"max": 3}), ({"some": [1]}, "too_few", {"min": 2}),
        ({"some": [1] * 4}, "too_many", {"max": 3}), ({"level": "loud"}, "unknown_value", {}),
        ({"share": "x"}, "wrong_type", {"expected": ["number"]}), ({"flag": 1}, "wrong_type", {"expected": ["boolean"]}),
        ({"mark": 1.5}, "wrong_type", {"expected": ["integer", "string"]}),
        ({"text": None}, "wrong_type", {"expected": ["string"]}), ({"colour": 1}, "unknown", {}), ([], "not_an_object", {}),
    ],
    ids=str,
)  # fmt: skip
def test_each_kind_of_mistake_is_told_by_its_rule_with_the_bound(given: Any, rule: str, params: object) -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.convert(given, Everything)
    error = explained(refused.value)
    assert (error.rule, error.params) == (rule, params)
    assert not FOREIGN.search(error.message)


def checked_structs() -> list[type[msgspec.Struct]]:
    """All that a client may send, over the socket and over HTTP."""
    parts = [types[part] for view in VIEWS if (types := get_type_hints(view)) for part in types if part != "return"]
    return [*events.payloads.values(), *(p for p in parts if isinstance(p, type) and issubclass(p, msgspec.Struct))]


def test_no_sentence_shows_a_person_a_type_of_the_program_or_a_regular_expression() -> None:
    told = 0
    for struct in checked_structs():
        tag = {"type": struct.__struct_config__.tag} if struct.__struct_config__.tag else {}
        for name in (*struct.__struct_encode_fields__, "colour"):
            value: Any
            for value in (None, 1.5, -1, True, "", "x" * 9_000, [], [[]], {}, "a\0", "ü ü"):
                try:
                    msgspec.convert({**tag, name: value}, struct)
                except msgspec.ValidationError as error:
                    said = explained(error)
                except ChatError as refusal:
                    said = refusal
                else:
                    continue
                told += 1
                words = said.message.replace(said.field or "", "")  # features[0] is a place, and meant
                assert said.rule in SENTENCES, said
                assert not FOREIGN.search(words), said.message
    assert told > 300, "need the mistakes for this to mean anything"


# The page's texts.


def test_the_page_has_a_text_for_every_rule_in_both_languages_with_no_param_that_the_rule_lacks() -> None:
    texts = {rule: (en, ko) for family, rule, en, ko in TEXT.findall(TEXTS) if family == "rule"}
    assert texts.keys() == SENTENCES.keys()
    for rule, both in texts.items():
        assert all(set(re.findall(r"\{(\w+)\}", text)) <= params_of(rule) for text in both), rule


def test_the_page_has_a_text_for_every_code_in_both_languages() -> None:
    texts = {code for family, code, _, _ in TEXT.findall(TEXTS) if family == "error"}
    for_operators = {"disk_full", "database_read_only", "database_locked", "database_replaced"}
    assert {found.code for found in CLASSES.values()} - for_operators <= texts
