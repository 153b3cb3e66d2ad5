"""Owns the figures of one chat that Prometheus may ask for. Leaves the counting to where things happen."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(eq=False)
class Counter:
    """How often something has happened since the start."""

    name: str
    help: str
    _count: int = 0
    kind = "counter"

    def add(self, count: int = 1) -> None:
        """Count; on the loop's thread."""
        self._count += count

    def value(self) -> float:
        return self._count


@dataclass(eq=False)
class Gauge:
    """How much of something there is now; whoever knows it replaces `value`."""

    name: str
    help: str
    value: Callable[[], float] = lambda: 0
    kind: str = "gauge"  # or counter, where somebody else counts


class Metrics:
    """The counters and gauges of one chat, in the order in which they are shown."""

    def __init__(self) -> None:
        self.sockets = Gauge("chat_sockets", "Sockets and streams that are open.")
        self.users = Gauge("chat_users_online", "Users with a socket.")
        self.streams = Gauge("chat_stream_users", "Users with a stream of server-sent events.")
        self.refused = Gauge("chat_refused_upgrades_total", "Upgrades that were refused.", kind="counter")
        self.unindexed = Gauge("chat_search_unindexed", "Messages that the search index has not got yet.")
        self.journal = Gauge("chat_journal_waiting", "Messages and receipts that wait to be stored.")
        self.writes_failing = Gauge("chat_writes_failing", "1 while the database cannot be written.")
        self.messages = Counter("chat_messages_total", "Messages that were stored.")
        self.notifications = Counter("chat_notifications_total", "Notifications that were stored.")
        self.webhook_waiting = Gauge("chat_webhook_waiting", "Events that wait for the webhook.")
        self.webhook_delivered = Counter("chat_webhook_delivered_total", "Events that the webhook has taken.")
        self.webhook_failures = Counter("chat_webhook_failures_total", "Tries that the webhook refused or missed.")
        self.webhook_dead = Counter("chat_webhook_dead_letters_total", "Events that were given up.")

    def exposition(self) -> str:
        """Return all figures in Prometheus' text format, version 0.0.4."""
        return "".join(
            f"# HELP {figure.name} {figure.help}\n# TYPE {figure.name} {figure.kind}\n{figure.name} {figure.value()}\n"
            for figure in vars(self).values()
        )
