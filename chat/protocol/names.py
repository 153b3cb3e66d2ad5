"""Owns the rule for names, their spelling and their key. Nobody else folds a name: clients are told the keys.

A site's own ids are no names: they are compared as they are.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Annotated
from uuid import UUID

import msgspec

from chat.errors import InvalidField

USER_ID_CHARS = 64
KIND_CHARS = 32
SIGNS = "._-@"  # beside letters and digits
LETTERS_AND_DIGITS = ("Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Nd")  # Unicode's categories
MARKS_ON_A_LETTER = 4  # more than any script needs; a tower of them covers the lines around it
APART = (frozenset({"LATIN", "CYRILLIC"}), frozenset({"LATIN", "GREEK"}))  # scripts whose letters look alike

# In the long spelling of decomposed letters a name has up to four times the characters. The documents say what is meant.
UserId = Annotated[
    str, msgspec.Meta(min_length=1, max_length=4 * USER_ID_CHARS, extra_json_schema={"x-maxLength": USER_ID_CHARS})
]

_KIND = re.compile(rf"[a-z0-9._-]{{1,{KIND_CHARS}}}")

# Controls, line ends, marks that turn the direction of the text around them, and what cannot be seen
# (Unicode's Default_Ignorable_Code_Point, some of which are letters): with these a name could pass for another.
_UNSEEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    r"\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    r"\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    r"\U00013441\U00013442\U00016fe4]"  # blanks among hieroglyphs, and a filler, which Unicode does not list there
)

# A name in ASCII that breaks no rule, but perhaps that of its length.
_ASCII_NAME = re.compile(rf"[{re.escape(SIGNS)}]*[A-Za-z0-9][A-Za-z0-9{re.escape(SIGNS)}]*")

# Of a site's id: controls, line ends, marks that turn the direction of the text around them, and halves of surrogate pairs.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@lru_cache(maxsize=8_192)  # a name is checked once, not once a message
def checked_user_id(user_id: str, field: str) -> str:
    """Return the canonical spelling of `user_id`.

    Raises InvalidField: it breaks a rule, which the sentence names: 1 to USER_ID_CHARS characters in its canonical
    spelling, letters of any script, digits and SIGNS, at least one letter or digit, nothing unseen, no Latin letters
    beside Cyrillic or Greek ones.
    """
    name = canonical_user_id(user_id)
    _check(name, field)
    return name


class Names:
    """How a chat tells its users apart: by names that people choose, in any spelling, or by a site's own ids, exactly.

    - `checked(user_id, field)` returns the canonical spelling of a name. Raises InvalidField: it breaks a rule.
    - `canonical(user_id)` returns it too, and checks nothing.
    - `key(user_id)` returns the key by which two names are one user.

    These are functions and no methods, since each message calls them.
    """

    def __init__(self, is_exact: bool = False) -> None:
        """`is_exact`: a site says who is there."""
        self.is_exact = is_exact
        self.key: Callable[[str], str] = str if is_exact else name_key
        self.canonical: Callable[[str], str] = str if is_exact else canonical_user_id
        self.checked: Callable[[str, str], str] = _checked_id if is_exact else checked_user_id


def check_kind(kind: str) -> None:
    """Raise InvalidField: it cannot say what a message is."""
    if not _KIND.fullmatch(kind):
        raise InvalidField(field="kind", rule="malformed")


def text_of_id(user_id: object, field: str) -> str:
    """Return an id of a site's own as text. Raises InvalidField: it is no id, such as None where nobody is signed in."""
    if isinstance(user_id, bool) or not isinstance(user_id, str | int | UUID):
        raise InvalidField(field=field, rule="wrong_type", expected="a string, an integer or a UUID")
    return str(user_id)


def canonical_user_id(user_id: str) -> str:
    """Return the canonical spelling of a name, Unicode NFKC: 한글 typed on two systems is one user."""
    return user_id if user_id.isascii() else unicodedata.normalize("NFKC", user_id)


@lru_cache(maxsize=8_192)
def name_key(user_id: str) -> str:
    """Return the key by which two names are one user: `Admin` and `ADMIN` (Unicode 3.13, D146)."""
    if user_id.isascii():
        lowered = user_id.lower()
        return user_id if lowered == user_id else lowered  # most are: one text is kept of each, not two
    folded = unicodedata.normalize("NFD", user_id).casefold()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKD", folded).casefold())


def keys_of(names: Iterable[str], user_key: Callable[[str], str] = name_key) -> dict[str, str] | None:
    """Return the key of each name that is not its own key, as clients are told; None where all are."""
    return {name: key for name in names if (key := user_key(name)) != name} or None


def _checked_id(user_id: str, field: str) -> str:
    """Return a site's id as it is. Raises InvalidField."""
    _check_plain(user_id, field, _CONTROLS)
    return user_id


def _check_plain(name: str, field: str, unseen: re.Pattern[str]) -> None:
    """Check its length, and that it holds nothing that is `unseen`. Raises InvalidField."""
    if not name:
        raise InvalidField(field=field, rule="empty")
    if len(name) > USER_ID_CHARS:
        raise InvalidField(field=field, rule="too_long", max=USER_ID_CHARS)
    if unseen.search(name):
        raise InvalidField(field=field, rule="invisible")


def _check(name: str, field: str) -> None:
    """Check a name in its canonical spelling. Raises InvalidField."""
    if len(name) <= USER_ID_CHARS and _ASCII_NAME.fullmatch(name):  # most are; the rules one by one take 20 us
        return
    _check_plain(name, field, _UNSEEN)
    if any(char.isspace() for char in name):
        raise InvalidField(field=field, rule="white_space")
    categories = [unicodedata.category(char) for char in name]
    for char, category in zip(name, categories, strict=True):
        if category not in LETTERS_AND_DIGITS and char not in SIGNS:
            raise InvalidField(field=field, rule="sign", sign=f"U+{ord(char):04X}")
    if not any(category[0] in "LN" for category in categories):
        raise InvalidField(field=field, rule="no_letter")
    if re.search(rf"(?<![LM])M|M{{{MARKS_ON_A_LETTER + 1}}}", "".join(category[0] for category in categories)):
        raise InvalidField(field=field, rule="too_many_marks", max=MARKS_ON_A_LETTER)
    scripts = {unicodedata.name(char, "").partition(" ")[0] for char in name}
    for both in APART:
        if scripts >= both:
            raise InvalidField(field=field, rule="mixed_scripts", scripts=sorted(map(str.capitalize, both)))
