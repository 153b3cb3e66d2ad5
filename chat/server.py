"""Owns every part of one chat: makes them, gives each the parts that it needs, starts and stops them.

Knows nothing of Flask. Which process serves, and when, is left to the callers.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Lock, RLock
from typing import Any

import gevent
import gevent.event
from gevent.threadpool import ThreadPool

from chat.bus.other_workers import OtherWorkers
from chat.config import Settings
from chat.errors import Unavailable
from chat.limits import Limits
from chat.messages.missed import Missed
from chat.messages.receipts import Receipts
from chat.messages.relisting import Relisting
from chat.messages.retention import MessageRetention
from chat.messages.searching import Searching
from chat.messages.sending import Sending
from chat.messages.strangers import Strangers
from chat.metrics import Metrics
from chat.notifications.batches import BatchSender
from chat.notifications.feed import Feeds
from chat.notifications.notifier import Notifier
from chat.notifications.remote import Service
from chat.notifications.retention import Retention
from chat.notifications.stream import Streams
from chat.notifications.unproven import Unproven
from chat.notifications.webhook import Webhook
from chat.people.blocking import Blocking
from chat.people.conversation_settings import SettingsOfUsers
from chat.people.directory import Directory
from chat.people.fanout import Fanout
from chat.people.guesses import Guesses
from chat.people.online import Receiver, Socket
from chat.people.passwords import HASHES_AT_ONCE, HashingQueue
from chat.people.presence import Presence
from chat.people.profiles import Profiles
from chat.people.services import Services
from chat.people.tokens import Tokens, kept_secret
from chat.people.turns import Turns
from chat.protocol.lookalikes import skeleton
from chat.protocol.names import Names
from chat.readiness import Readiness
from chat.router import Events, Router
from chat.shown import show
from chat.signals import Signals, message_stored
from chat.storage.failures import fault_of, reason_of
from chat.storage.lease import Lease
from chat.storage.storage import Storage
from chat.terms import told_limits
from chat.transport.connections import PINGS_UNANSWERED, Connections
from chat.transport.goodbye import Goodbye
from chat.transport.lateness import Lateness
from chat.transport.outbox_shares import OutboxShares
from chat.transport.unread import UnreadAnswers

SITE_THREADS = 2  # that ask the site for profiles, and encode pictures
LOGINS_AT_ONCE = 64  # that are read together, in one thread
LATE_SECONDS = 5  # that a socket's cut may come after its last ping's time
PAUSE_SECONDS = 0.05  # between two slices of messages that are erased
RELEASE_SECONDS = 1  # for a database that does not answer when the server stops


class ChatServer:
    """One chat, whole when it is made. Nothing in it is shared with another one.

    Args:
        events: the declarations of handlers.
        folder: where the database and the tokens' secret are kept, if the settings do not say so.
        check_tables: whether the database's tables must be up to date; False for who is going to change them.
        lease_lost: called when another server has taken the database over.

    Raises:
        BadSetting: the folder, or the database's folder, cannot be used.
        Unavailable: the database cannot be reached.
        WrongTables: its tables are not those of this program.
    """

    def __init__(
        self,
        settings: Settings,
        events: Events,
        folder: str,
        log: logging.Logger,
        check_tables: bool = True,
        lease_lost: Callable[[], None] = lambda: None,
    ) -> None:
        self.settings = settings
        self.is_testing = settings.testing == "on"
        self.log = log
        self.lease_lost = lease_lost
        self.names = Names(is_exact=settings.auth == "site")
        # The one function that makes of a name the key by which two spellings are one user.
        self.user_key = self.names.key
        self.metrics = Metrics()
        self.limits = Limits(settings)
        self.told_limits = told_limits(settings)
        place = settings.database_url or Path(folder, "chat.db")
        self.storage = Storage(
            place, self.user_key, log, settings.journal_records, check_tables, None, self.metrics, self.is_testing
        )
        self.lease = Lease(self.storage.database, log, bool(settings.bus_url))
        secret = settings.token_secret.encode() or kept_secret(folder, log)
        self.tokens = Tokens(secret, settings.token_ttl, names=self.names, database=self.storage.identity)
        self.services = Services(self.tokens, self.storage)
        self.connections = Connections(settings, self.limits, log)
        self._spawn = _call if self.is_testing else self.connections.spawn
        self.signals = Signals(self._spawn, log, self.metrics.signals_dropped)
        self.goodbye = Goodbye(self.connections)
        self.outbox_shares = OutboxShares(self.connections, user_of=lambda peer: getattr(peer, "owner", None))
        self.readiness = Readiness(self.storage, lambda: self.connections.stopping)
        self.unread = UnreadAnswers(log)
        self.router = Router(events, log, self.names)
        self._hash_threads = ThreadPool(HASHES_AT_ONCE)
        apply = (lambda function, args: function(*args)) if self.is_testing else self._hash_threads.apply
        self.hashing = HashingQueue(apply)
        self.guesses = Guesses(self.limits, self.hashing, self.metrics.wrong_passwords)
        self.logins = Turns(LOGINS_AT_ONCE)
        self.service = Service(settings.url, self.tokens, "flask")
        self._add_people()
        self._add_messages_and_notifications()
        self.other_workers = None if not settings.bus_url else OtherWorkers(
            settings.bus_url, self.storage, self.online, self.listeners, self.presence, self.connections, self.metrics,
            self.readiness.should, self.user_key, self.router.events.tell_again,
        )  # fmt: skip
        self._watch()
        # Who the site says that the current request's user is, or None; None for the whole: people sign in here.
        self.site_user: Callable[[], object] | None = None
        self.is_started = False  # True: this process serves it, and does not only use it, as a cron job does
        self._starting = RLock()  # requests that come while the lease is waited for wait too
        self._stopped = gevent.event.Event()

    def _add_people(self) -> None:
        self.online: Fanout[Socket] = Fanout(self.names.canonical)  # each user's sockets
        self.listeners: Fanout[Receiver] = Fanout(self.names.canonical)  # each user's readers of server-sent events
        self.directory = Directory(
            self.tokens, self.storage, self.online, self.listeners, self.user_key, not self.settings.is_open,
            bool(self.settings.token_secret) or self.settings.auth == "site", self.limits.new_names,
        )  # fmt: skip
        # Blocking and presence need each other: who is told of a change is looked up when there is one.
        self.blocking = Blocking(self.storage, self.online, lambda *change: self.presence.introduce(*change))
        self.conversation_settings = SettingsOfUsers(self.storage, self.online)
        self._site_threads = ThreadPool(SITE_THREADS)
        self.profiles = Profiles(
            self.storage, self.online, self.user_key, self.settings.avatar_hosts, self.log, self._spawn,
            _call if self.is_testing else lambda function, *args: self._site_threads.apply(function, args),
            partial(gevent.sleep, 0),
        )  # fmt: skip
        self.presence = Presence(
            self.storage, self.online, self.settings.presence_seconds,
            pause=partial(gevent.sleep, 0), apart_from=self.blocking.apart_from,
            told_came=self.signals.user_came, told_left=self.signals.user_left,
        )  # fmt: skip

    def _add_messages_and_notifications(self) -> None:
        settings, storage, log = self.settings, self.storage, self.log
        connections, online, metrics = self.connections, self.online, self.metrics
        self.webhook = Webhook(settings.webhook_url, settings.webhook_secret, metrics, log, connections.spawn)
        offline = self.webhook.tell
        self.unproven = Unproven(
            storage, offline, bool(settings.webhook_url), online, self.listeners, connections.spawn,
            partial(gevent.sleep, settings.presence_seconds),
            settings.heartbeat_seconds * (PINGS_UNANSWERED + 1) + LATE_SECONDS,
        )  # fmt: skip
        self.receipts = Receipts(storage.journal, online, self.blocking.may_be_told, self.user_key)
        self.missed = Missed(storage, self.receipts, connections)
        history = partial(storage.in_thread, storage.messages.history)
        self.strangers = Strangers(self.limits.strangers_bytes, history, online.of)
        self.sending = Sending(
            storage.journal, online, self.presence, offline, metrics.messages, log, self.signals.message_stored,
            message_stored.receivers, self.user_key,
        )  # fmt: skip
        self.notifier = Notifier(
            storage, self.directory, online, self.listeners, offline, metrics.notifications,
            self.signals.notification_pushed,
        )  # fmt: skip
        self.feeds = Feeds(storage, self.notifier.see, connections)
        self.streams = Streams(storage, self.listeners, connections, self.unproven)
        self.batches = BatchSender(storage, self.notifier, self.directory, online, self.listeners, self._spawn)
        self.retention = Retention(storage, settings.notification_days)
        self.searching = Searching(storage)
        turns = partial(gevent.sleep, PAUSE_SECONDS), lambda: connections.stopping
        self.message_retention = MessageRetention(storage, connections.spawn, *turns, days=settings.message_days)
        self.relisting = Relisting(storage, connections.spawn, *turns)

    def _watch(self) -> None:
        """Have the sweep, the goodbye and the metrics look at the parts."""
        connections, storage, metrics = self.connections, self.storage, self.metrics
        connections.each_sweep += [
            Lateness(metrics.loop_lag).sweep,
            metrics.exposition.share,
            self.unread.sweep,
            self.outbox_shares.sweep,
            self.missed.ask_for_proof,
            self.feeds.ask_for_proof,
            self._alone(self._keep_lease),
            self._alone(self.directory.keep_up),
            self._alone(self.services.keep_up),
            self._alone(self.blocking.keep_up),
            partial(connections.spawn, self.presence.settle),
            self._alone(storage.keep_index),
            self._alone(storage.health.keep_up),
            self.webhook.sweep,
            self.batches.keep_sending,
            self.retention.sweep,
            self.message_retention.sweep,
            self.relisting.sweep,
        ]
        self.goodbye.unsettled = self.other_workers.unsettled if self.other_workers else storage.unstored
        self.goodbye.still_busy.append(self._is_storing)
        self.goodbye.at_stop += [self.presence.stop, self.webhook.stop]
        show(metrics, self.router, storage, connections, self.outbox_shares, self.online, self.listeners)

    def _alone(self, function: Callable[[], object]) -> Callable[[], None]:
        """Return a task for the sweep: it begins a call of `function`, but not while the last call still runs."""
        turn = Lock()  # without it a slow database would be asked more and more

        def call() -> None:
            try:
                function()
            finally:
                turn.release()

        def begin() -> None:
            if turn.acquire(blocking=False):
                self.connections.spawn(call)

        return begin

    def _is_storing(self) -> bool:
        self.batches.stop()
        return self.storage.stop()

    # Its life.

    def start(self) -> None:
        """Serve from now on, on the calling thread's loop. Blocks until a predecessor has stopped.

        Raises:
            DatabaseInUse: another process serves this database.
            Unavailable: the database does not answer, or cannot be written.
        """
        with self._starting:
            if self.is_started:
                return
            if not self.storage.database.can_write() and (error := self.storage.database.write_error):
                raise fault_of(error, "The database cannot be written", reason_of(error))
            self.lease.acquire()
            self.log.info("epoch=%s", self.storage.epoch)
            skeleton("")  # reads its table, not while the first message waits
            self.is_started = True
            self.storage.journal.belong_here()
            self.connections.start()
            if self.other_workers:
                self.other_workers.start()
            if not self.directory.required:
                self.log.info("CHAT_AUTH=open: anybody may use any name that has no password")

    def stop(self) -> None:
        """Say goodbye to all sockets, and free what is held. Blocks; a further call waits for the first."""
        if self.connections.stopping:
            self._stopped.wait(self.settings.stop_seconds)
            return
        announcing = gevent.spawn(self.storage.in_thread, self.lease.announce_stop)
        self.goodbye.say()
        if self.other_workers:
            self.other_workers.stop()
        announcing.join(RELEASE_SECONDS)
        with gevent.Timeout(RELEASE_SECONDS, False):  # type: ignore[arg-type]
            self.storage.in_thread(self.lease.release)  # else it ends by itself soon
        self.storage.close()
        self._hash_threads.kill()
        self._site_threads.kill()
        self.metrics.exposition.share()  # what it has counted goes on counting
        self._stopped.set()

    def _keep_lease(self) -> None:
        """Whoever has lost the lease serves no more: its messages would be numbered twice."""
        if self.storage.database.is_closed:
            return
        with suppress(Unavailable):  # closed meanwhile
            if not self.storage.in_thread(self.lease.renew) and not self.connections.stopping:
                self.log.error("another server has taken the database over: this one stops")
                self.lease_lost()


def _call(function: Callable[..., Any], *args: Any) -> Any:
    """Call it at once, as nothing runs beside a site's test."""
    return function(*args)
