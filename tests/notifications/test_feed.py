"""One line of notifications: in the order of ids, each once, whatever comes while the older ones are read."""

from __future__ import annotations

from chat.notifications.feed import HELD, Line


class Noted(Line):
    def __init__(self, last: int = 0) -> None:
        super().__init__(last)
        self.sent: list[int | bytes] = []

    def pass_on(self, id_: int, frame: bytes) -> bool:
        self.sent.append(id_ or frame)
        return True


def test_new_ones_wait_for_the_older_and_none_is_sent_twice() -> None:
    line = Noted()
    assert line.deliver(3, b"3")  # stored before the older ones were read, delivered meanwhile
    assert line.deliver(4, b"4")
    assert line.sent == []
    for older in (1, 2, 3):
        line.send_once(older, b"")
    line.go_on()
    line.deliver(5, b"5")
    assert line.sent == [1, 2, 3, 4, 5]


def test_a_resumed_line_begins_behind_its_last_one() -> None:
    line = Noted(last=7)
    line.deliver(7, b"")
    line.go_on()
    line.deliver(8, b"")
    assert line.sent == [8]


def test_what_is_dismissed_while_it_is_on_its_way_is_dismissed_behind_it() -> None:
    line = Noted()
    line.say(b"dismissed 1")
    line.send_once(1, b"")
    line.go_on()
    line.say(b"dismissed 2")
    assert line.sent == [1, b"dismissed 1", b"dismissed 2"]


def test_not_more_than_so_many_wait() -> None:
    line = Noted()
    assert all(line.deliver(n, b"") for n in range(1, HELD + 1))
    assert not line.deliver(HELD + 1, b"")
