"""What new names may look like."""

from __future__ import annotations

import pytest

from chat.errors import InvalidField
from chat.protocol.lookalikes import check_scripts, skeleton
from chat.protocol.names import name_key
from tests.protocol.test_names import TAKEN


@pytest.mark.parametrize(
    "name",
    [
        *TAKEN,
        "김Kim", "金김Kim7", "ゆきYuki", "田中ユキ", "田中さんTanaka", "ラーメン", "々木", "王小明Ming", "ㄅㄆ王Wang", "สมชาย7", "محمد.علي", "٣علي",
        "O\u02bcBrien", "Nguyễn_Văn", "Ιωάννης", "Владимир2", "ኣበበ", "ជា", "ᏣᎳᎩ", "ᐃᓄᒃ", "משה-לוי", "গীতা", "தமிழ்", "ქართული", "հայ",
    ],
)  # fmt: skip
def test_names_of_every_script_and_of_those_that_are_written_together_may_be_new(name: str) -> None:
    check_scripts(name, "userId")


@pytest.mark.parametrize(
    ("name", "scripts"),
    [
        ("jօhn", "Armenian and Latin"), ("pаypal", "Cyrillic and Latin"), ("김Ким", "Cyrillic and Hangul"),
        ("ᎪᎳa", "Cherokee and Latin"), ("가あ", "Hangul and Hiragana"), ("user٥", "Arabic and Latin"), ("ab๐", "Latin and Thai"),
    ],
)  # fmt: skip
def test_a_new_name_mixes_no_scripts_that_nobody_writes_together_and_is_told_which(name: str, scripts: str) -> None:
    with pytest.raises(InvalidField, match=f"userId must not mix {scripts} letters") as refused:
        check_scripts(name, "userId")
    assert refused.value.field == "userId"


@pytest.mark.parametrize(
    ("new", "existing"),
    [
        ("admın", "admin"), ("admın", "ADMIN"), ("ɡoogle", "google"), ("сосо", "coco"), ("coco", "сосо"), ("paypaI", "paypal"),
        ("adrnin", "Admin"), ("jοhn", "john"), ("user0", "userO"), ("Ivan", "lvan"),
    ],
)  # fmt: skip
def test_names_that_look_alike_share_a_skeleton(new: str, existing: str) -> None:
    assert skeleton(name_key(existing)) in {skeleton(new), skeleton(name_key(new))}


def test_other_names_do_not() -> None:
    names = [*TAKEN, "Ana", "Anna", "René", "Rene", "user1", "user11", "user2", "Бориз"]
    assert len({skeleton(name_key(name)) for name in names}) == len(names)
    syllables = [chr(code) for code in range(0xAC00, 0xD7A4)]
    assert len({skeleton(syllable) for syllable in syllables}) == len(syllables) == 11_172
