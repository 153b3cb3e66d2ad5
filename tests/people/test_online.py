"""The dict of who is here."""

from __future__ import annotations

import random
from threading import Barrier, Thread

from chat.transport.sockets import UserSockets


class FakeSocket:
    owner: str | None = None

    def send(self, frame: bytes) -> bool:
        raise AssertionError("the dict sends nothing")


def test_a_user_comes_online_with_the_first_socket_and_goes_with_the_last() -> None:
    sockets, tab, phone = UserSockets(), FakeSocket(), FakeSocket()
    assert sockets.of("alice") == ()
    assert sockets.add("alice", tab) is True
    assert sockets.add("alice", phone) is False
    assert sockets.of("alice") == (tab, phone)
    assert len(sockets) == 1
    assert sockets.remove(tab) is False
    assert sockets.of("alice") == (phone,)
    assert sockets.remove(phone) is True
    assert sockets.of("alice") == ()
    assert len(sockets) == 0


def test_a_socket_knows_its_owner_as_long_as_it_is_in_the_dict() -> None:
    sockets, tab = UserSockets(), FakeSocket()
    sockets.add("alice", tab)
    assert tab.owner == "alice"
    sockets.remove(tab)
    assert tab.owner is None


def test_a_socket_that_is_added_as_another_user_moves() -> None:
    sockets, tab, other = UserSockets(), FakeSocket(), FakeSocket()
    sockets.add("alice", tab)
    sockets.add("alice", other)
    assert sockets.add("bob", tab) is True
    assert sockets.of("alice") == (other,)
    assert sockets.of("bob") == (tab,)
    assert tab.owner == "bob"
    assert sockets.add("bob", other) is False
    assert len(sockets) == 1, "alice has gone with her last socket"


def test_adding_twice_or_removing_what_is_not_there_changes_nothing() -> None:
    sockets, tab, stranger = UserSockets(), FakeSocket(), FakeSocket()
    sockets.add("alice", tab)
    assert sockets.add("alice", tab) is False
    assert sockets.of("alice") == (tab,)
    assert sockets.remove(stranger) is False
    assert sockets.remove(tab) is True
    assert sockets.remove(tab) is False


def test_whoever_walks_over_a_users_sockets_may_see_some_leave() -> None:
    sockets, tabs = UserSockets(), [FakeSocket() for _ in range(3)]
    for tab in tabs:
        sockets.add("alice", tab)
    walked = []
    for socket in sockets.of("alice"):
        walked.append(socket)
        sockets.remove(socket)  # as a send that fails does
    assert walked == tabs
    assert sockets.of("alice") == ()


def test_threads_that_add_move_and_remove_leave_the_dict_consistent() -> None:
    sockets, names = UserSockets(), ["alice", "bob", "carol"]
    kept = [FakeSocket() for _ in range(4)]
    start = Barrier(4)
    failures: list[Exception] = []

    def churn(seed: int, last: FakeSocket) -> None:
        choose, own = random.Random(seed), FakeSocket()
        start.wait()
        try:
            for _ in range(3_000):
                sockets.add(choose.choice(names), own)
                assert own in sockets.of(own.owner or "")
                if choose.random() < 0.5:
                    sockets.remove(own)
            sockets.remove(own)
            sockets.add("dave", last)
        except Exception as error:
            failures.append(error)

    threads = [Thread(target=churn, args=item) for item in enumerate(kept)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert set(sockets.of("dave")) == set(kept)
    assert len(sockets) == 1
