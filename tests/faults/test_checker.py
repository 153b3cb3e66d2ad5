"""The checker can fail: each way of breaking the promise, done to a history that was in order."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.checker import Acked, Message, Sent, Verdict, check

PAIR = ("alice", "bob")


def history(**changes: Any) -> Verdict:
    """The verdict on three messages that all went well, and a fourth that was never acknowledged."""
    messages = [Message(n, "alice", f"id-{n}", f"text {n}") for n in (1, 2, 3, 4)]
    logged: dict[str, Any] = {
        "sent": [Sent(PAIR, "alice", f"id-{n}", f"text {n}") for n in (1, 2, 3, 4)],
        "acked": [Acked(PAIR, f"id-{n}", n) for n in (1, 2, 3)],
        "stored": {PAIR: messages},
        "shown": {"alice": {PAIR: messages}, "bob": {PAIR: messages}},
        "refused": [],
    }
    for name, change in changes.items():
        logged[name] = change(logged[name])
    return check(**logged)


def stored_and_shown(change: Any) -> dict[str, Any]:
    """The same change to the database and to both views, so that only the database's rules break."""
    return {
        "stored": lambda stored: {PAIR: change(stored[PAIR])},
        "shown": lambda shown: {viewer: {PAIR: change(view[PAIR])} for viewer, view in shown.items()},
    }


def bob_saw(change: Any) -> dict[str, Any]:
    return {"shown": lambda shown: {**shown, "bob": {PAIR: change(list(shown["bob"][PAIR]))}}}


def test_a_history_in_order_has_no_fault() -> None:
    verdict = history()
    assert verdict.faults == []
    assert (verdict.acked, verdict.stored) == (3, 4)


def test_an_unacknowledged_message_may_be_stored_or_not() -> None:
    assert history(**stored_and_shown(lambda messages: messages[:3])).faults == []


def test_a_repeated_send_may_be_acknowledged_twice() -> None:
    assert history(acked=lambda acked: [*acked, acked[0]]).faults == []


def test_an_acknowledged_message_that_is_not_stored_is_lost() -> None:
    verdict = history(**stored_and_shown(lambda messages: messages[:2]))
    assert verdict.lost == [f"{Acked(PAIR, 'id-3', 3)} lies at []"]


def test_an_ack_that_names_another_seq_is_a_loss() -> None:
    assert history(acked=lambda acked: [acked[0]._replace(seq=9), *acked[1:]]).lost


def test_two_acks_that_differ_are_a_duplicate() -> None:
    assert history(acked=lambda acked: [*acked, acked[0]._replace(seq=2)]).duplicated


@pytest.mark.parametrize("client_id", ["id-3", "id-4"], ids=["acked", "unacked"])
def test_a_message_stored_twice_is_a_duplicate(client_id: str) -> None:
    def twice(messages: list[Message]) -> list[Message]:
        [found] = [m for m in messages if m.client_id == client_id]
        return [*messages, found._replace(seq=5)]

    verdict = history(**stored_and_shown(twice))
    assert verdict.duplicated == [f"{PAIR}: {client_id} is stored 2 times"]


def test_a_gap_in_seq_is_found() -> None:
    def gap(messages: list[Message]) -> list[Message]:
        return [*messages[:3], messages[3]._replace(seq=5)]

    assert history(**stored_and_shown(gap)).disorder == [f"{PAIR}: seq 5 at place 4"]


def test_a_seq_given_twice_is_found() -> None:
    def same(messages: list[Message]) -> list[Message]:
        return [*messages[:3], messages[3]._replace(seq=3)]

    assert history(**stored_and_shown(same)).disorder


def test_a_message_that_overtook_one_sent_before_it_is_found() -> None:
    def overtake(messages: list[Message]) -> list[Message]:
        one, two, three, four = messages
        return [one, two, four._replace(seq=3), three._replace(seq=4)]

    changes = stored_and_shown(overtake)
    acked = {"acked": lambda acked: acked[:2]}
    assert history(**changes, **acked).disorder == [f"{PAIR}: id-3 was overtaken"]
    # Who was refused sends again what has been overtaken, and knows it.
    assert history(**changes, **acked, refused=lambda _: ["alice"]).faults == []


def test_one_who_never_saw_a_stored_message_is_found() -> None:
    verdict = history(**bob_saw(lambda messages: messages[:3]))
    assert len(verdict.lost) == 1
    assert "bob never saw" in verdict.lost[0]


def test_one_who_saw_nothing_at_all_is_found() -> None:
    assert len(history(shown=lambda shown: {**shown, "bob": {}}).lost) == 4


def test_a_message_shown_twice_is_found() -> None:
    assert history(**bob_saw(lambda messages: [*messages, messages[-1]])).duplicated


def test_two_sides_that_differ_in_order_are_found() -> None:
    verdict = history(**bob_saw(lambda messages: [messages[1], messages[0], *messages[2:]]))
    assert verdict.disorder == ["bob saw 1 after 2"]


def test_a_message_that_nobody_sent_is_found() -> None:
    def forge(messages: list[Message]) -> list[Message]:
        return [*messages, Message(5, "alice", "id-5", "?")]

    assert history(**stored_and_shown(forge)).invented


def test_a_text_that_changed_on_the_way_is_found() -> None:
    def change(messages: list[Message]) -> list[Message]:
        return [*messages[:3], messages[3]._replace(body="half a te")]

    assert history(**stored_and_shown(change)).invented


def test_a_message_shown_that_is_not_stored_is_found() -> None:
    assert history(**bob_saw(lambda messages: [*messages, Message(5, "alice", "x", "x")])).invented


def test_a_plain_client_sees_what_others_wrote_and_no_less() -> None:
    stored = {PAIR: [Message(1, "alice", "a", "a"), Message(2, "bob", "b", "b")]}
    sent = [Sent(PAIR, "alice", "a", "a"), Sent(PAIR, "bob", "b", "b")]
    shown = {"bob": {PAIR: stored[PAIR][:1]}}
    assert check(sent, [], stored, shown, plain=["bob"]).faults == []
    assert check(sent, [], stored, {"bob": {}}, plain=["bob"]).lost
    assert check(sent, [], stored, shown).lost
