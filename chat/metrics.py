"""What Prometheus may ask for: counters that only grow, and gauges that are asked when it does.

The text format is Prometheus' own, version 0.0.4. What is counted, is counted where it happens.
"""

from __future__ import annotations

from collections.abc import Callable

_all: list[Counter | Gauge] = []  # in the order in which they are shown


class Counter:
    """How often something has happened since the process started."""

    kind = "counter"

    def __init__(self, name: str, help_: str) -> None:
        self.name, self.help = name, help_
        self._count = 0
        _all.append(self)

    def add(self, count: int = 1) -> None:
        """On the loop's thread."""
        self._count += count

    def value(self) -> float:
        return self._count


class Gauge:
    """How much of something there is just now; `value` is replaced where that is known."""

    kind = "gauge"

    def __init__(self, name: str, help_: str) -> None:
        self.name, self.help = name, help_
        self.value: Callable[[], float] = lambda: 0
        _all.append(self)


def exposition() -> str:
    """All of them, as Prometheus reads it."""
    return "".join(
        f"# HELP {one.name} {one.help}\n# TYPE {one.name} {one.kind}\n{one.name} {one.value()}\n"
        for one in _all
    )


sockets = Gauge("chat_sockets", "Sockets and streams that are open.")
users = Gauge("chat_users_online", "Users with a socket.")
streams = Gauge("chat_stream_users", "Users with a stream of server-sent events.")
journal = Gauge("chat_journal_waiting", "Messages and receipts that wait to be stored.")
messages = Counter("chat_messages_total", "Messages that were stored.")
notifications = Counter("chat_notifications_total", "Notifications that were stored.")
webhook_waiting = Gauge("chat_webhook_waiting", "Events that wait for the webhook.")
webhook_delivered = Counter("chat_webhook_delivered_total", "Events that the webhook has taken.")
webhook_failures = Counter(
    "chat_webhook_failures_total", "Tries that the webhook refused or missed."
)
webhook_dead = Counter("chat_webhook_dead_letters_total", "Events that were given up.")
