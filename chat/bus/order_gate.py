"""Owns the order in which a worker's users get messages that several workers store: of each conversation seq by seq.

A message is passed on when all before it were. One that comes too early is held for a moment; if what lies between does
not come, it is read. One that was passed on already is dropped.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from chat.errors import ChatError

HOLD_SECONDS = 0.1  # another worker's message is on its way so long at most, unless it is lost
RETRY_SECONDS = 1.0  # while the database does not answer
MOST_HELD = 1_000  # messages of one conversation; whoever has more to wait for begins anew

Passed = Callable[[], None]


class Held(NamedTuple):
    """A message as sockets get it. `skip`: the socket that sent it; `passed`: called when it has passed, or never will."""

    frame: bytes
    skip: object = None
    passed: Passed = lambda: None


HandOver = Callable[[str, str, int, bytes, object], int]  # user, other, seq, frame, skip: to the user's sockets
ReadBetween = Callable[[str, str, int, int], Mapping[int, bytes]]  # user, other, after, up to: seq -> frame; blocks
Later = Callable[..., None]  # seconds, function, arguments: calls it then, in a greenlet


@dataclass(slots=True)
class _Passage:
    """One user's way through the gate."""

    last: dict[str, int] = field(default_factory=dict)  # other user -> seq that was passed on last
    is_complete: bool = False  # whether who is not in `last` has a conversation that begins now
    held: dict[str, dict[int, Held]] = field(default_factory=dict)  # other user -> seq -> what waits
    opening: list[tuple[str, int, Held]] | None = field(default_factory=list)  # until `begin`


@dataclass(eq=False)
class OrderGate:
    """The gate of one worker. Lives on the event loop; only `fill` blocks."""

    _hand_over: HandOver
    _read: ReadBetween
    _later: Later
    _give_up: Callable[[str], None]  # sends a user's sockets away, who come back and begin anew
    _count_hold: Callable[[], None] = lambda: None  # called for each message that came too early

    def __post_init__(self) -> None:
        self._users: dict[str, _Passage] = {}

    @property
    def is_holding(self) -> bool:
        """Whether a message waits for what comes before it. Looks at every user."""
        return any(passage.held or passage.opening for passage in self._users.values())

    def open(self, user_id: str) -> None:
        """The user has a socket. What comes is held until `begin`."""
        self._users.setdefault(user_id, _Passage())

    def begin(self, user_id: str, last: Mapping[str, int], is_complete: bool) -> None:
        """The user's conversations were read: pass on what comes behind `last`. A further call changes nothing.

        `is_complete`: these are all that the user has.
        """
        passage = self._users.get(user_id)
        if passage is None or passage.opening is None:
            return
        opening, passage.opening = passage.opening, None
        passage.last, passage.is_complete = dict(last), is_complete
        for other, seq, held in opening:
            self._pass(user_id, passage, other, seq, held)

    def close(self, user_id: str) -> None:
        """The user has no socket any more."""
        passage = self._users.pop(user_id, None)
        if passage is not None:
            for *_, held in passage.opening or ():
                held.passed()
            for waiting in passage.held.values():
                for held in waiting.values():
                    held.passed()

    def last(self, user_id: str, other: str) -> int | None:
        """Return the `seq` that was passed on last of a conversation; None: nobody knows."""
        passage = self._users.get(user_id)
        if passage is None or passage.opening is not None:
            return None
        return passage.last.get(other, 0 if passage.is_complete else None)

    def deliver(
        self, user_id: str, other: str, seq: int, frame: bytes, skip: object = None, passed: Passed = lambda: None
    ) -> int | None:
        """Pass a message of the conversation with `other` on, in its order. Never blocks.

        Returns how many sockets took it; None: it waits for others, or it was passed on already. `passed` is called
        once, when nothing that comes before it is still to come.
        """
        passage = self._users.get(user_id)
        if passage is None:
            taken = 0
        elif passage.opening is not None:
            passage.opening.append((other, seq, Held(frame, skip, passed)))
            return None
        elif other in passage.held or passage.last.get(other, 0 if passage.is_complete else None) != seq - 1:
            return self._pass(user_id, passage, other, seq, Held(frame, skip, passed))
        else:  # nearly always
            passage.last[other] = seq
            taken = self._hand_over(user_id, other, seq, frame, skip)
        passed()
        return taken

    def fill(self, user_id: str, other: str, up_to: int = 0, after: int | None = None) -> None:
        """Read what lies between what was passed on and what is held, or `up_to`, and pass all of it on. Blocks.

        `after`: what was passed on last where nobody knows it.
        """
        passage = self._users.get(user_id)
        if passage is None or passage.opening is not None:
            return
        last = passage.last.get(other, 0)
        waiting = passage.held.get(other, {})
        end = max(up_to, *waiting, 0) if waiting else up_to
        if end <= last:
            for held in passage.held.pop(other, {}).values():
                held.passed()
            return
        if last == 0 and not passage.is_complete:  # nobody knows where it stood: not before what came
            last = min(waiting, default=end) - 1 if after is None else after
        missing = end - last - len(waiting)
        try:
            found = self._read(user_id, other, last, end) if missing > 0 else {}
        except ChatError:
            self._later(RETRY_SECONDS, self.fill, user_id, other, up_to, after)
            return
        if self._users.get(user_id) is not passage:  # gone meanwhile
            return
        waiting = passage.held.pop(other, {})  # more may have come
        for seq in sorted({*found, *waiting}):
            if max(last, passage.last.get(other, 0)) < seq <= end:
                passage.last[other] = seq
                self._hand(user_id, other, seq, waiting.get(seq) or Held(found[seq]))
            elif seq in waiting and seq <= end:
                waiting[seq].passed()
        passage.last[other] = max(end, passage.last.get(other, 0))  # what is not there was erased
        for seq in sorted(waiting):
            if seq > end:
                self._pass(user_id, passage, other, seq, waiting[seq])

    def _pass(self, user_id: str, passage: _Passage, other: str, seq: int, held: Held) -> int | None:
        last = passage.last.get(other, 0 if passage.is_complete else None)
        if last is not None and seq <= last:
            held.passed()
            return None
        waiting = passage.held.get(other)
        if waiting is None and last == seq - 1:
            passage.last[other] = seq
            return self._hand(user_id, other, seq, held)
        if waiting is None:
            waiting = passage.held[other] = {}
            self._later(HOLD_SECONDS, self.fill, user_id, other)
        self._count_hold()
        if seq in waiting:
            held.passed()
        else:
            waiting[seq] = held
        if len(waiting) > MOST_HELD:
            self._give_up(user_id)
        taken = None
        while last is not None and (one := waiting.pop(last + 1, None)) is not None:
            last += 1
            passage.last[other] = last
            taken = self._hand(user_id, other, last, one)
        if last is not None and not waiting:
            del passage.held[other]
        return taken

    def _hand(self, user_id: str, other: str, seq: int, held: Held) -> int:
        taken = self._hand_over(user_id, other, seq, held.frame, held.skip)
        held.passed()
        return taken
