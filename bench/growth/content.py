"""What the databases are filled with: which users have how many conversations, and which messages were written when.

Nothing is left to chance: a size holds the same each time.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

BEGAN_MS, STEP_MS = 1_700_000_000_000, 500  # of the first message, and from one to the next
SEED = 17
SEPARATOR = "\x1f"

LONG, FRIEND = "long", "friend"  # whose one conversation is long
WAITING = "waiting"  # who reads nothing, in WAITING_IN conversations
WAITING_IN, MOST_WAITING = 50, 500_000
USERS = {"few": 10, "some": 1_000, "many": 30_000}  # and their conversations
READ_OF_TEN = 9  # of ten conversations so many are read to their end, and one to its last message but one

FREQUENT = "meeting"  # in every eighth message
# In RARE_ONES messages of each user. All of its trigrams stand in many messages: those of "gather", "period", "ring".
RARE = "gathering"
STRANGE = "zyzzyva"  # as rare, and so are its trigrams
RARE_ONES = 5
WORDS = (
    "gather period ring about after again before better between bring called could every first found great house "
    "little never other people place right school small sound still thing think those through under water where which "
    "while world would write young"
)
SENTENCES, WORDS_EACH, FREQUENT_EACH = 4_096, 5, 8


@dataclass(frozen=True)
class Size:
    """How much is stored. Conversations are a few more where the users' own are more than all."""

    messages: int
    conversations: int

    @property
    def title(self) -> str:
        return f"{_short(self.messages)}/{_short(self.conversations)}"


Message = tuple[int, int, str, str, str, int]  # conversation, seq, sender, client id, text, sent at (ms)


class Content:
    """All that is stored at one size."""

    def __init__(self, size: Size, users: dict[str, int] = USERS) -> None:
        self.size = size
        self.users = {user: count for user, count in users.items() if count <= size.conversations}
        pairs = [(LONG, FRIEND), *((WAITING, f"writer{n}") for n in range(WAITING_IN))]
        pairs += [(user, f"{user}-{n}") for user, count in self.users.items() for n in range(count)]
        pairs += [(f"one{n}", f"other{n}") for n in range(size.conversations - len(pairs))]
        self.pairs = pairs  # self.pairs[id - 1] = the two users of a conversation

    def conversations(self) -> Iterator[tuple[int, str, int]]:
        """Give (id, key, last seq) of each."""
        for id_, count in self._counts():
            yield id_, SEPARATOR.join(sorted(self.pairs[id_ - 1])), count

    def members(self) -> Iterator[tuple[str, int, int]]:
        """Give (user, conversation, how far it is read) of each."""
        for id_, count in self._counts():
            one, other = self.pairs[id_ - 1]
            read = count if id_ % 10 < READ_OF_TEN else count - 1
            yield one, id_, 0 if one in (WAITING, LONG) else read
            yield other, id_, read

    def messages(self) -> Iterator[Message]:
        """Give all, in the order in which they were written: the conversations are mixed."""
        dice = random.Random(SEED)
        sentences = [_sentence(dice, number) for number in range(SENTENCES)]
        order = [id_ for id_, count in self._counts() for _ in range(count)]
        dice.shuffle(order)
        seqs = [0] * (len(self.pairs) + 1)
        for number, id_ in enumerate(order):
            seqs[id_] = seq = seqs[id_] + 1
            one, other = self.pairs[id_ - 1]
            body = sentences[number * 13 % SENTENCES]
            if seq == 1 and self._has_rare_one(one, other):
                body = f"{body} {RARE} {STRANGE}"
            sender = other if one == WAITING or seq % 2 else one
            yield id_, seq, sender, f"{number:010}", body, BEGAN_MS + number * STEP_MS

    def _has_rare_one(self, one: str, other: str) -> bool:
        count = self.users.get(one, 0)
        return bool(count) and int(other.rpartition("-")[2]) % max(1, count // RARE_ONES) == 0

    def _counts(self) -> Iterator[tuple[int, int]]:
        """Give each conversation's id, and how many messages it has."""
        size = self.size.messages
        each_waiting = min(MOST_WAITING, size // 2) // WAITING_IN
        yield 1, size // 10
        for id_ in range(2, 2 + WAITING_IN):
            yield id_, each_waiting
        left, others = size - size // 10 - each_waiting * WAITING_IN, len(self.pairs) - 1 - WAITING_IN
        for number in range(others):
            yield 2 + WAITING_IN + number, max(1, left * (number + 1) // others - left * number // others)


def _sentence(dice: random.Random, number: int) -> str:
    words = dice.choices(WORDS.split(), k=WORDS_EACH)
    return " ".join([*words, FREQUENT] if number % FREQUENT_EACH == 0 else words)


def _short(number: int) -> str:
    """10000 is 10^4, 5000000 is 5*10^6."""
    power = len(str(number)) - 1
    first = number / 10**power
    return f"{'' if first == 1 else f'{first:g}*'}10^{power}"
