"""Owns what new names may look like: the scripts that may stand together, and the skeleton that look-alikes share.

Both by UTS #39, Unicode Security Mechanisms. Names that exist already are not asked.
"""

import unicodedata
from functools import cache, lru_cache
from importlib.resources import files
from types import MappingProxyType

import msgspec

from chat.errors import InvalidField

# "Highly restrictive", UTS #39, section 5.2: one script, or one of these sets.
TOGETHER = (
    frozenset({"LATIN", "HAN", "HIRAGANA", "KATAKANA"}),
    frozenset({"LATIN", "HAN", "BOPOMOFO"}),
    frozenset({"LATIN", "HAN", "HANGUL"}),
)
# The first word of a character's name is its script, but for these. "": it goes with any.
_SCRIPTS = MappingProxyType({
    "CJK": "HAN", "IDEOGRAPHIC": "HAN", "ARABIC-INDIC": "ARABIC", "EXTENDED": "ARABIC", "KATAKANA-HIRAGANA": "",
    "COMBINING": "", "DIGIT": "", "MODIFIER": "", "VEDIC": "",
})  # fmt: skip


def check_scripts(name: str, field: str) -> None:
    """Check the scripts of a new name. Raises InvalidField: it mixes some that nobody writes together."""
    words = {unicodedata.name(char, "").partition(" ")[0] for char in name if unicodedata.category(char)[0] in "LMN"}
    scripts = {_SCRIPTS.get(word, word) for word in words} - {""}
    if len(scripts) > 1 and not any(scripts <= those for those in TOGETHER):
        raise InvalidField(field=field, rule="mixed_scripts", scripts=sorted(word.capitalize() for word in scripts))


@lru_cache(maxsize=512)  # a name is asked for twice, and then seldom
def skeleton(name: str) -> str:
    """Return what is the same for names that look alike (UTS #39, section 4); no name itself, and never shown.

    Of a name as it is written, in which a capital I is like an l, or of its key.

    Blocks for a tenth of a second when it is first called.
    """
    prototypes = _prototypes()
    mapped = "".join(prototypes.get(char, char) for char in unicodedata.normalize("NFD", name))
    return unicodedata.normalize("NFD", mapped).casefold()


class _Alike(msgspec.Struct):
    c: str  # one character, or several


@cache
def _prototypes() -> dict[str, str]:
    """Each character that looks like another one, or like two, and what all of its kind are written as.

    The package gives Unicode's table in both directions: a prototype with all that look like it, and these with it.
    """
    table = files("confusable_homoglyphs").joinpath("confusables.json").read_bytes()
    alike = {
        char: [one.c for one in others]
        for char, others in msgspec.json.decode(table, type=dict[str, list[_Alike]]).items()
    }
    return {
        char: others[0]
        for char, others in alike.items()
        if len(char) == len(others) == 1 and (len(alike.get(others[0], ())) != 1 or others[0] < char)
    }
