"""The signals of a chat: what a site hears of it, where it may block, and what that costs the others."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gevent
import pytest
from blinker import NamedSignal
from flask import Flask, current_app

from chat import Chat, message_stored, notification_pushed, user_came, user_left
from chat.figures.kinds import Counter
from chat.protocol.structs import ChatMessage
from chat.signals import MOST_WAITING, Signals

EVENT = ChatMessage(
    from_user_id="alice", to_user_id="bob", message="Hi", timestamp="2026-01-31T09:30:00.000Z", seq=1,
    conversation_id="~c", id="~c.1",
)  # fmt: skip


class Site:
    """Stands for a Flask app."""


@contextmanager
def listening(signal: NamedSignal, function: Callable[..., Any], sender: object) -> Iterator[None]:
    with signal.connected_to(function, sender):
        yield


def made(spawn: Callable[..., None] = lambda function: function()) -> tuple[Signals, Counter]:
    dropped = Counter("dropped", "")
    signals = Signals(spawn, logging.getLogger("chat"), dropped)
    signals.sender = Site()
    return signals, dropped


def test_where_nobody_listens_nothing_is_made_and_nothing_spawned() -> None:
    spawned: list[Any] = []
    signals, _ = made(spawned.append)
    signals.message_stored(EVENT)
    with listening(message_stored, lambda *_, **__: None, Site()):  # another site's
        signals.message_stored(EVENT)
    assert spawned == []


def test_each_signal_is_heard_in_the_order_of_what_happened() -> None:
    heard: list[Any] = []
    signals, _ = made()

    def hear(_: object, **said: Any) -> None:
        heard.append(said)

    with listening(user_came, hear, signals.sender), listening(user_left, hear, signals.sender):
        signals.user_came("alice")
        signals.user_left("alice")
    assert heard == [{"user_id": "alice"}, {"user_id": "alice"}]


def test_functions_are_called_later_and_one_after_the_other_where_they_may_block() -> None:
    heard, spawned = [], []
    signals, _ = made(spawned.append)
    with listening(message_stored, lambda _, message: heard.append(message.seq), signals.sender):
        signals.message_stored(EVENT)
        signals.message_stored(EVENT)
        assert heard == [], "the message's own way has not waited"
        [run] = spawned
        run()
    assert heard == [1, 1]


@pytest.mark.parametrize(
    "failure",
    [ValueError("the site's own mistake"), gevent.Timeout(1), SystemExit(1)],
    ids=lambda failure: type(failure).__name__,
)
def test_one_that_fails_keeps_nobody_from_hearing(failure: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    heard: list[str] = []
    signals, _ = made()

    def fail(_: object, **__: Any) -> None:
        raise failure

    def hear(_: object, user_id: str) -> None:
        heard.append(user_id)

    with listening(user_came, fail, signals.sender), listening(user_came, hear, signals.sender):
        signals.user_came("alice")
        signals.user_came("bob")
    assert heard == ["alice", "bob"]
    assert "a function that listens to user-came failed" in caplog.text


def test_an_interrupted_test_of_a_site_does_not_silence_the_next() -> None:
    heard: list[str] = []
    signals, _ = made()

    def hear(_: object, user_id: str) -> None:
        if user_id == "alice":
            raise KeyboardInterrupt
        heard.append(user_id)

    with listening(user_came, hear, signals.sender):
        with pytest.raises(KeyboardInterrupt):
            signals.user_came("alice")
        signals.user_came("bob")
    assert heard == ["bob"]


def test_what_waits_is_bounded_and_what_is_dropped_is_counted() -> None:
    signals, dropped = made(lambda function: None)
    with listening(user_came, lambda *_, **__: None, signals.sender):
        for _ in range(MOST_WAITING + 3):
            signals.user_came("alice")
    assert dropped.value() == 3


def test_a_function_runs_in_its_apps_context() -> None:
    app = Flask("site")
    app.config["TESTING"] = True
    chat = Chat(app)
    seen: list[object] = []

    def look(sender: object, **_: Any) -> None:
        seen.append((sender is app, current_app.name))

    with listening(notification_pushed, look, app):
        chat.notify("alice", "Hello")
    assert seen == [(True, "site")]
