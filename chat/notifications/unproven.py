"""Owns what was sent into a connection that was cut: the webhook is told, once, of what nothing proves to be read.

Proofs are the user's `received` pointer and `seen`, which pongs and receipts move. What was sent to nobody is left to
those who send.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from chat.errors import ChatError
from chat.messages.missed import chat_event
from chat.notifications.feed import event_of
from chat.people.online import Online, Receiver, Socket
from chat.storage.records import Message
from chat.storage.storage import Storage

CUT = ("1006", "4008")  # how the reason of a connection begins that did not say goodbye, or did not read
STREAM_SECONDS = 960.0  # until the kernel gives a dead line up: a reader of a stream never says anything
MOST_CONVERSATIONS = 1_000
MOST_MESSAGES = 200  # of one conversation
MOST_NOTIFICATIONS = 1_000


@dataclass(eq=False, slots=True)
class Taken:
    """What one connection took live since it is its user's."""

    messages: dict[str, list[int]] = field(default_factory=dict)  # the other user -> first and last `seq`
    notifications: list[int] = field(default_factory=list)  # ids; the latest
    since_ms: int = 0  # of a connection that was cut: what is older has arrived

    def message(self, other: str, seq: int) -> None:
        """Note a message of the conversation with `other`."""
        if (place := self.messages.get(other)) is None:
            self.messages[other] = [seq, seq]
        else:
            place[1] = max(seq, place[1])

    def notification(self, id_: int) -> None:
        self.notifications.append(id_)
        if len(self.notifications) > MOST_NOTIFICATIONS:
            del self.notifications[: MOST_NOTIFICATIONS // 2]

    def join(self, other: "Taken") -> None:
        """Take over what another connection of the same user took."""
        for user_id, (first, last) in other.messages.items():
            place = self.messages.setdefault(user_id, [first, last])
            place[:] = min(first, place[0]), max(last, place[1])
        for id_ in other.notifications:
            self.notification(id_)
        self.since_ms = min(self.since_ms, other.since_ms)


class Taker(Protocol):
    taken: Taken | None


@dataclass(eq=False)
class Unproven:
    """What is to be proven yet in one chat."""

    _storage: Storage
    _tell: Callable[[str, msgspec.Struct], None]  # the webhook's, of a user and what was missed
    _is_told: bool  # whether there is a webhook
    _sockets: Online[Socket]
    _streams: Online[Receiver]
    _spawn: Callable[..., None]
    _wait: Callable[[], None]  # blocks while a user may come back, who then proves it after all
    _alive_seconds: float  # after which a silent socket is cut: what was sent before has arrived

    def __post_init__(self) -> None:
        self._cut: dict[str, Taken] = {}  # by user: of the connections that were cut, until it is settled

    def taken(self) -> Taken | None:
        """Return where a new connection notes what it takes; None: nobody wants to know."""
        return Taken() if self._is_told else None

    def left(self, user_id: str | None, taken: Taken | None, reason: str, seconds: float | None = None) -> None:
        """A connection is gone. `seconds`: those before which it has read all; None: its pongs say what. Never blocks."""
        if user_id is None or taken is None or not reason.startswith(CUT):
            return
        taken.since_ms = 0 if seconds is None else int((time.time() - seconds) * 1000)
        if (others := self._cut.get(user_id)) is not None:
            others.join(taken)
        elif taken.messages or taken.notifications:
            self._cut[user_id] = taken
            self._spawn(self._settle, user_id)

    def socket_left(self, user_id: str | None, taken: Taken | None, reason: str, wants_sync: bool) -> None:
        """As `left`, of a WebSocket."""
        self.left(user_id, taken, reason, self._alive_seconds if wants_sync else None)

    def _settle(self, user_id: str) -> None:
        """Tell what is unproven, unless another connection of the user has to prove it now. Blocks."""
        self._wait()
        taken = self._cut.pop(user_id)
        if self._is_left_to(self._sockets.of(user_id), taken):
            return
        of_streams = Taken(notifications=taken.notifications, since_ms=taken.since_ms)
        if self._is_left_to(self._streams.of(user_id), of_streams):
            taken.notifications = []
        try:
            for event in self._storage.in_thread(lambda: [*self._missed(user_id, taken)]):
                self._tell(user_id, event)
        except ChatError:  # it is logged; the user finds it all the same
            pass

    def _is_left_to(self, connections: tuple[Taker, ...], taken: Taken) -> bool:
        for connection in connections[-1:]:
            if connection.taken is not None:
                connection.taken.join(taken)
        return bool(connections)

    def _messages(self, user_id: str, other: str, after: int, last: int) -> Iterator[Message]:
        """Read the messages behind `after`, up to `last`: MOST_MESSAGES, however few long ones fill a page."""
        last = min(last, after + MOST_MESSAGES)
        while after < last:
            page = self._storage.messages.history(user_id, other, last - after, before=last + 1, after=after)
            if not page.messages:
                return
            yield from page.messages
            after = page.messages[-1].seq

    def _missed(self, user_id: str, taken: Taken) -> Iterator[msgspec.Struct]:
        """Read what of it is neither received nor seen. Runs in a thread."""
        standings = self._storage.messages.standings(user_id, MOST_CONVERSATIONS) if taken.messages else []
        for state in standings:
            first, last = taken.messages.get(state.with_user_id, (1, 0))
            for message in self._messages(user_id, state.with_user_id, max(first - 1, state.received), last):
                if message.sender_id != user_id and message.body and message.sent_at >= taken.since_ms:
                    yield chat_event(message, user_id, self._storage.user_key)
        if ids := set(taken.notifications):
            for notice in self._storage.notifications.after(user_id, min(ids) - 1, MOST_NOTIFICATIONS, unseen=True):
                if notice.id in ids and notice.content.created_at >= taken.since_ms:
                    yield event_of(notice)
