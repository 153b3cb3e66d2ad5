"""What one worker writes is what another reads, and nothing else is taken for it."""

from __future__ import annotations

import pytest

from chat.bus.envelope import MESSAGE, packed, unpacked


@pytest.mark.parametrize("name", ["bob", "김철수", ""])
def test_an_envelope_is_read_as_it_was_written(name: str) -> None:
    frame = b"\x81\x05hello\nworld"
    assert unpacked(packed(b"w1", MESSAGE, 7, name, frame)) == (b"w1", MESSAGE, 7, name, frame)


@pytest.mark.parametrize("data", [b"", b"hello", b"w m x bob\nframe", b"w m 1 \xff\nframe", b"w m\nframe"])
def test_what_another_program_publishes_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        unpacked(data)
