"""Owns the figures of one chat that Prometheus may ask for. Leaves the counting to where things happen."""

from chat.errors import ChatError, Internal, RateLimited
from chat.figures.exposition import Exposition
from chat.figures.kinds import Counter, Counts, Gauge, Histogram


class Metrics:
    """The figures of one chat, in the order in which they are shown."""

    def __init__(self) -> None:
        self.sockets = Gauge("chat_sockets", "Sockets and streams that are open.")
        self.users = Gauge("chat_users_online", "Users with a socket.")
        self.streams = Gauge("chat_stream_users", "Users with a stream of server-sent events.")
        self.outbox_bytes = Gauge("chat_outbox_bytes", "Memory that waits for slow readers.")
        self.inits = Counts("chat_inits_total", "Sockets that said who they are, by what came of it.", "outcome")
        self.refused = Counts("chat_refused_upgrades_total", "Upgrades that were refused, by their error.", "code")
        self.closes = Counts("chat_closes_total", "Sockets and streams that ended, by their close code.", "code")
        self.events = Counts("chat_events_total", "Events that clients sent, by their type.", "type")
        self.errors = Counts("chat_errors_total", "Errors that events and requests got, by their code.", "code")
        self.rate_limited = Counts("chat_rate_limited_total", "Limits that were met, by their rule.", "rule")
        self.wrong_passwords = Counter("chat_wrong_passwords_total", "Passwords that did not fit.")
        self.messages = Counter("chat_messages_total", "Messages that were stored.")
        self.notifications = Counter("chat_notifications_total", "Notifications that were stored.")
        self.signals_dropped = Counter(
            "chat_signals_dropped_total", "Signals that a site's functions were too slow for."
        )
        self.delivery = Histogram("chat_delivery_seconds", "From a message's coming to its being on its way.")
        self.commits = Histogram("chat_commit_seconds", "How long a commit of messages took.")
        self.failed_commits = Counter("chat_failed_commits_total", "Commits of messages that failed.")
        self.failed_writes = Counter("chat_failed_writes_total", "Other writes that failed.")
        self.writes_failing = Gauge("chat_writes_failing", "1 while the database cannot be written.", merge=max)
        self.journal = Gauge("chat_journal_waiting", "Messages and receipts that wait to be stored.")
        self.journal_bytes = Gauge("chat_journal_bytes", "Memory of all that waits to be stored.")
        self.unindexed = Gauge("chat_search_unindexed", "Messages that the search index has not got yet.", merge=max)
        self.database_bytes = Gauge("chat_database_bytes", "Size of the database.", merge=max)
        self.wal_bytes = Gauge("chat_database_wal_bytes", "Size of SQLite's write-ahead log.", merge=max)
        self.loop_lag = Histogram("chat_loop_lag_seconds", "How late the loop was, looked at once a second.")
        self.gate_holds = Counter("chat_gate_holds_total", "Messages that waited for an earlier one of another worker.")
        self.bus_lag = Gauge("chat_bus_lag_seconds", "Until a worker's last word to the bus came back.", merge=max)
        self.bus_lost = Gauge("chat_bus_lost", "Workers that have lost the bus.")
        self.webhook_waiting = Gauge("chat_webhook_waiting", "Events that wait for the webhook.")
        self.webhook_delivered = Counter("chat_webhook_delivered_total", "Events that the webhook has taken.")
        self.webhook_failures = Counter("chat_webhook_failures_total", "Tries that the webhook refused or missed.")
        self.webhook_dead = Counter("chat_webhook_dead_letters_total", "Events that were given up.")
        self.workers = Gauge("chat_workers", "Workers whose figures these are.", value=lambda: 1)
        # What alerts ask for is there from the start: the first one would else be no change.
        self.errors.add(Internal.code, 0)
        self.closes.add("4008", 0)  # reads too slowly
        self.exposition = Exposition(vars(self).values())

    def count_error(self, error: ChatError) -> None:
        """Count what an event or a request was answered with."""
        self.errors.add(error.code)
        if isinstance(error, RateLimited):
            self.rate_limited.add(error.rule or error.code)
