"""What clients and the database must agree on after any fault, in the manner of Jepsen.

Pure functions over what was logged. Who logs it stands in `workload.py`, what is done to the server in
`scenarios.py`; that each rule can fail is shown in `test_checker.py`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

Conversation = tuple[str, str]  # its two users, sorted


class Sent(NamedTuple):
    """A message that a client meant to send, however often it had to repeat it."""

    conversation: Conversation
    sender: str
    client_id: str
    body: str


class Acked(NamedTuple):
    """One ack that came in; a repeated send may have several."""

    conversation: Conversation
    client_id: str
    seq: int


class Message(NamedTuple):
    """A message as it is stored, or as it was shown."""

    seq: int
    sender: str
    client_id: str | None
    body: str


# What each one saw, in the order in which it saw it, after dropping what it had by (conversation, seq).
Views = Mapping[str, Mapping[Conversation, Sequence[Message]]]


@dataclass
class Verdict:
    """What is wrong, a sentence each; all lists are empty when the promise was kept."""

    acked: int = 0
    stored: int = 0
    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    disorder: list[str] = field(default_factory=list)  # gaps as well
    invented: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        return self.lost + self.duplicated + self.disorder + self.invented


def check(
    sent: Sequence[Sent],
    acked: Sequence[Acked],
    stored: Mapping[Conversation, Sequence[Message]],
    shown: Views,
    plain: Iterable[str] = (),
    refused: Iterable[str] = (),
) -> Verdict:
    """Compare what was logged with what is stored.

    Args:
        sent: each message once, in the order in which its sender first sent it.
        acked: every ack.
        stored: all messages, in the order of the primary key.
        shown: what every member of a conversation saw in the end.
        plain: those among them who are told only of what others wrote.
        refused: senders who were told `busy` or `unavailable`, and so had to send something again
            after what they sent later.
    """
    verdict = Verdict(
        acked=len({(ack.conversation, ack.client_id) for ack in acked}), stored=sum(map(len, stored.values()))
    )
    _check_numbers(verdict, stored)
    _check_origin(verdict, sent, stored)
    _check_acks(verdict, acked, stored)
    _check_sending_order(verdict, sent, stored, set(refused))
    plain = set(plain)
    for viewer, conversations in shown.items():
        for conversation in stored.keys() | conversations.keys():
            if viewer in conversation or conversation in conversations:
                there = stored.get(conversation, ())
                if viewer in plain:
                    there = [m for m in there if m.sender != viewer]
                _check_view(verdict, viewer, there, conversations.get(conversation, ()))
    return verdict


def _check_numbers(verdict: Verdict, stored: Mapping[Conversation, Sequence[Message]]) -> None:
    """`seq` runs 1, 2, 3 ..., and no clientId of a sender lies twice in a conversation."""
    for conversation, messages in stored.items():
        for place, message in enumerate(messages, 1):
            if message.seq != place:
                verdict.disorder.append(f"{conversation}: seq {message.seq} at place {place}")
                break
        names = Counter((m.sender, m.client_id) for m in messages if m.client_id is not None)
        for (_, client_id), times in names.items():
            if times > 1:
                verdict.duplicated.append(f"{conversation}: {client_id} is stored {times} times")


def _check_origin(verdict: Verdict, sent: Sequence[Sent], stored: Mapping[Conversation, Sequence[Message]]) -> None:
    """What is stored was sent, by this sender and with this text."""
    meant = {(s.conversation, s.sender, s.client_id): s.body for s in sent}
    for conversation, messages in stored.items():
        for m in messages:
            if meant.get((conversation, m.sender, str(m.client_id))) != m.body:
                verdict.invented.append(f"{conversation}: nobody sent {m}")


def _check_acks(verdict: Verdict, acked: Sequence[Acked], stored: Mapping[Conversation, Sequence[Message]]) -> None:
    """What was acknowledged is stored where the ack said, and each of its acks said the same."""
    places: dict[tuple[Conversation, str | None], set[int]] = defaultdict(set)
    for conversation, messages in stored.items():
        for m in messages:
            places[conversation, m.client_id].add(m.seq)
    first: dict[tuple[Conversation, str], int] = {}
    for ack in acked:
        name = ack.conversation, ack.client_id
        if first.setdefault(name, ack.seq) != ack.seq:
            verdict.duplicated.append(f"{ack} after seq {first[name]}")
        elif ack.seq not in places[name]:
            verdict.lost.append(f"{ack} lies at {sorted(places[name])}")


def _check_sending_order(
    verdict: Verdict, sent: Sequence[Sent], stored: Mapping[Conversation, Sequence[Message]], refused: set[str]
) -> None:
    """Messages of one sender lie in the order in which they were first sent."""
    nth = {(s.conversation, s.sender, s.client_id): n for n, s in enumerate(sent)}
    for conversation, messages in stored.items():
        last: dict[str, int] = {}
        for m in messages:
            n = nth.get((conversation, m.sender, str(m.client_id)))
            if n is None or m.sender in refused:
                continue
            if n < last.get(m.sender, -1):
                verdict.disorder.append(f"{conversation}: {m.client_id} was overtaken")
            last[m.sender] = max(n, last.get(m.sender, -1))


def _check_view(verdict: Verdict, viewer: str, stored: Sequence[Message], shown: Sequence[Message]) -> None:
    """One side has seen all that is stored, once, and in its order."""
    if list(shown) == list(stored):
        return
    seqs = [m.seq for m in shown]
    if seqs != sorted(seqs):
        verdict.disorder.append(f"{viewer} saw {_first_fall(seqs)}")
    for m, times in Counter(shown).items():
        if times > 1:
            verdict.duplicated.append(f"{viewer} saw {m} {times} times")
    there, seen = set(stored), set(shown)
    verdict.lost += [f"{viewer} never saw {m}" for m in stored if m not in seen]
    verdict.invented += [f"{viewer} saw what is not stored: {m}" for m in shown if m not in there]


def _first_fall(seqs: Sequence[int]) -> str:
    return next(f"{b} after {a}" for a, b in pairwise(seqs) if b < a)
