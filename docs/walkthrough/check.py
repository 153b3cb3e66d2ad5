"""Owns the five checks of a chat server, yours or the real one.

    python docs/walkthrough/check.py ws://127.0.0.1:5000/ws

It needs the package `websockets` (pip install websockets; requirements.txt has it). What it says stands in sentences.py.
"""

import argparse
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import person
from person import Person
from sentences import SENTENCES, SERVER_CHECKS
from verdicts import EXERCISES, UNTRIED, WORDS, Red, Verdict, in_words, own_language, shown

NO_EVENTS = ["hello", "{", "[]", "null", '{"type": "chat"}', '{"toUserId": 7}', b"\0\1\2"]


class Room(ExitStack):
    """The people of one check, each under a name that nobody had before. They leave when it ends."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address
        self._mark = secrets.token_hex(3)

    def enter(self, title: str, says_init: bool = True) -> Person:
        one = Person(self._address, title, f"{title}-{self._mark}", self)
        if says_init:
            one.say_init()
        return one


def pause() -> None:
    """Leave the server time for what it does not answer."""
    time.sleep(person.QUIET_SECONDS)


# The five checks. Each returns where all is well, and raises a Red where not.


def check_arrival(room: Room) -> None:
    alice, bob, carol = room.enter("alice"), room.enter("bob"), room.enter("carol")
    alice.write(bob, "hello")
    event = bob.hears("hello")
    if event is None and alice.hears("hello", person.QUIET_SECONDS):
        raise Red("echo", who="alice", to="bob")
    if event is None and any(other.get("type") == "chat" or "message" in other for other in bob.others):
        raise Red("wrong_event", to="bob", got=shown(bob.others[-1]))
    if event is None:
        raise Red("nothing", who="alice", to="bob")
    if (event.get("type"), event.get("fromUserId")) != ("chat", alice.name):
        raise Red("wrong_event", to="bob", got=shown(event))
    bob.write(alice, "and you")  # a socket's events come in their order: what was sent before it is there before it
    if alice.hears("and you") is None:
        raise Red("nothing", who="bob", to="alice")
    if alice.has("hello"):
        raise Red("echo_too", who="alice", to="bob")
    alice.write(carol, "you too")
    if carol.hears("you too") is None:
        raise Red("nothing", who="alice", to="carol")
    if carol.has("hello"):
        raise Red("everybody", who="alice", to="bob", other="carol")


def check_tabs(room: Room) -> None:
    alice, first, second = room.enter("alice"), room.enter("bob"), room.enter("bob")
    alice.write(first, "to both")
    came = first.hears("to both"), second.hears("to both")
    if came == (None, None):
        raise Red("nothing", who="alice", to="bob")
    if None in came:
        raise Red("tab_replaced" if came[0] is None else "tab_deaf")
    second.close()
    pause()
    _write_after_closing(alice, first, "the second is closed")
    third = room.enter("bob")
    first.close()
    pause()
    _write_after_closing(alice, third, "the first is closed")


def _write_after_closing(alice: Person, bob: Person, message: str) -> None:
    alice.write(bob, message)
    heard = bob.hears(message)
    if code := alice.close_code():
        raise Red("sender_hurt", code=code)
    if heard is None:
        raise Red("tabs_gone")


def check_names(room: Room) -> None:
    alice, bob = room.enter("alice"), room.enter("bob")
    if _is_taken_for_teacher(alice, bob, "no homework"):
        raise Red("forged")
    stranger = room.enter("stranger", says_init=False)
    if _is_taken_for_teacher(stranger, bob, "no homework, ever", then_init=True):
        raise Red("nameless")


def _is_taken_for_teacher(liar: Person, bob: Person, message: str, then_init: bool = False) -> bool:
    try:
        liar.write(bob, message, fromUserId="teacher")
        if then_init:
            liar.say_init()
        liar.write(bob, "the truth")  # it comes behind the lie, so that nobody need wait for that
    except Red:
        pass  # to close a liar's socket is one way to do it
    if not bob.hears("the truth", person.QUIET_SECONDS) and not liar.close_code():
        bob.hears("the truth")
    lie = bob.hears(message, 0)
    return lie is not None and lie.get("fromUserId") == "teacher"


def check_no_json(room: Room) -> None:
    alice, bob, mallory = room.enter("alice"), room.enter("bob"), room.enter("mallory")
    for number, text in enumerate(NO_EVENTS):
        try:
            mallory.say(text)
            mallory.write(bob, f"{number}")
            if bob.hears(f"{number}"):
                continue
        except Red as red:
            if red.key != "closed":
                raise
        code = mallory.close_code()
        try:
            alice.write(bob, "still there")
            is_alive = bob.hears("still there") is not None
        except Red:
            is_alive = False
        raise Red(("own_hurt" if code else "own_deaf") if is_alive else "all_hurt", got=shown(text))


def check_away(room: Room) -> None:
    alice, bob = room.enter("alice"), room.enter("bob")
    bob.close()
    pause()
    alice.write(bob, "first")
    alice.write(bob, "second")
    pause()
    bob = room.enter("bob")
    first = bob.hears("first")
    has_turned = bob.has("second")
    second = bob.hears("second", None if first else person.QUIET_SECONDS)
    if first is None and second is None:
        raise Red("lost")
    if first is None or second is None:
        raise Red("one_lost")
    if has_turned:
        raise Red("turned_round")
    bob.close()
    pause()
    again = room.enter("bob").hears("first", person.QUIET_SECONDS)
    if again and "seq" not in again:
        raise Red("again")


CHECKS: list[Callable[[Room], None]] = [check_arrival, check_tabs, check_names, check_no_json, check_away]


def judge(address: str) -> Iterator[Verdict]:
    """Give the verdicts of the five checks. If the first fails, the others are not tried: they would say nothing."""
    is_hopeless = False
    for check in CHECKS:
        verdict = Verdict(tried=not is_hopeless)
        with Room(address) as room:
            try:
                if not is_hopeless:
                    check(room)
            except Red as red:
                is_hopeless = check is CHECKS[0]
                verdict = Verdict(True, red.key, red.blanks)
        yield verdict


def main() -> None:
    parser = argparse.ArgumentParser(description="Judge a chat server by five checks.")
    parser.add_argument("address", help="of its socket, such as ws://127.0.0.1:5000/ws")
    parser.add_argument("--lang", choices=["en", "ko"], default=own_language(), help="by default this machine's")
    options = parser.parse_args()
    if not options.address.startswith(("ws://", "wss://")):
        parser.error("the address begins with ws:// or wss://, as in ws://127.0.0.1:5000/ws")
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # a Windows terminal may lack a sign
    passed = 0
    for number, verdict in enumerate(judge(options.address), 1):
        print(in_words(number, verdict, SERVER_CHECKS, SENTENCES, options.lang), flush=True)
        passed += verdict.tried and not verdict.key
    print(f"\n{WORDS[options.lang]['of'].format(passed=passed, all=len(CHECKS))}")
    if passed < len(CHECKS):
        print(EXERCISES[options.lang] if passed else UNTRIED[options.lang])
    sys.exit(0 if passed == len(CHECKS) else 1)


if __name__ == "__main__":
    main()
