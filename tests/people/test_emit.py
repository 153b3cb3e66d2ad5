"""Where an event goes: every socket of a user, and the sender's own one left out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chat.people.online import emit, encoded, sockets


class FakeSocket:
    def __init__(self, takes: bool = True) -> None:
        self.owner: str | None = None
        self.frames: list[bytes] = []
        self._takes = takes

    def send(self, frame: bytes) -> bool:
        self.frames.append(frame)
        return self._takes


@pytest.fixture
def two_tabs() -> Iterator[tuple[FakeSocket, FakeSocket]]:
    tabs = FakeSocket(), FakeSocket()
    for tab in tabs:
        sockets.add("김한글", tab)
    yield tabs
    for tab in tabs:
        sockets.remove(tab)
    assert not sockets.of("김한글")


def test_every_socket_of_a_user_gets_the_event_in_one_frame(two_tabs: tuple[FakeSocket, ...]) -> None:
    assert emit({"type": "poke"}, to="김한글") == 2
    assert two_tabs[0].frames == two_tabs[1].frames == [b'\x81\x0f{"type":"poke"}']
    assert two_tabs[0].frames[0] is two_tabs[1].frames[0], "an event is encoded once"


def test_the_socket_to_skip_is_skipped(two_tabs: tuple[FakeSocket, ...]) -> None:
    assert emit(encoded({"type": "poke"}), to="김한글", skip=two_tabs[0]) == 1
    assert not two_tabs[0].frames


def test_a_name_in_another_spelling_is_the_same_user(two_tabs: tuple[FakeSocket, ...]) -> None:
    import unicodedata

    assert emit({"type": "poke"}, to=unicodedata.normalize("NFD", "김한글")) == 2


def test_somebody_offline_is_reached_zero_times() -> None:
    assert emit({"type": "poke"}, to="nobody") == 0


def test_a_socket_that_takes_nothing_is_not_counted() -> None:
    closing = FakeSocket(takes=False)
    sockets.add("eve", closing)
    assert emit({"type": "poke"}, to="eve") == 0
    sockets.remove(closing)


def test_bytes_that_are_no_frame_are_refused(two_tabs: tuple[FakeSocket, ...]) -> None:
    with pytest.raises(TypeError):
        emit(b'{"type": "poke"}', to="김한글")
    assert not two_tabs[0].frames
