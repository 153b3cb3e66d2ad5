"""The dict of who is here, and sending to all of a user's sockets."""

from __future__ import annotations

import random
import unicodedata
from threading import Barrier, Thread
from typing import Any

import pytest

import chat
from chat.people.online import Online, encoded


class FakeSocket:
    """Keeps what it is sent. `takes`: whether it says that it took it."""

    def __init__(self, takes: bool = True) -> None:
        self.owner: str | None = None
        self.frames: list[bytes] = []
        self._takes = takes

    def send(self, frame: bytes) -> bool:
        self.frames.append(frame)
        return self._takes


@pytest.fixture
def online() -> Online[Any]:
    return Online()


def test_a_user_comes_online_with_the_first_socket_and_goes_with_the_last(online: Online[Any]) -> None:
    tab, phone = FakeSocket(), FakeSocket()
    assert online.of("alice") == ()
    assert online.add("alice", tab) is True
    assert online.add("alice", phone) is False
    assert online.of("alice") == (tab, phone)
    assert len(online) == 1
    assert online.remove(tab) is False
    assert online.of("alice") == (phone,)
    assert online.remove(phone) is True
    assert online.of("alice") == ()
    assert len(online) == 0


def test_a_socket_knows_its_owner_as_long_as_it_is_in_the_dict(online: Online[Any]) -> None:
    tab = FakeSocket()
    online.add("alice", tab)
    assert tab.owner == "alice"
    online.remove(tab)
    assert tab.owner is None


def test_a_socket_that_is_added_as_another_user_moves(online: Online[Any]) -> None:
    tab, other = FakeSocket(), FakeSocket()
    online.add("alice", tab)
    online.add("alice", other)
    assert online.add("bob", tab) is True
    assert online.of("alice") == (other,)
    assert online.of("bob") == (tab,)
    assert tab.owner == "bob"
    assert online.add("bob", other) is False
    assert len(online) == 1, "alice has gone with her last socket"


def test_adding_twice_or_removing_what_is_not_there_changes_nothing(online: Online[Any]) -> None:
    tab, stranger = FakeSocket(), FakeSocket()
    online.add("alice", tab)
    assert online.add("alice", tab) is False
    assert online.of("alice") == (tab,)
    assert online.remove(stranger) is False
    assert online.remove(tab) is True
    assert online.remove(tab) is False


def test_whoever_walks_over_a_users_sockets_may_see_some_leave(online: Online[Any]) -> None:
    tabs = [FakeSocket() for _ in range(3)]
    for tab in tabs:
        online.add("alice", tab)
    walked = []
    for socket in online.of("alice"):
        walked.append(socket)
        online.remove(socket)  # as a send that fails does
    assert walked == tabs
    assert online.of("alice") == ()


def test_threads_that_add_move_and_remove_leave_the_dict_consistent(online: Online[Any]) -> None:
    names = ["alice", "bob", "carol"]
    kept = [FakeSocket() for _ in range(4)]
    start = Barrier(4)
    failures: list[Exception] = []

    def churn(seed: int, last: FakeSocket) -> None:
        choose, own = random.Random(seed), FakeSocket()
        start.wait()
        try:
            for _ in range(3_000):
                online.add(choose.choice(names), own)
                assert own in online.of(own.owner or "")
                if choose.random() < 0.5:
                    online.remove(own)
            online.remove(own)
            online.add("dave", last)
        except Exception as error:
            failures.append(error)

    threads = [Thread(target=churn, args=item) for item in enumerate(kept)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert set(online.of("dave")) == set(kept)
    assert len(online) == 1


# Sending.


@pytest.fixture
def two_tabs(online: Online[Any]) -> tuple[FakeSocket, FakeSocket]:
    tabs = FakeSocket(), FakeSocket()
    for tab in tabs:
        online.add("김한글", tab)
    return tabs


def test_every_socket_of_a_user_gets_the_event_in_one_frame(
    online: Online[Any], two_tabs: tuple[FakeSocket, ...]
) -> None:
    assert online.emit({"type": "poke"}, to="김한글") == 2
    assert two_tabs[0].frames == two_tabs[1].frames == [b'\x81\x0f{"type":"poke"}']
    assert two_tabs[0].frames[0] is two_tabs[1].frames[0], "an event is encoded once"


def test_the_socket_to_skip_is_skipped(online: Online[Any], two_tabs: tuple[FakeSocket, ...]) -> None:
    assert online.emit(encoded({"type": "poke"}), to="김한글", skip=two_tabs[0]) == 1
    assert not two_tabs[0].frames


def test_a_name_in_another_spelling_is_the_same_user(online: Online[Any], two_tabs: tuple[FakeSocket, ...]) -> None:
    assert online.emit({"type": "poke"}, to=unicodedata.normalize("NFD", "김한글")) == 2


def test_somebody_offline_is_reached_zero_times(online: Online[Any]) -> None:
    assert online.emit({"type": "poke"}, to="nobody") == 0


def test_a_socket_that_takes_nothing_is_not_counted(online: Online[Any]) -> None:
    online.add("eve", FakeSocket(takes=False))
    assert online.emit({"type": "poke"}, to="eve") == 0


def test_bytes_that_are_no_frame_are_refused(online: Online[Any], two_tabs: tuple[FakeSocket, ...]) -> None:
    with pytest.raises(TypeError):
        online.emit(b'{"type": "poke"}', to="김한글")
    assert not two_tabs[0].frames


def test_where_no_chat_is_served_emit_reaches_nobody() -> None:
    assert chat.emit({"type": "poke"}, to="nobody") == 0
