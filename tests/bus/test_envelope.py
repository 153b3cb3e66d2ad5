"""What one worker writes is what another reads, and nothing else is taken for it."""

from __future__ import annotations

import pytest

from chat.bus.envelope import EVENT, MESSAGE, packed, unpacked


@pytest.mark.parametrize("name", ["bob", "김철수", ""])
def test_an_envelope_is_read_as_it_was_written(name: str) -> None:
    frame = b"\x81\x05hello\nworld"
    assert unpacked(b"w1\n" + packed(MESSAGE, 7, name, frame)) == (b"w1", [(MESSAGE, 7, name, frame)])


def test_letters_that_were_published_together_are_read_one_by_one() -> None:
    letters = [(MESSAGE, 7, "bob", b"one\n"), (EVENT, 0, "", b""), (MESSAGE, 8, "bob", b"two")]
    assert unpacked(b"w1\n" + b"".join(packed(*letter) for letter in letters)) == (b"w1", letters)


LETTER = packed(MESSAGE, 1, "bob", b"frame")


@pytest.mark.parametrize(
    "data",
    [b"", b"hello", b"w\nhello", b"w\nm 1 5 bob\nframe", b"w\n" + LETTER[:-1], b"w\n" + LETTER + b"e",
     b"w\n" + LETTER.replace(b"bob", b"bo\xff")],
)  # fmt: skip
def test_what_another_program_publishes_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        unpacked(data)
