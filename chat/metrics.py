"""Owns the figures of one chat that Prometheus may ask for. Leaves the counting to where things happen."""

from collections.abc import Callable


class Counter:
    """How often something has happened since the start."""

    kind = "counter"

    def __init__(self) -> None:
        self._count = 0

    def add(self, count: int = 1) -> None:
        """Count; on the loop's thread."""
        self._count += count

    def value(self) -> float:
        return self._count


class Gauge:
    """How much of something there is now; whoever knows it replaces `value`."""

    kind = "gauge"

    def __init__(self) -> None:
        self.value: Callable[[], float] = lambda: 0


class Metrics:
    """The counters and gauges of one chat."""

    def __init__(self) -> None:
        # self._all[name] = (figure, help), in the order in which they are shown
        self._all: dict[str, tuple[Counter | Gauge, str]] = {}
        self.sockets = self._gauge("chat_sockets", "Sockets and streams that are open.")
        self.users = self._gauge("chat_users_online", "Users with a socket.")
        self.streams = self._gauge("chat_stream_users", "Users with a stream of server-sent events.")
        self.journal = self._gauge("chat_journal_waiting", "Messages and receipts that wait to be stored.")
        self.messages = self._counter("chat_messages_total", "Messages that were stored.")
        self.notifications = self._counter("chat_notifications_total", "Notifications that were stored.")
        self.webhook_waiting = self._gauge("chat_webhook_waiting", "Events that wait for the webhook.")
        self.webhook_delivered = self._counter("chat_webhook_delivered_total", "Events that the webhook has taken.")
        self.webhook_failures = self._counter(
            "chat_webhook_failures_total", "Tries that the webhook refused or missed."
        )
        self.webhook_dead = self._counter("chat_webhook_dead_letters_total", "Events that were given up.")

    def exposition(self) -> str:
        """Return all figures in Prometheus' text format, version 0.0.4."""
        return "".join(
            f"# HELP {name} {help_}\n# TYPE {name} {figure.kind}\n{name} {figure.value()}\n"
            for name, (figure, help_) in self._all.items()
        )

    def _counter(self, name: str, help_: str) -> Counter:
        counter = Counter()
        self._all[name] = counter, help_
        return counter

    def _gauge(self, name: str, help_: str) -> Gauge:
        gauge = Gauge()
        self._all[name] = gauge, help_
        return gauge
