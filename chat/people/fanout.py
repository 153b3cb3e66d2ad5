"""Owns the sending of what is stored to all connections of a user: those here, and by the relay those of other workers."""

from collections.abc import Callable, Sequence

from chat.people.online import Online, R

Reached = Callable[[int], None]  # called with how many took something: here its sockets, elsewhere its workers


class Fanout(Online[R]):
    """The users who are here, each with all connections, which get what is stored."""

    def hand_over(self, user_id: str, other: str, seq: int, frame: bytes, skip: object) -> int:
        """Send a stored message of the conversation with `other` to the user's sockets here, but not to `skip`.

        Returns how many took it. Never blocks.
        """
        taken = 0
        for socket in self.of(user_id):
            if socket is not skip and socket.deliver(other, seq, frame):  # type: ignore[attr-defined]
                taken += 1
        return taken

    def notify(self, user_id: str, id_: int, frame: Callable[[], bytes], then: Reached) -> int:
        """Send a stored notification to all of the user's; `frame` makes it, where somebody is to get it.

        Never blocks. Returns how many of this worker took it; `then` gets how many elsewhere too.
        """
        receivers = self.of(user_id)
        if self.relay is None and not receivers:
            then(0)
            return 0
        made = frame()
        taken = sum(receiver.notify(id_, made) for receiver in receivers)
        if self.relay is not None:
            self.relay.notification(user_id, id_, made, None if taken else then)
        if self.relay is None or taken:
            then(taken)
        return taken

    def tell(self, user_id: str, frame: Callable[[], bytes], skip: object = None) -> None:
        """Send what is said of a notification to all of the user's but `skip`, each behind that notification."""
        receivers = self.of(user_id)
        if receivers or self.relay is not None:
            made = frame()
            for receiver in receivers:
                if receiver is not skip:
                    receiver.tell(made)
            if self.relay is not None:
                self.relay.tell(user_id, made)

    def count_elsewhere(self, user_ids: Sequence[str]) -> int:
        """Return on how many other workers these users are, added up. Blocks."""
        return 0 if self.relay is None else sum(self.relay.elsewhere(user_ids))
