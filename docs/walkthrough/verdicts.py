"""Owns what the two checkers have in common: a check that failed, its verdict, and both in words."""

import json
import locale
import os
from typing import NamedTuple


class Sentence(NamedTuple):
    """What happened, and the place in this project's code that does it right: file and function."""

    place: str
    en: str
    ko: str


class Red(Exception):
    """A check that failed: the key of its sentence, and what fills the sentence's blanks."""

    def __init__(self, key: str, **blanks: object) -> None:
        super().__init__(key)
        self.key, self.blanks = key, blanks


class Verdict(NamedTuple):
    """What became of one check. `key`: of its sentence, if it failed; None: it passed, or was not tried."""

    tried: bool
    key: str | None = None
    blanks: dict[str, object] = {}  # noqa: RUF012  (never changed)


WORDS = {
    "en": {"passed": "passed", "failed": "FAILED", "untried": "–", "cure": "In the real code", "of": "{passed} of {all} passed."},
    "ko": {"passed": "통과", "failed": "실패", "untried": "–", "cure": "실제 코드", "of": "{all}개 가운데 {passed}개 통과."},
}  # fmt: skip
UNTRIED = {"en": "The others wait: make this one green first.", "ko": "나머지는 이것부터 통과한 뒤에 확인합니다."}
EXERCISES = {"en": "docs/walkthrough/exercises/README.md", "ko": "docs/walkthrough/exercises/README.ko.md"}


def in_words(
    number: int, verdict: Verdict, titles: dict[str, list[str]], sentences: dict[str, Sentence], lang: str
) -> str:
    """Return what became of a check: a line, and where it failed what happened and where the cure stands."""
    words = WORDS[lang]
    state = words["failed" if verdict.key else "passed" if verdict.tried else "untried"]
    line = f"{number}  {state}  {titles[lang][number - 1]}"
    if verdict.key is None:
        return line
    sentence = sentences[verdict.key]
    happened = getattr(sentence, lang).format(**verdict.blanks)
    return f"{line}\n   {happened}\n   {words['cure']}: {sentence.place}"


def shown(what: object) -> str:
    """Return what came as a sentence can show it."""
    text = json.dumps(what, ensure_ascii=False) if isinstance(what, dict) else repr(what)
    return text if len(text) <= 80 else f"{text[:80]}…"


def own_language() -> str:
    """Return the language of this machine, ko or else en: what its terminal says, or on Windows its system."""
    told = [os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG")]
    first = next((name for name in (*told, locale.getlocale()[0]) if name), "")
    return "ko" if first.lower().startswith("ko") else "en"
