"""Owns the bounds of what waits for many peers together that read too slowly: one user's, one address's, and all.

What waits for one peer is bounded by its outbox. Sums are taken once a second, since no frame should pay for them.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable

from chat.limits import UNKNOWN_ADDRESS, origin_of
from chat.transport.connections import OPEN, Connection, Connections

# Each in outboxes of CHAT_OUTBOX_BYTES.
OUTBOXES_OF_A_USER = 8
OUTBOXES_OF_AN_ADDRESS = 128
OUTBOXES_OF_ALL = 512
LITTLE = 64  # the part of an outbox that is not worth a look: most peers have nothing that waits


class OutboxShares:
    """Closes the fullest peers of who holds more than a share."""

    def __init__(self, connections: Connections, user_of: Callable[[object], str | None]) -> None:
        """`user_of`: returns whose a connection is; None: nobody's yet."""
        self._connections = connections
        self._user_of = user_of
        self.bytes = 0  # that waited for all at the last look

    def sweep(self) -> None:
        """Look at all. Called once a second."""
        outbox = self._connections.settings.outbox_bytes
        most = {"user": OUTBOXES_OF_A_USER * outbox, "address": OUTBOXES_OF_AN_ADDRESS * outbox}
        held: dict[tuple[str, Hashable], int] = defaultdict(int)
        full: list[tuple[int, Connection]] = []
        total = 0
        for peer in self._connections:
            total += (size := peer.held_bytes)
            if size > outbox // LITTLE:
                full.append((size, peer))
                for key in self._keys(peer):
                    held[key] += size
        self.bytes = total
        full.sort(key=lambda one: one[0], reverse=True)
        for size, peer in full:
            keys = self._keys(peer)
            if any(held[key] > most.get(key[0], OUTBOXES_OF_ALL * outbox) for key in keys):
                for key in keys:
                    held[key] -= size
                if peer.state is OPEN:
                    peer.overflow()
                else:  # what waits before its close frame is not read either
                    peer.abort("1006 reads too slowly")

    def _keys(self, peer: Connection) -> list[tuple[str, Hashable]]:
        """Return whose shares it is of."""
        keys: list[tuple[str, Hashable]] = [("all", None)]
        if (user := self._user_of(peer)) is not None:
            keys.append(("user", user))
        if peer.address != UNKNOWN_ADDRESS:
            keys.append(("address", origin_of(peer.address)))
        return keys
