"""What waits for many peers that do not read is bounded, and costs the fullest of them alone their connection."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from chat.transport.connections import CLOSED, CLOSING, OPEN
from chat.transport.outbox_shares import OUTBOXES_OF_A_USER, OUTBOXES_OF_ALL, OUTBOXES_OF_AN_ADDRESS, OutboxShares

OUTBOX = 1_000


class FakePeer:
    def __init__(self, held: int, owner: str | None, address: str = "192.0.2.1") -> None:
        self.held_bytes = held
        self.owner = owner
        self.address = address
        self.state = OPEN

    def overflow(self) -> None:
        self.held_bytes, self.state = 0, CLOSING

    def abort(self, reason: str) -> None:
        self.held_bytes, self.state = 0, CLOSED


class Peers(list[FakePeer]):
    settings = SimpleNamespace(outbox_bytes=OUTBOX)


def swept(*peers: FakePeer) -> list[FakePeer]:
    """Sweep, and return those that live."""
    connections: Any = Peers(peers)
    OutboxShares(connections, user_of=lambda peer: peer.owner).sweep()  # type: ignore[attr-defined]
    return [peer for peer in peers if peer.state == OPEN]


def test_many_sockets_of_one_user_that_do_not_read_hold_no_more_than_a_share() -> None:
    full = [FakePeer(OUTBOX - n, "mallory") for n in range(50)]
    bob = FakePeer(OUTBOX, "bob")
    living = swept(*full, bob)
    assert bob in living
    assert 0 < sum(peer.held_bytes for peer in living if peer is not bob) <= OUTBOXES_OF_A_USER * OUTBOX
    assert full[0] not in living, "the fullest go"
    assert full[-1] in living


def test_many_users_of_one_address_that_do_not_read_hold_no_more_than_a_share() -> None:
    full = [FakePeer(OUTBOX, f"user {n}", f"2001:db8::{n:x}") for n in range(2_000)]
    reading = [FakePeer(0, f"user {n}", "2001:db8::1") for n in range(10)]
    elsewhere = FakePeer(OUTBOX, "bob", "192.0.2.1")
    living = swept(*full, *reading, elsewhere)
    assert set(living).issuperset([*reading, elsewhere])
    assert len(living) == OUTBOXES_OF_AN_ADDRESS + len(reading) + 1


def test_all_together_hold_no_more_than_a_bound() -> None:
    full = [FakePeer(OUTBOX, f"user {n}", f"192.0.{n // 200}.{n % 200}") for n in range(2_000)]
    assert len(swept(*full)) == OUTBOXES_OF_ALL


def test_a_proxys_socket_is_no_address_and_sockets_without_a_user_count_too() -> None:
    behind_a_proxy = [FakePeer(OUTBOX, None, "-") for _ in range(OUTBOXES_OF_ALL)]
    assert len(swept(*behind_a_proxy)) == OUTBOXES_OF_ALL
    strangers = [FakePeer(OUTBOX, None) for _ in range(OUTBOXES_OF_ALL)]
    assert len(swept(*strangers)) == OUTBOXES_OF_AN_ADDRESS


def test_one_that_is_being_closed_and_does_not_read_is_cut_off() -> None:
    closing = [FakePeer(OUTBOX, "mallory") for _ in range(50)]
    for peer in closing:
        peer.state = CLOSING
    swept(*closing)
    assert sum(peer.held_bytes for peer in closing) == OUTBOXES_OF_A_USER * OUTBOX
    assert {peer.state for peer in closing} == {CLOSING, CLOSED}
