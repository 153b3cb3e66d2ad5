"""Names: which are taken, in which spelling, which are one user's, and which rule a refused one breaks."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.errors import InvalidField
from chat.protocol import names
from chat.protocol.names import _check, canonical_user_id, checked_user_id, keys_of, name_key

TAKEN = [
    "a", "7", "한글", "김민지", "علي", "नमस्ते", "สวัสดี", "日本語", "Ελένη", "Борис", "Đặng", "e\u0301",
    "o'clock".replace("'", "."), "a.b_c-d@e", "alice@example.com", "Ａｄｍｉｎ", "ﬁn", "①", "한".ljust(64, "글"), "a" * 64,
]  # fmt: skip
REFUSED = {
    "too_long": ["a" * 65, "가" * 65, "a" * 10_000, "e\u0301\u0323" * 64],
    "invisible": [
        "a\u202eb", "a\u200bb", "a\u200db", "\u3164", "\u115f", "a\ufe0f", "a\u034fb", "a\xad", "a\x00b", "a\nb", "a\x1b[31m",
        "\ufeffa", "a\u2066b", "a\U000e0041", "\U00013441", "a\U00016fe4",
    ],
    "white_space": [" a", "a ", "a b", "김 민지", "a\u3000b", "a\xa0b"],
    "sign": ["a/b", "<img>", "a'--", "a%", "a+b", "👩", "a·b", "x\uffff", "a\ue000b", "²/3"],
    "no_letter": ["...", "@", "-", ".", ".."],
    "too_many_marks": ["\u0301a", "a" + "\u0330" * 5, "7\u0301"],
    "mixed_scripts": ["аdmin", "pаypal", "adminα", "Οscar", "boрis"],
}  # fmt: skip


@pytest.mark.parametrize("name", TAKEN)
def test_letters_of_every_script_digits_and_four_signs_make_a_name(name: str) -> None:
    assert checked_user_id(name, "userId") == unicodedata.normalize("NFKC", name)


@pytest.mark.parametrize(
    ("rule", "name"), [(rule, name) for rule, names in REFUSED.items() for name in names], ids=ascii
)
def test_a_refused_name_is_told_the_rule_that_it_breaks(rule: str, name: str) -> None:
    with pytest.raises(InvalidField) as refused:
        checked_user_id(name, "toUserId")
    assert (refused.value.field, refused.value.rule) == ("toUserId", rule)
    assert refused.value.message.startswith("toUserId m")
    assert refused.value.message.isascii()
    assert refused.value.message.isprintable()


@given(st.text(st.characters(codec="ascii"), max_size=66) | st.text(st.sampled_from("aZ09._-@ "), max_size=66))
def test_a_name_in_ascii_is_judged_at_once_as_by_the_rules_one_by_one(name: str) -> None:
    def rule() -> str | None:
        try:
            _check(name, "userId")
        except InvalidField as refused:
            return str(refused.rule)
        return None

    at_once = rule()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(names, "_ASCII_NAME", re.compile("(?!)"))
        assert rule() == at_once


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Admin", "ADMIN"), ("Admin", "Ａｄｍｉｎ"), ("Straße", "STRASSE"), ("Νίκος", "ΝΊΚΟΣ"), ("한글", "한글"),
        ("Éa", "e\u0301A"), ("ﬁn", "FIN"),
    ],
)  # fmt: skip
def test_spellings_of_one_name_share_a_key(one: str, other: str) -> None:
    keys = {name_key(checked_user_id(name, "userId")) for name in (one, other)}
    assert len(keys) == 1


def test_only_names_that_are_not_their_own_key_are_told_with_one() -> None:
    assert keys_of(["bob", "Bob", "kız", "KIZ", "weiß", "한글"]) == {"Bob": "bob", "KIZ": "kiz", "weiß": "weiss"}
    assert keys_of(["bob", "kız", "한글"]) is None


def test_other_names_do_not() -> None:
    names = {checked_user_id(name, "userId") for name in TAKEN}
    assert len({name_key(name) for name in names}) == len(names) > 10


def test_two_spellings_of_one_korean_name_are_one_user() -> None:
    name = "김한글" * 21
    typed_on_a_mac = unicodedata.normalize("NFD", name)
    assert len(typed_on_a_mac) > 64 > len(name), "need two spellings for this to mean anything"
    assert checked_user_id(typed_on_a_mac, "userId") == name


@given(st.text(max_size=80))
def test_a_name_that_is_taken_is_taken_again_in_its_one_spelling(text: str) -> None:
    try:
        name = checked_user_id(text, "userId")
    except InvalidField:
        return
    assert checked_user_id(name, "userId") == canonical_user_id(name) == name
    assert name_key(name_key(name)) == name_key(name)
    assert "\x1f" not in name
